"""Files that are replaced as a whole, and what killed writers leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.base import atomic
from core.base.atomic import STALE_S, remove_abandoned, replacing
from core.base.settings import REPOSITORY

WRITER = """
import sys, time
from pathlib import Path
from core.base.atomic import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A process in the middle of writing tmp_path/folder/file."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "folder" / "file")]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def parts(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


def test_the_next_writer_removes_what_a_killed_one_left(writer: subprocess.Popen, tmp_path: Path) -> None:
    assert len(parts(tmp_path)) == 1
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(parts(tmp_path)) == 1
    with replacing(tmp_path / "folder" / "another") as part:
        part.write_text("whole")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["another"]


def test_the_file_of_a_living_writer_stays(writer: subprocess.Popen, tmp_path: Path) -> None:
    remove_abandoned(tmp_path, deep=True)
    assert len(parts(tmp_path)) == 1
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    remove_abandoned(tmp_path)  # it lies one folder deeper
    assert len(parts(tmp_path)) == 1
    remove_abandoned(tmp_path, deep=True)
    assert parts(tmp_path) == []


def test_a_process_of_another_machine_may_live(
    writer: subprocess.Popen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    monkeypatch.setattr(atomic, "_machine", lambda: "0" * 8)
    remove_abandoned(tmp_path, deep=True)
    (left,) = parts(tmp_path)
    os.utime(left, (time.time() - 2 * STALE_S,) * 2)
    remove_abandoned(tmp_path, deep=True)
    assert parts(tmp_path) == []


def test_foreign_names_stay_for_a_day(tmp_path: Path) -> None:
    for name, age_s in ((".old.part", 2 * STALE_S), (".new.part", 0.0), ("download.part", 2 * STALE_S)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    remove_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.part", "download.part"]
    remove_abandoned(tmp_path / "nowhere", deep=True)


@pytest.mark.parametrize("process", ["ffffffff", "00000000", "no-digit"])
def test_numbers_of_no_process_are_left(tmp_path: Path, process: str) -> None:
    (tmp_path / f".x.{atomic._machine()}{process}{'0' * 16}.part").touch()
    remove_abandoned(tmp_path)
    assert len(parts(tmp_path)) == 1


def test_a_long_name_is_still_a_name(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 212)  # the longest key and its suffix
    with replacing(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"
