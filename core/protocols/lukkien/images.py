"""The thesis' evaluation, image by image, as sweeps: predictions with and without noise, Grad-CAM++
and its overlap with the ink.

Heatmaps are made from the noisy image for the network's *own* predicted class, as in the thesis
(everywhere else in Sparsight the default is the dense network's prediction), and compared with the
clean image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas

from core.engine.engine import Engine
from core.measures.fitting import fittings_per_image
from core.protocols.lukkien.protocol import CAM, WEIGHTS_LEFT, Plan
from core.specs import DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.read import rows_of
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep

SERIES: dict[str, str] = {
    "iterative-reset": "the thesis: pruned, reset and retrained at every level",
    "one-shot": "control: the dense network pruned once by magnitude to the same number of weights, no retraining",
    "random": "control: the dense network pruned once at random to the same number of weights, no retraining",
}
Rows = tuple[pandas.DataFrame, dict[str, Any]]  # of one network, one row an image, and its facts
MAPS = ("label", "soft-iou", "map-mean", "map-std", "empty")
# Ways of fitting besides soft IoU, for the thesis' series only
FITTED = (*(name for name in fittings_per_image() if name != "soft-iou"), "best-single-threshold", "single-threshold")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One network of the study: a series, a seed, a level."""

    series: str
    seed: int
    level: int

    @property
    def pruning(self) -> PruningSpec:
        """The controls keep exactly as many weights as the level."""
        if self.series == "iterative-reset":
            return PruningSpec.at_level(self.level)
        criterion = "magnitude" if self.series == "one-shot" else "random"
        return PruningSpec.one_shot(1 - WEIGHTS_LEFT[self.level] / WEIGHTS_LEFT[0], criterion=criterion)

    def variant(self, weights: str) -> VariantSpec:
        return VariantSpec(model=ModelSpec(weights=weights, seed=self.seed), pruning=self.pruning)


@dataclass(frozen=True, eq=False)
class Study:
    """What to evaluate: the networks of a plan on a data set with its fixed noise.

    images: how many of it, in proportion to its classes; None for all.
    """

    plan: Plan
    data: DataSpec
    images: int | None = None

    def cells(self, series: str) -> list[Cell]:
        return [
            Cell(series=series, seed=seed, level=level)
            for seed in self.plan.seeds
            for level in range(self.plan.levels + 1)
        ]

    def sweeps(self, series: str) -> tuple[SweepSpec, SweepSpec]:
        """Return the sweep over the noisy images, and that over the clean ones; their networks have
        the order of `cells`.
        """
        noisy = SweepSpec(
            models=tuple(ModelSpec(weights=self.plan.weights, seed=seed) for seed in self.plan.seeds),
            prunings=tuple(cell.pruning for cell in self.cells(series)[: self.plan.levels + 1]),
            data=self.data,
            images=self.images,
            cams=(CAM,),
            measures=(*MAPS, *(FITTED if series == "iterative-reset" else ())),
        )
        return noisy, replace(noisy, data=replace(self.data, noise=0.0), cams=(), measures=("label",))

    def read(self, engine: Engine, series: str) -> list[Rows] | None:
        """Return the rows and facts of every network of a series, in the order of `cells`; None if
        one is not evaluated.
        """
        sweeps = [Sweep(engine, spec) for spec in self.sweeps(series)]
        found = []
        for cell in self.cells(series):
            noisy, clean = (rows_of(sweep, cell.variant(self.plan.weights)) for sweep in sweeps)
            if noisy is None or clean is None:
                return None
            found.append(_joined(noisy, clean))
        return found


def _joined(noisy: Rows, clean: Rows) -> Rows:
    """Name the columns as the study's tables do, and put the clean image's prediction beside."""
    rows = noisy[0].rename(
        columns={"predicted": "predicted_noisy", "soft-iou": "soft_iou", "map-mean": "map_mean", "map-std": "map_std"}
    )
    others = clean[0][["image", "predicted"]].rename(columns={"predicted": "predicted_clean"})
    return rows.merge(others, on="image", validate="one_to_one"), noisy[1]


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Progress of the evaluation: networks done and in total, over all series, with and without
    noise.
    """

    series: str
    done: int
    networks: int
    found: bool


def evaluate(study: Study, engine: Engine) -> Iterator[Evaluated]:
    """Evaluate the series and its controls; what is stored is not evaluated again.

    Raises:
        MissingData, BadFile: a network is missing or damaged. CacheNotWritable: read-only or full
        disk.
    """
    networks, done = sum(2 * len(study.cells(series)) for series in SERIES), 0
    for series in SERIES:
        for spec in study.sweeps(series):
            for step in Sweep(engine, spec).run():
                done += 1
                yield Evaluated(series=series, done=done, networks=networks, found=step.found)
