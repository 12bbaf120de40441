"""What the curves of a sweep show: means over all images or some of them, the difference from the
reference, and the mean over seeds. They are made of `core.sweeps.read.parts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pandas import DataFrame, concat

from core.base.errors import BadSpec
from core.evaluation.columns import AGAINST_REFERENCE, needs
from core.sweeps.read import HEATMAP, LABEL, PAIRED, SEEDS, means
from core.sweeps.spec import DENSE, SweepSpec

ANSWERED = {"all": "All", "right": "Right", "wrong": "Wrong"}
OF_IMAGES = ("image", "predicted", LABEL)
Part = tuple[dict[str, Any], DataFrame]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which means. label: only images of this class. answered: a key of ANSWERED; each network is
    asked about the images that it answers so. difference: minus the reference's value of the same
    image.
    """

    label: int | None = None
    answered: str = "all"
    difference: bool = False


EVERYTHING = Asked()


def curves(spec: SweepSpec, whole: Sequence[Part], measures: Collection[str], asked: Asked = EVERYTHING) -> DataFrame:
    """Return the rows of `core.sweeps.read.summary` for some measures and images, and the column
    SEEDS.

    Where a network was trained from several seeds, there is a further row for all of them: an
    image's value is its mean over the seeds, and the interval is over images. Measures of
    similarity to the reference have no difference, nor has the calibration error.

    Args:
        whole: all of `parts`.
    Raises:
        BadSpec: the sweep does not know classes or right answers, or no image is left.
    """
    _check(spec, asked)
    found = [(head, kept) for head, rows in whole if len(kept := _chosen(rows, asked))]
    if asked.difference:
        found = [*_differences(spec, found, whole)]
    rows = [head | {SEEDS: 1} | row for head, some in found for row in means(spec, some, measures)]
    rows += [head | row for head, some in _over_seeds(found) for row in means(spec, some, measures)]
    if not rows:
        raise BadSpec("No image is left.", "Curves need images.", "Choose another class, or all images.")
    return DataFrame(rows)


def complete(spec: SweepSpec, whole: Sequence[Part]) -> int:
    """Return how many networks have every answer. whole: all of `parts`."""
    cells: dict[str, int] = defaultdict(int)
    for head, rows in whole:
        cells[head["network"]] += set(spec.measures) <= set(rows)
    return sum(count >= max(1, len(spec.cams)) for count in cells.values())


def classes(whole: Sequence[Part]) -> tuple[int, ...]:
    """Return the classes of the images, as indices; none if the sweep does not know them."""
    return tuple(sorted(map(int, whole[0][1][LABEL].unique()))) if whole and LABEL in whole[0][1] else ()


def _check(spec: SweepSpec, asked: Asked) -> None:
    for name, is_asked in ((LABEL, asked.label is not None), ("right", asked.answered != "all")):
        if is_asked and name not in spec.measures:
            raise BadSpec(
                f"The sweep does not have the measure '{name}'.",
                "It says which images are meant.",
                f"Add '{name}' to its measures and run it again: only the answers are computed anew.",
            )


def _chosen(rows: DataFrame, asked: Asked) -> DataFrame:
    if asked.label is not None:
        rows = rows[rows[LABEL] == asked.label]
    return rows if asked.answered == "all" else rows[rows["right"] == (asked.answered == "right")]


def _differences(spec: SweepSpec, found: Sequence[Part], whole: Sequence[Part]) -> Iterator[Part]:
    """Yield the parts with every value minus the reference's of the same image and heatmap."""
    own = {}
    for head, rows in whole:
        if spec.reference != DENSE or head["schedule"] == "none" or head["level"] == 0:
            own[_reference_of(spec, head, is_own=True)] = rows.set_index("image")
    for head, rows in found:
        theirs = own.get(_reference_of(spec, head))
        if theirs is None:
            continue
        both = rows[rows["image"].isin(theirs.index)].set_index("image")
        if both.empty:
            continue
        same = theirs.loc[both.index]
        less = {
            name: both[name].astype(kind) - same[name].astype(kind)
            for name in both
            if name not in OF_IMAGES and not _is_of_pairs(name)
            for kind in [PAIRED if both[name].dtype == bool else float]
        }
        yield head, DataFrame(less, index=both.index).reset_index()


def _reference_of(spec: SweepSpec, head: dict[str, Any], is_own: bool = False) -> tuple[str, ...]:
    """Return what a network is compared with, and by which heatmap. is_own: it is a reference."""
    heatmap = tuple(head[name] for name in HEATMAP)
    if spec.reference == DENSE:  # level 0 of a series is its dense network
        return (f"{head['model']}/{head['weights']}/{head['seed']}", *heatmap)
    asked = spec.reference_of(spec.models[0]).key
    return (head["network"] if is_own else asked, *heatmap)


def _is_of_pairs(name: str) -> bool:
    return name != "empty" and needs(name) in AGAINST_REFERENCE


def _over_seeds(found: Sequence[Part]) -> Iterator[Part]:
    """Yield the mean over the seeds of each network, image by image."""
    groups: dict[tuple[Any, ...], list[Part]] = defaultdict(list)
    for part in found:
        head = part[0]
        groups[tuple(value for name, value in head.items() if name not in SEPARATE)].append(part)
    for group in groups.values():
        seeds = {head["seed"] for head, _ in group}
        if len(seeds) < 2:
            continue
        heads = DataFrame([head for head, _ in group])
        amounts = heads[["sparsity", *AVERAGED]].astype(float).mean().to_dict()
        rows = concat([rows.drop(columns=[name for name in DROPPED if name in rows]) for _, rows in group])
        shared = rows[rows["image"].map(rows["image"].value_counts()) == len(group)]
        if len(shared):
            yield (
                group[0][0] | amounts | {"seed": -1, "collapsed": bool(heads["collapsed"].any()), SEEDS: len(seeds)},
                shared.astype(float).groupby("image", as_index=False).mean(),
            )


AVERAGED = ("kept", "compression", "compression_of_convolutions")
SEPARATE = ("network", "seed", "sparsity", "collapsed", *AVERAGED)  # what seeds of one network do not share
DROPPED = ("predicted", LABEL)
