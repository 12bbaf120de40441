"""The campaign of harmed cache folders: answers are right or explained, and others are seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.faults import cached, disk, whole
from core.disk import frames
from core.engine.engine import Engine

pytestmark = pytest.mark.long


@pytest.mark.parametrize("harm", [disk.damaged, disk.deleted, disk.of_another_time], ids=lambda harm: harm.__name__)
def test_a_harmed_folder_is_no_fault(harm: object, tmp_path: Path) -> None:
    found = disk.trial(disk.TURNS.index(harm), tmp_path)  # type: ignore[arg-type]
    assert found.faults == ()
    assert found.facts["answers"] == len(cached.QUESTIONS)


def test_there_is_a_file_of_every_kind(tmp_path: Path) -> None:
    whole.made(tmp_path)
    cached.asked(tmp_path)
    kinds = {disk.kind_of(path.relative_to(tmp_path)) for path in disk.files_of(tmp_path)}
    wanted = "digits .npz|variants .safetensors|data .zip|noise-floor .csv|sweeps .parquet|sweeps .yaml|units .parquet"
    assert set(wanted.split("|")) <= kinds
    assert {f"{cached.RETRAINED.name} {suffix}" for suffix in (".json", ".safetensors")} <= kinds
    assert {f"{cached.DIGITS.name} {suffix}" for suffix in (".csv", ".safetensors")} <= kinds


def test_a_number_of_a_damaged_table_would_be_seen(tmp_path: Path) -> None:
    whole.made(tmp_path)
    right = cached.asked(tmp_path)
    tables = (path for path in disk.files_of(tmp_path) if path.name == "answers.parquet")
    path = next(path for path in tables if "one-shot" in path.parts)  # of the sweep that is asked
    frame, facts = frames.read_frame(path)
    frame["right"] = 0
    frames.write_frame(path, frame, facts)
    assert list(disk.faults_of(cached.asked(tmp_path), right, "after")) == ["after: sweep: another answer"]


def test_an_error_that_is_not_explained_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "gallery", lambda self: [][0])
    monkeypatch.setattr(cached, "QUESTIONS", {"digits": cached.digits})
    found = cached.asked(tmp_path)
    assert list(disk.faults_of(found, {"digits": "right"}, "while")) == [
        "while: digits: FAULT IndexError: list index out of range"
    ]
