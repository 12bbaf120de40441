"""How a bench measures: warm-up, then ours and the peer in turn, in one run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import torch

from core.base.device import describe
from core.base.registry import Registry
from core.base.timing import seconds
from core.engine.engine import Engine

Bench = Callable[[Engine, int | None], dict[str, Any]]
BENCHES: Registry[Bench] = Registry("bench")


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def alternate(
    ours: Callable[[int], object], peer: Callable[[int], object], n: int, device: torch.device
) -> tuple[list[float], list[float]]:
    """Seconds of `ours(i)` and `peer(i)`, i = 1..n, alternating; i = 0 warms both up and is not
    counted.
    """
    rows = [(seconds(lambda i=i: ours(i), device), seconds(lambda i=i: peer(i), device)) for i in range(n + 1)]  # type: ignore[misc]
    return [row[0] for row in rows[1:]], [row[1] for row in rows[1:]]


def line(
    bench: str, device: torch.device, ours: list[float], peer: tuple[str, list[float]] | None = None, **more: Any
) -> dict[str, Any]:
    """One bench result in the documented keys; spread as the smallest and largest value."""
    name, theirs = peer or (None, [])
    ours_s = statistics.median(ours)
    peer_s = statistics.median(theirs) if theirs else None
    return {
        "bench": bench,
        "device": describe(device),
        "threads": torch.get_num_threads(),
        "n": len(ours),
        "ours_s": round(ours_s, 6),
        "ours_p95_s": round(percentile(ours, 0.95), 6),
        "ours_range_s": [round(min(ours), 6), round(max(ours), 6)],
        "peer": name,
        "peer_s": None if peer_s is None else round(peer_s, 6),
        "peer_range_s": [round(min(theirs), 6), round(max(theirs), 6)] if theirs else None,
        "ratio": None if peer_s is None else round(peer_s / ours_s, 3),
    } | more
