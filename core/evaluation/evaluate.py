"""A network over a whole data set: right answers, and heatmaps scored against what is to be seen,
image by image.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from pandas import DataFrame, Series
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.data.inputs import Inputs
from core.data.photo_inputs import PhotoBatch, PhotoInputs, some
from core.measures import top1
from core.measures.boxes import box_iou
from core.measures.fitting import Fits, choose_threshold, fit
from core.measures.overlap import energy_inside, pointing_game, soft_iou
from core.results import OVERFLOW_ADVICE, Accuracy
from core.saliency.cams import saliency_maps
from core.saliency.capture import own_class
from core.saliency.normalise import normalise, to_measure, usable_and_empty
from core.specs import NO_ANSWER, UNREADABLE, DataSpec, VariantSpec
from core.stats.intervals import wilson

TOP = 5
ROW_NAMES = ("predicted", "soft_iou", "map_mean", "map_std", "usable", "empty")


@dataclass(frozen=True)
class Counts:
    """Right answers of a network among `total` images: the class itself, one of the five most
    probable (None with five classes or fewer), and the most probable among the `among_classes` that
    the data set has (None where that is all of them). unanswered: images for which the network's
    outputs are not finite; they are in the total and never right. None where nobody counted them.
    """

    correct: int
    total: int
    top5: int | None = None
    among: int | None = None
    among_classes: int | None = None
    notes: tuple[str, ...] = ()
    unanswered: int | None = None


def accuracy(variant: VariantSpec, data: DataSpec, counts: Counts) -> Accuracy:
    """Counts as a rate, with its interval."""
    low, high = wilson(counts.correct, counts.total)
    return Accuracy(variant=variant, data=data, low=low, high=high, **asdict(counts))


@dataclass(frozen=True, eq=False)
class PerImage:
    """One row an image, (N,), on the CPU; NaN where a number is undefined.

    predicted: UNREADABLE (-1) for a photograph that cannot be read, NO_ANSWER (-2) where the
    outputs are not finite. soft_iou: with the ink, or with the object where somebody marked it.
    overlaps: of
    photographs, by name: "pointing-game", "energy-inside", and "box-iou" where the truth is boxes.
    usable: the map is neither empty nor constant nor invalid. empty: the heatmap is zero everywhere
    and overlaps by 0 (`core.measures`). An invalid map is neither, and its scores are NaN. fitted:
    the other ways of fitting map to ink, if asked for; threshold: of "best-single-threshold".
    """

    predicted: Tensor
    soft_iou: Tensor
    map_mean: Tensor
    map_std: Tensor
    usable: Tensor  # bool
    empty: Tensor  # bool
    fitted: dict[str, Tensor] = field(default_factory=dict)
    threshold: float | None = None
    overlaps: dict[str, Tensor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def table(self) -> DataFrame:
        """One row an image: predicted, usable, mean and standard deviation of the map, every
        overlap there is.
        """
        columns = {name: getattr(self, name) for name in ROW_NAMES} | self.overlaps | self.fitted
        return DataFrame({name.replace("_", "-"): values.numpy() for name, values in columns.items()})

    def summary(self) -> dict[str, dict[str, float | None]]:
        """How many maps are usable, empty and invalid; the mean of each column over the n images
        where it is defined. Beside the mean of an overlap stand the number of empty maps among them
        and the mean without those.
        """
        table, overlaps = self.table(), ("soft-iou", *self.overlaps, *self.fitted)
        some = table[~table["empty"]]
        invalid = int((table.predicted != UNREADABLE).sum() - table.usable.sum() - table["empty"].sum())
        found = {name: _mean(table[name]) for name in ("map-mean", "map-std")}
        for name in overlaps:
            usual, without = _mean(table[name]), _mean(some[name])
            found[name] = usual | {"empty-maps": usual["n"] - without["n"], "mean-without-empty-maps": without["mean"]}
        return {
            "maps": {"usable": int(table.usable.sum()), "empty": int(table["empty"].sum()), "invalid": invalid}
        } | found


def _mean(values: Series) -> dict[str, Any]:
    defined = values.dropna()
    return {"mean": float(defined.mean()) if len(defined) else None, "n": len(defined)}


def predict(network: nn.Module, inputs: Inputs) -> Tensor:
    """Predicted classes (N,); NO_ANSWER where the network's outputs are not finite."""
    with torch.no_grad():
        return torch.cat([top1(network(part.seen.unsqueeze(1))) for part in inputs.batches()])


def count(network: nn.Module, inputs: Inputs | PhotoInputs) -> Counts:
    """How many answers are right.

    Args:
        network: on the inputs' device, in evaluation mode.
    Raises:
        BadSpec: no class of the photographs is a class of the network, or none of them can be read.
    """
    if isinstance(inputs, Inputs):
        found = predict(network, inputs)
        unanswered = int((found == NO_ANSWER).sum())
        return Counts(
            int((found == inputs.labels).sum()),
            len(inputs.labels),
            notes=overflow_notes(unanswered),
            unanswered=unanswered,
        )
    if not len(inputs.own_classes):
        raise BadSpec(
            f"No class of {inputs.photos.title} is a class of this network: {some(inputs.unknown)}.",
            "An accuracy needs photographs whose class the network can say.",
            "Name the folders by the network's classes or by ImageNet's synsets, or choose another network.",
        )
    return _count_photos(network, inputs)


def _count_photos(network: nn.Module, inputs: PhotoInputs) -> Counts:
    sums, classes, total, unanswered = torch.zeros(3, dtype=torch.int64), 0, 0, 0
    for batch in inputs.batches():
        labels = inputs.labels[batch.rows.to(inputs.labels.device)]
        with torch.no_grad():
            logits = network(as_taken(network, batch.images))[labels >= 0]
        labels, classes = labels[labels >= 0], logits.shape[1]
        total += len(labels)
        unanswered += int((top1(logits) == NO_ANSWER).sum())
        sums += right_answers(logits, labels, inputs.own_classes).cpu()
    if not total:
        raise BadSpec(
            f"No photograph of {inputs.photos.title} can be counted.",
            " ".join(inputs.notes),
            "Choose another data set.",
        )
    correct, top5, among = sums.tolist()
    some_classes = len(inputs.own_classes) < classes
    return Counts(
        correct,
        total,
        top5 if classes > TOP else None,
        among if some_classes else None,
        len(inputs.own_classes) if some_classes else None,
        (*inputs.notes, *overflow_notes(unanswered)),
        unanswered,
    )


def as_taken(network: nn.Module, images: Tensor) -> Tensor:
    """The images in the precision that the network computes in."""
    return images.to(next(network.parameters(), images).dtype)


def right_answers(logits: Tensor, labels: Tensor, own_classes: Tensor) -> Tensor:
    """(3,): how often the label is the most probable class, among the five most probable, the most
    probable of `own_classes`.

    Logits that are not finite are never right.

    Args:
        logits: (n, C). labels: (n,). own_classes: (m,), the labels are among them.
    """
    predicted, best = top1(logits), logits.topk(min(TOP, logits.shape[1]), dim=1).indices
    restricted = own_classes[logits[:, own_classes].argmax(1)]
    right = torch.stack([predicted == labels, (best == labels[:, None]).any(1), restricted == labels])
    return (right & (predicted != NO_ANSWER)).sum(1)


def overflow_notes(unanswered: int) -> tuple[str, ...]:
    """What to know of images without an answer, and what to do; nothing where there are none."""
    if not unanswered:
        return ()
    images = "1 image" if unanswered == 1 else f"{unanswered:,} images"
    return (
        f"{images} without a finite answer: the network's outputs overflow. They count as wrong. {OVERFLOW_ADVICE}",
    )


def evaluate(
    network: nn.Module, inputs: Inputs | PhotoInputs, method: str, layer: str, fitted: bool = False
) -> PerImage:
    """Prediction, heatmap for the predicted class, and how well it fits what is to be seen, for
    every image.

    Args:
        network: on the inputs' device. method, layer: of the heatmap. fitted: of digits, every
            registered way of fitting map to ink.
    """
    if isinstance(inputs, PhotoInputs):
        return _evaluate_photos(network, inputs, method, layer)
    batches = [_evaluate_batch(network, part, method, layer) for part in inputs.batches()]
    rows: dict[str, Any] = {name: torch.cat([batch[name] for batch in batches]).cpu() for name in ROW_NAMES}
    scores, threshold = _fitted(
        [fit(batch["maps"], part.clean) for batch, part in zip(batches, inputs.batches(), strict=True)]
        if fitted
        else []
    )
    return PerImage(**rows, fitted=scores, threshold=threshold)


def _evaluate_batch(network: nn.Module, part: Inputs, method: str, layer: str) -> dict[str, Tensor]:
    found = _maps(network, part.seen.unsqueeze(1), method, layer)
    return found | {"soft_iou": soft_iou(found["maps"], part.clean)}


def _maps(network: nn.Module, images: Tensor, method: str, layer: str) -> dict[str, Tensor]:
    """Heatmaps (n, H, W) for the predicted classes, and what is said of each alone."""
    made = saliency_maps(network, images, method, layer, own_class)
    maps, states = normalise(made.maps, (images.shape[-2], images.shape[-1]))
    maps, (usable, empty) = to_measure(maps, states), usable_and_empty(states)
    flat = maps.flatten(1)
    return {
        "predicted": made.targets,
        "map_mean": flat.mean(1),
        "map_std": flat.std(1, correction=0),
        "usable": usable,
        "empty": empty,
        "maps": maps,
    }


def _evaluate_photos(network: nn.Module, inputs: PhotoInputs, method: str, layer: str) -> PerImage:
    nothing = torch.full((len(inputs),), torch.nan)
    names = ("soft_iou", "map_mean", "map_std", "pointing-game", "energy-inside", "box-iou")
    columns: dict[str, Any] = {name: nothing.clone() for name in names}
    columns |= {"predicted": torch.full((len(inputs),), UNREADABLE)}
    columns |= {name: torch.zeros(len(inputs), dtype=torch.bool) for name in ("usable", "empty")}
    for batch in inputs.batches(truth=True):
        found = _maps(network, as_taken(network, batch.images), method, layer)
        found |= against_truth(found.pop("maps"), batch)
        for name, values in found.items():
            columns[name][batch.rows] = values.to(columns[name].dtype).cpu()
    overlaps = {name: columns.pop(name) for name in names[3:]}
    return PerImage(**columns, overlaps=overlaps, notes=inputs.notes)


def against_truth(maps: Tensor, batch: PhotoBatch) -> dict[str, Tensor]:
    """Scores (n,), NaN where nobody marked the object and where a map holds NaN; 0 for an empty
    map.
    """
    assert batch.truth is not None
    unmarked = ~batch.truth.flatten(1).any(1)
    scores = {
        "soft_iou": soft_iou(maps, batch.truth),
        "pointing-game": pointing_game(maps, batch.truth),
        "energy-inside": energy_inside(maps, batch.truth),
        "box-iou": box_iou(maps, batch.boxes),
    }
    return {name: values.masked_fill(unmarked, torch.nan) for name, values in scores.items()}


def _fitted(fits: list[Fits]) -> tuple[dict[str, Tensor], float | None]:
    """Scores of every fitting but soft IoU, which stands by itself, and the one threshold chosen
    for these images.
    """
    if not fits:
        return {}, None
    scores = {
        name: torch.cat([batch.scores[name] for batch in fits]).cpu() for name in fits[0].scores if name != "soft-iou"
    }
    curve = torch.cat([batch.curve for batch in fits]).cpu()
    chosen = choose_threshold(curve)
    scores["best-single-threshold"] = curve[:, chosen.place if chosen else 0]
    return scores, chosen.value if chosen else None
