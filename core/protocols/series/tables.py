"""Tables of a trained series, level by level: shares with Wilson intervals, means with bootstrap
intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from core.base.brief import brief
from core.base.errors import BadSpec
from core.evaluation.columns import TOP
from core.measures import MEASURES
from core.models.catalogue import Catalogue
from core.protocols.merkle import protocol as merkle
from core.protocols.series import images as series_images
from core.protocols.series.images import SIMILARITIES, Place
from core.specs import NO_ANSWER
from core.stats.bootstrap import resampled_means
from core.stats.intervals import wilson

RESAMPLES = 1000
BEFORE_ROUNDING = "right_before_rounding"  # a fact of included networks
FACTS = {
    "target": "requested",
    "sparsity": "sparsity",
    "ratio": "compression",
    "conv_ratio": "compression_of_convolutions",
    "collapsed": "collapsed",
}
IMAGES: dict[str, str] = {
    "all": "all images",
    "right": "images that every level classifies correctly, as published",
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity measured at every level. share: a share of images (Wilson), else a mean over
    images (bootstrap).
    """

    title: str
    column: str
    share: bool = False
    published: str = ""  # key of merkle.PUBLISHED
    group: str = "maps"
    summary: str = ""


QUANTITIES: dict[str, Quantity] = (
    {
        "accuracy": Quantity(
            title="accuracy (top 1)",
            column="right",
            share=True,
            published="test_top_1",
            group="answers",
            summary="Share of images whose class is the most probable one.",
        ),
        "top5": Quantity(
            title="accuracy (top 5)",
            column="right-top5",
            share=True,
            group="answers",
            summary="Share of images whose class is among the five most probable ones.",
        ),
        "agreement": Quantity(
            title="agreement with dense",
            column="agrees",
            share=True,
            group="answers",
            summary="Share of images for which this network and the dense one predict the same class, correct or not.",
        ),
        "map-mean": Quantity(
            title="map mean",
            column="raw-mean",
            published="map_mean",
            summary="Mean of the raw map's cells, as a share of the largest value on the data set.",
        ),
        "map-variance": Quantity(
            title="map variance",
            column="raw-variance",
            published="map_variance",
            summary="Variance over the cells of a map, mean over images.",
        ),
        "non-zero": Quantity(
            title="non-zero cells",
            column="raw-non-zero",
            published="non_zero_cells",
            summary="Number of the map's cells that are not zero, mean over images.",
        ),
        "l1": Quantity(
            title="L1 distance to dense",
            column="raw-l1",
            published="l1_to_dense",
            summary="Sum over the cells of the absolute differences from the dense network's map.",
        ),
        "usable": Quantity(
            title="maps with evidence",
            column="usable",
            share=True,
            summary="Share of maps that are neither empty nor constant.",
        ),
    }
    | {
        name: Quantity(title=MEASURES[name].title, column=name, group="similarity", summary=MEASURES[name].summary)
        for name in SIMILARITIES
    }
    | {
        "truth-soft-iou": Quantity(
            title="soft IoU with the object", column="soft-iou", group="truth", summary=MEASURES["soft-iou"].summary
        ),
        "pointing-game": Quantity(
            title="pointing game",
            column="pointing-game",
            share=True,
            group="truth",
            summary=MEASURES["pointing-game"].summary,
        ),
        "energy-inside": Quantity(
            title="energy inside the object",
            column="energy-inside",
            group="truth",
            summary=MEASURES["energy-inside"].summary,
        ),
        "box-iou": Quantity(
            title="IoU of boxes",
            column="box-iou",
            group="truth",
            summary="IoU of the box around the map's bright part with the marked box.",
        ),
    }
)
GROUPS = {
    "answers": "Answers",
    "maps": "The maps themselves",
    "similarity": "Similarity to the dense map",
    "truth": "Fit to the object",
}


@brief
@dataclass(frozen=True, eq=False)
class SeriesTables:
    """One series on one data set. images: one row per image and level; facts: of each level;
    all_classes: of the network, in order.
    """

    place: Place
    images: DataFrame
    facts: dict[int, dict[str, Any]]
    all_classes: tuple[str, ...]

    @property
    def title(self) -> str:
        model = self.place.model
        return f"{model.weights}, seed {model.seed}"

    @property
    def count(self) -> int:
        """Return the number of photographs that can be read."""
        return int(self.images.image.nunique())

    @property
    def right_before_rounding(self) -> dict[int, int]:
        """Return, by level, the number of correct answers before the network's weights were rounded
        to include it.
        """
        return {level: facts[BEFORE_ROUNDING] for level, facts in self.facts.items() if BEFORE_ROUNDING in facts}

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes of the photographs, in the network's order."""
        names = self.all_classes
        return tuple(names[label] for label in sorted(self.images.label.unique()) if 0 <= label < len(names))

    def quantities(self) -> tuple[str, ...]:
        """Return the keys of QUANTITIES that have a value here.

        With very few classes, top-5 accuracy is not meaningful.
        """
        frame, few = self._with_right(self.images), len(self.all_classes) <= TOP
        there = (name for name, each in QUANTITIES.items() if each.column in frame and frame[each.column].notna().any())
        return tuple(name for name in there if not (few and name == "top5"))

    def levels(self, names: Sequence[str], of_class: str = "", images: str = "all") -> DataFrame:
        """Return one row per level and quantity: the level with the facts of FACTS, quantity,
        value, low, high, n.

        Quantities of group "truth" also have empty_maps, the number of the n maps that are empty
        and score 0, and without_empty, the value without those; both are NaN for all others.

        Args:
            names: keys of QUANTITIES; those without a value here have no rows.
            of_class: only images of this class, "" for all. images: a key of IMAGES.
        Raises:
            BadSpec: no image is left.
        """
        chosen = self._chosen(of_class, images)
        rows: list[dict[str, Any]] = []
        stacks = {name: _stack(chosen, QUANTITIES[name].column) for name in self.quantities() if name in names}
        means = [name for name in stacks if not QUANTITIES[name].share]
        bounds = _bounds(np.concatenate([stacks[name] for name in means])) if means else np.empty((2, 0))
        levels, empty = sorted(chosen.level.unique()), _stack(chosen, "empty") > 0
        for name, values in stacks.items():
            for place, level in enumerate(levels):
                at = means.index(name) * len(levels) + place if name in means else -1
                numbers = _share(values[place]) if at < 0 else _mean(values[place], bounds[:, at])
                if QUANTITIES[name].group == "truth":
                    numbers |= _without_empty(values[place], empty[place])
                rows.append(self._about(int(level)) | {"quantity": name} | numbers)
        return DataFrame(rows)

    def unanswered(self) -> dict[int, int]:
        """Return, by level, the number of images without an answer because the network's outputs
        are not finite; levels without any are left out.
        """
        counts = self.images[self.images.predicted == NO_ANSWER].groupby("level").size()
        return {int(level): int(count) for level, count in counts.items()}

    def gained(self, level: int) -> tuple[int, int, float]:
        """Return the number of images that only this level classifies correctly, that of the dense
        network, and p of the exact sign test.

        Source: McNemar 1947, in its exact form.
        """
        from scipy.stats import binomtest

        right = self._with_right(self.images).pivot(index="image", columns="level", values="right")
        only, lost = int((right[level] & ~right[0]).sum()), int((right[0] & ~right[level]).sum())
        return only, lost, float(binomtest(only, only + lost).pvalue) if only + lost else 1.0

    def _about(self, level: int) -> dict[str, Any]:
        return {"level": level} | {name: self.facts[level][fact] for name, fact in FACTS.items()}

    def _chosen(self, of_class: str, images: str) -> DataFrame:
        frame = self._with_right(self.images)
        frame = frame[frame.label >= 0]
        if of_class:
            names = self.all_classes
            frame = frame[frame.label == (names.index(of_class) if of_class in names else -2)]
        if images == "right":
            frame = frame[frame.groupby("image").right.transform("all")]
        if frame.empty:
            raise BadSpec(
                f"No image is left ({IMAGES[images]}{', ' + of_class if of_class else ''}).", "", "Choose all images."
            )
        return frame.sort_values(["level", "image"])

    @staticmethod
    def _with_right(frame: DataFrame) -> DataFrame:
        return frame.assign(right=frame.predicted == frame.label)


def load(catalogue: Catalogue, place: Place) -> SeriesTables:
    """Load the tables of a series. Raises MissingData, BadFile; UnknownName if its network is
    missing.
    """
    return SeriesTables(place, *series_images.load(catalogue.roots, place), catalogue.card(place.model).classes)


def published(name: str, target: float) -> float | None:
    """Return the value of Less is More for this quantity at the level of this target, or None."""
    values = merkle.PUBLISHED.get(QUANTITIES[name].published, ())
    places = [place for place, known in enumerate(merkle.TARGETS) if abs(known - target) < 1e-6]
    return values[places[0]] if values and places else None


def _stack(frame: DataFrame, column: str) -> NDArray[np.float64]:
    """Stack a column as (levels, images)."""
    return frame[column].to_numpy(np.float64).reshape(frame.level.nunique(), -1)


def _share(values: NDArray[np.float64]) -> dict[str, Any]:
    kept = values[np.isfinite(values)]
    if not len(kept):
        return _nothing()
    low, high = wilson(int(kept.sum()), len(kept))
    return {"value": float(kept.mean()), "low": low, "high": high, "n": len(kept)}


def _mean(values: NDArray[np.float64], bounds: NDArray[np.float64]) -> dict[str, Any]:
    kept = values[np.isfinite(values)]
    return (
        {"value": float(kept.mean()), "low": float(bounds[0]), "high": float(bounds[1]), "n": len(kept)}
        if len(kept)
        else _nothing()
    )


def _without_empty(values: NDArray[np.float64], empty: NDArray[np.bool_]) -> dict[str, Any]:
    scored, kept = np.isfinite(values), np.isfinite(values) & ~empty
    return {
        "empty_maps": int((scored & empty).sum()),
        "without_empty": float(values[kept].mean()) if kept.any() else None,
    }


def _nothing() -> dict[str, Any]:
    return {"value": None, "low": None, "high": None, "n": 0}


def _bounds(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, K): the middle 95 % of the means of draws of the same images for all rows (K, N);
    NaN for a row without values.
    """
    drawn = resampled_means(rows, RESAMPLES)
    empty = ~np.isfinite(rows).any(axis=1)
    drawn[:, empty] = 0
    bounds = np.nanquantile(drawn, (0.025, 0.975), axis=0)
    bounds[:, empty] = np.nan
    return bounds
