"""The answers of a study's participants, and where each of them stands.

Everything follows from what is stored: the current trial of a participant is the first one of
their slot without an answer. An answer is never overwritten, and is on disk when `answer` returns.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.base.errors import SparsightError
from core.study.design import CATCH, ITEM, Design
from core.study.place import (
    DONE,
    EQUAL,
    MOST_ROUNDS,
    RUNNING,
    WITHDRAWN,
    Place,
    count,
    expected,
    is_answer,
    place_of,
    practice_rows,
)
from core.study.rules import broken_rule
from core.study.spec import PAIRS, StudySpec
from core.study.tables import ANSWERS, ITEMS, META, PARTICIPANTS, PRACTICE, SLOTS, TRIALS, reading, writing

IDLE_S = 3600.0  # after which the slot of somebody who disappeared may be given to somebody else
RECRUITMENT_IDS = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "workerId", "assignmentId", "hitId")
PERSON_IDS = ("PROLIFIC_PID", "workerId")  # name a person; the others name a study or a visit


class StudyFull(SparsightError):
    """Every slot of the study is taken, or the study is closed."""


class TakesPartAlready(SparsightError):
    """Somebody with this id of a recruitment service has begun the study."""


class UnknownParticipant(SparsightError):
    """No participant has this token."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What the browser measured; None where it could not."""

    reaction_ms: float | None = None
    focus_losses: int | None = None


class Answers:
    """Participants and answers of one study.

    Args:
        engine: an open database (core/study/tables.py).
    """

    def __init__(self, engine: Engine, spec: StudySpec) -> None:
        self.engine, self.spec = engine, spec

    def store(self, design: Design, pictures: pandas.DataFrame) -> None:
        """Store the design before the first answer.

        Args:
            pictures: the columns picture, less_picture and more_picture, a row for each item.
        """
        items = pandas.concat([design.items, pictures], axis=1).to_dict("records")
        with writing(self.engine) as connection:
            connection.execute(insert(ITEMS), items)
            connection.execute(insert(TRIALS), design.trials.to_dict("records"))
            connection.execute(insert(SLOTS), [{"slot": slot, "participant": None} for slot in range(design.slots)])

    # participants

    def join(self, ids: Mapping[str, str] | None = None, screen: str = "", token: str = "") -> str:
        """Begin with a new participant, who has agreed to the consent text; return their token.

        Args:
            ids: of a recruitment service; others are ignored.
            token: of `new_token`, if the form carried one: who sends a form twice joins once.
        Raises:
            StudyFull, TakesPartAlready.
        """
        token = token or new_token()
        try:
            self._join(token, ids, screen)
        except TakesPartAlready:
            with reading(self.engine) as connection:
                if not _is_there(connection, token):  # the same form a moment ago
                    raise
        return token

    def _join(self, token: str, ids: Mapping[str, str] | None, screen: str) -> None:
        known = {name: str(value)[:100] for name, value in (ids or {}).items() if name in RECRUITMENT_IDS and value}
        known = {} if self.spec.anonymous else known
        person = next((f"{name}={known[name]}" for name in PERSON_IDS if name in known), None)
        now = time.time()
        with writing(self.engine) as connection:
            if _is_there(connection, token):
                return
            if self._meta(connection, "open") == "no":
                raise StudyFull(
                    "This study is closed.", "It takes no more participants.", "Thank you for your interest."
                )
            if person and connection.scalar(
                select(PARTICIPANTS.c.participant).where(PARTICIPANTS.c.recruited == person)
            ):
                raise _twice()
            slot = _free_slot(connection, now)
            values = {
                "token": digest(token),
                "slot": slot,
                "state": RUNNING,
                "recruited": person,
                "ids": json.dumps(known),
                "consent": self.spec.texts.stamp,
                "begun": now,
                "seen": now,
                "screen": screen[:20],
            }
            try:
                made = connection.execute(insert(PARTICIPANTS).values(**values))
            except IntegrityError as error:  # the same id or token a moment ago, in another process
                raise _twice() from error
            (number,) = made.inserted_primary_key or (None,)
            connection.execute(update(SLOTS).where(SLOTS.c.slot == slot).values(participant=number))

    def withdraw(self, token: str) -> int:
        """Delete everything a participant answered, and their ids; return how many answers."""
        with writing(self.engine) as connection:
            person = self._person(connection, token, lock=True)
            answers = count(connection, select(ANSWERS).where(ANSWERS.c.participant == person.participant))
            for table in (ANSWERS, PRACTICE):
                connection.execute(delete(table).where(table.c.participant == person.participant))
            gone = {"state": WITHDRAWN, "recruited": None, "ids": "{}", "code": None, "screen": "", "excluded": None}
            self._change(connection, person.participant, shown=None, **gone)
            self._free(connection, person.participant)
        return answers

    def exclude(self, participant: int, reason: str) -> None:
        """Leave a participant out of the analysis; their answers stay, their slot becomes free."""
        with writing(self.engine) as connection:
            self._change(connection, participant, excluded=reason)
            self._free(connection, participant)

    def include(self, participant: int) -> None:
        """Take the exclusion of a participant back."""
        with writing(self.engine) as connection:
            self._change(connection, participant, excluded=None)

    def open(self, whether: bool) -> None:
        """Let new participants in, or none; those who have begun can finish."""
        with writing(self.engine) as connection:
            connection.execute(delete(META).where(META.c.name == "open"))
            connection.execute(insert(META).values(name="open", value="yes" if whether else "no"))

    @property
    def is_open(self) -> bool:
        with reading(self.engine) as connection:
            return self._meta(connection, "open") != "no"

    # where a participant stands

    def place(self, token: str) -> Place:
        """Return where a participant stands. Raises UnknownParticipant."""
        with reading(self.engine) as connection:
            return place_of(connection, self._person(connection, token))

    def show(self, token: str) -> Place:
        """Return where a participant stands, and note the time if a trial is shown first."""
        found = self.place(token)
        if found.stage in ("withdrawn", "done"):
            return found
        with writing(self.engine) as connection:
            person = self._person(connection, token, lock=True)
            now = time.time()
            first = found.stage == "trial" and person.shown_trial != found.trial
            self._change(
                connection, found.participant, seen=now, **({"shown_trial": found.trial, "shown": now} if first else {})
            )
        return found

    def go_on(self, token: str) -> None:
        """Begin the block whose instructions or break are shown; nothing happens elsewhere."""
        with writing(self.engine) as connection:
            person = self._person(connection, token, lock=True)
            if place_of(connection, person).stage in ("instructions", "break"):
                self._change(connection, person.participant, blocks=person.blocks + 1, seen=time.time())

    def practise(self, token: str, round: int, item: int, answer: str) -> None:
        """Keep a practice answer, if it belongs to the item that is shown."""
        with writing(self.engine) as connection:
            person = self._person(connection, token, lock=True)
            place = place_of(connection, person)
            current = place.item or {}
            if (place.stage, place.round, current.get("item")) != ("practice", round, item):
                return
            if not is_answer(place.task, answer):
                return
            right = answer == expected(current, place.left)
            connection.execute(
                insert(PRACTICE).values(
                    participant=person.participant,
                    round=round,
                    item=item,
                    answer=answer,
                    right=int(right),
                    answered=time.time(),
                )
            )
            rows = practice_rows(connection, person.participant, place.task)
            last = [row for row in rows if row.round == round]
            is_failed = len(last) == place.of and not all(row.right for row in last)
            if is_failed and round + 1 < MOST_ROUNDS:  # read the instructions again
                self._change(connection, person.participant, blocks=person.blocks - 1)

    def answer(self, token: str, position: int, answer: str, timing: Timing | None = None) -> bool:
        """Keep an answer; it is on disk when this returns. Return whether it was new.

        A late, repeated or foreign one changes nothing: only the current trial can be answered.
        Raises UnknownParticipant, StudyDatabase.
        """
        timing = timing or Timing()
        with writing(self.engine) as connection:
            person = self._person(connection, token, lock=True)
            place = place_of(connection, person)
            if place.stage != "trial" or place.number != position or not is_answer(place.task, answer):
                return False
            now = time.time()
            connection.execute(
                insert(ANSWERS).values(
                    participant=person.participant,
                    trial=place.trial,
                    answer=answer,
                    shown=person.shown if person.shown_trial == place.trial else None,
                    answered=now,
                    reaction_ms=timing.reaction_ms,
                    focus_losses=timing.focus_losses,
                )
            )
            self._change(connection, person.participant, seen=now)
            if place.number + 1 == place.of:
                self._finish(connection, person.participant, now)
        return True

    # what the researcher reads

    def counts(self) -> dict[str, int]:
        """Return how many take part, have finished, withdrew, are excluded, and the answers."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(PARTICIPANTS.c.state, func.count()).group_by(PARTICIPANTS.c.state)).all()
            found = dict.fromkeys((RUNNING, DONE, WITHDRAWN), 0) | {str(state): int(n) for state, n in rows}
            found["excluded"] = count(connection, select(PARTICIPANTS).where(PARTICIPANTS.c.excluded.is_not(None)))
            found["answers"] = count(connection, select(ANSWERS))
            found["slots"] = count(connection, select(SLOTS))
            found["wanted"] = count(connection, select(TRIALS))
            return found

    def participants(self) -> pandas.DataFrame:
        """Return one row a participant, without their token."""
        columns = [column for column in PARTICIPANTS.c if column.name not in ("token", "shown_trial", "shown")]
        with reading(self.engine) as connection:
            rows = connection.execute(select(*columns).order_by(PARTICIPANTS.c.participant)).all()
        return pandas.DataFrame(rows, columns=[column.name for column in columns])

    def frame(self) -> pandas.DataFrame:
        """Return one row an answer, with its trial and item.

        answer: for pairs "less", "more" or "equal"; otherwise a class index or "unknown". side:
        what was pressed. right: for items with a known answer, and for named objects; else None.
        server_ms: from the page's request to the answer's arrival.
        """
        columns = [
            ANSWERS.c.participant,
            PARTICIPANTS.c.excluded,
            *(TRIALS.c[name] for name in ("trial", "slot", "position", "block", "item", "left")),
            *(ITEMS.c[name] for name in ("kind", "task", "image", "label", "less", "more")),
            *(ANSWERS.c[name] for name in ("answer", "shown", "answered", "reaction_ms", "focus_losses")),
        ]
        query = (
            select(*columns)
            .join(TRIALS, TRIALS.c.trial == ANSWERS.c.trial)
            .join(ITEMS, ITEMS.c.item == TRIALS.c.item)
            .join(PARTICIPANTS, PARTICIPANTS.c.participant == ANSWERS.c.participant)
            .order_by(ANSWERS.c.participant, TRIALS.c.position)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return meant(pandas.DataFrame(rows, columns=[column.name for column in columns]))

    def practice(self) -> pandas.DataFrame:
        """Return one row a practice answer, in the order in which they were given. side: what was
        pressed.
        """
        columns = [
            *(PRACTICE.c[name] for name in ("participant", "round", "item")),
            *(ITEMS.c[name] for name in ("task", "image", "label", "less", "more")),
            *(PRACTICE.c[name] for name in ("answer", "right", "answered")),
        ]
        query = select(*columns).join(ITEMS, ITEMS.c.item == PRACTICE.c.item)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(PRACTICE.c.participant, PRACTICE.c.answered)).all()
        found = pandas.DataFrame(rows, columns=[column.name for column in columns])
        return found.rename(columns={"answer": "side"}).astype({"right": bool})

    def items(self) -> pandas.DataFrame:
        """Return the items, with the names of their pictures."""
        with reading(self.engine) as connection:
            found = connection.execute(select(ITEMS).order_by(ITEMS.c.item))
            return pandas.DataFrame(found.all(), columns=list(found.keys()))

    def whole_design(self) -> Design:
        """Return the design as it was drawn."""
        trials = self.design()
        return Design(self.items(), trials[["trial", "slot", "position", "block", "item", "left"]])

    def design(self) -> pandas.DataFrame:
        """Return the design table: one row a trial, with its item."""
        query = select(TRIALS, *(column for column in ITEMS.c if column.name != "item")).join(
            ITEMS, ITEMS.c.item == TRIALS.c.item
        )
        with reading(self.engine) as connection:
            found = connection.execute(query.order_by(TRIALS.c.trial))
            return pandas.DataFrame(found.all(), columns=list(found.keys()))

    # inside a transaction

    def _person(self, connection: Connection, token: str, lock: bool = False) -> Row[Any]:
        """Return a participant. lock: nobody else changes them until the transaction ends."""
        query = select(PARTICIPANTS).where(PARTICIPANTS.c.token == digest(token))
        found = connection.execute(query.with_for_update() if lock else query).first()
        if found is None:
            raise UnknownParticipant(
                "This link belongs to no participant.",
                "Each participant has a link of their own.",
                "Open the link of the study again.",
            )
        return found

    def _finish(self, connection: Connection, participant: int, now: float) -> None:
        """Give the completion code; whoever breaks a rule declared beforehand frees the slot."""
        reason = self._broken_rule(connection, participant)
        self._change(
            connection, participant, state=DONE, finished=now, code=secrets.token_hex(4).upper(), excluded=reason
        )
        if reason:
            self._free(connection, participant)

    def _broken_rule(self, connection: Connection, participant: int) -> str | None:
        query = (
            select(ANSWERS.c.answer, ANSWERS.c.reaction_ms, TRIALS.c.left, ITEMS)
            .join(TRIALS, TRIALS.c.trial == ANSWERS.c.trial)
            .join(ITEMS, ITEMS.c.item == TRIALS.c.item)
            .where(ANSWERS.c.participant == participant)
        )
        rows = [dict(row) for row in connection.execute(query).mappings()]
        catches = [row["answer"] == expected(row, row["left"]) for row in rows if row["kind"] == CATCH]
        times = [row["reaction_ms"] for row in rows if row["reaction_ms"] is not None]
        return broken_rule(self.spec.rules, catches, times)

    def _change(self, connection: Connection, participant: int, **values: Any) -> None:
        connection.execute(update(PARTICIPANTS).where(PARTICIPANTS.c.participant == participant).values(**values))

    def _free(self, connection: Connection, participant: int) -> None:
        connection.execute(update(SLOTS).where(SLOTS.c.participant == participant).values(participant=None))

    def _meta(self, connection: Connection, name: str) -> str | None:
        return connection.scalar(select(META.c.value).where(META.c.name == name))


def new_token() -> str:
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _is_there(connection: Connection, token: str) -> bool:
    return count(connection, select(PARTICIPANTS).where(PARTICIPANTS.c.token == digest(token))) > 0


def _free_slot(connection: Connection, now: float) -> int:
    """Return the first slot that nobody holds, or whose participant disappeared."""
    free = select(SLOTS.c.slot).where(SLOTS.c.participant.is_(None)).order_by(SLOTS.c.slot).limit(1)
    slot = connection.scalar(free.with_for_update(skip_locked=True))
    if slot is not None:
        return int(slot)
    gone = (
        select(SLOTS.c.slot)
        .join(PARTICIPANTS, PARTICIPANTS.c.participant == SLOTS.c.participant)
        .where(PARTICIPANTS.c.state == RUNNING, PARTICIPANTS.c.seen < now - IDLE_S)
        .order_by(SLOTS.c.slot)
        .limit(1)
    )
    slot = connection.scalar(gone.with_for_update(skip_locked=True, of=SLOTS))
    if slot is None:
        raise StudyFull(
            "The study has all the participants it needs.", "Each place is taken.", "Thank you for your interest."
        )
    return int(slot)


def _twice() -> TakesPartAlready:
    return TakesPartAlready(
        "Somebody with your id has already begun this study.",
        "Each person takes part once.",
        "Continue in the browser in which you began, or with the link that you were given there.",
    )


def meant(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Add what an answer means to what was pressed.

    Args:
        rows: the columns of `Answers.frame` up to focus_losses; answer holds what was pressed.
    """
    found = rows.rename(columns={"answer": "side"})
    pair = found["task"].isin(PAIRS)
    other = found["left"].map({"less": "more", "more": "less"})
    meant = found["side"].where(~pair, EQUAL)
    meant = meant.mask(pair & (found["side"] == "left"), found["left"]).mask(pair & (found["side"] == "right"), other)
    right = (meant == "less").where(pair, meant == found["label"].astype(str)).astype(object)
    found["answer"] = meant
    found["right"] = right.where(~pair | (found["kind"] != ITEM), None)
    found["server_ms"] = 1000 * (found["answered"].astype(float) - found["shown"].astype(float))
    return found
