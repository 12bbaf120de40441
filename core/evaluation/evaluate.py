"""Evaluate a network over a data set: a table with one row per image, and counts of correct
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from pandas import DataFrame, Series
from torch import Tensor, nn

from core.base.brief import brief
from core.base.errors import BadSpec
from core.base.progress import Progress, tell
from core.base.text import first_few
from core.data.batches import Batch, Inputs
from core.evaluation.columns import AGAINST_REFERENCE, AGAINST_TRUTH, COLUMNS, TOP, Needs, joined, needs
from core.evaluation.seen import Seen
from core.results import OVERFLOW_ADVICE, Accuracy
from core.specs import NO_ANSWER, UNREADABLE, CamSpec, DataSpec, VariantSpec
from core.stats.intervals import chance_probability, wilson

ANSWERS = ("predicted", "right", "right-top5", "right-among")
MAPS = ("usable", "empty", "map-mean", "map-std", "soft-iou", "pointing-game", "energy-inside")
FAITHFULNESS = tuple(name for name in COLUMNS if needs(name) is Needs.PASSES)
FEWEST = 10  # images from which an accuracy is compared with guessing
LUCK = 0.05  # an accuracy that guessing reaches with this probability is near chance
NAMED = 3  # unknown classes named in a message


@dataclass(frozen=True)
class Counts:
    """Correct answers of a network among `total` images: the class itself, one of the five most
    probable (None with five classes or fewer), and the most probable among the `among_classes` of
    the data set (None if these are all classes). unanswered: images for which the network's outputs
    are not finite; they count in the total and are never correct. None if not counted.
    """

    correct: int
    total: int
    top5: int | None = None
    among: int | None = None
    among_classes: int | None = None
    notes: tuple[str, ...] = ()
    unanswered: int | None = None


def accuracy(variant: VariantSpec, data: DataSpec, counts: Counts, notes: tuple[str, ...] = ()) -> Accuracy:
    """Convert counts to an accuracy with its interval. notes: further remarks."""
    low, high = wilson(counts.correct, counts.total)
    facts = asdict(counts) | {"notes": (*counts.notes, *notes)}
    return Accuracy(variant=variant, data=data, low=low, high=high, **facts)


@brief
@dataclass(frozen=True, eq=False)
class Table:
    """One row per image, in the data set's order; columns are keys of COLUMNS.

    NaN means undefined. "predicted" is UNREADABLE (-1) for an image that cannot be read, NO_ANSWER
    (-2) if the outputs are not finite. classes: the number of classes of the network. truth: how
    the object is marked, a key of core.results.TRUTHS.
    """

    rows: DataFrame
    notes: tuple[str, ...] = ()
    classes: int = 0
    truth: str = ""

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Return the number of usable, empty and invalid maps, and the mean of each measure over
        the n images where it is defined. The mean of an overlap comes with the number of empty maps
        among them and the mean without those.
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
            if needs(name) in AGAINST_TRUTH:
                without = _mean(some[name])
                usual |= {"empty-maps": usual["n"] - without["n"], "mean-without-empty-maps": without["mean"]}
        return found


def _mean(values: Series) -> dict[str, Any]:
    defined = values.dropna()
    return {"mean": float(defined.mean()) if len(defined) else None, "n": len(defined)}


def heatmap_columns(inputs: Inputs) -> tuple[str, ...]:
    """Return the default columns for the heatmaps of a data set."""
    return ("predicted", *MAPS, *(("box-iou",) if inputs.has_boxes else ()))


def evaluate(
    network: nn.Module,
    inputs: Inputs,
    columns: Sequence[str] = ANSWERS,
    cam: CamSpec | None = None,
    watch: Callable[[Seen], None] = lambda seen: None,
    progress: Progress = tell,
) -> Table:
    """Evaluate every image of a data set, one row each.

    Args:
        network: on the inputs' device, in evaluation mode. columns: keys of COLUMNS. cam: method
            and layer of the heatmaps, for the predicted class; None if no column needs one.
        watch: called with each batch after its columns are computed. progress: called with images
            done and total after each batch.
    Raises:
        UnknownName: no such column. BadSpec: a column compares with a reference network.
    """
    if other := [name for name in columns if needs(name) in AGAINST_REFERENCE]:
        raise BadSpec(
            f"'{other[0]}' compares two networks.",
            "A table of one network has measures of that network.",
            "Ask a sweep for it: `python -m core sweep run`.",
        )
    truth = any(needs(name) in AGAINST_TRUTH for name in columns)
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
    return Table(DataFrame(frame), inputs.notes, widths[0] if widths else 0, inputs.truth_kind)


def collect(batches: Iterable[Seen], columns: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
    """Collect the columns of all batches on the CPU, and their rows."""
    entries = {name: COLUMNS[name].value for name in columns}
    rows: list[Tensor] = []
    parts: dict[str, list[Tensor]] = {name: [] for name in columns}
    for seen in batches:
        rows.append(seen.batch.rows)
        for name, column in entries.items():
            parts[name].append(column(seen))
    return (
        torch.cat(rows) if rows else torch.empty(0, dtype=torch.int64),
        {name: joined(name, found) for name, found in parts.items()},
    )


def _spread(name: str, rows: Tensor, values: Tensor, count: int) -> Tensor:
    """Put values at their rows; an image that could not be read has none."""
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


def count(network: nn.Module, inputs: Inputs, progress: Progress = tell) -> Counts:
    """Count the correct answers.

    Args:
        network: on the inputs' device, in evaluation mode. progress: as for `evaluate`.
    Raises:
        BadSpec: no class of the data set is a class of the network, or no image can be read.
    """
    check_classes(inputs)
    return counts(evaluate(network, inputs, progress=progress), inputs)


def check_classes(inputs: Inputs) -> None:
    """Raise BadSpec if no class of the data set is a class of the network."""
    if not len(inputs.own_classes):
        raise BadSpec(
            f"No class of {inputs.title} is a class of this network: {first_few(inputs.unknown, NAMED)}.",
            " ".join(inputs.matching) or "An accuracy needs photographs of classes that the network knows.",
            "Name the folders by the network's classes or ImageNet's synsets, or choose another network.",
        )


def counts(table: Table, inputs: Inputs) -> Counts:
    """Return the correct answers of a table with the columns ANSWERS. Raises BadSpec: no image can
    be counted.
    """
    rows = table.rows[(inputs.labels.cpu().numpy() >= 0) & (table.rows.predicted != UNREADABLE)]
    if rows.empty:
        raise BadSpec(
            f"No photograph of {inputs.title} can be counted.", " ".join(table.notes), "Choose another data set."
        )
    correct = int(rows["right"].sum())
    unanswered, some_classes = int((rows.predicted == NO_ANSWER).sum()), len(inputs.own_classes) < table.classes
    return Counts(
        correct=correct,
        total=len(rows),
        top5=int(rows["right-top5"].sum()) if table.classes > TOP else None,
        among=int(rows["right-among"].sum()) if some_classes else None,
        among_classes=len(inputs.own_classes) if some_classes else None,
        notes=(*table.notes, *(overflow_notes(unanswered) or chance_notes(correct, len(rows), table.classes))),
        unanswered=unanswered,
    )


def count_right(predict: Callable[[Tensor], Tensor], batches: Iterable[Batch]) -> int:
    """Count the images that are classified correctly; never one whose logits are not finite."""
    return int(collect((Seen(batch, predict) for batch in batches), ("right",))[1]["right"].sum())


def chance_notes(correct: int, total: int, classes: int) -> tuple[str, ...]:
    """Return a note on an accuracy that guessing could reach, the sign of a wrong preprocessing."""
    if total < FEWEST or chance_probability(correct, total, classes) < LUCK:
        return ()
    return (
        f"No better than guessing among {classes:,} classes: {correct:,} of {total:,} are right. If the network is not"
        " pruned, check size, channel order, value range, mean and deviation of its input.",
    )


def overflow_notes(unanswered: int) -> tuple[str, ...]:
    """Return a note on images without an answer, with advice; empty if there are none."""
    if not unanswered:
        return ()
    images = "1 image" if unanswered == 1 else f"{unanswered:,} images"
    return (
        f"{images} without a finite answer: the network's outputs overflow. They count as wrong. {OVERFLOW_ADVICE}",
    )
