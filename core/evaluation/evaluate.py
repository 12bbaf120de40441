"""A network over a data set: a table with one row an image, and the counts of right answers that
follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from pandas import DataFrame, Series
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.base.progress import Progress, silent
from core.base.text import first_few
from core.data.batches import Batch, Inputs
from core.evaluation.columns import COLUMNS, TOP, Needs, Seen, needs
from core.results import OVERFLOW_ADVICE, Accuracy
from core.specs import NO_ANSWER, UNREADABLE, CamSpec, DataSpec, VariantSpec
from core.stats.intervals import wilson

ANSWERS = ("predicted", "right", "right-top5", "right-among")
MAPS = ("usable", "empty", "map-mean", "map-std", "soft-iou", "pointing-game", "energy-inside")
NAMED = 3  # unknown classes, in a message


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
class Table:
    """One row an image, in the data set's order; columns are keys of COLUMNS.

    NaN is undefined. "predicted" is UNREADABLE (-1) for an image that cannot be read, NO_ANSWER
    (-2) where the outputs are not finite. classes: how many the network has.
    """

    rows: DataFrame
    notes: tuple[str, ...] = ()
    classes: int = 0

    def summary(self) -> dict[str, dict[str, float | None]]:
        """How many maps are usable, empty and invalid; the mean of each measure over the n images
        where it is defined. Beside the mean of an overlap stand the number of empty maps among them
        and the mean without those.
        """
        rows = self.rows
        some = rows[~rows["empty"]]
        read = rows.predicted != UNREADABLE
        invalid = int(read.sum() - rows["usable"].sum() - rows["empty"].sum())
        found: dict[str, Any] = {
            "maps": {"usable": int(rows["usable"].sum()), "empty": int(rows["empty"].sum()), "invalid": invalid}
        }
        for name in (name for name in rows if rows[name].dtype.kind == "f"):
            found[name] = usual = _mean(rows[name])
            if needs(name) is not Needs.MAP:
                without = _mean(some[name])
                usual |= {"empty-maps": usual["n"] - without["n"], "mean-without-empty-maps": without["mean"]}
        return found


def _mean(values: Series) -> dict[str, Any]:
    defined = values.dropna()
    return {"mean": float(defined.mean()) if len(defined) else None, "n": len(defined)}


def heatmap_columns(inputs: Inputs) -> tuple[str, ...]:
    """The default columns for the heatmaps of a data set."""
    return ("predicted", *MAPS, *(("box-iou",) if inputs.has_boxes else ()))


def evaluate(
    network: nn.Module,
    inputs: Inputs,
    columns: Sequence[str] = ANSWERS,
    cam: CamSpec | None = None,
    watch: Callable[[Seen], None] = lambda seen: None,
    progress: Progress = silent,
) -> Table:
    """One row for every image of a data set.

    Args:
        network: on the inputs' device, in evaluation mode. columns: keys of COLUMNS. cam: method
            and layer of the heatmaps, for the predicted class; None where no column needs one.
        watch: called with each batch when its columns are made. progress: called with images done
            and total after each batch.
    Raises:
        UnknownName: no such column.
    """
    truth = any(needs(name) in (Needs.TRUTH, Needs.BOXES, Needs.INK) for name in columns)
    dtype = next(network.parameters(), torch.empty(0)).dtype
    widths = []

    def look() -> Iterator[Seen]:
        for batch in inputs.batches(truth=truth):
            taken = replace(batch, images=batch.images.to(dtype))
            seen = Seen(taken, network, inputs.own_classes, network, cam)
            yield seen
            watch(seen)
            progress(int(batch.rows[-1]) + 1, len(inputs))
            widths.append(seen.logits.shape[1])

    rows, values = collect(look(), columns)
    frame = {name: _spread(name, rows, found, len(inputs)).numpy() for name, found in values.items()}
    return Table(DataFrame(frame), inputs.notes, widths[0] if widths else 0)


def collect(batches: Iterable[Seen], columns: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
    """The columns of all batches one after another, on the CPU, and the rows that they are of."""
    entries = {name: COLUMNS[name].value for name in columns}
    rows: list[Tensor] = []
    parts: dict[str, list[Tensor]] = {name: [] for name in columns}
    for seen in batches:
        rows.append(seen.batch.rows)
        for name, column in entries.items():
            parts[name].append(column(seen))
    return (
        torch.cat(rows) if rows else torch.empty(0, dtype=torch.int64),
        {name: torch.cat(found).cpu() if found else torch.empty(0) for name, found in parts.items()},
    )


def _spread(name: str, rows: Tensor, values: Tensor, count: int) -> Tensor:
    """Values at their rows; an image that could not be read has none."""
    if len(rows) == count:
        return values
    if name == "predicted":
        whole = torch.full((count,), UNREADABLE)
    elif values.dtype == torch.bool:
        whole = torch.zeros(count, dtype=torch.bool)
    else:
        whole = torch.full((count,), torch.nan)
    whole[rows] = values.to(whole.dtype)
    return whole


def count(network: nn.Module, inputs: Inputs, progress: Progress = silent) -> Counts:
    """How many answers are right.

    Args:
        network: on the inputs' device, in evaluation mode. progress: as for `evaluate`.
    Raises:
        BadSpec: no class of the data set is a class of the network, or no image can be read.
    """
    if not len(inputs.own_classes):
        raise BadSpec(
            f"No class of {inputs.title} is a class of this network: {first_few(inputs.unknown, NAMED)}.",
            "An accuracy needs photographs whose class the network can say.",
            "Name the folders by the network's classes or by ImageNet's synsets, or choose another network.",
        )
    table = evaluate(network, inputs, progress=progress)
    rows = table.rows[(inputs.labels.cpu().numpy() >= 0) & (table.rows.predicted != UNREADABLE)]
    if rows.empty:
        raise BadSpec(
            f"No photograph of {inputs.title} can be counted.", " ".join(table.notes), "Choose another data set."
        )
    unanswered, some_classes = int((rows.predicted == NO_ANSWER).sum()), len(inputs.own_classes) < table.classes
    return Counts(
        correct=int(rows["right"].sum()),
        total=len(rows),
        top5=int(rows["right-top5"].sum()) if table.classes > TOP else None,
        among=int(rows["right-among"].sum()) if some_classes else None,
        among_classes=len(inputs.own_classes) if some_classes else None,
        notes=(*table.notes, *overflow_notes(unanswered)),
        unanswered=unanswered,
    )


def count_right(predict: Callable[[Tensor], Tensor], batches: Iterable[Batch]) -> int:
    """How many images are classified correctly; never one whose logits are not finite."""
    return int(collect((Seen(batch, predict) for batch in batches), ("right",))[1]["right"].sum())


def overflow_notes(unanswered: int) -> tuple[str, ...]:
    """What to know of images without an answer, and what to do; nothing where there are none."""
    if not unanswered:
        return ()
    images = "1 image" if unanswered == 1 else f"{unanswered:,} images"
    return (
        f"{images} without a finite answer: the network's outputs overflow. They count as wrong. {OVERFLOW_ADVICE}",
    )
