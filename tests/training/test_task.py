"""What a run of retraining is asked as: written to JSON and read back, and told from what is no
task.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile
from core.data.folders import read_folder
from core.training.retrain import read_series
from core.training.task import RetrainTask, spec_of
from tests.protocols.small_series import photographs

NAMES = st.text(max_size=12)
TASKS = st.builds(
    RetrainTask,
    data=NAMES,
    held_out=NAMES,
    size=st.integers(1, 4096),
    normalise=st.booleans(),
    name=st.none() | NAMES,
    exclude=st.none() | st.lists(NAMES, max_size=3).map(tuple),
    sparsities=st.lists(st.floats(0, 1), max_size=3).map(tuple),
    dense_epochs=st.none() | st.integers(1, 9),
    learning_rate=st.floats(1e-6, 1),
)


@given(TASKS)
def test_a_task_comes_back_from_json(task: RetrainTask) -> None:
    assert RetrainTask.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_defaults_are_left_out() -> None:
    assert RetrainTask(data="x", epochs=5).to_json() == {"data": "x", "epochs": 5}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data": 3},
        {"data": "x", "colour": "red"},
        {"data": "x", "size": "64"},
        {"data": "x", "normalise": 1},
        {"data": "x", "sparsities": 0.5},
        {"data": "x", "learning_rate": True},
        {"data": "x", "exclude": {"a": 1}},
    ],
)
def test_what_is_no_task_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BadFile):
        RetrainTask.from_json(options)


def test_a_job_trains_the_series_that_was_asked_for(tmp_path: Path) -> None:
    data = photographs(tmp_path / "data", 2)
    task = RetrainTask(data=str(data), size=64, pruning="filter-global-l2", sparsities=(0.25, 0.5), seed=3)
    arguments = json.loads(json.dumps(task.job_arguments(tmp_path / "cache")))
    series = read_series(arguments, read_folder(data))
    assert series.spec == spec_of(task)
    assert series.description.size_px == 64
    assert task.title == f"{series.spec.model}, {series.spec.name}, seed 3"
