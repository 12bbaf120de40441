"""Benches of sweeps in processes of their own: several at once, growing ones, and killed ones."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from bench.measure import BENCHES, line
from bench.memory import peak_bytes, rss_bytes
from bench.sweeps import MODEL, asked, photographs
from core.base.errors import MissingData, SparsightError
from core.base.numbers import MEGABYTE
from core.base.settings import REPOSITORY
from core.engine.engine import Engine
from core.sweeps.processes import THREADS
from core.sweeps.read import done, frame
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping

Sizes = tuple[int, int]  # images, pruned networks
GROWTH: tuple[Sizes, ...] = ((100, 4), (200, 4), (400, 4), (100, 8), (100, 16))
NO_RAY = "Ray is not installed: pip install -r requirements-ray.txt"
DIGITS = {
    "models": ["thesis-cnn"],
    "prunings": [{"sparsity": [round(0.02 * step, 2) for step in range(1, 31)]}],
    "data": {"name": "digits", "noise": 0.2},
    "images": 200,
    "heatmaps": ["grad-cam", {"method": "grad-cam++", "layer": "conv2"}],
    "measures": ["right", "agrees", "confidence", "pearson", "ssim", "soft-iou"],
}


@BENCHES.register(
    "scaling",
    "Sweep in processes",
    "A sweep by one and two processes, and by Ray with one and two workers, against two independent processes.",
)
def scaling(engine: Engine, n: int | None, images: int = 60, networks: int = 8, model: str = MODEL) -> dict[str, Any]:
    """Each computes in one thread and starts with an empty folder; its start counts. n times
    (default 1) in turn. The independent ones have half of the networks each, and no folder in
    common. `share`: the speed of two, in shares of the independent ones'.
    """
    ways = ["1 process", "2 processes", "2 independent processes"]
    no_ray = importlib.util.find_spec("ray") is None
    ways += [] if no_ray else ["Ray, 1 worker", "Ray, 2 workers"]
    times: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as home, photographs(images) as (source, place):
        file = Path(home) / "sweep.yaml"
        file.write_text(json.dumps(asked(place, images, _sparsities(networks - 1), model)))
        for run in range(n or 1):
            for way in ways:
                times[way].append(_one_way(way, file, Path(home) / f"{way}-{run}"))
    best = {way: min(took) for way, took in times.items()}
    independent = best["2 independent processes"]
    row = line("scaling", torch.device("cpu"), times["2 processes"], (ways[2], times[ways[2]]))
    row |= {"threads": 1, "model": model, "source": source, "images": images, "networks": networks}
    row |= {"seconds": {way: round(took, 3) for way, took in best.items()}}
    row |= {"share": {way: round(independent / best[way], 3) for way in ways if "2" in way and way != ways[2]}}
    return row | ({"skipped": NO_RAY} if no_ray else {})


def _one_way(way: str, file: Path, home: Path) -> float:
    """Return the seconds of a sweep; a cluster is there before."""
    workers = int("".join(filter(str.isdigit, way)))
    if way.startswith("Ray"):
        with _cluster(workers) as address:
            return _seconds([start(file, home, "--runner", "ray", "--address", address)])
    if "independent" in way:
        began = time.perf_counter()
        parts = [start(file, home / str(k), "--part", f"{k}/{workers}") for k in range(1, workers + 1)]
        return _seconds(parts, began)
    return _seconds([start(file, home, *(["--processes", str(workers)] if workers > 1 else []))])


@contextmanager
def _cluster(workers: int) -> Iterator[str]:
    """Yield the address of a new cluster on this machine, whose head does not compute."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # a busy machine takes more than the usual 15 s
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 200_000_000}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes.add_node(num_cpus=workers, object_store_memory=200_000_000)
        nodes.wait_for_nodes()
        yield nodes.address
    finally:
        nodes.shutdown()


def _sparsities(count: int) -> tuple[float, ...]:
    return tuple(round(0.6 * step / count, 4) for step in range(1, count + 1))


def start(file: Path, home: Path, *words: str, threads: int = 1) -> subprocess.Popen[str]:
    """Start a sweep in a process of its own."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "core", "sweep", "run", str(file), "--json", "--yes", "--device", "cpu"]
    return subprocess.Popen(
        [*command, "--folder", str(home), *words],
        cwd=REPOSITORY,
        env=os.environ | dict.fromkeys(THREADS, str(threads)),
        stdout=subprocess.PIPE,
        stderr=(home / "errors.txt").open("w"),
        text=True,
    )


def _seconds(processes: Sequence[subprocess.Popen[str]], began: float | None = None) -> float:
    """Wait for processes. Raises SparsightError if one failed."""
    began = time.perf_counter() if began is None else began
    for process in processes:
        said = process.communicate()[0]
        if process.returncode:
            raise _failed(process, said)
    return time.perf_counter() - began


def _failed(process: subprocess.Popen[str], said: str) -> SparsightError:
    return SparsightError(f"A sweep ended with status {process.returncode}.", said[-2000:], "Run the bench again.")


@BENCHES.register(
    "growth",
    "Growing sweeps",
    "Time and memory of sweeps of 100, 200 and 400 photographs, and of 4, 8 and 16 pruned networks.",
)
def growth(engine: Engine, n: int | None, sizes: Sequence[Sizes] = GROWTH, model: str = MODEL) -> dict[str, Any]:
    """Each in a process of its own, n times (default 1). `rows`: images, networks (the dense one
    among them), passes with a heatmap (the dense network's twice), the median of seconds, the
    largest of peak memory. `seconds_a_pass`: from the smallest sweep to the others, so that the
    start of the process does not count; equal where time grows linearly. `peak_growth`: the largest
    peak over the smallest.
    """
    rss_bytes()  # raises MissingData where the system does not say
    rows = []
    with tempfile.TemporaryDirectory() as home, photographs(max(images for images, _ in sizes)) as (source, place):
        for images, pruned in sizes:
            file = Path(home) / "sweep.yaml"
            file.write_text(json.dumps(asked(place, images, _sparsities(pruned), model)))
            found = [_measured(file, Path(home) / f"{images}-{pruned}-{run}") for run in range(n or 1)]
            took = sorted(seconds for seconds, _ in found)[(len(found) - 1) // 2]
            facts = {"images": images, "networks": pruned + 1, "passes": images * (pruned + 2)}
            rows.append(facts | {"s": round(took, 3), "peak_mb": round(max(peak for _, peak in found), 1)})
    first, *others = rows
    slopes = [round((row["s"] - first["s"]) / (row["passes"] - first["passes"]), 5) for row in others]
    peaks = [row["peak_mb"] for row in rows]
    row = line("growth", torch.device("cpu"), [row["s"] for row in rows], model=model, source=source, rows=rows)
    return row | {"seconds_a_pass": slopes, "peak_growth": round(max(peaks) / min(peaks), 3)}


def _measured(file: Path, home: Path) -> tuple[float, float]:
    """Return the seconds of a sweep, and its peak memory in MB. Raises SparsightError."""
    began = time.perf_counter()
    process = start(file, home, threads=torch.get_num_threads())
    assert process.stdout is not None
    peak = 0
    for _ in process.stdout:  # a line for each network; what `wait4` says includes this process' own memory
        with suppress(MissingData):  # it has ended
            peak = peak_bytes(process.pid)
    if process.wait():
        raise _failed(process, (home / "errors.txt").read_text())
    return time.perf_counter() - began, peak / MEGABYTE


@BENCHES.register(
    "sweep-resume",
    "Sweeps that are killed",
    "Sweeps of 30 networks killed (kill -9) at random moments and finished: how many have the undisturbed tables.",
)
def sweep_resume(engine: Engine, n: int | None, asked: dict[str, Any] | None = None) -> dict[str, Any]:
    """n runs (default 20), each killed once while it works, and finished in this process. `equal`:
    runs whose rows equal those of the undisturbed sweep, bit by bit; `killed`: runs whose
    process was there at that moment; `moments`: networks done by then. `ours_s`: to finish.
    """
    draw, rows = random.Random(0), []
    spec = from_mapping(asked or DIGITS)
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "sweep.yaml"
        file.write_text(json.dumps(asked or DIGITS))
        undisturbed = Sweep(Engine("cpu", Path(home) / "whole"), spec)
        steps = list(undisturbed.run())
        whole, longest = frame(undisturbed), max(step.seconds for step in steps)
        for run in range(n or 20):
            place = Path(home) / f"run-{run}"
            killed = kill_sweep(file, place, draw.randrange(spec.networks - 1), draw.uniform(0, longest))[0]
            again = Sweep(Engine("cpu", place), spec)
            before, began = done(again), time.perf_counter()
            list(again.run())
            rows.append((frame(again).equals(whole), killed, before, time.perf_counter() - began))
    row = line("sweep-resume", torch.device("cpu"), [row[-1] for row in rows], networks=spec.networks)
    facts = {"equal": sum(row[0] for row in rows), "killed": sum(row[1] for row in rows)}
    return row | facts | {"moments": [row[2] for row in rows]}


def kill_sweep(file: Path, place: Path, networks: int, after_s: float, *words: str) -> tuple[bool, list[str]]:
    """Run a sweep and kill it so many seconds after so many networks.

    Returns whether it was still at work, and the networks that it has called done.
    """
    process = start(file, place, *words, threads=torch.get_num_threads())
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(networks)]
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    said += process.communicate()[0].splitlines(keepends=True)
    done = [json.loads(each)["network"] for each in said if each.endswith("\n")]
    return process.returncode == -signal.SIGKILL, done
