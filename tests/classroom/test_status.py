"""What a server tells its operator: whole, of processes that run, and nothing about people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.checks import checked
from core.classroom import status
from core.classroom.status import Times, Writer, running


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


def test_a_process_that_is_gone_is_no_server(tmp_path: Path, writer: Writer) -> None:
    writer.write()
    facts = json.loads(writer.path.read_text())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for changed in ({"process": ended.pid}, {"written": time.time() - 2 * status.STALE_S}):
        writer.path.write_text(json.dumps(checked(facts | changed)))
        assert running(tmp_path) == []


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
