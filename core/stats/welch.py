"""The difference of two means of independent groups with unequal variances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.stats.bootstrap import t_quantile

LEAST = 2  # values of a group, for an interval


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Mean of the first group minus that of the second, with a 95 % interval and the two-sided p of
    Welch's t test; None where undefined. n_first, n_second: defined values.
    """

    first: float | None
    second: float | None
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n_first: int
    n_second: int


def difference(first: ArrayLike, second: ArrayLike) -> Difference:
    """Compare two groups of values (n,), NaN where undefined.

    Returns:
        No value if a group is empty; no interval and no p if one has fewer than two values, or if
        neither varies.

    Source: Welch 1947.
    """
    groups = [_defined(first), _defined(second)]
    means = [float(group.mean()) if len(group) else None for group in groups]
    value = means[0] - means[1] if means[0] is not None and means[1] is not None else None
    low, high, p = _test(value, groups) if value is not None else (None, None, None)
    return Difference(
        first=means[0],
        second=means[1],
        value=value,
        low=low,
        high=high,
        p=p,
        n_first=len(groups[0]),
        n_second=len(groups[1]),
    )


def _test(value: float, groups: list[NDArray[np.float64]]) -> tuple[float | None, float | None, float | None]:
    if min(map(len, groups)) < LEAST:
        return None, None, None
    parts = [0.0 if np.ptp(group) == 0 else float(group.var(ddof=1)) / len(group) for group in groups]
    error = float(np.sqrt(sum(parts)))
    if error == 0:
        return None, None, None
    weights = [part / sum(parts) for part in parts]  # squares of tiny variances would vanish
    df = 1 / sum(weight**2 / (len(group) - 1) for weight, group in zip(weights, groups, strict=True))
    from scipy.special import stdtr

    half = t_quantile(df) * error
    return value - half, value + half, float(2 * stdtr(df, -abs(value) / error))


def _defined(values: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64).ravel()
    return found[np.isfinite(found)]
