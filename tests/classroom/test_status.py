"""What a server tells its operator: whole, of processes that run, and nothing about people."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.checks import checked
from core.base.settings import REPOSITORY
from core.classroom import status
from core.classroom.status import Times, Writer, ended, running


@given(st.lists(st.floats(0, 1e6), min_size=2))
def test_times_are_the_percentiles_of_numpy(last_s: list[float]) -> None:
    found = Times.of(len(last_s), last_s)
    assert found.median_s == pytest.approx(median(last_s))
    assert found.p95_s == pytest.approx(np.percentile(last_s, 95))


def test_times_of_none_and_of_one() -> None:
    assert Times.of(0, ()) == Times(0, None, None)
    assert Times.of(1, (2.5,)) == Times(1, 2.5, 2.5)


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    monkeypatch.setattr(status, "EVERY_S", 3600)
    return Writer(tmp_path, 8501, lambda: {"pages": {"n": 3}})


def test_a_server_that_runs_is_found_until_it_is_closed(tmp_path: Path, writer: Writer) -> None:
    assert running(tmp_path) == []
    writer.write()
    (found,) = running(tmp_path)
    assert (found["port"], found["process"], found["pages"]) == (8501, os.getpid(), {"n": 3})
    writer.close()
    assert running(tmp_path) == []


def test_it_writes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "EVERY_S", 0.01)
    made, end = Writer(tmp_path, 1, dict), time.monotonic() + 20
    while not running(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.01)
    made.close()


KILLED = """
import sys, time
from pathlib import Path
from core.classroom.status import Writer
Writer(Path(sys.argv[1]), int(sys.argv[2]), lambda: {"pages": {"n": 3}}).write()
print("written", flush=True)
time.sleep(600)
"""


@contextmanager
def server(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A process that has written its status."""
    command = [sys.executable, "-c", KILLED, str(folder), str(port)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_server_is_seen_and_the_next_one_removes_what_it_left(tmp_path: Path, writer: Writer) -> None:
    writer.write()
    with server(tmp_path, 8600) as other:
        assert [facts["port"] for facts in running(tmp_path)] == [8501, 8600]
        assert ended(tmp_path) == []
        other.kill()
        other.wait()
        assert [facts["port"] for facts in running(tmp_path)] == [8501]
        assert [(facts["port"], facts["process"]) for facts in ended(tmp_path)] == [(8600, other.pid)]
    next_one = Writer(tmp_path, 8700, dict)
    assert ended(tmp_path) == []
    assert [facts["port"] for facts in running(tmp_path)] == [8501]
    next_one.close()


def test_the_process_of_another_program_with_the_same_number_is_no_server(tmp_path: Path) -> None:
    """The number of a killed process is given to others."""
    with server(tmp_path, 8600) as other:
        other.kill()
        other.wait()
    path = tmp_path / "classroom" / "status-8600.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(checked(facts | {"process": os.getpid(), "written": time.time()})))
    assert running(tmp_path) == []
    assert len(ended(tmp_path)) == 1


def test_who_looks_at_the_moment_of_the_start_hides_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "EVERY_S", 3600)
    lock = tmp_path / "classroom" / "status-8501.lock"
    lock.parent.mkdir()
    with lock.open("wb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        made = Writer(tmp_path, 8501, dict)
    made.write()
    assert [facts["port"] for facts in running(tmp_path)] == [8501]
    made.close()
    assert list(lock.parent.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 1}', '{"port": 1, "check": "0"}'])
def test_a_damaged_file_is_no_server(tmp_path: Path, writer: Writer, text: str) -> None:
    writer.write()
    writer.path.write_text(text)
    assert running(tmp_path) == []


def test_a_folder_that_cannot_be_written_costs_the_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "EVERY_S", 3600)
    made = Writer(Path("/dev/null/cache"), 1, dict)
    made.write()
    made.close()
