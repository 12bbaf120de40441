"""The power of a planned study: how often simulated studies of its size tell a preference from
chance. `core/stats/power.py` has the formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.base.draws import entropy
from core.specs import whole
from core.stats.intervals import wilson
from core.stats.power import Detectable, StudyDesign, detectable
from core.stats.preference import chi_square_p
from core.study.analysis import analyse
from core.study.behaviour import Behaviour, intraclass
from core.study.design import Design
from core.study.naming import Comparison
from core.study.simulate import planned_design, simulate
from core.study.spec import StudySpec
from core.study.votes import PairResult, clustered_votes

STUDIES = 200
LEVEL = 0.05
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Power:
    """How often simulated studies tell a pair of variants apart at the 5 % level.

    more: "" never occurs: for named objects, less and more are the two variants compared. assumed:
    the simulated share that prefers the more pruned variant, or the two shares of right names.
    detected: share of `studies`, with Wilson's 95 % interval: that the GEE's interval excludes 1/2;
    for named objects, the 2x2 test. n, participants: answers and people that enter results, on
    average.
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
    counts: dict[tuple[str, str, str], list[tuple[bool, int, int]]] = {}
    for number in range(studies):
        rows = simulate(
            design, behaviour, participants=participants, rules=spec.rules, seed=entropy("power", seed, number)
        )
        for task in analyse(rows, thorough=False).tasks:
            of_task = rows[(rows["task"] == task.kind) & rows["excluded"].isna() & (rows["kind"] == "item")]
            for pair in task.pairs:
                own = of_task[(of_task["less"] == pair.less) & (of_task["more"] == pair.more)]
                found = clustered_votes(own)
                clear = found.low is not None and found.high is not None and not found.low <= 0.5 <= found.high
                counts.setdefault((task.kind, pair.less, pair.more), []).append((clear, pair.votes.n, task.participants))
            for test in task.naming.comparisons if task.naming else ():
                p = test.difference.p
                clear = p is not None and p < LEVEL
                counts.setdefault((task.kind, test.first, test.second), []).append(
                    (clear, test.difference.n, task.participants)
                )
        if progress is not None:
            progress(number + 1, studies)
    return tuple(_summary(key, rows, spec, behaviour, participants or design.slots) for key, rows in counts.items())
