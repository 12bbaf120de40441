"""Strengths of several networks from comparisons of two at a time: Bradley-Terry with ties.

For networks i and j with strengths s on the log scale and a tie parameter v, Davidson's model says

    P(i preferred) : P(j preferred) : P(equal) = exp(s_i) : exp(s_j) : v exp((s_i + s_j) / 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.errors import BadSpec
from core.stats.preference import EQUAL, LESS, MORE, Z, answer_array, columns

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """Results of comparisons of K items. wins: (K, K), how often the item of the row was preferred
    to that of the column. ties: (K, K), symmetric, how often both were equal.
    """

    wins: NDArray[np.int64]
    ties: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """Davidson's model, fitted to n answers about pairs of `items` items.

    strengths: one an item, on the log scale, their sum is 0; None if the likelihood has no maximum,
    and `problem` says why.
    tie: the tie parameter v itself, not its logarithm; None without strengths, and if no answer is
    a tie: v is then 0, without an interval.
    intervals: Wald's, as if all answers were independent. They are too narrow if one person gives
    many answers: draw participants and fit again.
    pairs: of items that were compared. groups: items that are linked by comparisons, largest group
    first; more than one have no common scale.
    """

    strengths: tuple[Estimate, ...] | None
    tie: Estimate | None
    log_likelihood: float | None
    n: int
    items: int
    pairs: int
    groups: tuple[tuple[int, ...], ...]
    problem: str | None = None


def count_pairs(less: ArrayLike, more: ArrayLike, answers: ArrayLike, items: int) -> Counts:
    """Count answers by pair.

    Args:
        less, more: (n,) items that LESS and MORE stand for, 0 to items - 1. answers: (n,), each
            LESS, EQUAL or MORE.

    Raises:
        BadSpec: columns that differ in length, other answers, unknown items.
    """
    given, left, right = columns(answer_array(answers), less, more)
    both = np.concatenate([left, right]).astype(np.int64)
    if len(both) and (both.min() < 0 or both.max() >= items):
        raise BadSpec(
            f"Items from {both.min()} to {both.max()} are not those of {items}.",
            "Items are numbered from 0.",
            "Number them without gaps.",
        )
    wins, ties = (np.zeros((items, items), dtype=np.int64) for _ in range(2))
    for answer, (winner, loser) in {LESS: (left, right), MORE: (right, left)}.items():
        np.add.at(wins, (winner[given == answer], loser[given == answer]), 1)
    equal = given == EQUAL
    np.add.at(ties, (left[equal], right[equal]), 1)
    return Counts(wins=wins, ties=ties + ties.T)


def strengths(counts: Counts) -> Strengths:
    """Fit Davidson's model by maximum likelihood.

    Returns:
        Without ties it is the model of Bradley and Terry. No strengths if items are not linked by
        comparisons, or if the likelihood grows without end, as when one item always wins.

    Raises:
        BadSpec: tables that are not square, not of whole numbers, negative, or compare an item with
            itself.

    Source: Davidson 1970, JASA 65: 317-328; existence of the maximum: Albert and Anderson 1984,
    Biometrika 71: 1-10, by linear programming (Konis 2007).
    """
    wins, ties = _checked(counts)
    items = len(wins)
    first, second = np.nonzero(np.triu(wins + wins.T + ties))
    outcomes = np.stack([wins[first, second], wins[second, first], ties[first, second]], axis=1).astype(np.float64)
    groups, n = _groups(wins + wins.T + ties), int(outcomes.sum())
    features = _features(first, second, items)
    if not outcomes[:, 2].any():  # no ties: Bradley and Terry, without a tie parameter
        outcomes, features = outcomes[:, :2], features[:, :2, :-1]
    problem = _problem(groups, outcomes, features)
    if problem is not None:
        return Strengths(
            strengths=None,
            tie=None,
            log_likelihood=None,
            n=n,
            items=items,
            pairs=len(first),
            groups=groups,
            problem=problem,
        )
    values, errors, log_likelihood = _maximum(outcomes, features, items)
    tie = np.exp(values[items:, None] + errors[items:, None] * np.array([0.0, -Z, Z]))
    return Strengths(
        strengths=tuple(
            Estimate(value=float(value), low=float(value - Z * error), high=float(value + Z * error))
            for value, error in zip(values[:items], errors[:items], strict=True)
        ),
        tie=Estimate(value=float(tie[0, 0]), low=float(tie[0, 1]), high=float(tie[0, 2])) if len(tie) else None,
        log_likelihood=log_likelihood,
        n=n,
        items=items,
        pairs=len(first),
        groups=groups,
    )


def _checked(counts: Counts) -> tuple[NDArray, NDArray]:
    wins, ties = np.asarray(counts.wins), np.asarray(counts.ties)
    right = (
        wins.ndim == 2
        and wins.shape == ties.shape
        and wins.shape[0] == wins.shape[1] > 1
        and all((each >= 0).all() and (each == np.floor(each)).all() for each in (wins, ties))
        and (ties == ties.T).all()
        and not (wins.diagonal().any() or ties.diagonal().any())
    )
    if not right:
        raise BadSpec(
            "These counts are not those of comparisons.",
            "Both tables must be (items, items), at least two items, of whole numbers of at least 0, with an empty"
            " diagonal; ties are symmetric.",
            "Count answers with count_pairs.",
        )
    return wins, ties


def _groups(compared: NDArray) -> tuple[tuple[int, ...], ...]:
    """Return the items that are linked by comparisons, the largest group first."""
    from scipy.sparse.csgraph import connected_components

    _, group = connected_components(compared, directed=False)
    found = [tuple(np.flatnonzero(group == each).tolist()) for each in np.unique(group)]
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def _features(first: NDArray, second: NDArray, items: int) -> Floats:
    """Return what the log weight of each outcome is a sum of: (pairs, 3 outcomes, strengths and
    log v).
    """
    features, row = np.zeros((len(first), 3, items + 1)), np.arange(len(first))
    features[row, 0, first] = features[row, 1, second] = features[row, 2, -1] = 1
    features[row, 2, first] = features[row, 2, second] = 0.5
    return features


def _problem(groups: tuple[tuple[int, ...], ...], outcomes: Floats, features: Floats) -> str | None:
    """Say why there is no maximum of the likelihood, None if there is one."""
    if not len(outcomes):
        return "There are no answers."
    if len(groups) > 1:
        return f"Comparisons do not link the items: there are {len(groups)} groups without a comparison between them."
    if not outcomes[:, :2].any():
        return "All answers are ties."
    if _grows_without_end(outcomes, features):
        return "Answers separate the items: the likelihood grows without end, as when one item is never beaten."
    return None


def _grows_without_end(outcomes: Floats, features: Floats) -> bool:
    """Tell whether parameters can move in a direction in which no observed outcome becomes less
    probable, and one becomes more probable.
    """
    from scipy.optimize import linprog

    pair, outcome = np.nonzero(outcomes)
    better = features[pair, outcome][:, None] - features[pair]  # against each outcome of its pair
    better = better.reshape(-1, features.shape[-1])
    result = linprog(-better.sum(axis=0), A_ub=-better, b_ub=np.zeros(len(better)), bounds=(-1, 1), method="highs")
    return bool(result.status != 0 or -result.fun > 1e-6)


def _maximum(outcomes: Floats, features: Floats, items: int) -> tuple[Floats, Floats, float]:
    """Maximise the likelihood: strengths and log v, their standard errors, and the log
    likelihood.
    """
    from scipy.linalg import block_diag, null_space
    from scipy.optimize import minimize

    more = features.shape[-1] - items
    basis = block_diag(null_space(np.ones((1, items))), np.eye(more))  # strengths of sum 0
    x, totals = features @ basis, outcomes.sum(axis=1)

    def probabilities(at: Floats) -> tuple[Floats, Floats]:
        weights = x @ at
        top = weights.max(axis=1, keepdims=True)
        logs = weights - top - np.log(np.exp(weights - top).sum(axis=1, keepdims=True))
        return np.exp(logs), logs

    def loss(at: Floats) -> float:
        return -float((outcomes * probabilities(at)[1]).sum())

    def slope(at: Floats) -> Floats:
        return -np.einsum("po,pok->k", outcomes - totals[:, None] * probabilities(at)[0], x)

    def curvature(at: Floats) -> Floats:
        p = probabilities(at)[0]
        mean = np.einsum("po,pok->pk", p, x)
        return np.einsum("p,po,poj,pok->jk", totals, p, x, x) - np.einsum("p,pj,pk->jk", totals, mean, mean)

    found = minimize(
        loss, np.zeros(x.shape[-1]), jac=slope, hess=curvature, method="trust-exact", options={"gtol": 1e-8}
    ).x
    variance = basis @ np.linalg.inv(curvature(found)) @ basis.T
    return basis @ found, np.sqrt(variance.diagonal()), -loss(found)
