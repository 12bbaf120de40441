"""Measured candidates with known answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas

from core.results import Latency
from core.specs import PruningSpec, VariantSpec
from core.sweeps.candidates import Candidates, Cost, Decision, Measured

Wrong = Sequence[int]  # images that a network classifies wrongly


def cost(amount: float) -> Cost:
    """All costs are the same number."""
    time = Latency(median_ms=amount, p95_ms=amount, n=9, device="made", low_ms=0.9 * amount, high_ms=1.1 * amount)
    return Cost(
        file_bytes=int(amount),
        kept_bytes=int(amount),
        multiply_adds=int(amount),
        multiply_adds_left=int(amount),
        is_smaller=False,
        time=time,
        time_of_batch=time,
    )


def made(
    images: int,
    candidates: Sequence[tuple[float, Wrong, float | Sequence[float]]],
    wrong: Wrong = (),
    labels: Sequence[int] | int = 0,
) -> Candidates:
    """Candidates by cost, wrong answers and similarity. wrong: of the reference, which costs 100.
    An answer is the reference's if both are right or both are wrong.
    """
    rows = np.arange(images)
    index = pandas.Index(rows, name="image")
    right = ~np.isin(rows, wrong)
    variants = [VariantSpec(pruning=PruningSpec.one_shot((1 + at) / 100)) for at in range(len(candidates))]
    usable = np.full(images, True)
    own = pandas.DataFrame({"right": right, "label": labels, "usable": usable}, index=index)
    found = []
    for variant, (amount, missed, similar) in zip(variants, candidates, strict=True):
        answers = ~np.isin(rows, missed)
        frame = pandas.DataFrame({"right": answers, "agrees": answers == right, "pearson": similar}, index=index)
        found.append(Measured(variant=variant, name=variant.key, rows=frame, cost=cost(amount), notes=()))
    reference = Measured(variant=VariantSpec(), name="dense", rows=own, cost=cost(100), notes=())
    asked = Decision(candidates=tuple(variants), reference=VariantSpec())
    return Candidates(asked=asked, reference=reference, candidates=tuple(found), floor=None)
