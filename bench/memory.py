"""Benches of memory: growth after many slider moves, and use beyond the budgets."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from bench.measure import BENCHES, line
from core.base.errors import MissingData
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import Budgets
from core.store.weights import network_bytes

EARLY, LATE = 10, 300  # slider moves
STATUS = Path("/proc/self/status")
THREE = ("resnet18", "squeezenet1_1", "resnet50")


@BENCHES.register(
    "memory", "Memory", "ResNet-18, random weights: the process' memory after 300 slider moves minus that after 10."
)
def memory(engine: Engine, n: int | None, model: str = "resnet18") -> dict[str, Any]:
    """`n`: moves, 300 unless told.

    `rss_mb`: the difference; `held_mb`: what the engine says it holds more, heatmaps among it.
    """
    moves, spec = max(n or LATE, EARLY + 1), ModelSpec(name=model, weights=RANDOM, seed=0)
    times, early = [], (0, 0)
    gc.collect()  # what others have left behind must not be freed between the two measurements
    for move in range(moves):
        times.append(_move(engine, spec, move / moves))
        if move + 1 == EARLY:
            early = rss_bytes(), _held(engine)
    late = rss_bytes(), _held(engine)
    row = line(
        "memory",
        engine.device,
        times[EARLY:],
        model=model,
        rss_mb=_mb(late[0] - early[0]),
        held_mb=_mb(late[1] - early[1]),
    )
    return row | {"rss_early_mb": _mb(early[0]), "rss_late_mb": _mb(late[0])}


@BENCHES.register(
    "budget",
    "Budget",
    "Three networks that do not fit together, asked in turn: the most memory in use, against the budgets.",
)
def budget(engine: Engine, n: int | None, models: tuple[str, ...] = THREE) -> dict[str, Any]:
    """The device may keep the largest network and half of it, RAM the weights and index of it and a
    quarter more. `over`: peak over budget minus 1, the larger of the two tiers, as counted by the
    store. `tensors_mb`: all tensors alive at the end in the process, `held_mb`: those that the
    store counts. On a GPU `allocated_mb` is PyTorch's own peak, activations included."""
    specs = [ModelSpec(name=name, weights=RANDOM, seed=0) for name in models]
    largest = max(network_bytes(engine.card(spec)) for spec in specs)
    before = tensor_bytes()
    fresh = Engine(
        str(engine.device), engine.folder, Budgets(device_bytes=largest * 3 // 2, ram_bytes=largest * 5 // 4)
    )
    if engine.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(engine.device)
    times = [_move(fresh, specs[move % len(specs)], move / (n or 60)) for move in range(n or 60)]
    parts = fresh.store.parts()
    row = line(
        "budget",
        engine.device,
        times,
        models=list(models),
        over=round(max(p.peak_bytes / p.budget_bytes for p in parts) - 1, 4),
    )
    row |= {"held_mb": _mb(_held(fresh)), "tensors_mb": _mb(tensor_bytes() - before)}
    row |= {f"{part.name}_peak_mb": _mb(part.peak_bytes) for part in parts} | {
        f"{p.name}_budget_mb": _mb(p.budget_bytes) for p in parts
    }
    if engine.device.type == "cuda":
        row["allocated_mb"] = _mb(torch.cuda.max_memory_allocated(engine.device))
    return row


def rss_bytes() -> int:
    """Memory of this process that lies in RAM. Raises MissingData where the system has no /proc."""
    return _said(STATUS, "VmRSS")


def peak_bytes(process: int) -> int:
    """The most memory that another process has had in RAM until now. Raises as `rss_bytes`."""
    return _said(Path(f"/proc/{process}/status"), "VmHWM")


def _said(status: Path, name: str) -> int:
    try:
        said = next(row for row in status.read_text().splitlines() if row.startswith(f"{name}:"))
    except (OSError, StopIteration) as error:  # a process that has ended has no memory
        raise MissingData(
            "This system does not say how much memory a process has.", "It is read from /proc.", "Use Linux."
        ) from error
    return int(said.split()[1]) * 1024


def tensor_bytes() -> int:
    """All tensors with values that are alive in this process, shared memory counted once."""
    gc.collect()
    return _storages(thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor))


def _storages(tensors: Iterable[torch.Tensor]) -> int:
    found = {}
    for tensor in tensors:
        if tensor.device.type != "meta" and tensor.layout == torch.strided:
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def _move(engine: Engine, spec: ModelSpec, sparsity: float) -> float:
    """Seconds of one slider move as Explore asks it: both heatmaps of a photograph at a new
    sparsity, with all scores.
    """
    image = ImageRef(source="gallery", name=next(iter(GALLERY)))
    start = time.perf_counter()
    engine.compare(VariantSpec(model=spec, pruning=PruningSpec.one_shot(round(sparsity, 6))), image, CamSpec())
    return time.perf_counter() - start


def _held(engine: Engine) -> int:
    return sum(part.bytes for part in engine.parts())


def _mb(size: int) -> float:
    return round(size / (1 << 20), 1)
