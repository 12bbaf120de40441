"""Intervals of shares and preferences when one person gives many answers.

Answers of one person resemble each other, and so do answers about one image. Intervals that treat
answers as independent are then too narrow. Ways out: generalised estimating equations, errors
clustered by participant and image, and draws of whole participants (and images).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.draws import numpy_generator
from core.base.errors import UnknownName
from core.specs import whole
from core.stats.bootstrap import RESAMPLES, SEED, t_quantile
from core.stats.preference import MORE, answer_array, columns

Floats = NDArray[np.float64]
EXCHANGEABLE, INDEPENDENT = "GEE, exchangeable", "GEE, independence"
TWO_WAY = "logit, errors clustered by participant and image"
BY_PARTICIPANT, CROSSED = "bootstrap of participants", "bootstrap of participants and images"
SHARE, NET = "share", "net"
STATISTICS = (SHARE, NET)
BLOCK = 200  # draws at a time
LEAST = 1e-12  # variance of a logit: below it is rounding
LEAST_DRAWN = 5  # participants, or images: draws of four have 35 different outcomes


@dataclass(frozen=True, kw_only=True)
class ClusteredInterval:
    """A share or net preference and its 95 % interval.

    value: None without answers. low, high: None where undefined, and `problem` says why.
    method: EXCHANGEABLE; INDEPENDENT, with robust errors, if the former found no solution;
    TWO_WAY; BY_PARTICIPANT; CROSSED.
    n: answers. participants, items: that gave or received them; items only if the method allows for
    answers about one image that resemble each other.
    correlation: of the answers of one participant, as EXCHANGEABLE estimates it.
    resamples, left_out, seed: draws with and without a value, and their seed; 0 without draws.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    participants: int
    items: int | None = None
    correlation: float | None = None
    resamples: int = 0
    left_out: int = 0
    seed: int | None = None
    problem: str | None = None


def gee_share(success: ArrayLike, participants: ArrayLike) -> ClusteredInterval:
    """Compute the interval of a share by a logistic GEE, exchangeable within participant.

    The variance is robust and corrected for few participants; the quantile is that of Student's t
    with participants - 1 degrees of freedom, on the logit scale.

    Args:
        success: (n,) whether each answer is right, or prefers the more pruned network among the
            decided ones (see `decided`). participants: (n,) who gave it.

    Returns:
        value is the estimate of the GEE. It is the plain share if all participants gave equally
        many answers; otherwise those who gave many weigh less than in the plain share.

    Raises:
        BadSpec: columns that differ in length.

    Source: Liang and Zeger 1986, Biometrika 73: 13-22; Mancl and DeRouen 2001, Biometrics 57:
    126-134 (correction).
    """
    right, people = columns(success, participants)
    right = right.astype(bool).astype(np.float64)
    names, row = np.unique(people, return_inverse=True)
    n, groups, plain = len(right), len(names), float(right.mean()) if len(right) else None
    problem = _undefined(right, row)
    if problem is None:
        for method in (EXCHANGEABLE, INDEPENDENT):
            fitted = _gee(right, row, method)
            if fitted is None:
                continue
            centre, error, correlation = fitted
            value, low, high = _bounds(centre, error, groups - 1)
            return ClusteredInterval(
                value=value, low=low, high=high, method=method, n=n, participants=groups, correlation=correlation
            )
        problem = "The equations have no solution."
    return ClusteredInterval(
        value=plain, low=None, high=None, method=EXCHANGEABLE, n=n, participants=groups, problem=problem
    )


def two_way_share(success: ArrayLike, participants: ArrayLike, items: ArrayLike) -> ClusteredInterval:
    """Compute the interval of a share when answers of one participant resemble each other, and
    answers about one image, too.

    The interval is one of the logit, with Student's t with one degree of freedom less than
    participants (or images, if they are fewer).

    Args:
        success, participants: as for `gee_share`. items: (n,) image that each answer is about.

    Raises:
        BadSpec: columns that differ in length.

    Source: Cameron, Gelbach and Miller 2011, JBES 29: 238-249; see `clustered_logit`.
    """
    right, *clusters = columns(success, participants, items)
    right = right.astype(bool).astype(np.float64)
    rows = [np.unique(each, return_inverse=True)[1] for each in clusters]
    sizes = [int(row.max(initial=-1)) + 1 for row in rows]
    problem = _undefined(right, rows[0], crossed=True) or ("There is one image." if sizes[1] < 2 else None)
    fitted = None if problem else clustered_logit(right, rows)
    if problem is None and fitted is None:
        problem = "The errors are 0: all participants and images have the same share."
    low, high = _bounds(*fitted, min(sizes) - 1)[1:] if fitted else (None, None)
    return ClusteredInterval(
        value=float(right.mean()) if len(right) else None,
        low=low,
        high=high,
        method=TWO_WAY,
        n=len(right),
        participants=sizes[0],
        items=sizes[1],
        problem=problem,
    )


def clustered_logit(success: Floats, rows: list[NDArray], x: Floats | None = None) -> tuple[float, float] | None:
    """Fit a logistic model: the slope of x, or the logit of the share without x, and its standard
    error. None if that fails.

    Args:
        success: (n,) 0 or 1, with a finite solution. rows: one or two clusterings (n,), 0 to
            clusters - 1.

    Returns:
        With two clusterings the variance is the sum of theirs minus that of their intersection, or
        one of theirs if it is larger.
    """
    from statsmodels.discrete.discrete_model import Logit  # takes seconds to import

    design = np.column_stack([np.ones(len(success)), *([] if x is None else [x])])
    ways = [rows[0]] if len(rows) == 1 else [np.column_stack(rows), *rows]
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            fits = [
                Logit(success, design).fit(disp=0, method="newton", cov_type="cluster", cov_kwds={"groups": way})
                for way in ways
            ]
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None
    centre, variance = float(fits[0].params[-1]), max(float(fit.cov_params()[-1, -1]) for fit in fits)
    defined = fits[0].mle_retvals["converged"] and np.isfinite(centre) and np.isfinite(variance) and variance > LEAST
    return (centre, float(np.sqrt(variance))) if defined else None


def bootstrap_preference(
    answers: ArrayLike,
    participants: ArrayLike,
    items: ArrayLike | None = None,
    statistic: str = SHARE,
    seed: int = SEED,
) -> ClusteredInterval:
    """Compute the interval of a preference from draws of whole participants.

    Args:
        answers: (n,), each LESS, EQUAL or MORE. participants: (n,) who gave it.
        items: (n,) image that each answer is about. Draws then take participants and images
            independently of each other, and an answer counts as often as both were drawn.
        statistic: SHARE of the more pruned network among decided answers, or NET preference, (more
            - less) / all. seed: of RESAMPLES draws.

    Returns:
        Percentiles, widened for few participants (or images, if they are fewer): the normal
        quantile gives way to that of Student's t, times sqrt(n / (n - 1)). With fewer than ten
        participants they are still a little too narrow. Those of CROSSED are too wide, above all if
        each participant answers about few of the images; `two_way_share` is closer.

    Raises:
        BadSpec: other answers; columns that differ in length. UnknownName: no such statistic.

    Source: Davison and Hinkley 1997, section 3.8 (whole groups); Owen 2007, Annals of Applied
    Statistics 1: 386-411 (crossed); Hesterberg 2015, The American Statistician 69: 371-386
    (expanded percentiles).
    """
    if statistic not in STATISTICS:
        raise UnknownName("statistic", statistic, STATISTICS)
    given, people, *about = columns(answer_array(answers), participants, *([] if items is None else [items]))
    if statistic == SHARE:
        kept = given != 0
        given, people, about = (given[kept] == MORE).astype(np.int64), people[kept], [each[kept] for each in about]
    return _bootstrap(given.astype(np.float64), people, about, whole(seed, "seed"))


def decided(answers: ArrayLike, participants: ArrayLike) -> tuple[NDArray[np.bool_], NDArray]:
    """Return for the decided answers whether they prefer the more pruned network, and who gave
    them.
    """
    given, people = columns(answer_array(answers), participants)
    return given[given != 0] == MORE, people[given != 0]


def participant_draws(participants: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.int64]:
    """Draw participants with replacement: how often each was drawn, (resamples, participants)."""
    return _draws("participants", participants, resamples, seed)


def image_draws(images: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.int64]:
    """Draw images with replacement: how often each was drawn, (resamples, images)."""
    return _draws("images", images, resamples, seed)


def _bootstrap(values: Floats, people: NDArray, about: list[NDArray], seed: int) -> ClusteredInterval:
    """Draw the mean of values; `about` is empty or holds the images."""
    names, row = np.unique(people, return_inverse=True)
    images, column = np.unique(about[0] if about else np.zeros(len(values)), return_inverse=True)
    units = min(len(names), len(images)) if about else len(names)
    problem = _undefined(values, row, crossed=bool(about))
    if problem is None and units < LEAST_DRAWN:
        problem = f"Fewer than {LEAST_DRAWN} participants{' or images' if about else ''} are too few to draw from."
    drawn = np.empty(0) if problem else _drawn_means(values, row, column if about else None, seed)
    defined = drawn[np.isfinite(drawn)]
    low, high = np.quantile(defined, expanded_tails(units)).tolist() if len(defined) else (None, None)
    return ClusteredInterval(
        value=float(values.mean()) if len(values) else None,
        low=low,
        high=high,
        method=CROSSED if about else BY_PARTICIPANT,
        n=len(values),
        participants=len(names),
        items=len(images) if about else None,
        resamples=len(defined),
        left_out=len(drawn) - len(defined),
        seed=None if problem else seed,
        problem=problem,
    )


def _drawn_means(values: Floats, row: NDArray, column: NDArray | None, seed: int) -> Floats:
    """Return the mean of each draw, NaN for a draw without answers. row, column: participant and
    image of each answer.
    """
    people = participant_draws(int(row.max()) + 1, seed=seed).astype(np.float64)
    if column is None:
        sums, counts = (people @ np.bincount(row, weights) for weights in (values, np.ones(len(values))))
    else:
        from scipy.sparse import coo_array

        images = image_draws(int(column.max()) + 1, seed=seed).astype(np.float64)
        shape = (people.shape[1], images.shape[1])
        sums, counts = (
            np.concatenate([_crossed(people[k : k + BLOCK], table, images[k : k + BLOCK]) for k in _starts(people)])
            for table in (coo_array((each, (row, column)), shape).tocsr() for each in (values, np.ones(len(values))))
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / counts


def _crossed(people: Floats, table: Any, images: Floats) -> Floats:
    """Sum a table (participants, images) over each draw of participants and images, (draws,)."""
    return np.einsum("ri,ri->r", (table.T @ people.T).T, images)


def _bounds(logit: float, error: float, df: int) -> tuple[float, float, float]:
    """Return share and bounds from its logit."""
    from scipy.special import expit

    half = t_quantile(df) * error
    return float(expit(logit)), float(expit(logit - half)), float(expit(logit + half))


def _starts(draws: Floats) -> range:
    return range(0, len(draws), BLOCK)


def _draws(what: str, n: int, resamples: int, seed: int) -> NDArray[np.int64]:
    generator = numpy_generator("preference", what, seed, n)
    return generator.multinomial(n, np.full(n, 1 / n), size=resamples)


def expanded_tails(n: int) -> tuple[float, float]:
    """Return the levels of expanded percentiles: of draws of n units, at least 2, they give 95 %
    intervals that are as wide as Student's.

    Source: Hesterberg 2015, The American Statistician 69: 371-386.
    """
    from scipy.special import ndtr

    tail = float(ndtr(-np.sqrt(n / (n - 1)) * t_quantile(n - 1)))
    return tail, 1 - tail


def _undefined(values: Floats, row: NDArray, crossed: bool = False) -> str | None:
    """Say why values have no interval, None if they have one. row: participant of each answer."""
    if not len(values):
        return "There are no answers."
    if row.max() == 0:
        return "There is one participant."
    if np.ptp(values) == 0:
        return "All answers are the same."
    sums, counts = np.bincount(row, values), np.bincount(row)
    alike = (sums * counts[0] == sums[0] * counts).all()
    return "All participants have the same share." if alike and not crossed else None


def _gee(right: Floats, row: NDArray, method: str) -> tuple[float, float, float | None] | None:
    """Fit the logit of a share: estimate, standard error, correlation. None if that fails.

    The moment estimate of the correlation can leave the range of correlations that m answers can
    have, -1 / (m - 1) to 1: this is a failure, too.
    """
    from statsmodels.genmod.cov_struct import Exchangeable, Independence  # takes seconds to import
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_estimating_equations import GEE

    structure = Exchangeable() if method == EXCHANGEABLE else Independence()
    most = int(np.bincount(row).max())
    if method == EXCHANGEABLE and most == 1:
        return None  # no two answers of one participant: no correlation to estimate
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            model = GEE(right, np.ones((len(right), 1)), row, family=Binomial(), cov_struct=structure)
            result = model.fit(cov_type="bias_reduced")
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None
    centre, error = float(result.params[0]), float(result.bse[0])
    if not (result.converged and np.isfinite(centre) and np.isfinite(error) and error**2 > LEAST):
        return None
    if method == INDEPENDENT:
        return centre, error, None
    correlation = float(structure.dep_params)
    return (centre, error, correlation) if -1 / (most - 1) < correlation < 1 else None
