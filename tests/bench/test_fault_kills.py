"""Campaigns of kills, downloads and little memory find nothing here, and would tell a fault."""

from __future__ import annotations

import fcntl
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from bench.faults import CAMPAIGNS, download, kills, memory, traces
from bench.faults.traces import left_behind, until_writing, working_on
from core.base.errors import SparsightError
from core.models.fetch import Remote


def number_of(harm: str) -> int:
    """The first trial that does this harm."""
    return list(download.HARMS).index(harm)


def test_they_are_registered_with_what_is_worth_a_statement() -> None:
    names = ("kill-job", "kill-protocol", "kill-sweep", "kill-study", "kill-server", "download", "budgets", "capped")
    assert all(CAMPAIGNS[name].value.n >= 5 for name in names)


@pytest.mark.parametrize("harm", ["cuts a chunk", "announces nonsense", "redirects to nonsense", "fails"])
def test_a_download_gets_through_or_is_explained(harm: str, tmp_path: Path) -> None:
    found = download.trial(number_of(harm), tmp_path)
    assert found.case.startswith(harm)
    assert found.faults == ()


def test_a_wrong_file_that_is_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(remote: Remote, folder: Path, progress: object) -> None:
        (folder / remote.file).write_bytes(b"anything")

    monkeypatch.setattr(download, "fetch", careless)
    assert "it kept weights-" in download.trial(number_of("fails"), tmp_path).faults[0]


def test_an_error_that_does_not_say_what_to_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def curt(remote: Remote, folder: Path, progress: object) -> None:
        raise SparsightError("No.")

    monkeypatch.setattr(download, "fetch", curt)
    assert "does not say what to do" in download.trial(number_of("fails"), tmp_path).faults[0]


def test_what_a_kill_leaves_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "ORPHANS_S", 0.1)
    assert list(left_behind(tmp_path)) == []
    assert not until_writing(tmp_path, 0.05)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".x.part").touch()
    assert until_writing(tmp_path, 0.05)
    words = [sys.executable, "-c", "print(flush=True); input()", str(tmp_path)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()  # its command line is there once it runs
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        part, held, left = left_behind(tmp_path)
    process.communicate(b"\n")
    assert part == "deep/.x.part stays"
    assert held == "lock is held"
    assert left.startswith("an orphan works on: ")
    assert str(tmp_path) in left
    assert working_on(tmp_path) == {}


def test_results_that_differ_are_named() -> None:
    frame = pandas.DataFrame({"a": [1.0, np.nan]})
    one = {"network": {"w": torch.zeros(3)}, "t.parquet": frame, "t.csv": b"1", "only": b""}
    assert kills.differing(one, dict(one)) == []
    other = {"network": {"w": torch.ones(3)}, "t.parquet": frame + 1, "t.csv": b"2"}
    assert kills.differing(one, other) == ["only", "network", "t.csv", "t.parquet"]


@pytest.mark.long
def test_a_killed_sweep_loses_nothing(tmp_path: Path) -> None:
    found = kills.sweep(0, tmp_path)
    assert (found.case, found.faults) == ("sweep: killed", ())


@pytest.mark.long
def test_budgets_change_no_answer_and_would_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = memory.TASKS.index(memory.evaluated)
    assert memory.budgets(evaluated, tmp_path).faults == ()
    count = itertools.count()
    monkeypatch.setattr(memory, "TASKS", (lambda subject: (memory.evaluated(subject), next(count)),))
    (fault,) = memory.budgets(0, tmp_path).faults
    assert "other values at /1" in fault


@pytest.mark.long
def test_a_command_that_fails_without_words_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "COMMANDS", {"nothing": ["no-such-command"]})
    assert "nothing ended with 2" in memory.capped(0, tmp_path).faults[0]
