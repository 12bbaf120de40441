"""The thesis' protocol: its counts, what a killed run loses, what is found again.

On 200 real digits, so that it is quick.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from core.base.errors import BadSpec
from core.base.settings import REPOSITORY
from core.data.datasets import LabelledImages
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.engine.engine import Engine
from core.protocols.lukkien.protocol import LEVEL, PRETRAIN, WEIGHTS_LEFT, Plan, Progress, line, run

PLAN = Plan(weights="mnist-55000", seeds=(333, 334), levels=2)
SCRIPT = """
import sys
from pathlib import Path
import torch
from core.data.datasets import digits
from core.protocols.lukkien.protocol import Plan, run
from core.disk.files import Files
data = digits(Path(sys.argv[1])).part(torch.arange(0, 5000, 25))
for progress in run(Plan(weights="mnist-55000", seeds=(333, 334), levels=2), Files(Path(sys.argv[1])), data):
    print(progress.run, progress.epoch, flush=True)
"""


@pytest.fixture(scope="module")
def few(engine: Engine) -> LabelledImages:
    return engine.gallery().part(torch.arange(0, 5000, 25))


@pytest.fixture(scope="module")
def finished(few: LabelledImages, tmp_path_factory: pytest.TempPathFactory) -> Files:
    files = Files(tmp_path_factory.mktemp("finished"))
    list(run(PLAN, files, few))
    return files


def keys(plan: Plan) -> list[str]:
    return [plan.variant(seed, level).key for seed in plan.seeds for level in range(plan.levels + 1)]


def test_published_numbers_of_the_recipe() -> None:
    assert PRETRAIN.epoch_rates == (0.01,) * 8 + (0.001,) * 2
    assert LEVEL.epoch_rates == (0.01,) * 5 + (0.001,) * 3 + (0.0001,) * 2
    assert (PRETRAIN.momentum, PRETRAIN.weight_decay, PRETRAIN.batch_size, PRETRAIN.noise) == (0.9, 1e-4, 128, 0.2)


def test_every_level_is_stored_with_the_right_counts(finished: Files) -> None:
    for seed in PLAN.seeds:
        for level in range(3):
            tensors, facts = finished.load(PLAN.variant(seed, level).key)
            weights, mask = unpack_sparse(tensors)
            assert sum(int(kept.sum()) for kept in mask.values()) == WEIGHTS_LEFT[level] == facts["weights_left"]
            assert all(bool((weights[name][~kept] == 0).all()) for name, kept in mask.items())


def test_masks_of_the_levels_nest(finished: Files) -> None:
    masks = [unpack_sparse(finished.load(PLAN.variant(333, level).key)[0])[1] for level in range(3)]
    for looser, tighter in pairwise(masks):
        assert all(bool((looser[name] | ~tighter[name]).all()) for name in looser)


def test_a_finished_run_is_found_and_not_trained_again(finished: Files, few: LabelledImages) -> None:
    steps = list(run(PLAN, finished, few))
    assert [step.run for step in steps] == ["pretrain", "level-00", "level-01", "level-02"]
    assert all(step.found for step in steps)
    assert steps[-1].runs_done == steps[-1].runs == 4


def test_more_levels_go_on_from_the_stored_ones(finished: Files, few: LabelledImages, tmp_path: Path) -> None:
    copied = Files(tmp_path)
    list(run(Plan(weights="mnist-55000", seeds=(333, 334), levels=0), copied, few))
    later = [step for step in run(PLAN, copied, few) if not step.found]
    assert {step.run for step in later} == {"level-01", "level-02"}
    assert_same(copied, finished)


@pytest.mark.long
@pytest.mark.parametrize("stop_at", ["pretrain 4", "level-01 7"])
def test_a_killed_run_resumes_and_ends_with_the_same_networks(finished: Files, tmp_path: Path, stop_at: str) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for said in process.stdout:
        if said.strip() == stop_at:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL
    resumed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    runs = ["pretrain", "level-00", "level-01", "level-02"]
    said_runs = [said.split()[0] for said in resumed.splitlines()]
    for earlier in runs[: runs.index(stop_at.split()[0])]:
        assert said_runs.count(earlier) == 1  # found, not trained again
    assert_same(Files(tmp_path), finished)


def assert_same(files: Files, finished: Files) -> None:
    for key in keys(PLAN):
        mine, theirs = files.load(key)[0], finished.load(key)[0]
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine), key


@pytest.mark.parametrize("wrong", [{"seeds": ()}, {"seeds": (1, 1)}, {"levels": 26}, {"levels": -1}])
def test_impossible_plans_are_refused(wrong: dict) -> None:
    with pytest.raises(BadSpec):
        Plan(**wrong)


def test_progress_in_words() -> None:
    done = Progress(run="level-07", runs_done=9, runs=27, epoch=10, epochs=10, losses=(0.1, 0.2), seconds=3.21)
    assert line(done) == "level-07: epoch 10 of 10, loss 0.1000 0.2000, 3.2 s (9 of 27 runs done)"


@pytest.mark.long
def test_two_runs_writing_the_same_folder_leave_valid_networks(tmp_path: Path, finished: Files) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    both = []
    for _ in range(2):
        both.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(0.2)
    assert [process.wait() for process in both] == [0, 0]
    assert_same(Files(tmp_path), finished)
