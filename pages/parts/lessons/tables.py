"""The included sweeps behind lessons 5 and 6. Their tables are read; nothing is computed anew but
pictures of digits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pandas import DataFrame

from core import CamSpec, ImageRef, VariantSpec
from core.base.numbers import change, score
from core.stats.intervals import wilson
from core.sweeps.breaks import SAME, Breaks, find_breaks
from core.sweeps.families import Family, families
from core.sweeps.spots import Bounded, improvements
from pages.parts.common import sweep_data
from pages.parts.common.address import CARD
from pages.parts.common.background import Work
from pages.parts.common.waiting import needed

SIMILAR, LABEL, EMPTY = "pearson", "label", "empty"
USUAL = 0.5  # a similarity below it is broken
# By sweep: the measures that are read.
MEASURES = {
    "mnist": ("right", "soft-iou", LABEL),
    "less-is-more": (
        *("right", "soft-iou", "energy-inside", "pointing-game", "box-iou", "map-mean"),
        *(SAME, SIMILAR, EMPTY),
    ),
    "efficientnet-lite0": ("right", "soft-iou", SAME, SIMILAR, EMPTY),
    "breaks-efficientnet-lite0": (SAME, SIMILAR, EMPTY),
    "breaks-digits": (SAME, SIMILAR, EMPTY, LABEL),
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A family of networks. way: how its name in the sweep ends, or a part of it."""

    sweep: str
    way: str
    heatmap: str = ""


def seed(of: int | str) -> Source:
    """Returns the trained series of the thesis' network with one seed."""
    return Source(sweep="mnist", way=f"/seed-{of} ")


def digits(criterion: str = "magnitude", heatmap: str = "grad-cam++") -> Source:
    """Returns the thesis' network, pruned without retraining."""
    return Source(sweep="breaks-digits", way=f" global {criterion}", heatmap=heatmap)


SQUEEZENET = Source(sweep="less-is-more", way=" retrained")
LITE0 = Source(sweep="efficientnet-lite0", way=" global magnitude")
LITE0_FINE = Source(sweep="breaks-efficientnet-lite0", way=" global magnitude")
LITE0_LAYER = Source(sweep="efficientnet-lite0", way=" layer magnitude")


def family(of: Source) -> Family:
    """Returns the rows of a family and of its dense network. Raises Stopped."""
    opened = sweep_data.opened(of.sweep)
    work = Work(
        place=f"lesson {of.sweep} {of.heatmap}",
        key=("lesson rows", of.sweep, of.heatmap),
        stamp=opened.stamp,
        what="Reading the answers",
        run=lambda task: families(opened.sweep, MEASURES[of.sweep], of.heatmap),
    )
    found: dict[str, Family] = needed(work).answer
    return next(each for name, each in found.items() if of.way in name)


def sparsities(of: Family) -> list[float]:
    """Returns the sparsities of a family, without the dense network's."""
    return sorted(float(share) for share in of.rows["sparsity"].unique() if share > 0)


def at(of: Family, sparsity: float) -> DataFrame:
    """Returns the rows of the network whose sparsity is nearest."""
    nearest = min(sparsities(of), key=lambda share: abs(share - sparsity))
    return of.rows[of.rows["sparsity"] == nearest]


def gains(of: Family, measure: str, together: int | None = None) -> dict[float, Bounded]:
    """Returns the change of a measure at each sparsity. together: for how many comparisons the
    intervals hold; by default for all sparsities of the family.
    """
    return improvements(of.rows, of.reference, measure, together or len(sparsities(of)))


def breaks(of: Family, threshold: float = USUAL) -> Breaks:
    return find_breaks(of.rows, SIMILAR, threshold)


def without_empty(of: Family) -> Family:
    """Returns a family without the images whose dense heatmap is empty."""
    shown = of.reference[~of.reference[EMPTY].astype(bool)]["image"]
    return Family(rows=of.rows[of.rows["image"].isin(shown)], reference=of.reference)


def leads(found: Breaks) -> int:
    """Returns what breaks first more often: 0 for heatmaps, 2 for answers, 1 if that is not clear
    by the interval of the share among images where one of them does.
    """
    first, decided = found.explanation_first.count, found.explanation_first.count + found.answer_first.count
    low, high = wilson(first, decided) if decided else (0.0, 1.0)
    return 0 if low > 0.5 else 2 if high < 0.5 else 1


def verdict(found: Bounded) -> int:
    """Returns whether a change is clear: 0 for higher, 2 for lower, else 1."""
    assert found.low is not None
    assert found.high is not None
    return 0 if found.low > 0 else 2 if found.high < 0 else 1


def changed(found: Bounded, points: bool = False) -> str:
    """Formats a change with its interval. points: of a share, in percentage points."""
    value, low, high = (_signed(each, points) for each in (found.value, found.low, found.high))
    return f"**{value}**{' points' if points else ''} (95 % interval {low} to {high}, n = {found.n})"


def _signed(value: float | None, points: bool) -> str:
    assert value is not None
    return change(100 * value, 1) if points else change(value, 3)


def earlier(found: Breaks) -> str:
    """Formats by how much heatmaps break earlier, or later, than answers."""
    gap = found.earlier
    assert gap.value is not None
    assert gap.low is not None
    assert gap.high is not None
    turned = gap.value < 0
    ends = (-gap.high, -gap.low) if turned else (gap.low, gap.high)
    low, high = (score(100 * each, 1) for each in ends)
    what = "answers break" if turned else "heatmaps break"
    return f"{what} **{100 * abs(gap.value):.1f} points** earlier (95 % interval {low} to {high}, n = {gap.n})"


def first_row(of: Family, digit: str | int) -> int:
    """Returns the first image of a class among those of a sweep."""
    rows = of.reference
    return int(rows[rows[LABEL] == int(digit)]["image"].iloc[0])


def value(rows: DataFrame, image: int, measure: str) -> Any:
    """Returns what one network's rows say about an image."""
    return rows[rows["image"] == image][measure].iloc[0]


def variant(of: Source, sparsity: float) -> VariantSpec:
    """Returns the network of a family at a sparsity; the dense one for 0."""
    key = str(at(family(of), sparsity)["network"].iloc[0])
    found = {each.key: each for each in sweep_data.opened(of.sweep).sweep.variants}[key]
    return found if sparsity else found.dense


def image(of: Source, row: int) -> ImageRef:
    data = sweep_data.opened(of.sweep).spec.data
    return ImageRef(source=data.name, name=str(row), noise=data.noise, noise_seed=data.noise_seed)


def with_layer(cam: CamSpec) -> CamSpec:
    """Returns a heatmap of a sweep on digits with the layer at which it is computed."""
    return replace(cam, layer=cam.layer or CARD.target_layer)
