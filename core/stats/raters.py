"""Do people agree with each other? Krippendorff's alpha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.draws import numpy_generator
from core.specs import whole
from core.stats.bootstrap import SEED
from core.stats.clustered import expanded_tails
from core.stats.preference import columns

RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Krippendorff's alpha of answers that are names without order: 1 if all raters of an item
    agree, 0 as by chance.

    alpha: None if no item has two answers, or if these answers are all the same.
    low, high: 95 % bootstrap interval over items; None if undefined. resamples, left_out, seed:
    draws with and without a value, and their seed.
    n: answers to items with at least two answers; others say nothing about agreement. items: those
    items. single: items with one answer.
    """

    alpha: float | None
    low: float | None
    high: float | None
    n: int
    items: int
    single: int
    resamples: int = 0
    left_out: int = 0
    seed: int | None = None


def agreement(answers: ArrayLike, items: ArrayLike, resamples: int = RESAMPLES, seed: int = SEED) -> Agreement:
    """Compute Krippendorff's alpha, nominal.

    Args:
        answers: (n,) of any kind: -1, 0, 1, or names. items: (n,) what each answer is about.
        resamples: draws of items, 0 for no interval. seed: of the draws.

    Raises:
        BadSpec: columns that differ in length.

    Source: Krippendorff 2011, Computing Krippendorff's alpha-reliability. The interval draws items;
    raters are not drawn, so it says nothing about other raters.
    """
    given, about = columns(answers, items)
    resamples = whole(resamples, "number of resamples")
    every = _counts(given, about)
    rated = every[every.sum(axis=1) > 1]
    value = _alpha(rated)
    generator = numpy_generator("agreement of raters", seed, len(rated))
    tried = resamples if value is not None and len(rated) > 1 else 0
    equally = np.full(len(rated), 1 / max(len(rated), 1))
    drawn = _drawn_alphas(rated, generator.multinomial(len(rated), equally, tried)) if tried else np.empty(0)
    defined = drawn[np.isfinite(drawn)]
    low, high = np.quantile(defined, expanded_tails(len(rated))).tolist() if len(defined) else (None, None)
    return Agreement(
        alpha=value,
        low=low,
        high=high,
        n=int(rated.sum()),
        items=len(rated),
        single=len(every) - len(rated),
        resamples=len(defined),
        left_out=tried - len(defined),
        seed=seed if tried else None,
    )


def _counts(answers: NDArray, items: NDArray) -> NDArray[np.int64]:
    """Count how often each item was given each answer: (items, answers)."""
    names, row = np.unique(items, return_inverse=True)
    values, column = np.unique(answers, return_inverse=True)
    counts = np.zeros((len(names), len(values)), dtype=np.int64)
    np.add.at(counts, (row, column), 1)
    return counts


def _alpha(counts: NDArray[np.int64]) -> float | None:
    """Compute alpha of counts (items, answers), two or more an item; None if fewer than two answers
    occur.
    """
    import krippendorff

    given = counts[:, counts.any(axis=0)] if len(counts) else counts[:, :0]
    if given.shape[1] < 2:
        return None
    return float(krippendorff.alpha(value_counts=given, level_of_measurement="nominal"))


def _drawn_alphas(counts: NDArray[np.int64], draws: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute alpha of many draws of items: the same as `_alpha`, without a call for each.

    Args:
        counts: (items, answers), two or more an item. draws: (R, items), how often each was drawn.

    Returns:
        (R,), NaN where undefined.
    """
    ratings = counts.sum(axis=1)
    unlike = (ratings**2 - (counts**2).sum(axis=1)) / (ratings - 1)  # pairs of unlike answers, by item
    n, of_answer = draws @ ratings, draws @ counts
    with np.errstate(invalid="ignore"):
        return 1 - (n - 1) * (draws @ unlike) / (n**2 - (of_answer**2).sum(axis=1))
