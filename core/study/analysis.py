"""What the answers of a study say: counts, shares with intervals, tests, agreement, times.

The answers may be those of a study, simulated, imported, or reconstructed from printed counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas

from core.stats.bootstrap import SEED
from core.stats.raters import RESAMPLES, Agreement, agreement
from core.study.exclusions import apply_rules, checked, entering, left_out
from core.study.naming import NamingResult, naming_result
from core.study.spec import KINDS, PAIRS, Rules
from core.study.strengths import TaskStrengths, task_strengths
from core.study.times import TIMES, Times, times
from core.study.votes import PairResult, pair_result


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What the answers to one kind of question say.

    n: answers. pairs: of variants; empty for named objects. naming: for named objects. agreement:
    of the participants; None if it is not known which answers are about one item. strengths: over
    all pairs, for three variants or more. times: None if the table holds none.
    """

    kind: str
    n: int
    participants: int
    pairs: tuple[PairResult, ...]
    naming: NamingResult | None
    agreement: Agreement | None
    strengths: TaskStrengths | None
    times: Times | None


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What the answers of a study say.

    n, participants: answers that entered, and who gave them. left_out: participants whose answers
    did not, with the reason; left_out_n: these answers. Catch and practice trials are in neither.
    """

    n: int
    participants: int
    left_out: dict[int, str]
    left_out_n: int
    tasks: tuple[TaskResult, ...]

    def task(self, kind: str) -> TaskResult | None:
        """Return the result of a kind of question; None without answers to it."""
        return next((task for task in self.tasks if task.kind == kind), None)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What rules of exclusion change. without: the analysis under the rules; everyone: that of all
    answers, without any exclusion.
    """

    rules: Rules
    everyone: Analysis
    without: Analysis


def analyse(answers: pandas.DataFrame, thorough: bool = True, seed: int = SEED) -> Analysis:
    """Evaluate a table of answers (`Answers.frame`).

    Args:
        answers: participants whose `excluded` is set are left out, catch and practice trials do not
            enter. participant and item may be missing: what needs them is then undefined.
        thorough: False leaves out what takes long: GEE, draws, strengths.
        seed: of the draws.

    Raises:
        BadSpec: not a table of answers.
    """
    rows = entering(checked(answers))
    every = entering(answers.assign(excluded=None))
    return Analysis(
        n=len(rows),
        participants=int(rows["participant"].nunique()),
        left_out=left_out(answers),
        left_out_n=len(every) - len(rows),
        tasks=tuple(
            _task(rows[rows["task"] == kind], thorough, seed) for kind in KINDS if (rows["task"] == kind).any()
        ),
    )


def effect(answers: pandas.DataFrame, rules: Rules, thorough: bool = False, seed: int = SEED) -> Effect:
    """Evaluate a table of answers with and without the participants who break rules. Raises
    BadSpec.
    """
    return Effect(
        rules=rules,
        everyone=analyse(answers.assign(excluded=None), thorough, seed),
        without=analyse(apply_rules(checked(answers), rules), thorough, seed),
    )


def _task(rows: pandas.DataFrame, thorough: bool, seed: int) -> TaskResult:
    kind = str(rows["task"].iloc[0])
    is_pair = kind in PAIRS
    compared = rows.groupby(["less", "more"], sort=False)["item"].min().sort_values(kind="stable").index
    names = tuple(dict.fromkeys(str(name) for pair in compared for name in pair if name))
    pairs = (rows[(rows["less"] == less) & (rows["more"] == more)] for less, more in compared)
    return TaskResult(
        kind=kind,
        n=len(rows),
        participants=int(rows["participant"].nunique()),
        pairs=tuple(pair_result(pair, thorough, seed) for pair in pairs) if is_pair else (),
        naming=None if is_pair else naming_result(rows, names, thorough),
        agreement=None
        if rows["item"].isna().any()
        else agreement(rows["answer"].astype(str), rows["item"], RESAMPLES if thorough else 0, seed),
        strengths=task_strengths(rows, names, seed) if is_pair and thorough and len(names) > 2 else None,
        times=times(rows) if set(TIMES) <= set(rows) else None,
    )
