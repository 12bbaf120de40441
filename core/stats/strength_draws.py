"""Davidson's model fitted to many tables at once: draws of participants.

One table at a time, with everything that can go wrong: `core/stats/bradley_terry.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = 50
PRECISION = 1e-8  # of the last step
RIDGE, FLAT = 1e-12, 1e-8  # curvature per answer: added, and that of a likelihood without a maximum


def drawn_strengths(wins: NDArray[np.int64], ties: NDArray[np.int64]) -> Floats:
    """Fit the model to R tables of K items by Newton's method.

    Args:
        wins: (R, K, K), how often the item of the row was preferred to that of the column. ties:
            (R, K, K), symmetric.

    Returns:
        (R, K) strengths on the log scale, of sum 0; NaN for a table whose likelihood has no
        maximum.
    """
    strengths, tied = np.full(wins.shape[:2], np.nan), ties.any(axis=(1, 2))
    for rows in (tied, ~tied):  # without any tie there is no tie parameter
        if rows.any():
            strengths[rows] = _fitted(wins[rows], ties[rows])
    return strengths


def _fitted(wins: NDArray[np.int64], ties: NDArray[np.int64]) -> Floats:
    """Fit tables that all have ties, or have none."""
    items = wins.shape[1]
    first, second = np.triu_indices(items, 1)
    counts = np.stack([wins[:, first, second], wins[:, second, first], ties[:, first, second]], axis=2).astype(float)
    outcomes = 3 if ties.any() else 2
    counts, x = counts[:, :, :outcomes], _features(first, second, items)[:, :outcomes, : items + outcomes - 3]
    totals = np.maximum(counts.sum(axis=(1, 2)), 1)
    found, moving = np.zeros((len(counts), x.shape[2])), np.arange(len(counts))
    for _ in range(STEPS):
        slope, curvature = _derivatives(counts[moving], x, found[moving])
        ridge = RIDGE * totals[moving, None, None] * np.eye(x.shape[2])
        step = np.linalg.solve(curvature + ridge, slope[:, :, None])[:, :, 0]
        found[moving] += step / np.maximum(1, np.abs(step).max(axis=1, keepdims=True))  # no leap from a flat place
        moving = moving[np.abs(step).max(axis=1) > PRECISION]
        if not len(moving):
            break
    flattest = np.linalg.eigvalsh(_derivatives(counts, x, found)[1])[:, 0]
    strengths = np.concatenate([np.zeros((len(found), 1)), found[:, : items - 1]], axis=1)
    strengths -= strengths.mean(axis=1, keepdims=True)
    strengths[flattest <= FLAT * totals] = np.nan
    strengths[moving] = np.nan
    return strengths


def _features(first: NDArray, second: NDArray, items: int) -> Floats:
    """Return what the log weight of each outcome is a sum of: (pairs, 3 outcomes, strengths but the
    first and log v).
    """
    features, row = np.zeros((len(first), 3, items + 1)), np.arange(len(first))
    features[row, 0, first] = features[row, 1, second] = features[row, 2, -1] = 1
    features[row, 2, first] = features[row, 2, second] = 0.5
    return features[:, :, 1:]


def _derivatives(counts: Floats, x: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Return slope (R, k) and negative curvature (R, k, k) of the log likelihoods."""
    weights = np.einsum("pok,rk->rpo", x, at)
    p = np.exp(weights - weights.max(axis=2, keepdims=True))
    p /= p.sum(axis=2, keepdims=True)
    totals = counts.sum(axis=2)
    slope = np.einsum("rpo,pok->rk", counts - totals[:, :, None] * p, x)
    mean = np.einsum("rpo,pok->rpk", p, x)
    squares = np.einsum("rp,rpo,poj,pok->rjk", totals, p, x, x, optimize=True)
    return slope, squares - np.einsum("rp,rpj,rpk->rjk", totals, mean, mean)
