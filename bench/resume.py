"""Bench of resuming: jobs that are killed at random moments and resumed, compared with an
undisturbed one.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bench.measure import BENCHES, line
from bench.train import make_photographs
from core.base.errors import SparsightError
from core.disk.files import Files
from core.engine.engine import Engine
from core.jobs.jobs import Job, Jobs
from core.specs import PruningSpec, RetrainSpec, TrainSpec
from core.training import retrain  # noqa: F401 - registers the kinds of jobs
from core.training.series import key_of

RECIPE = TrainSpec(rates=((0.01, 4),), batch_size=16, noise=0.0, augment=("horizontal-flip", "rotation-10"))
SPEC = RetrainSpec(
    name="bench",
    model="squeezenet1_1@made",
    pruning=PruningSpec.one_shot(0.0, "layer"),
    targets=(0.0, 0.5, 0.75),
    first=RECIPE,
    each=RECIPE,
    start="random",
)
EPOCHS = len(SPEC.targets) * len(RECIPE.epoch_rates)
PHOTOGRAPHS, SIDE_PX, LONGEST_S = 120, 48, 300.0


@BENCHES.register(
    "resume",
    "Resuming",
    "Jobs of retraining killed (kill -9) at random moments: how many end with the undisturbed weights.",
)
def resume(engine: Engine, n: int | None) -> dict[str, Any]:
    """n runs (default 20) of a small series in a process of its own, each killed once at a random
    moment of its training and resumed.

    `identical`: runs whose every weight and mask of every level equals the undisturbed run's, bit
    by bit; `killed`: runs that were at work at that moment; `moments`: epochs that were done, and
    the seconds after them. `ours_s`: from the resumption to the end; `undisturbed_s`: the whole run
    without a kill.
    """
    draw, rows = random.Random(0), []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_photographs(place / "photographs", PHOTOGRAPHS, 2)
        began = time.monotonic()
        training_s = run_job(place, "whole", None)[0]
        whole, undisturbed_s = networks_of(place / "whole"), time.monotonic() - began
        for run in range(n or 20):
            moment = (draw.randrange(EPOCHS - 1), draw.uniform(0, training_s / EPOCHS))
            taken, killed = run_job(place, f"run-{run}", moment)
            rows.append((are_same(whole, networks_of(place / f"run-{run}")), killed, moment, taken))
            shutil.rmtree(place / f"run-{run}")
    row = line("resume", torch.device("cpu"), [row[-1] for row in rows])
    moments = [[epochs, round(after_s, 3)] for _, _, (epochs, after_s), _ in rows]
    return row | {
        "identical": sum(row[0] for row in rows),
        "killed": sum(row[1] for row in rows),
        "moments": moments,
        "training_s": round(training_s, 3),
        "undisturbed_s": round(undisturbed_s, 3),
    }


def asked(place: Path, name: str) -> dict[str, Any]:
    """Arguments of the job that trains on place/photographs into place/NAME."""
    photographs, folder = str(place / "photographs"), str(place / name)
    return {"spec": asdict(SPEC), "photographs": photographs, "folder": folder, "device": "cpu", "size_px": SIDE_PX}


def run_job(place: Path, name: str, moment: tuple[int, float] | None) -> tuple[float, bool]:
    """One job to its end, killed so many seconds after so many epochs.

    Returns seconds from there (or from the resumption) to the end, and whether it was at work when
    it was killed.
    """
    jobs = Jobs(place / name)
    job = jobs.start("retrain", asked(place, name), "bench")
    until(jobs, job, "training")
    began, killed = time.monotonic(), False
    if moment is not None:
        until(jobs, job, "epoch", moment[0])
        time.sleep(moment[1])
        killed = _kill(place / name, job)
        began = time.monotonic()
        jobs.resume(job.id)
    ended = until(jobs, job, "")
    if ended.state != "done":
        raise SparsightError(f"The job ended as {ended.state}: {ended.error}", jobs.log(job.id))
    return time.monotonic() - began, killed


def until(jobs: Jobs, job: Job, stage: str, times: int = 1) -> Job:
    """Until the job has told of a stage so many times, or has ended ("": until it has ended).

    Raises SparsightError where it takes too long.
    """
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        found = jobs.get(job.id)
        if found.state != "running" or (
            stage and sum(line.get("stage") == stage for line in jobs.progress(job.id)) >= times
        ):
            return found
        time.sleep(0.02)
    raise SparsightError(f"The job {job.id} takes more than {LONGEST_S:g} seconds.", jobs.log(job.id))


def _kill(folder: Path, job: Job) -> bool:
    """kill -9; waits until the process is gone. False where it had ended by itself."""
    command = ["pgrep", "-f", f"core.jobs.process {folder} {job.id}"]
    found = [
        int(process) for process in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    ]
    for process in found:
        os.kill(process, signal.SIGKILL)
    while Jobs(folder).get(job.id).state == "running":
        time.sleep(0.01)
    return Jobs(folder).get(job.id).state == "died"


def networks_of(folder: Path) -> dict[str, Mapping[str, torch.Tensor]]:
    files = Files(folder)
    return {key_of(SPEC, level): files.load(key_of(SPEC, level))[0] for level in range(len(SPEC.targets))}


def are_same(one: dict[str, Mapping[str, torch.Tensor]], other: dict[str, Mapping[str, torch.Tensor]]) -> bool:
    """Bit by bit, names included."""
    return all(
        set(one[key]) == set(other[key])
        and all(torch.equal(values, other[key][name]) for name, values in one[key].items())
        for key in one
    )
