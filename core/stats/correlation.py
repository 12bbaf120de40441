"""Correlations of two short series of level means, and a test of normality.

The levels of a pruned series descend from each other: 26 level means are not 26 independent points.
Every p here assumes that they are, so it is **descriptive** and must be shown as such. Values that
are not finite are undefined: points with such a value are left out, and n counts the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.errors import BadSpec, UnknownName

Floats = NDArray[np.float64]
SCIPY_NAMES = {"pearson": "pearsonr", "spearman": "spearmanr", "kendall": "kendalltau"}
CORRELATIONS = tuple(SCIPY_NAMES)
LEAST = 3  # points that a correlation needs: two are always on a line
ROUNDING = 1e-12  # a series whose range is below this share of its largest magnitude is constant


@dataclass(frozen=True)
class Correlation:
    """One correlation of two series. value and p are None if it is undefined: n < 3, or a constant
    series.

    n: number of points. df: n - 2, the degrees of freedom of Pearson's t test (24 for 26 levels;
    the thesis prints 25).
    p: two-sided, for the null hypothesis of no relation, as if the points were independent.
    Descriptive: levels descend from each other.
    """

    name: str
    value: float | None
    p: float | None
    n: int
    df: int


@dataclass(frozen=True)
class Normality:
    """Shapiro-Wilk test of one series; statistic and p are None if it is undefined.

    A small p is evidence against a normal series.
    """

    statistic: float | None
    p: float | None
    n: int


def correlation(name: str, a: ArrayLike, b: ArrayLike) -> Correlation:
    """Compute one correlation by name.

    Args:
        name: one of CORRELATIONS; Kendall's is tau-b, which allows for ties.
        a, b: series of the same length (n,); NaN or None where undefined.

    Returns:
        Value and p of scipy (Pearson and Spearman: t distribution with n - 2; Kendall: exact
        without ties, else normal).

    Raises:
        UnknownName: no such correlation. BadSpec: series of different lengths.

    Source: Pearson 1895; Spearman 1904; Kendall 1945 (tau-b).
    """
    if name not in SCIPY_NAMES:
        raise UnknownName("correlation", name, CORRELATIONS)
    x, y = _series(a), _series(b)
    if len(x) != len(y):
        raise BadSpec(f"Series of {len(x)} and {len(y)} values cannot be correlated.", "Both need one value per level.")
    kept = np.isfinite(x) & np.isfinite(y)
    x, y, n = x[kept], y[kept], int(kept.sum())
    if n < LEAST or constant(x) or constant(y):
        return Correlation(name, None, None, n, n - 2)
    from scipy import stats  # takes a second to import

    result = getattr(stats, SCIPY_NAMES[name])(x, y)
    return Correlation(name, float(result.statistic), float(result.pvalue), n, n - 2)


def correlations(a: ArrayLike, b: ArrayLike) -> tuple[Correlation, ...]:
    """Compute all CORRELATIONS of two series (n,), in that order."""
    return tuple(correlation(name, a, b) for name in CORRELATIONS)


def normality(series: ArrayLike) -> Normality:
    """Test whether a series (n,) is drawn from a normal distribution. None for n < 3 or a constant
    series.

    Source: Shapiro and Wilk 1965, as in scipy (Royston 1995).
    """
    x = _series(series)
    x = x[np.isfinite(x)]
    if len(x) < LEAST or constant(x):
        return Normality(None, None, len(x))
    from scipy import stats

    result = stats.shapiro(x)
    return Normality(float(result.statistic), float(result.pvalue), len(x))


def row_correlations(a: Floats, b: Floats) -> dict[str, Floats]:
    """Compute all CORRELATIONS of many pairs of series at once, for resampling.

    Args:
        a, b: (..., n) series in the last dimension; NaN where undefined, which leaves that point
            out of that row.

    Returns:
        By name, (...); NaN where `correlation` would return None.
    """
    if a.shape[-1] < LEAST:
        return {name: np.full(a.shape[:-1], np.nan) for name in CORRELATIONS}
    valid = np.isfinite(a) & np.isfinite(b)
    x, y = _filled(a, valid), _filled(b, valid)
    nowhere = (valid.sum(-1) < LEAST) | constant(x) | constant(y)
    signs_x, signs_y = _signs(x, valid), _signs(y, valid)
    concordance = np.einsum("...ij,...ij->...", signs_x, signs_y)
    untied_x, untied_y = (np.abs(signs).sum((-1, -2)) for signs in (signs_x, signs_y))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "pearson": _cosine_of_deviations(x, y, valid),
            "spearman": _cosine_of_deviations(signs_x.sum(-1), signs_y.sum(-1), valid),  # twice the rank, from its mean
            "kendall": concordance / np.sqrt(untied_x * untied_y),
        }
    return {name: np.where(nowhere, np.nan, np.clip(value, -1, 1)) for name, value in values.items()}


def row_spearman(a: Floats, b: Floats) -> Floats:
    """Compute Spearman's correlation of many pairs of long series: as `row_correlations`, but in n
    log n instead of n^2 steps.

    Args:
        a, b: (..., n) series in the last dimension, all finite.

    Returns:
        (...); NaN where `correlation` would return None.
    """
    if a.shape[-1] < LEAST:
        return np.full(a.shape[:-1], np.nan)
    from scipy.stats import rankdata

    nowhere = constant(a) | constant(b)
    x, y = rankdata(a, axis=-1), rankdata(b, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = _cosine_of_deviations(x, y, np.ones(x.shape, dtype=np.bool_))
    return np.where(nowhere, np.nan, np.clip(value, -1, 1))


def constant(series: Floats) -> Any:
    """Return whether a series (..., n) has only one value, up to rounding; bool (...)."""
    return np.ptp(series, axis=-1) <= ROUNDING * np.abs(series).max(axis=-1)


def _filled(series: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Set undefined points of a series to the row's first valid value, which keeps range and
    magnitude.
    """
    first = np.take_along_axis(series, valid.argmax(-1)[..., None], axis=-1)
    return np.where(valid, series, np.where(valid.any(-1, keepdims=True), first, 0.0))


def _signs(series: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Return the sign of every difference between two points of a row, (..., n, n); 0 where either
    is undefined.
    """
    signs = np.sign(series[..., :, None] - series[..., None, :])
    return signs * (valid[..., :, None] & valid[..., None, :])


def _cosine_of_deviations(x: Floats, y: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Compute Pearson's correlation over the valid points of each row."""
    dx, dy = _deviations(x, valid), _deviations(y, valid)
    return (dx * dy).sum(-1) / np.sqrt((dx * dx).sum(-1) * (dy * dy).sum(-1))


def _deviations(series: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Return distances from the mean of the valid points, divided by the largest; 0 at the other
    points.
    """
    mean = (series * valid).sum(-1, keepdims=True) / valid.sum(-1, keepdims=True)
    apart = (series - mean) * valid
    return apart / np.abs(apart).max(-1, keepdims=True)


def _series(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64).ravel()  # None becomes NaN
