"""What the networks of a sweep cost: multiply-adds, counted, and time, measured on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.base.progress import Progress, tell
from core.engine.cost import times
from core.results import CostReport
from core.sweeps.sweep import Sweep

VALUE_BYTES = 4
TOGETHER_BYTES, FEWEST = 1_000_000_000, 2  # of networks that are timed in turn


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
        measure: also measure the time; as many networks as fit into TOGETHER_BYTES are
            measured in turn.
    Raises:
        MissingData: a network is not on this machine.
    """
    variants, done = sweep.variants, 0
    largest = max(sweep.engine.card(model).parameters for model in sweep.spec.models)
    together = max(FEWEST, TOGETHER_BYTES // (largest * VALUE_BYTES))
    for first in range(0, len(variants), together):
        some = variants[first : first + together]
        taken = times(sweep.engine.store, some) if measure else {}
        for variant in some:
            progress(done, len(variants))
            report = sweep.engine.cost(variant)
            milliseconds = taken[variant].median_ms if measure else None
            yield Cost(network=variant.key, multiply_adds=_left(report), milliseconds=milliseconds)
            done += 1
    progress(done, len(variants))


def _left(report: CostReport) -> int:
    return report.macs_left if report.physical_macs_left is None else report.physical_macs_left
