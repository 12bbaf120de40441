"""Strengths of the variants over all pairs of a task, with intervals from draws of participants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas
from numpy.typing import NDArray

from core.stats.bootstrap import SEED, Interval
from core.stats.bradley_terry import Strengths, count_pairs, strengths
from core.stats.clustered import LEAST_DRAWN, expanded_tails, participant_draws
from core.stats.strength_draws import drawn_strengths
from core.study.votes import votes_of

RESAMPLES = 1000
MOST_FAILED = 0.05  # share of draws without a maximum, above which there is no interval


@dataclass(frozen=True, kw_only=True)
class TaskStrengths:
    """Davidson's model over all pairs of a task.

    names: of the variants, from the least pruned on. fitted: strengths and Wald intervals, as if
    answers were independent. intervals: of the strengths, from draws of whole participants; n:
    participants. problem: why there are none; None if there are.
    """

    names: tuple[str, ...]
    fitted: Strengths
    intervals: tuple[Interval, ...]
    problem: str | None


def task_strengths(rows: pandas.DataFrame, names: tuple[str, ...], seed: int = SEED) -> TaskStrengths:
    """Fit Davidson's model to the answers of one task, about three variants or more.

    Args:
        rows: of one task, as `exclusions.entering` returns them. names: of its variants.
    """
    place = {name: at for at, name in enumerate(names)}
    less, more = (rows[side].map(place).to_numpy() for side in ("less", "more"))
    votes = votes_of(rows)
    fitted = strengths(count_pairs(less, more, votes, len(names)))
    people = np.unique(rows["participant"].to_numpy(), return_inverse=True)[1] if _known(rows) else np.zeros(0, int)
    problem = fitted.problem or _too_few(people)
    if problem:
        return TaskStrengths(names=names, fitted=fitted, intervals=(), problem=problem)
    wins, ties = _by_participant(people, less, more, votes, len(names))
    times = participant_draws(len(wins), RESAMPLES, seed)
    drawn = drawn_strengths(*(np.tensordot(times, each, 1) for each in (wins, ties)))
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    failed = RESAMPLES - len(drawn)
    if failed > MOST_FAILED * RESAMPLES:
        problem = f"{failed} of {RESAMPLES} draws of participants have no solution."
        return TaskStrengths(names=names, fitted=fitted, intervals=(), problem=problem)
    bounds = np.quantile(drawn, expanded_tails(len(wins)), axis=0)
    intervals = tuple(
        Interval(
            name=name,
            value=each.value,
            low=float(low),
            high=float(high),
            n=len(wins),
            resamples=len(drawn),
            left_out=failed,
            seed=seed,
        )
        for name, each, low, high in zip(names, fitted.strengths or (), *bounds, strict=True)
    )
    return TaskStrengths(names=names, fitted=fitted, intervals=intervals, problem=None)


def _known(rows: pandas.DataFrame) -> bool:
    return bool(rows["participant"].notna().all())


def _too_few(people: NDArray) -> str | None:
    if not len(people):
        return "Who gave which answer is not known."
    if people.max() + 1 < LEAST_DRAWN:
        return f"Fewer than {LEAST_DRAWN} participants are too few to draw from."
    return None


def _by_participant(
    people: NDArray, less: NDArray, more: NDArray, votes: NDArray, items: int
) -> tuple[NDArray, NDArray]:
    """Count wins and ties of each participant: two tables (participants, items, items)."""
    wins, ties = (np.zeros((people.max() + 1, items, items), dtype=np.int64) for _ in range(2))
    for vote, (winner, loser) in {-1: (less, more), 1: (more, less)}.items():
        chosen = votes == vote
        np.add.at(wins, (people[chosen], winner[chosen], loser[chosen]), 1)
    equal = votes == 0
    for one, other in ((less, more), (more, less)):
        np.add.at(ties, (people[equal], one[equal], other[equal]), 1)
    return wins, ties
