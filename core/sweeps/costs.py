"""What the networks of a sweep cost: multiply-adds, counted, and time, measured on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.base.progress import Progress, tell
from core.results import CostReport
from core.sweeps.sweep import Sweep


@dataclass(frozen=True, kw_only=True)
class Cost:
    """multiply_adds: those with a weight that is not zero, for one image. milliseconds: median time
    of one image, without the channels that pruning emptied; None if it was not measured.
    """

    network: str
    multiply_adds: int
    milliseconds: float | None


def costs(sweep: Sweep, measure: bool = False, progress: Progress = tell) -> Iterator[Cost]:
    """Yield the cost of every network of a sweep.

    Args:
        measure: also measure the time.
    Raises:
        MissingData: a network is not on this machine.
    """
    for done, variant in enumerate(sweep.variants):
        progress(done, len(sweep.variants))
        report = sweep.engine.cost(variant, measure)
        yield Cost(network=variant.key, multiply_adds=_left(report), milliseconds=_time(report))
    progress(len(sweep.variants), len(sweep.variants))


def _left(report: CostReport) -> int:
    return report.macs_left if report.physical_macs_left is None else report.physical_macs_left


def _time(report: CostReport) -> float | None:
    found = report.physical_latency or report.latency
    return None if found is None else found.median_ms
