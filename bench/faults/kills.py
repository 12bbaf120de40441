"""Processes killed (kill -9) at random moments: training jobs, the thesis' protocol, sweeps, and
the server of a study.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas
import torch

from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from bench.faults.traces import left_behind, orphans_of, temporary, until_writing
from bench.resume import EPOCHS, are_same, asked, networks_of, run_job, until
from bench.study import compared, prepared, study_spec, under_load
from bench.sweep_processes import DIGITS, kill_sweep
from bench.train import make_photographs
from core.base.settings import REPOSITORY
from core.disk.files import Files
from core.disk.frames import read_frame
from core.engine.engine import Engine
from core.jobs.jobs import Jobs
from core.sweeps.read import done, frame
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping

Line = dict[str, Any]  # as a command prints it
PHOTOGRAPHS = 120
# Many networks for one process; for two some that take longer than an orphan may live.
SWEEPS: tuple[dict[str, Any], ...] = (
    DIGITS | {"prunings": [{"sparsity": [round(0.1 * step, 1) for step in range(1, 8)]}]},
    DIGITS | {"prunings": [{"sparsity": [0.3, 0.5, 0.7]}], "images": 3000},
)
STARTER = """
import json, sys
from pathlib import Path
from core.jobs.jobs import Jobs
from core.training import retrain
print("ready", flush=True)
Jobs(Path(sys.argv[1])).start("retrain", json.loads(sys.argv[2]), "bench")
"""
PROTOCOL = """
import json, sys
import torch
from core.engine.engine import Engine
from core.protocols.lukkien.images import Study, evaluate
from core.protocols.lukkien.protocol import Plan, run
from core.protocols.lukkien.study import evaluation_data, write_tables
engine, plan = Engine("cpu", sys.argv[1]), Plan(weights="mnist-55000", seeds=(7, 8), levels=2)
for step in run(plan, engine.store.files, engine.gallery().part(torch.arange(0, 5000, 12))):
    print(json.dumps({"run": step.run, "found": step.found}), flush=True)
study = Study(plan, evaluation_data(plan.weights), images=50)
for step in evaluate(study, engine):
    print(json.dumps({"run": "evaluate", "networks": step.done}), flush=True)
write_tables(study, engine)
print(json.dumps({"run": "tables"}), flush=True)
"""
LONGEST_S = 20.0  # until something is written
ANSWERS, CLIENTS, KILLS = 300, 6, 2


@cache
def trained() -> tuple[Path, float, dict[str, Mapping[str, torch.Tensor]]]:
    """Return the folder of the photographs, and of an undisturbed job on them its seconds and its
    networks.
    """
    place = temporary()
    make_photographs(place / "photographs", PHOTOGRAPHS, 2)
    seconds = run_job(place, "whole", None)[0]
    return place, seconds, networks_of(place / "whole")


def job(number: int, folder: Path) -> Trial:
    """Kill a job, or in every third trial whoever starts it. Then resume it."""
    place, seconds, whole = trained()
    draw = random.Random(number)
    (folder / "photographs").symlink_to(place / "photographs")
    if number % 3 == 2:
        case = _without_starter(folder, draw.uniform(0, 1))
    else:
        moment = (draw.randrange(EPOCHS - 1), draw.uniform(0, seconds / EPOCHS))
        case = "killed at work" if run_job(folder, "run", moment)[1] else "ended before"
    faults = [*left_behind(folder)]
    if not are_same(whole, networks_of(folder / "run")):
        faults.append("other weights than undisturbed")
    return Trial(f"job: {case}", tuple(faults))


def _without_starter(folder: Path, after_s: float) -> str:
    """Kill the process that starts a job; the job goes on without it, or is started again."""
    arguments, jobs = asked(folder, "run"), Jobs(folder / "run")
    command = [sys.executable, "-c", STARTER, str(folder / "run"), json.dumps(arguments)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    process.kill()
    process.communicate()
    found = jobs.find("retrain", arguments)
    goes_on = found is not None and found.state == "running"
    until(jobs, jobs.start("retrain", arguments, "bench"), "")
    return "its starter was killed, and it went on" if goes_on else "its starter was killed before it began"


def _protocol(folder: Path, killed_after_s: float | None = None, writing: bool = False) -> list[Line]:
    """Run the thesis' protocol in small, and return what it said. writing: kill it in the middle of
    a file. Raises RuntimeError.
    """
    command = [sys.executable, "-c", PROTOCOL, str(folder)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=REPOSITORY, **pipes)
    try:
        said, errors = process.communicate(timeout=killed_after_s)
    except subprocess.TimeoutExpired:
        if writing:
            until_writing(folder, LONGEST_S)
        process.send_signal(signal.SIGKILL)
        said, errors = process.communicate()
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"it ended with {process.returncode}: {errors[-1000:]}")
    return [json.loads(each) for each in said.splitlines(keepends=True) if each.endswith("\n")]


@cache
def studied() -> tuple[float, dict[str, Any]]:
    """Return seconds and results of an undisturbed run."""
    place, began = temporary(), time.monotonic()
    _protocol(place)
    return time.monotonic() - began, results(place)


def results(folder: Path) -> dict[str, Any]:
    """Return every network, table and CSV file of a folder, by name."""
    files = Files(folder)
    found: dict[str, Any] = {key: files.load(key)[0] for key in files.keys("")}
    found |= {str(path.relative_to(folder)): read_frame(path)[0] for path in folder.rglob("*.parquet")}
    return found | {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("lukkien/**/*.csv")}


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of results that are not the same, bit by bit."""

    def same(first: Any, second: Any) -> bool:
        if isinstance(first, pandas.DataFrame):
            return first.equals(second)
        return first == second if isinstance(first, bytes) else are_same({"": first}, {"": second})

    shared = one.keys() & other.keys()
    return sorted(one.keys() ^ other.keys()) + sorted(name for name in shared if not same(one[name], other[name]))


def protocol(number: int, folder: Path) -> Trial:
    """Kill the thesis' protocol twice, in every second trial while it writes; then let it end."""
    seconds, whole = studied()
    draw, said = random.Random(number), list[Line]()
    for _ in range(2):
        said = _protocol(folder, draw.uniform(0.2, 1) * seconds, writing=number % 2 == 1)
    *before, _ = dict.fromkeys(line["run"] for line in said if "found" in line) or [""]
    lost = set(before) - {line["run"] for line in _protocol(folder) if line.get("found")}
    faults = [*left_behind(folder), *(f"{name} differs" for name in differing(whole, results(folder)))]
    faults += [f"{run} was done, and is trained again" for run in sorted(lost)]
    return Trial(f"protocol: killed after {said[-1]['run'] if said else 'nothing'}", tuple(faults))


@cache
def swept(which: int) -> tuple[Path, float, pandas.DataFrame]:
    """Return the file of a sweep, and of an undisturbed run the longest step and the table."""
    place = temporary()
    (place / "sweep.yaml").write_text(json.dumps(SWEEPS[which]))
    undisturbed = Sweep(Engine("cpu", place / "whole"), from_mapping(SWEEPS[which]))
    longest = max(step.seconds for step in undisturbed.run())
    return place / "sweep.yaml", longest, frame(undisturbed)


def sweep(number: int, folder: Path) -> Trial:
    """Kill a sweep, in every second trial one of two processes; then let another one end it."""
    file, longest, whole = swept(number % 2)
    draw, spec = random.Random(number), from_mapping(SWEEPS[number % 2])
    words = ("--processes", "2") if number % 2 else ()
    killed, said = kill_sweep(file, folder, draw.randrange(spec.networks - 2), draw.uniform(0, longest), *words)
    faults = [*orphans_of(folder)]
    again = Sweep(Engine("cpu", folder), spec)
    if (kept := done(again)) < len(set(said)):
        faults.append(f"{len(set(said))} networks were called done, {kept} are there")
    list(again.run())
    faults += left_behind(folder)
    if not frame(again).equals(whole):
        faults.append("another table than undisturbed")
    return Trial(f"sweep{' in 2 processes' * bool(words)}: {'killed' if killed else 'ended before'}", tuple(faults))


def study(number: int, folder: Path) -> Trial:
    """Kill the server of a study twice while people answer."""
    with prepared(Engine("cpu", folder), study_spec(ANSWERS)) as subject:
        load, _ = under_load(subject, ANSWERS, CLIENTS, KILLS, seed=number)
        found = compared(subject, load)
        faults = [f"{found[name]} answers {name}" for name in ("lost", "changed", "doubled") if found[name]]
        faults += left_behind(subject.home)
    return Trial("study: killed twice", tuple(faults), found | {"interrupted": load.repeated})


for name, n, summary, trial in (
    ("kill-job", 10, "Training jobs, and whoever starts them.", job),
    ("kill-protocol", 5, "The thesis' protocol, twice in each trial.", protocol),
    ("kill-sweep", 10, "Sweeps in one process and in two.", sweep),
    ("kill-study", 10, "The server of a study while people answer.", study),
):
    CAMPAIGNS.register(name, name.replace("-", "ed ").capitalize(), summary)(Campaign(n, trial))
