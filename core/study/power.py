"""The power of a planned study: how often simulated studies of its size tell variants apart.

`core/stats/power.py` has the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas

from core.base.draws import entropy
from core.specs import whole
from core.stats.clustered import bootstrap_preference
from core.stats.intervals import wilson
from core.stats.power import Detectable, StudyDesign, detectable
from core.stats.preference import share_difference
from core.study.behaviour import Behaviour, intraclass
from core.study.exclusions import entering
from core.study.naming import is_right
from core.study.simulate import planned_design, simulate
from core.study.spec import PAIRS, StudySpec
from core.study.votes import votes_of

STUDIES = 200
LEVEL = 0.05
Progress = Callable[[int, int], None]
Key = tuple[str, str, str]  # kind of task, less and more pruned variant
Result = tuple[bool, int, int]  # whether told apart, answers, participants


@dataclass(frozen=True, kw_only=True)
class Power:
    """How often simulated studies tell two variants apart at the 5 % level.

    assumed: the simulated share that prefers the more pruned variant; for named objects, the shares
    of right names of less and more.
    detected: share of `studies`, with Wilson's 95 % interval, whose interval from draws of
    participants excludes 1/2; for named objects, whose 2x2 test has p < .05.
    n, participants: answers and people that enter a result, on average.
    formula: the smallest preference that a power of 80 % is for, by the normal approximation with
    the same ties and the same resemblance of a participant's answers; None for named objects. It
    knows of no careless participants and no drop-outs.
    """

    task: str
    less: str
    more: str
    assumed: tuple[float, ...]
    detected: float
    low: float
    high: float
    studies: int
    n: float
    participants: float
    formula: Detectable | None


def power(
    spec: StudySpec,
    behaviour: Behaviour,
    *,
    participants: int | None = None,
    studies: int = STUDIES,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Power, ...]:
    """Simulate a study many times, under its own rules of exclusion.

    Args:
        participants: who come; None for as many as the study has slots.
        progress: called with how many are done, and of how many. Raise in it to stop.
    """
    studies, design = whole(studies, "number of studies", 1), planned_design(spec)
    found: dict[Key, list[Result]] = {}
    for number in range(studies):
        seed = entropy("power", seed, number)
        rows = simulate(design, behaviour, participants=participants, rules=spec.rules, seed=seed)
        for key, result in _results(entering(rows), spec):
            found.setdefault(key, []).append(result)
        if progress is not None:
            progress(number + 1, studies)
    formulas = {key: _formula(key, spec, behaviour, participants or design.slots) for key in found}
    return tuple(_power(key, results, behaviour, formulas[key]) for key, results in found.items())


def _results(rows: pandas.DataFrame, spec: StudySpec) -> Iterator[tuple[Key, Result]]:
    for task in spec.tasks:
        own = rows[rows["task"] == task.kind]
        for less, more in task.pairs or tuple(combinations(task.variants, 2)):
            chosen = (own["less"] == less) & (own["more"] == more) if task.is_pair else own["less"].isin((less, more))
            both = own[chosen]
            apart = _preferred(both) if task.is_pair else _recognised(both, less, more)
            yield (task.kind, less, more), (apart, len(both), both["participant"].nunique())


def _preferred(rows: pandas.DataFrame) -> bool:
    found = bootstrap_preference(votes_of(rows), rows["participant"].to_numpy())
    return found.low is not None and found.high is not None and not found.low <= 0.5 <= found.high


def _recognised(rows: pandas.DataFrame, less: str, more: str) -> bool:
    (right_less, n_less), (right_more, n_more) = (
        (int(is_right(own).sum()), len(own)) for own in (rows[rows["less"] == name] for name in (less, more))
    )
    if not (n_less and n_more):
        return False
    p = share_difference(right_less, n_less, right_more, n_more).p
    return p is not None and p < LEVEL


def _formula(key: Key, spec: StudySpec, behaviour: Behaviour, participants: int) -> Detectable | None:
    task, less, more = key
    if task not in PAIRS or behaviour.ties == 1:
        return None
    design = StudyDesign(
        answers_a_person=max(1, round(spec.trials / spec.comparisons)),
        correlation=max(0.0, intraclass(behaviour.preference_of(less, more), behaviour)),
        tie_share=behaviour.ties,
    )
    return detectable(participants, design)


def _power(key: Key, results: list[Result], behaviour: Behaviour, formula: Detectable | None) -> Power:
    (task, less, more), studies = key, len(results)
    apart = sum(result[0] for result in results)
    low, high = wilson(apart, studies)
    return Power(
        task=task,
        less=less,
        more=more,
        assumed=(behaviour.preference_of(less, more),)
        if task in PAIRS
        else (behaviour.right_of(less), behaviour.right_of(more)),
        detected=apart / studies,
        low=low,
        high=high,
        studies=studies,
        n=sum(result[1] for result in results) / studies,
        participants=sum(result[2] for result in results) / studies,
        formula=formula,
    )
