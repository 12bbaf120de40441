"""Benches of sweeps do the same work on both sides, and would tell a difference; tried on a few
images. Nothing here asserts a time.
"""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from bench import sweep_processes
from bench.breaks import breaks
from bench.faithfulness import faithfulness
from bench.memory import peak_bytes
from bench.sweep_processes import DIGITS, growth, scaling, sweep_resume
from bench.sweeps import differences, photographs, sweep, sweep_overhead
from core.base.errors import MissingData
from core.data.folders import read_folder
from core.engine.engine import Engine

pytestmark = pytest.mark.long

FEW: dict[str, Any] = DIGITS | {"images": 20, "prunings": [{"sparsity": [0.1, 0.2, 0.3, 0.4]}]}


@pytest.fixture(autouse=True)
def only_what_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_DATA", raising=False)


def check(row: dict[str, Any], name: str, n: int) -> None:
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["bench"], row["n"]) == (name, n)
    assert 0 < row["ours_s"] <= row["ours_p95_s"] < math.inf


def test_a_script_gives_the_numbers_of_a_sweep(engine: Engine) -> None:
    row = sweep(engine, 1, images=5, sparsities=(0.1, 0.3))
    check(row, "sweep", 1)
    assert (row["images"], row["networks"], row["rows"]) == (5, 3, 15)
    assert row["source"] == "gallery, repeated"
    assert row["largest_difference"] < 1e-5
    assert row["differing"] == row["undefined"] == row["undefined_differing"] == 0
    assert "pytorch-grad-cam" in row["peer"]


def test_a_difference_would_be_counted() -> None:
    names = ("right", "agrees", "pearson", "spearman", "ssim")
    ours = pandas.DataFrame([(True, True, 0.5, 0.5, np.nan), (False, True, 0.5, 0.5, 0.5)], columns=names)
    peer = pandas.DataFrame([(True, False, 0.5, 0.75, 0.1), (False, True, np.nan, 0.5, 0.5)], columns=names)
    found = differences(ours, peer)
    assert (found["largest_difference"], found["differing"]) == (0.25, 1)
    assert (found["undefined"], found["undefined_differing"]) == (1, 1)


def test_overhead_is_against_the_passes_that_it_needs(engine: Engine) -> None:
    row = sweep_overhead(engine, 1, images=4, sparsities=(0.2,))
    check(row, "sweep-overhead", 1)
    assert row["networks"] == 2
    assert row["over_forward"] == pytest.approx(row["ours_s"] / row["peer_s"], rel=0.01)


def test_what_breaks_first_is_against_the_passes_that_it_needs(engine: Engine) -> None:
    row = breaks(engine, 1, images=4, sparsities=(0.2, 0.6))
    check(row, "breaks", 1)
    assert (row["networks"], row["thresholds"], row["images"]) == (3, 18, 4)
    assert row["over_forward"] == pytest.approx(row["ours_s"] / row["peer_s"], rel=0.01)
    assert row["explanation_first"] + row["answer_first"] <= 4


def test_a_loop_gives_the_same_faithfulness(engine: Engine) -> None:
    row = faithfulness(engine, 1, images=2)
    check(row, "faithfulness", 1)
    assert (row["images"], row["steps"]) == (2, 20)
    assert row["largest_difference"] < 1e-4
    assert 0 < row["deletion"] < row["insertion"] < 1


def test_photographs_are_as_many_as_wanted(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with photographs(25) as (name, place):
        assert name == "gallery, repeated"
        assert len(read_folder(place)) == 25
    monkeypatch.setenv("SPARSIGHT_DATA", str(real_data))
    with photographs(25) as (name, place):
        assert name == "imagenette-224-unseen"
        assert len(read_folder(place)) == 500


def test_every_way_to_share_a_sweep_is_timed(engine: Engine) -> None:
    row = scaling(engine, 1, images=2, networks=2)
    check(row, "scaling", 1)
    ways = ["1 process", "2 processes", "2 independent processes"]
    if importlib.util.find_spec("ray") is None:
        assert "Ray is not installed" in row["skipped"]
    else:
        ways += ["Ray, 1 worker", "Ray, 2 workers"]
    assert list(row["seconds"]) == ways
    assert row["share"]["2 processes"] == pytest.approx(row["ratio"], rel=0.01)


def test_growth_counts_passes_and_memory(engine: Engine) -> None:
    row = growth(engine, 1, sizes=((2, 1), (4, 1)))
    check(row, "growth", 2)
    assert [found["passes"] for found in row["rows"]] == [6, 12]
    assert all(found["peak_mb"] > 100 for found in row["rows"])  # torch alone is larger
    assert row["peak_growth"] >= 1
    assert len(row["seconds_a_pass"]) == 1


def test_memory_of_a_process_that_has_ended_is_not_known() -> None:
    with pytest.raises(MissingData):
        peak_bytes(2**22 + 1)  # larger than any process


def test_a_sweep_that_is_killed_ends_with_the_same_tables(engine: Engine) -> None:
    row = sweep_resume(engine, 2, asked=FEW)
    check(row, "sweep-resume", 2)
    assert row["equal"] == 2
    assert row["killed"] >= 1
    assert all(0 <= done <= 4 for done in row["moments"])


def test_other_tables_would_be_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, real = iter(range(10)), sweep_processes.frame
    monkeypatch.setattr(sweep_processes, "frame", lambda sweep: real(sweep).assign(confidence=next(calls)))
    assert sweep_resume(engine, 1, asked=FEW)["equal"] == 0
