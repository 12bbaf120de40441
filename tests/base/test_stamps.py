"""Stamps tell a file from any other that has its name, whatever is kept of size and times."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from core.base.errors import BadFile
from core.base.stamps import ABSENT, Stamp, settled, stamp_of


def test_a_file_exchanged_with_its_size_and_time_kept_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "level"
    assert stamp_of(path) == ABSENT
    path.write_bytes(b"old")
    stamps, times = {stamp_of(path)}, (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(b"new")  # the same inode
    os.utime(path, ns=times)
    stamps.add(stamp_of(path))
    (tmp_path / "other").write_bytes(b"one")
    os.utime(tmp_path / "other", ns=times)
    shutil.move(tmp_path / "other", path)
    stamps.add(stamp_of(path))
    assert len(stamps) == 3
    assert stamp_of(path) in stamps  # nothing has happened since
    assert stamp_of(path, tmp_path / "none") == f"{stamp_of(path)} {ABSENT}"


def test_a_folder_whose_names_change_has_another_stamp(tmp_path: Path) -> None:
    stamps = [stamp_of(tmp_path)]
    for change in (
        lambda: (tmp_path / "a").touch(),
        lambda: (tmp_path / "a").rename(tmp_path / "b"),
        lambda: (tmp_path / "b").unlink(),
    ):
        change()  # the next change may follow at once: a stamp is taken only when later changes would show
        stamps.append(stamp_of(tmp_path))
    assert len(set(stamps)) == 4


def test_an_answer_is_asked_again_while_files_change(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    answers = iter("abc")

    def ask(stamp: Stamp) -> str:
        answer = next(answers)
        if answer != "c":
            path.write_text(answer)
        return answer

    assert settled(ask, lambda: stamp_of(path)) == "c"
    with pytest.raises(BadFile, match="keep changing"):
        settled(lambda stamp: path.write_text(path.read_text() + "d"), lambda: stamp_of(path))
