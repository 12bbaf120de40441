"""Where a participant stands: it follows from what is stored, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core.study.design import PRACTICE as PRACTICE_KIND
from core.study.spec import PAIRS
from core.study.tables import ANSWERS, ITEMS, PRACTICE, TRIALS

RUNNING, DONE, WITHDRAWN = "running", "done", "withdrawn"
EQUAL, UNKNOWN = "equal", "unknown"
MOST_ROUNDS = 3  # of practice: whoever does not pass it then goes on, and catch trials tell


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a participant stands.

    stage: "instructions", "break", "practice", "trial", "done" or "withdrawn". number: of the trial
    (from 0 on) or the practice item; of: how many there are. task: of the item. item: its row of
    ITEMS; trial and left: see Design. again: the practice was not passed and begins anew.
    """

    stage: str
    participant: int
    number: int = 0
    of: int = 0
    task: str = ""
    item: Mapping[str, Any] | None = None
    trial: int | None = None
    left: str = "less"
    round: int = 0
    again: bool = False
    feedback: bool | None = None  # whether the previous practice answer was right
    correct: str = ""  # the right answer to the previous practice item
    code: str = ""


def place_of(connection: Connection, person: Row[Any]) -> Place:
    number = person.participant
    if person.state == WITHDRAWN:
        return Place(stage="withdrawn", participant=number)
    of = count(connection, select(TRIALS).where(TRIALS.c.slot == person.slot))
    done = select(ANSWERS.c.trial).where(ANSWERS.c.participant == number)
    query = (
        select(TRIALS, ITEMS.c.task)
        .join(ITEMS, ITEMS.c.item == TRIALS.c.item)
        .where(TRIALS.c.slot == person.slot, TRIALS.c.trial.not_in(done))
        .order_by(TRIALS.c.position)
        .limit(1)
    )
    trial = connection.execute(query).first()
    if trial is None:
        return Place(stage="done", participant=number, number=of, of=of, code=person.code or "")
    before = connection.execute(
        select(ITEMS.c.task, TRIALS.c.block)
        .join(ITEMS, ITEMS.c.item == TRIALS.c.item)
        .where(TRIALS.c.slot == person.slot, TRIALS.c.position == trial.position - 1)
    ).first()
    first_of_task = before is None or before.task != trial.task
    begun = person.blocks > trial.block
    practice = _practice_place(connection, person, trial.task) if first_of_task else None
    if not begun:
        again = practice is not None and practice.round > 0
        stage = "instructions" if first_of_task else "break"
        return Place(stage=stage, participant=number, number=trial.position, of=of, task=trial.task, again=again)
    if practice is not None:
        return practice
    item = connection.execute(select(ITEMS).where(ITEMS.c.item == trial.item)).mappings().one()
    return Place(
        stage="trial",
        participant=number,
        number=trial.position,
        of=of,
        task=trial.task,
        item=dict(item),
        trial=trial.trial,
        left=trial.left,
    )


def _practice_place(connection: Connection, person: Row[Any], task: str) -> Place | None:
    """Return the next practice item; None if the practice is passed, or there is none."""
    items = connection.execute(
        select(ITEMS).where(ITEMS.c.kind == PRACTICE_KIND, ITEMS.c.task == task).order_by(ITEMS.c.item)
    ).mappings()
    wanted = [dict(item) for item in items]
    rows = practice_rows(connection, person.participant, task)
    round = max((row.round for row in rows), default=0)
    last = [row for row in rows if row.round == round]
    is_over = all(row.right for row in last) or round + 1 >= MOST_ROUNDS
    if not wanted or (len(last) == len(wanted) and is_over):
        return None
    if len(last) == len(wanted):
        round, last = round + 1, []
    item = wanted[len(last)]
    before = wanted[len(last) - 1] if last else None
    return Place(
        stage="practice",
        participant=person.participant,
        number=len(last),
        of=len(wanted),
        task=task,
        item=item,
        left=_practice_left(item, round, person.participant),
        round=round,
        feedback=bool(last[-1].right) if last else None,
        correct=expected(before, _practice_left(before, round, person.participant)) if before else "",
    )


def _practice_left(item: Mapping[str, Any], round: int, participant: int) -> str:
    """Return which picture is on the left: the sides change with the item and the round."""
    return ("less", "more")[(item["item"] + round + participant) % 2]


def practice_rows(connection: Connection, participant: int, task: str) -> list[Row[Any]]:
    query = (
        select(PRACTICE)
        .join(ITEMS, ITEMS.c.item == PRACTICE.c.item)
        .where(PRACTICE.c.participant == participant, ITEMS.c.task == task)
        .order_by(PRACTICE.c.round, PRACTICE.c.item)
    )
    return list(connection.execute(query))


def is_answer(task: str, answer: str) -> bool:
    if task in PAIRS:
        return answer in ("left", "right", EQUAL)
    return answer == UNKNOWN or (answer.isdecimal() and len(answer) < 6)


def expected(item: Mapping[str, Any], left: str) -> str:
    """Return the correct answer to an item with a known answer: for a pair, the side of the less
    pruned variant's picture.
    """
    if item["task"] in PAIRS:
        return "left" if left == "less" else "right"
    return str(item["label"])


def count(connection: Connection, query: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(query.subquery())) or 0)
