"""Columns of the table with one row per image of a data set.

A column is a function from the results of one batch (`Seen`) to one value per image, (n,). NaN
means undefined. Every measure of one map and every overlap of map and truth is a column under its
own name (with the prefix "map-" for measures of one map); new measures of `core.measures` are added
automatically.

The fact "needs" states what a column is computed from, see `Needs`; "better", where it is not
obvious, whether "lower" or "higher" values are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from core.base.registry import Entry, Registry
from core.evaluation.seen import Predict, Seen
from core.measures import MEASURES, Group, measures_of, probabilities
from core.measures.base import Measure
from core.measures.boxes import box_iou
from core.measures.faithfulness import average_drop, deletion, increase, insertion
from core.measures.fitting import (
    FITTINGS,
    THRESHOLDS,
    Fitting,
    choose_threshold,
    fittings_per_image,
)
from core.measures.overlap import jaccard_above, jaccard_curve, soft_iou
from core.measures.raw import by_peak, l1_by_peak, mean_with_peak, non_zero, variance_with_peak
from core.measures.road import road_least, road_most
from core.specs import NO_ANSWER

TOP = 5


class Needs(StrEnum):
    """What a column is computed from: the fact "needs" of its entry."""

    ANSWER = "answer"
    ANSWERS = "answers"  # the answer, and the reference's
    MAP = "map"
    PASSES = "passes"  # a map, and further passes of the network
    TRUTH = "truth"  # a map, and where the object is
    BOXES = "boxes"  # a map, and boxes around the object
    INK = "ink"  # a map, and a digit
    MAPS = "maps"  # a map, and the reference's


AGAINST_TRUTH = (Needs.TRUTH, Needs.BOXES, Needs.INK)
AGAINST_REFERENCE = (Needs.ANSWERS, Needs.MAPS)


Column = Callable[[Seen], Tensor]


@dataclass(frozen=True, eq=False)
class OfSet:
    """A column whose values depend on all images together.

    part: what is kept of a batch, (n, k). whole: the column, (N,), from that of all batches, (N,
    k).
    """

    part: Column
    whole: Callable[[Tensor], Tensor]

    def __call__(self, seen: Seen) -> Tensor:
        return self.part(seen)


COLUMNS: Registry[Column] = Registry("measure")


def joined(name: str, parts: Sequence[Tensor]) -> Tensor:
    """Return a column of all images, (N,) on the CPU, from what it gave for each batch."""
    column, values = COLUMNS[name].value, torch.cat(list(parts)).cpu() if parts else torch.empty(0)
    return column.whole(values) if isinstance(column, OfSet) and parts else values


@COLUMNS.register(
    "predicted",
    "Predicted class",
    "The predicted class; -1 for an image that cannot be read, -2 if the network gives no answer.",
    needs=Needs.ANSWER,
)
def predicted(seen: Seen) -> Tensor:
    return seen.predicted


@COLUMNS.register("right", "Right", "Whether the predicted class is the label.", needs=Needs.ANSWER)
def right(seen: Seen) -> Tensor:
    return _answered(seen, seen.predicted == seen.batch.labels)


@COLUMNS.register(
    "right-top5", "Right among five", "Whether the label is among the five most probable classes.", needs=Needs.ANSWER
)
def right_top5(seen: Seen) -> Tensor:
    best = seen.logits.topk(min(TOP, seen.logits.shape[1]), dim=1).indices
    return _answered(seen, (best == seen.batch.labels[:, None]).any(1))


@COLUMNS.register(
    "right-among",
    "Right among its classes",
    "Whether the label is the most probable of the classes that the data set has.",
    needs=Needs.ANSWER,
)
def right_among(seen: Seen) -> Tensor:
    assert seen.own_classes is not None
    if not len(seen.own_classes):
        return torch.zeros_like(seen.batch.labels, dtype=torch.bool)
    restricted = seen.own_classes[seen.logits[:, seen.own_classes].argmax(1)]
    return _answered(seen, restricted == seen.batch.labels)


@COLUMNS.register(
    "confidence",
    "Confidence",
    "The probability of the predicted class; undefined if the network gives no answer.",
    needs=Needs.ANSWER,
)
def confidence(seen: Seen) -> Tensor:
    return probabilities(seen.logits).amax(dim=1)


@COLUMNS.register(
    "agrees",
    "Same answer",
    "Whether the predicted class is the one that the reference network predicts.",
    needs=Needs.ANSWERS,
)
def agrees(seen: Seen) -> Tensor:
    assert seen.reference is not None
    return (seen.predicted == seen.reference.predicted.to(seen.predicted.device)) & (seen.predicted != NO_ANSWER)


@COLUMNS.register("label", "Class", "The class of the image; -1 if the network does not know it.", needs=Needs.ANSWER)
def label(seen: Seen) -> Tensor:
    return seen.batch.labels


@COLUMNS.register("usable", "Usable map", "Whether the map is neither empty nor constant nor invalid.", needs=Needs.MAP)
def usable(seen: Seen) -> Tensor:
    return seen.usable_and_empty[0]


@COLUMNS.register(
    "empty",
    "Empty map",
    "Whether the heatmap is zero everywhere; it scores 0 against any truth.",
    needs=Needs.MAP,
)
def empty(seen: Seen) -> Tensor:
    return seen.usable_and_empty[1]


@COLUMNS.register(
    "box-iou",
    "Box IoU",
    "How well the box around the heatmap's largest bright region fits the boxes that people drew.",
    "Zhou et al. 2016, section 3.2",
    needs=Needs.BOXES,
)
def boxes(seen: Seen) -> Tensor:
    return box_iou(seen.maps, seen.batch.boxes or ((),) * len(seen.maps))


@COLUMNS.register(
    "best-threshold-per-image",
    FITTINGS["best-threshold-per-image"].title,
    FITTINGS["best-threshold-per-image"].summary,
    FITTINGS["best-threshold-per-image"].source,
    needs=Needs.TRUTH,
)
def best_threshold(seen: Seen) -> Tensor:
    """The fitting of this name, without ordering the pixels."""
    highest = jaccard_curve(seen.maps, seen.truth, THRESHOLDS).nan_to_num(-1).amax(dim=1)
    return highest.masked_fill((highest < 0) | ~seen.truth.flatten(1).any(1), torch.nan)


@COLUMNS.register(
    "soft-iou-from-zero",
    "Soft IoU, map divided by its maximum",
    "Soft IoU of a map that is only divided by its maximum: its minimum is not subtracted.",
    "Lukkien, Eq. 2.7: sum(min) / sum(max)",
    needs=Needs.TRUTH,
)
def soft_iou_from_zero(seen: Seen) -> Tensor:
    return soft_iou(seen.maps_from_zero, seen.truth).masked_fill(~seen.truth.flatten(1).any(1), torch.nan)


def _of_passes(measure: Callable[[Tensor, Tensor, Tensor, Predict], Tensor]) -> Column:
    """Return a column that is NaN where the network gives no answer. The answers to the images
    themselves are known.
    """

    def column(seen: Seen) -> Tensor:
        classes = seen.predicted.clamp(min=0)

        def predict(images: Tensor) -> Tensor:
            return seen.logits if images is seen.batch.images else seen.predict(images)

        values = measure(seen.batch.images, seen.maps, classes, predict)
        return values.masked_fill(seen.predicted == NO_ANSWER, torch.nan)

    return column


def _answered(seen: Seen, values: Tensor) -> Tensor:
    """Set False where the network gives no answer, and for images whose class it does not know."""
    return values & (seen.predicted != NO_ANSWER) & (seen.batch.labels >= 0)


def _of_map(measure: Measure) -> Column:
    return lambda seen: measure(seen.maps)


def _of_truth(measure: Measure) -> Column:
    """Return a column that is NaN where nobody marked the object."""
    return lambda seen: measure(seen.maps, seen.truth).masked_fill(~seen.truth.flatten(1).any(1), torch.nan)


def _above(share: float) -> Measure:
    """Return the Jaccard index of the pixels at or above a share of the brightest one, and the
    truth.
    """
    return lambda maps, truth: jaccard_above(maps, truth, share)


def _of_maps(measure: Measure) -> Column:
    return lambda seen: measure(*seen.cells)


def _of_ink(fitting: Fitting) -> Column:
    return lambda seen: fitting(seen.ranked)


def needs(name: str) -> Needs:
    """Return what a column is computed from. Raises UnknownName."""
    return Needs(COLUMNS[name].facts["needs"])


PETSIUK, CHATTOPADHAY = "Petsiuk et al. 2018 (RISE)", "Chattopadhay et al. 2018 (Grad-CAM++)"
RONG = "Rong et al. 2022 (ROAD), noisy linear imputation"
for _name, _title, _measure, _summary, _source, _better in (
    (
        "deletion",
        "Deletion",
        deletion,
        "How much of the answer's probability remains while the most relevant pixels are removed: lower is better.",
        PETSIUK,
        "lower",
    ),
    (
        "insertion",
        "Insertion",
        insertion,
        "How soon the answer's probability returns while the most relevant pixels are added: higher is better.",
        PETSIUK,
        "higher",
    ),
    (
        "average-drop",
        "Average drop",
        average_drop,
        "Share of the answer's probability that is lost if only what the map highlights remains: lower is better.",
        CHATTOPADHAY,
        "lower",
    ),
    (
        "increase",
        "Increase",
        increase,
        "Whether the answer's probability rises if only what the map highlights remains.",
        CHATTOPADHAY,
        "higher",
    ),
    (
        "road-most",
        "ROAD, most relevant first",
        road_most,
        "Mean probability of the answer after the most relevant pixels are filled in from the others: lower is better.",
        RONG,
        "lower",
    ),
    (
        "road-least",
        "ROAD, least relevant first",
        road_least,
        "Mean probability of the answer after the least relevant pixels are filled in from the others: higher is "
        "better.",
        RONG,
        "higher",
    ),
):
    COLUMNS.register(_name, _title, _summary, _source, needs=Needs.PASSES, better=_better)(_of_passes(_measure))


def _add(entry: Entry[Measure]) -> None:
    """Register the column of a measure."""
    group = Group(entry.facts["group"])
    needed, column = OF_GROUP[group]
    name, title = entry.name, entry.title
    if group is Group.MAP:
        name, title = f"map-{name}", f"{title} of the map"
    facts = {"better": entry.facts["better"]} if "better" in entry.facts else {}
    COLUMNS.register(name, title, entry.summary, entry.source, needs=needed, **facts)(column(entry.value))


OF_GROUP: dict[Group, tuple[Needs, Callable[[Measure], Column]]] = {
    Group.MAP: (Needs.MAP, _of_map),
    Group.OVERLAP: (Needs.TRUTH, _of_truth),
    Group.SIMILARITY: (Needs.MAPS, _of_maps),
}
for _group in OF_GROUP:
    for _name in measures_of(_group):
        _add(MEASURES[_name])
MEASURES.follow(_add)  # those of plugins
for _share, _source in ((0.2, "Jaccard 1901; the share as in Zhou et al. 2016, section 3.2"), (0.5, "Jaccard 1901")):
    COLUMNS.register(
        f"iou-above-{_share * 100:.0f}",
        f"IoU above {_share * 100:.0f} %",
        f"Jaccard index of the truth and the pixels with at least {_share * 100:.0f} % of the map's largest value.",
        _source,
        needs=Needs.TRUTH,
    )(_of_truth(_above(_share)))
for _name, _fitting in fittings_per_image().items():
    if _name not in COLUMNS:
        _way = FITTINGS[_name]
        COLUMNS.register(_name, _way.title, _way.summary, _way.source, needs=Needs.INK)(_of_ink(_fitting))


def _at_threshold(curve: Tensor) -> Tensor:
    chosen = choose_threshold(curve)
    return curve[:, chosen.place if chosen else 0]


def _threshold(curve: Tensor) -> Tensor:
    chosen = choose_threshold(curve)
    return torch.full((len(curve),), chosen.value if chosen else torch.nan)


def _curve(seen: Seen) -> Tensor:
    return jaccard_curve(seen.maps, seen.truth, THRESHOLDS)


_way = FITTINGS["best-single-threshold"]
COLUMNS.register(_way.name, _way.title, _way.summary, _way.source, needs=Needs.INK)(OfSet(_curve, _at_threshold))
COLUMNS.register(
    "single-threshold",
    "Threshold of the set",
    "The brightness at or above which a pixel counts as found: the best for all images together.",
    _way.source,
    needs=Needs.INK,
)(OfSet(_curve, _threshold))

MERKLE = "Merkle et al. (Less is More), where the peak is that of a batch; here it is that of the set"
for _name, _title, _value, _summary in (
    (
        "raw-mean",
        "Mean of the raw map",
        OfSet(lambda seen: mean_with_peak(seen.raw_maps), lambda kept: by_peak(kept, 1)),
        "Mean of the raw map's cells, as a share of the largest value on the data set.",
    ),
    (
        "raw-variance",
        "Variance of the raw map",
        OfSet(lambda seen: variance_with_peak(seen.raw_maps), lambda kept: by_peak(kept, 2)),
        "Variance over the raw map's cells, as shares of the largest value on the data set.",
    ),
    (
        "raw-non-zero",
        "Non-zero cells of the raw map",
        lambda seen: non_zero(seen.raw_maps),
        "Number of the raw map's cells that are above zero.",
    ),
):
    COLUMNS.register(_name, _title, _summary, MERKLE, needs=Needs.MAP)(_value)
COLUMNS.register(
    "raw-l1",
    "L1 distance of the raw maps",
    "Sum over the cells of the absolute differences from the reference's map; each network's maps are shares of its "
    "largest value on the data set.",
    MERKLE,
    needs=Needs.MAPS,
)(OfSet(lambda seen: torch.stack(seen.raw_cells, 1).flatten(1), l1_by_peak))
