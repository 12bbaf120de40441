"""The queue of slow questions: bounded, fair, and honest about who comes first."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.parts.common.line import Line, TookTooLong, Turn
from pages.parts.common.state import Owner

PEOPLE = 4


class Desk:
    """People who ask, and a server that answers when it is told."""

    def __init__(self, most: int) -> None:
        self.most, self.line = most, Line(lambda: most)
        self.people = [Owner(str(number)) for number in range(PEOPLE)]
        self.begun: list[Turn] = []
        self.running: list[Turn] = []
        self.waiting: list[Turn] = []
        self.unwanted: set[Turn] = set()

    def ask(self, person: int) -> Turn:
        turn = Turn(self.people[person], lambda: self._begin(turn), lambda: turn not in self.unwanted, 60)
        self.waiting.append(turn)
        self.line.join(turn)
        return turn

    def _begin(self, turn: Turn) -> None:
        self.begun.append(turn)
        self.running.append(turn)
        self.waiting.remove(turn)

    def finish(self, place: int) -> None:
        if self.running:
            self.line.leave(self.running.pop(place % len(self.running)))

    def stop(self, place: int) -> None:
        """Somebody presses Stop in the queue."""
        if self.waiting:
            turn = self.waiting.pop(place % len(self.waiting))
            self.unwanted.add(turn)


steps = st.lists(st.tuples(st.sampled_from(("ask", "ask", "finish", "stop")), st.integers(0, PEOPLE - 1)), max_size=60)


def follow(desk: Desk, asked: list[tuple[str, int]]) -> None:
    for step, number in asked:
        getattr(desk, step)(number)


@given(st.integers(1, 3), steps)
def test_a_few_at_once_one_a_person_and_no_place_stays_empty(most: int, asked: list[tuple[str, int]]) -> None:
    desk = Desk(most)
    for step in asked:
        follow(desk, [step])
        people = [turn.person for turn in desk.running]
        assert len(people) <= most
        assert len(set(people)) == len(people)
        free = [turn for turn in desk.waiting if turn.person not in people]
        assert len(people) == most or not free
        assert desk.line.counts() == {"computing": len(people), "waiting": len(desk.waiting)}


@given(st.integers(1, 3), steps)
def test_nobody_is_served_twice_while_another_waits(most: int, asked: list[tuple[str, int]]) -> None:
    desk = Desk(most)
    since: dict[Owner, Counter[Owner]] = {}  # who began meanwhile, by who waits and has no turn
    for step in asked:
        seen = len(desk.begun)
        follow(desk, [step])
        for turn in desk.begun[seen:]:
            since.pop(turn.person, None)
            for others in since.values():
                others[turn.person] += 1
        busy, waits = {turn.person for turn in desk.running}, {turn.person for turn in desk.waiting}
        since = {person: since.get(person, Counter()) for person in waits - busy}
        assert all(count <= 1 for others in since.values() for count in others.values())


@given(steps, st.integers(0, PEOPLE - 1))
def test_as_many_come_first_as_it_says(asked: list[tuple[str, int]], person: int) -> None:
    desk = Desk(most=1)
    follow(desk, asked)
    mine = desk.ask(person)
    said, finished = desk.line.ahead_of(mine), 0
    while mine in desk.waiting:
        desk.finish(0)
        finished += 1
    assert said == (finished or None)
    assert desk.line.ahead_of(mine) is None


def test_a_turn_of_a_person_who_is_gone_is_passed_over() -> None:
    desk = Desk(most=1)
    desk.ask(0)
    gone, mine = desk.ask(1), desk.ask(2)
    assert desk.line.ahead_of(mine) == 2
    desk.stop(desk.waiting.index(gone))
    assert desk.line.ahead_of(mine) == 1
    desk.finish(0)
    assert desk.running == [mine]


def test_the_time_of_a_turn_ends_and_rests_do_not_count() -> None:
    noisy = threading.Event()
    turn = Turn(Owner(), lambda: None, lambda: True, most_s=0.2)
    turn.check()  # has not begun
    turn.started()
    turn.rest(noisy, 0.3)
    assert turn.worked_s < 0.1
    turn.check()
    time.sleep(0.25)
    with pytest.raises(TookTooLong, match="took longer than less than a second"):
        turn.check()


def test_a_turn_rests_while_others_wait_but_never_for_ever() -> None:
    noisy, quiet = threading.Event(), threading.Event()
    quiet.set()
    turn = Turn(Owner(), lambda: None, lambda: True, most_s=60)
    turn.started()
    begun = time.monotonic()
    turn.rest(quiet, 2)
    assert time.monotonic() - begun < 0.1
    for _ in range(20):
        turn.rest(noisy, 0.5)  # nobody is ever served
    assert time.monotonic() - begun < 4  # two seconds at first, later half of the time
