"""How the score of networks relates to their sparsity and to their right answers: the question of
the GoogLeNet study.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from core.base.draws import numpy_generator
from core.base.numbers import percent, score
from core.base.text import Rows
from core.models.cards import RANDOM
from core.stats.correlation import correlation

NAMES = ("pearson", "spearman")
RESAMPLES = 2000
NEAR_CHANCE = 2.0  # a network with fewer right answers than this multiple of chance is near chance


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One correlation of the score over n networks, with a 95 % bootstrap interval over networks;
    None if undefined.

    of: "sparsity" or "right". near_chance: whether networks near chance are among them.
    """

    of: str
    name: str
    near_chance: bool
    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def trained(rows: DataFrame) -> DataFrame:
    """Return the rows of networks with trained weights and living units, with the share of right
    answers.
    """
    found = rows[(rows.weights != RANDOM) & (rows.dead < rows.units)]
    return found.assign(share=found["right"] / found["n"])


def relations(rows: DataFrame, similarity: str, classes: int) -> list[Relation]:
    """Relate the score to sparsity and right answers, with and without networks near chance.

    The networks of a series descend from each other, so the intervals describe these networks and
    are no test of others.

    Args:
        rows: of a summary, one network each. classes: of the networks, 1 / classes is chance.
    """
    return list(_relations(trained(rows), similarity, NEAR_CHANCE / classes))


def _relations(rows: DataFrame, similarity: str, least: float) -> Iterator[Relation]:
    for near_chance in (True, False):
        some = rows if near_chance else rows[rows.share >= least]
        mis = some[f"mis-{similarity}"].to_numpy(float)
        for of, column in (("sparsity", "sparsity"), ("right", "share")):
            other = some[column].to_numpy(float)
            drawn = numpy_generator("unit-relations", of, near_chance).integers(
                max(1, len(some)), size=(RESAMPLES, len(some))
            )
            for name in NAMES:
                found = correlation(name, mis, other)
                values = _of_draws(name, mis[drawn], other[drawn])
                kept = values[np.isfinite(values)]
                low, high = np.quantile(kept, (0.025, 0.975)) if len(kept) and found.value is not None else (None, None)
                yield Relation(
                    of=of,
                    name=name,
                    near_chance=near_chance,
                    value=found.value,
                    low=None if low is None else float(low),
                    high=None if high is None else float(high),
                    n=found.n,
                )


def _of_draws(name: str, one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlation of each row of (draws, n); NaN where it is undefined."""
    if name == "spearman":
        from scipy.stats import rankdata  # takes a second to import

        one, other = rankdata(one, axis=1), rankdata(other, axis=1)
    if not one.size:
        return np.full(len(one), np.nan)
    one, other = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one * other).sum(1) / np.sqrt((one**2).sum(1) * (other**2).sum(1))


def relation_rows(found: Sequence[Relation]) -> Rows:
    """Return relations as a table for a terminal."""
    rows = [("score against", "networks", "correlation", "value", "95 % interval", "n")]
    for each in found:
        against = "sparsity" if each.of == "sparsity" else "share of right answers"
        which = "all" if each.near_chance else "without those near chance"
        interval = f"{score(each.low)} to {score(each.high)}"
        rows.append((against, which, each.name, score(each.value), interval, f"{each.n:,}"))
    title = (
        "Does the score depend on pruning? Intervals: bootstrap over networks, which descend from each other. Near "
        f"chance: fewer right answers than {NEAR_CHANCE:g} times chance."
    )
    return Rows(rows, (3, 5), title)


def near_chance_text(rows: DataFrame, similarity: str, classes: int) -> str:
    """Say how networks near chance score, beside the dense and the untrained ones."""
    found, mis = trained(rows), f"mis-{similarity}"
    near, dense = found[found.share < NEAR_CHANCE / classes], found[found.schedule == "none"]
    untrained = rows[rows.weights == RANDOM]
    if near.empty:
        return f"No network gives fewer than {percent(NEAR_CHANCE / classes)} right answers, twice chance."
    best = near.loc[near[mis].idxmax()]
    beside = f"; dense networks {score(dense[mis].mean(), 3)}" if len(dense) else ""
    beside += f", untrained {score(untrained[mis].mean(), 3)}" if len(untrained) else ""
    return (
        f"{len(near):,} of {len(found):,} networks give fewer than {percent(NEAR_CHANCE / classes)} right answers,"
        f" twice chance. They score {score(near[mis].mean(), 3)} on average, at most {score(best[mis], 3)} (with"
        f" {percent(best.share)} right answers){beside}."
    )
