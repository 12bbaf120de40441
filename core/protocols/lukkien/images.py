"""The thesis' evaluation, image by image: predictions, Grad-CAM++ and its overlap with the ink,
kept as Parquet.

Heatmaps are made from the noisy image for the network's *own* predicted class, as in the thesis
(everywhere else in Sparsight the default is the dense network's prediction), and compared with the
clean image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from core.base.errors import BadFile, MissingData
from core.data.batches import Inputs
from core.data.datasets import training_image_count
from core.disk.frames import read_frame, write_frame
from core.evaluation.columns import Seen
from core.evaluation.evaluate import evaluate
from core.measures.fitting import choose_threshold, fittings_per_image
from core.protocols.lukkien import older_tables
from core.protocols.lukkien.protocol import CAM, WEIGHTS_LEFT, Plan
from core.specs import DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.store.store import ModelStore

SERIES: dict[str, str] = {
    "iterative-reset": "the thesis: pruned, reset and retrained at every level",
    "one-shot": "control: the dense network pruned once by magnitude to the same number of weights, no retraining",
    "random": "control: the dense network pruned once at random to the same number of weights, no retraining",
}
COLUMNS_KEPT = ("label", "predicted_clean", "predicted_noisy", "soft_iou", "map_mean", "map_std", "empty")
MAPS = ("predicted", "soft-iou", "map-mean", "map-std", "empty")
FITTED = tuple(name for name in fittings_per_image() if name != "soft-iou")  # for the thesis' series only


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One network of the study: a series, a seed, a level."""

    series: str
    seed: int
    level: int

    def variant(self, weights: str) -> VariantSpec:
        """Return the variant. The controls keep exactly as many weights as the level."""
        if self.series == "iterative-reset":
            pruning = PruningSpec.at_level(self.level)
        else:
            criterion = "magnitude" if self.series == "one-shot" else "random"
            pruning = PruningSpec.one_shot(1 - WEIGHTS_LEFT[self.level] / WEIGHTS_LEFT[0], criterion=criterion)
        return VariantSpec(model=ModelSpec(weights=weights, seed=self.seed), pruning=pruning)


@dataclass(frozen=True, eq=False)
class Study:
    """What to evaluate: the networks of a plan, a data set with its fixed noise, and the folder of
    per-image tables.
    """

    plan: Plan
    data: DataSpec
    folder: Path

    def cells(self, series: str) -> list[Cell]:
        return [
            Cell(series=series, seed=seed, level=level)
            for seed in self.plan.seeds
            for level in range(self.plan.levels + 1)
        ]

    def path(self, cell: Cell) -> Path:
        variant = cell.variant(self.plan.weights)
        return self.folder / variant.model.key / "per-image" / self.data.key / f"{variant.pruning.key}.parquet"


def evaluate_study(study: Study, store: ModelStore, inputs: Inputs, series: str) -> Iterator[tuple[Cell, bool]]:
    """Evaluate every network of a series that has no valid table yet.

    Yields:
        (cell, found) after each network; found: whether its table already existed.

    Raises:
        MissingData, BadFile: a network is missing or damaged. CacheNotWritable: read-only or full
        disk.
    """
    for cell in study.cells(series):
        try:
            read_images(study, cell)
            yield cell, True
        except (MissingData, BadFile):
            frame, facts = _evaluate_cell(study, cell, store, inputs)
            write_frame(study.path(cell), frame, facts)
            yield cell, False


def read_images(study: Study, cell: Cell) -> tuple[pandas.DataFrame, dict[str, Any]]:
    """Read the per-image table of one network. Raises MissingData or BadFile."""
    frame, facts = read_frame(study.path(cell), COLUMNS_KEPT)
    return older_tables.study_images(frame), facts


def _evaluate_cell(
    study: Study, cell: Cell, store: ModelStore, inputs: Inputs
) -> tuple[pandas.DataFrame, dict[str, Any]]:
    variant, fitted = cell.variant(study.plan.weights), cell.series == "iterative-reset"
    curves: list[Tensor] = []

    def watch(seen: Seen) -> None:
        if fitted:
            curves.append(seen.ranked.curve)

    with store.borrow(variant) as network:
        rows = evaluate(network, inputs, (*MAPS, *(FITTED if fitted else ())), CAM, watch).rows
        clean = evaluate(network, inputs.without_noise(), ("predicted",)).rows
    columns = {
        "label": inputs.labels.cpu().numpy().astype("uint8"),
        "predicted_clean": clean.predicted.astype("int16"),  # may be NO_ANSWER
        "predicted_noisy": rows.predicted.astype("int16"),
        "soft_iou": rows["soft-iou"],
        "map_mean": rows["map-mean"],
        "map_std": rows["map-std"],
        "empty": rows["empty"],
    } | {name: rows[name] for name in FITTED if fitted}
    threshold = None
    if fitted:
        curve = torch.cat(curves).cpu()
        threshold = choose_threshold(curve)
        columns["best-single-threshold"] = curve[:, threshold.place if threshold else 0].numpy()
    report = store.report(variant)
    facts = {
        "variant": variant.key,
        "data": study.data.key,
        "method": CAM.method,
        "target": "own",
        "weights_left": report.kept,
        "prunable": report.total,
        "collapsed": report.collapsed,
        "train_images": training_image_count(variant.model.weights),
        "test_images": len(inputs.labels),
        "threshold": threshold.value if threshold else None,
    }
    return pandas.DataFrame(columns), facts
