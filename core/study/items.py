"""The images of a study: those that every variant classifies correctly, and what is measured of
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas

from core.base.draws import numpy_generator
from core.base.errors import BadSpec
from core.engine.engine import Engine
from core.evaluation.columns import AGAINST_TRUTH, COLUMNS, needs
from core.study.spec import StudySpec
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep

# of the heatmap alone, then against the dense network's, then against where the object is
MEASURES = (
    *("label", "right", "confidence", "map-mean", "map-std", "map-gini", "map-zero-share", "map-entropy"),
    *("pearson", "spearman", "soft-iou-of-maps", "iou-top-p-of-maps"),
    *("soft-iou", "energy-inside", "pointing-game"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Images:
    """chosen: images of the study; spare: others that qualify; columns image and label (an index
    into classes). qualified: how many of each class do, by name. looked_at: how many images.
    """

    chosen: pandas.DataFrame
    spare: pandas.DataFrame
    qualified: dict[str, int]
    looked_at: int


def sweep_of(engine: Engine, spec: StudySpec) -> Sweep:
    """Return the sweep that says which images qualify, and measures the heatmaps."""
    truth = engine.inputs(spec.data, spec.model).has_truth
    measures = tuple(name for name in MEASURES if name in COLUMNS and (truth or needs(name) not in AGAINST_TRUTH))
    prunings = tuple(spec.variant(name).pruning for name in spec.names)
    question = SweepSpec(
        models=(spec.model,),
        prunings=prunings,
        data=spec.data,
        images=_pool(engine, spec),
        seed=spec.seed,
        cams=(spec.heatmap,),
        measures=measures,
    )
    return Sweep(engine, question)


def _pool(engine: Engine, spec: StudySpec) -> int | None:
    there = len(engine.inputs(spec.data, spec.model))
    return None if spec.pool is None else min(spec.pool, there)


def measured(sweep: Sweep, spec: StudySpec) -> pandas.DataFrame:
    """Return one row an image and variant: the measures, and the variant's name in `variant`."""
    rows = frame(sweep)
    name_of = {spec.variant(name).key: name for name in spec.names}
    rows = rows.assign(variant=rows["network"].astype(str).map(name_of))
    return rows.drop(columns=["network", "model", "weights", "heatmap", "layer", "target"])


def accuracy(rows: pandas.DataFrame) -> dict[str, tuple[int, int]]:
    """Return how many images each variant classifies correctly, and of how many.

    Args:
        rows: as `measured` returns them; images of unknown class do not count.
    """
    known = rows[rows["label"] >= 0]
    return {str(name): (int(own["right"].sum()), len(own)) for name, own in known.groupby("variant", sort=False)}


def choose_images(spec: StudySpec, rows: pandas.DataFrame, classes: tuple[str, ...]) -> Images:
    """Choose the images of the study by its seed, as many of each class.

    Args:
        rows: as `measured` returns them. classes: names by index.
    Raises:
        BadSpec: a class has too few, with how many each class has.
    """
    by_image = rows.groupby("image").agg(right=("right", "min"), label=("label", "first"), n=("right", "size"))
    every = by_image[(by_image["right"] >= 1) & (by_image["n"] == len(spec.names)) & (by_image["label"] >= 0)]
    labels = sorted(int(label) for label in by_image.loc[by_image["label"] >= 0, "label"].unique())
    qualified = {classes[label]: int((every["label"] == label).sum()) for label in labels}
    least = min(qualified.values(), default=0)
    if least < spec.images:
        counts = ", ".join(f"{name} {count}" for name, count in qualified.items()) or "none"
        raise BadSpec(
            f"Too few images are classified correctly by all {len(spec.names)} variants: the study needs "
            f"{spec.images} of each class.",
            f"Of {len(by_image):,} images these qualify: {counts}.",
            (f"Set images to {least}, look at more images, or " if least else "Look at more images, or ")
            + "choose less pruned variants.",
        )
    parts = []
    for label in labels:
        own = np.sort(every.index[every["label"] == label].to_numpy())
        order = numpy_generator("study-chosen", spec.seed, label).permutation(own)
        part = pandas.DataFrame({"image": order, "label": label})
        parts.append(part.assign(chosen=np.arange(len(part)) < spec.images))
    found = pandas.concat(parts, ignore_index=True)
    return Images(
        chosen=found.loc[found["chosen"], ["image", "label"]].reset_index(drop=True),
        spare=found.loc[~found["chosen"], ["image", "label"]].reset_index(drop=True),
        qualified=qualified,
        looked_at=len(by_image),
    )
