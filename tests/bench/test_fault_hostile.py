"""The campaign of hostile inputs: those of every kind are no fault, a broken product is one."""

from __future__ import annotations

import pickle
import time
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.faults import hostile, hostile_files, hostile_pictures
from bench.faults.hostile_words import hostile_command
from bench.faults.place import Place
from core.base.errors import BadSpec
from core.data.uploads import keep_zip

IMAGE, ARCHIVE, CHECKPOINT, TABLE = 0, 4, 7, 10  # numbers whose turn it is


def of_kind(first: int, count: int = 40) -> list[int]:
    return [first + len(hostile.TURNS) * turn for turn in range(count)]


def faults_of(numbers: list[int], folder: Path) -> list[str]:
    return [fault for number in numbers for fault in hostile.trial(number, folder / str(number)).faults]


@pytest.mark.parametrize("number", [0, 5, 8, 11, 14, 19])
def test_an_input_of_each_kind_is_no_fault(number: int, tmp_path: Path) -> None:
    found = hostile.trial(number, tmp_path)
    assert found.case == hostile.TURNS[number][0]
    assert found.faults == ()
    assert found.facts["processor, s"] >= 0


@pytest.mark.long
def test_a_page_is_no_fault(tmp_path: Path) -> None:
    assert faults_of([17, 37], tmp_path) == []


def test_an_error_that_is_not_explained_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read_counts", "read_frame", "read_classes", "read_mapping"):
        monkeypatch.setattr(hostile_files, name, lambda *_: [][0])
    assert "IndexError: list index out of range" in faults_of([TABLE], tmp_path)[0]


def test_code_that_was_run_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpickled(engine: Any, source: Path | bytes, about: Any) -> None:
        content = source if isinstance(source, bytes) else source.read_bytes()
        try:
            pickle.loads(content)
        except Exception as error:
            raise BadSpec("It cannot be read.", "It is a pickle.", "") from error

    monkeypatch.setattr(hostile_files, "_added", unpickled)
    assert "code of the input was run" in faults_of(of_kind(CHECKPOINT), tmp_path)


@pytest.mark.long
def test_a_file_that_is_written_elsewhere_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpacked(content: bytes, name: str, folder: Path) -> Path:
        place = keep_zip(content, name, folder)
        with zipfile.ZipFile(place) as archive:
            for entry in archive.namelist():
                if (folder / entry).resolve().is_relative_to(tmp_path):
                    (folder / entry).parent.mkdir(parents=True, exist_ok=True)
                    (folder / entry).write_bytes(b"")
        return place

    monkeypatch.setattr(hostile_pictures, "keep_zip", unpacked)
    assert any("outside of the cache folder" in fault for fault in faults_of(of_kind(ARCHIVE, 120), tmp_path))


def test_an_input_that_takes_too_long_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "LAST_S", 0.05)
    monkeypatch.setattr(hostile_pictures, "_shown", lambda *_: time.sleep(5))
    assert faults_of([IMAGE], tmp_path) == ["it does not end within 0 s"]


def test_a_message_without_advice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise BadSpec("No.")

    monkeypatch.setattr(hostile_pictures, "_shown", refused)
    assert "does not help" in faults_of([IMAGE], tmp_path)[0]


def test_the_number_decides_everything(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        place = Place(tmp_path / name)
        place.prepare()
        for make in (hostile_files.hostile_yaml, hostile_pictures.hostile_archive, hostile_command):
            for number in range(10):
                make(Random(number), place)
        files = sorted(path for path in place.inputs.rglob("*") if path.is_file() and not path.is_symlink())
        made.append([(path.name, path.read_bytes().replace(str(place.home).encode(), b"")) for path in files])
    assert made[0] == made[1]
