"""Bench of what breaks first: the sweep that answers it, against the passes that it needs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import torch

from bench.measure import BENCHES, alternate, line
from bench.sweeps import MODEL, asked, photographs
from core.engine.engine import Engine
from core.specs import VariantSpec
from core.sweeps.breaks import SAME, Breaks, by_threshold
from core.sweeps.families import families
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.thresholds import THRESHOLDS, USUAL
from core.sweeps.written import from_mapping

GRID = tuple(round(0.03 * step, 2) for step in range(1, 21))  # 20 sparsities, to 60 %
SIMILARITY = "pearson"


@BENCHES.register(
    "breaks",
    "What breaks first",
    "EfficientNet-lite0 and 20 prunings of it over 500 photographs: what breaks first at every threshold, against the"
    " bare forward passes of its networks over the same batches.",
)
def breaks(
    engine: Engine, n: int | None, images: int = 500, sparsities: Sequence[float] = GRID, model: str = MODEL
) -> dict[str, Any]:
    """In turn, n times (default 1) after a warm-up on a few images. `ours_s` is everything: reading
    and checking files, pruning, the dense network's maps, answers, similarities, tables, and what
    breaks first at 18 thresholds. `peer_s`: one pass of each network over each image; images are
    in memory. `over_forward`: ours_s / peer_s. `explanation_first`, `answer_first`: images, at a
    threshold of 0.5.
    """
    with photographs(images) as (source, place):
        few, whole = (
            from_mapping(asked(place, count, shares, model) | {"measures": [SAME, SIMILARITY]})
            for count, shares in ((min(2, images), sparsities[:2]), (images, sparsities))
        )
        subject, reader = whole.models[0], Sweep(engine, whole)
        batches = list(reader.batches(subject).batches(rows=reader.rows(subject)))
        found: list[Breaks] = []

        def ours(i: int) -> None:
            found[:] = answered(engine, whole if i else few)

        def forward(i: int) -> None:
            with engine.store.borrow(VariantSpec(model=subject)) as network, torch.no_grad():
                for _ in range(whole.networks if i else 1):
                    for batch in batches if i else batches[:1]:
                        network(batch.images)

        times = alternate(ours, forward, n or 1, engine.device)
    peer = ("bare forward passes of the same batches", times[1])
    row = line("breaks", engine.device, times[0], peer, model=model, source=source, images=images)
    usual = next(each for each in found if each.threshold == USUAL)
    counts = {name: getattr(usual, name).count for name in ("explanation_first", "answer_first")}
    over = {"networks": whole.networks, "over_forward": round(row["ours_s"] / row["peer_s"], 3)}
    return row | over | {"thresholds": len(found)} | counts


def answered(engine: Engine, spec: SweepSpec) -> list[Breaks]:
    """Run a sweep in a folder of its own with an engine of its own, and say what breaks first."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Engine(str(engine.device), folder), spec)
        for _ in sweep.run():
            pass
        (family,) = families(sweep, (SAME, SIMILARITY)).values()
        return list(by_threshold(family.rows, SIMILARITY, THRESHOLDS))
