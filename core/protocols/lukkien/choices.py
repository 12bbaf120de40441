"""The choices behind the thesis' correlation of accuracy and heatmaps: what it states, what it
leaves open, and what else could have been chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from core.protocols.lukkien.protocol import CAM, Plan
from core.specs import CamSpec, DataSpec, PruningSpec
from core.sweeps.spec import SweepSpec


class Said(StrEnum):
    """How firmly the thesis fixes a choice."""

    STATED = "stated"
    IMPLIED = "implied"  # by its formula, or by the library that it names
    OPEN = "open"


@dataclass(frozen=True)
class Choice:
    """One choice of the analysis.

    options: title of each option. thesis: the option that is stated, implied, or our reading.
    """

    title: str
    options: Mapping[str, str]
    thesis: str
    said: Said


CHOICES: dict[str, Choice] = {
    "layer": Choice(
        "Target layer",
        {"conv2": "before the ReLU", "relu2": "after the ReLU", "pool2": "after the pooling"},
        CAM.layer,
        Said.OPEN,
    ),
    "method": Choice("Method", {"grad-cam++": "Grad-CAM++", "grad-cam": "Grad-CAM"}, CAM.method, Said.STATED),
    "target": Choice("Class of the map", {"own": "the prediction", "label": "the label"}, str(CAM.target), Said.STATED),
    # Of columns (core/evaluation/columns.py). pytorch-grad-cam, which the thesis names, scales from
    # minimum to maximum.
    "overlap": Choice(
        "Scaling and fitting",
        {
            "soft-iou": "soft IoU, minimum to maximum",
            "soft-iou-from-zero": "soft IoU, zero to maximum",
            "histogram-matched": "histogram matched",
            "iou-above-20": "IoU above 20 %",
            "iou-above-50": "IoU above 50 %",
            "best-threshold-per-image": "IoU, best threshold per image",
            "top-p-of-ink": "IoU, as many pixels as ink",
        },
        "soft-iou",
        Said.STATED,
    ),
    "empty": Choice("Empty maps", {"zero": "score 0", "left-out": "left out"}, "zero", Said.IMPLIED),
}
THESIS = {name: choice.thesis for name, choice in CHOICES.items()}
CAMS = tuple(
    CamSpec(method=method, layer=layer, target=target)
    for layer, method, target in product(*(CHOICES[name].options for name in ("layer", "method", "target")))
)


def combinations() -> list[dict[str, str]]:
    """Return every combination: one option of each choice."""
    return [
        dict(zip(CHOICES, options, strict=True)) for options in product(*(each.options for each in CHOICES.values()))
    ]


def sweep_of(plan: Plan, data: DataSpec, images: int | None = None) -> SweepSpec:
    """Return the sweep that answers every combination. images: how many of the data set; None for
    all.
    """
    return SweepSpec(
        models=tuple(plan.variant(seed, 0).model for seed in plan.seeds),
        prunings=tuple(PruningSpec.at_level(level) for level in range(plan.levels + 1)),
        data=data,
        images=images,
        cams=CAMS,
        measures=("right", "empty", *CHOICES["overlap"].options),
    )
