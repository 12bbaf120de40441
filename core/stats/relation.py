"""Do people prefer what an automatic measure prefers?

For each item (an image) the measure's difference, more minus less pruned, is compared with the
answers about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.draws import numpy_generator
from core.specs import whole
from core.stats.bootstrap import RESAMPLES, SEED, Interval, t_quantile
from core.stats.clustered import clustered_logit, expanded_tails
from core.stats.correlation import constant, correlation, row_spearman
from core.stats.preference import MORE, answer_array, columns

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RankCorrelation:
    """Spearman's correlation of a measure's difference with the preference share, over items.

    interval: its value with a 95 % bootstrap interval over items (expanded percentiles); n: items
    where both are defined. p: two-sided, as if items were independent.
    """

    interval: Interval
    p: float | None


@dataclass(frozen=True, kw_only=True)
class OddsRatio:
    """By which factor the odds of preferring the more pruned network change with one standard
    deviation of a measure's difference.

    value, low, high: 95 % interval; p: of no change. None where undefined, and `problem` says why.
    mean, sd: of the difference over the answers, in units of the measure.
    n: decided answers with a defined difference. participants, items: that gave or received them.
    left_out: decided answers without a difference. by_item: whether errors allow for answers about
    one image that resemble each other, too.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    mean: float | None
    sd: float | None
    n: int
    participants: int
    items: int | None
    left_out: int
    by_item: bool
    problem: str | None = None


def item_shares(answers: ArrayLike, items: ArrayLike) -> dict[object, float]:
    """Return the share of the more pruned network among the decided answers, by item; NaN for an
    item with ties only.
    """
    given, about = columns(answer_array(answers), items)
    names, row = np.unique(about, return_inverse=True)
    more, both = (np.bincount(row, each, minlength=len(names)) for each in (given == MORE, given != 0))
    with np.errstate(invalid="ignore"):
        return dict(zip(names.tolist(), (more / both).tolist(), strict=True))


def rank_correlation(difference: ArrayLike, share: ArrayLike, seed: int = SEED) -> RankCorrelation:
    """Compute Spearman's correlation of two columns with one row an item; NaN where undefined.

    Raises:
        BadSpec: columns that differ in length.

    Source: Spearman 1904. An item drawn twice is tied with itself.
    """
    x, y = columns(np.asarray(difference, dtype=np.float64), np.asarray(share, dtype=np.float64))
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    whole_set = correlation("spearman", x, y)
    if whole_set.value is None:
        return RankCorrelation(interval=Interval(name="spearman", value=None, low=None, high=None, n=len(x)), p=None)
    chosen = numpy_generator("rank correlation", whole(seed, "seed"), len(x)).integers(0, len(x), (RESAMPLES, len(x)))
    drawn = row_spearman(x[chosen], y[chosen])
    defined = drawn[np.isfinite(drawn)]
    low, high = np.quantile(defined, expanded_tails(len(x))).tolist() if len(defined) else (None, None)
    interval = Interval(
        name="spearman",
        value=whole_set.value,
        low=low,
        high=high,
        n=len(x),
        resamples=len(defined),
        left_out=len(drawn) - len(defined),
        seed=seed,
    )
    return RankCorrelation(interval=interval, p=whole_set.p)


def odds_ratio(
    answers: ArrayLike, difference: ArrayLike, participants: ArrayLike, items: ArrayLike | None = None
) -> OddsRatio:
    """Fit a logistic model of the decided answers on a measure's standardised difference.

    Args:
        answers: (n,), each LESS, EQUAL or MORE. difference: (n,) of the measure on the image that
            the answer is about, more minus less pruned; NaN where undefined. participants: (n,) who
            gave it.
        items: (n,) image. A difference is a property of an image, so answers about one image are
            not independent either: pass it wherever an image has more than one answer.

    Returns:
        Errors are robust, clustered by participant, or by both; the quantile is that of Student's t
        with one degree of freedom less than participants (or images, if they are fewer).

    Raises:
        BadSpec: other answers; columns that differ in length.

    Source: Cameron, Gelbach and Miller 2011, JBES 29: 238-249 (errors clustered in two ways). Where
    their variance is smaller than that of one of the two ways, the larger one is taken.
    """
    given, x, *clusters = columns(
        answer_array(answers),
        np.asarray(difference, dtype=np.float64),
        participants,
        *([] if items is None else [items]),
    )
    kept = (given != 0) & np.isfinite(x)
    left_out = int((given != 0).sum() - kept.sum())
    y, x = (given[kept] == MORE).astype(np.float64), x[kept]
    rows = [np.unique(each[kept], return_inverse=True)[1] for each in clusters]
    sizes = [int(row.max(initial=-1)) + 1 for row in rows]
    mean, sd = (float(x.mean()), float(x.std(ddof=1))) if len(x) > 1 else (None, None)
    problem = _undefined(y, x, sizes)
    fitted = None if problem or not sd else clustered_logit(y, rows, (x - x.mean()) / sd)
    if problem is None and fitted is None:
        problem = "The model has no solution."
    low, high, p = _wald(*fitted, min(sizes) - 1) if fitted else (None, None, None)
    return OddsRatio(
        value=float(np.exp(fitted[0])) if fitted else None,
        low=low,
        high=high,
        p=p,
        mean=mean,
        sd=sd,
        n=len(y),
        participants=sizes[0],
        items=sizes[1] if items is not None else None,
        left_out=left_out,
        by_item=items is not None,
        problem=problem,
    )


def _undefined(y: Floats, x: Floats, sizes: list[int]) -> str | None:
    """Say why the model has no finite solution or no error, None if it has both."""
    if not len(y):
        return "There are no answers."
    if min(sizes) < 2:
        return "There is one participant." if sizes[0] < 2 else "There is one image."
    if np.ptp(y) == 0:
        return "All answers are the same."
    if constant(x):
        return "The difference of the measure is the same everywhere."
    less, more = x[y == 0], x[y == 1]
    if less.max() <= more.min() or more.max() <= less.min():
        return "The measure separates the answers: the odds ratio has no limit."
    return None


def _wald(slope: float, error: float, df: int) -> tuple[float, float, float]:
    """Return the bounds of the odds ratio and p."""
    from scipy.special import stdtr

    half = t_quantile(df) * error
    return float(np.exp(slope - half)), float(np.exp(slope + half)), float(2 * stdtr(df, -abs(slope / error)))
