"""Where explanations and answers break: for each image, the first sparsity from which its heatmap
stays unlike the reference's, and the first from which its answer stays another one.

A heatmap without evidence is like no other one, so it counts as broken. Where the reference's own
heatmap has none, nothing can break: such images are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas
from numpy.typing import NDArray

from core.base.errors import BadSpec
from core.stats.bootstrap import Interval, mean_interval
from core.stats.intervals import wilson

SAME = "agrees"
LEAST = 2  # sparsities


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of images, with Wilson's 95 % interval."""

    count: int
    n: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Alive:
    """How many explanations and answers are not yet broken at a sparsity."""

    sparsity: float
    explanations: Share
    answers: Share


@dataclass(frozen=True, kw_only=True)
class Breaks:
    """What breaks first in one family of networks.

    measure, threshold: of the similarity. by_image: a row an image: "explanation" and "answer", the
    sparsity from which each stays broken, and "explanation_first", "answer_first", where it breaks
    for the first time; NaN: never. explanation_first, answer_first, together, neither: images.
    earlier: by how much sparsity the explanation breaks before the answer, on average, with an
    interval over images; what never breaks counts as breaking beyond the grid, at `beyond`.
    left_out: images whose heatmap of the reference is empty.
    """

    measure: str
    threshold: float
    beyond: float
    by_image: pandas.DataFrame
    alive: tuple[Alive, ...]
    explanation_first: Share
    answer_first: Share
    together: int
    neither: int
    earlier: Interval
    left_out: int = 0


def find_breaks(
    rows: pandas.DataFrame, measure: str, threshold: float, reference: pandas.DataFrame | None = None
) -> Breaks:
    """Find the breaks in one family of networks.

    Args:
        rows: columns "sparsity", "image", "agrees" and the similarity `measure`, a row for each
            network and image. threshold: a similarity below it is broken. reference: the same rows
            of the reference beside itself; images without a value there are left out. None: none
            is.
    Raises:
        BadSpec: fewer than two sparsities, no image that all networks have or that can break, a
        threshold that no similarity can cross.
    """
    if not -1 <= threshold <= 1:  # NaN fails too
        raise BadSpec(
            f"A threshold of {threshold:g} breaks all heatmaps, or none.",
            "A similarity lies between -1 and 1.",
            "Choose a number between them.",
        )
    grid = np.array(sorted(share for share in rows["sparsity"].unique() if share > 0), dtype=float)
    tables = {name: rows.pivot(index="image", columns="sparsity", values=name) for name in (measure, SAME)}
    whole = tables[SAME].dropna().index
    if len(grid) < LEAST or not len(whole):
        raise BadSpec(
            f"There are {len(grid)} sparsities with {len(whole)} images in common.",
            f"To see what breaks first, at least {LEAST} sparsities of the same images are needed.",
            "Add sparsities to the sweep, and run it.",
        )
    asked = len(whole)
    if reference is not None:
        own = reference.drop_duplicates("image").set_index("image")[measure].astype(float).notna()
        whole = whole[own.reindex(whole, fill_value=False)]
        if not len(whole):
            raise BadSpec(
                "The reference's heatmap is empty for each of these images.",
                "An empty heatmap is like no other one, so it cannot break.",
                "Choose another heatmap, or other images.",
            )
    similar = tables[measure].loc[whole, grid].to_numpy(float)
    broken = {"explanation": ~(similar >= threshold), "answer": ~tables[SAME].loc[whole, grid].to_numpy(bool)}
    found = {name: _from(each, grid) for name, each in broken.items()}
    first = {f"{name}_first": _first(each, grid) for name, each in broken.items()}
    by_image = pandas.DataFrame({"image": whole.to_numpy(), **found, **first})
    beyond = float(grid[-1] + (grid[-1] - grid[-2]))
    beyond = min(beyond, 1.0) if grid[-1] < 1 else beyond
    explanation, answer = (np.where(np.isnan(each), beyond, each) for each in found.values())
    return Breaks(
        measure=measure,
        threshold=threshold,
        beyond=beyond,
        by_image=by_image,
        alive=tuple(_alive(by_image, float(share)) for share in grid),
        explanation_first=_share(int((explanation < answer).sum()), len(whole)),
        answer_first=_share(int((answer < explanation).sum()), len(whole)),
        together=int(((explanation == answer) & (explanation < beyond)).sum()),
        neither=int(((explanation == beyond) & (answer == beyond)).sum()),
        earlier=mean_interval(answer - explanation),
        left_out=asked - len(whole),
    )


def _from(broken: NDArray[np.bool_], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sparsity from which each row stays broken, NaN for never: (n, k) to (n,)."""
    stays = np.logical_and.accumulate(broken[:, ::-1], axis=1)[:, ::-1]
    return _first(stays, grid)


def _first(broken: NDArray[np.bool_], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(broken.any(axis=1), grid[broken.argmax(axis=1)], np.nan)


def _alive(by_image: pandas.DataFrame, sparsity: float) -> Alive:
    counts = [int((~(by_image[name] <= sparsity)).sum()) for name in ("explanation", "answer")]
    explanations, answers = (_share(count, len(by_image)) for count in counts)
    return Alive(sparsity=sparsity, explanations=explanations, answers=answers)


def _share(count: int, n: int) -> Share:
    low, high = wilson(count, n)
    return Share(count=count, n=n, low=low, high=high)


def by_threshold(
    rows: pandas.DataFrame, measure: str, thresholds: Sequence[float], reference: pandas.DataFrame | None = None
) -> Iterator[Breaks]:
    """Yield the breaks of one family for each threshold: how much the finding depends on it."""
    return (find_breaks(rows, measure, each, reference) for each in thresholds)
