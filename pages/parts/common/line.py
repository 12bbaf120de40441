"""The queue of slow questions on a server for many: a few are computed at once, one of each person,
and whoever was served least recently comes next.

A quick question never enters it. While one waits for its answer, slow ones rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from weakref import WeakKeyDictionary

from core.base.numbers import counted, duration
from core.jobs.control import Stopped

PASS_S = 0.05  # longest rest before a pass of a network: others may wait for what this work makes
STEP_S = 2.0  # longest rest between steps, when it holds nothing


class TookTooLong(Stopped):
    """A slow question took longer than this server allows."""


class Turn:
    """One slow question in the queue.

    Args:
        person: who asked it. begin: starts its work. is_wanted: whether anybody still waits for it.
        most_s: the longest time of its work.
    """

    def __init__(
        self, person: Hashable, begin: Callable[[], object], is_wanted: Callable[[], bool], most_s: float
    ) -> None:
        self.person, self.begin, self.is_wanted, self._most_s = person, begin, is_wanted, most_s
        self._begun = self._rested = 0.0

    def started(self) -> None:
        """Starts to count the time of the work."""
        self._begun = time.monotonic()

    @property
    def worked_s(self) -> float:
        """Time since the start, without rests."""
        return time.monotonic() - self._begun - self._rested

    def check(self) -> None:
        """Raises TookTooLong if the time is over."""
        if self._begun and self.worked_s > self._most_s:
            raise TookTooLong(
                f"This question took longer than {duration(self._most_s)}.",
                "A server for many bounds slow questions, so that everybody gets a turn. What is finished is kept.",
                "Ask again to go on from there, or choose a faster method.",
            )

    def rest(self, quiet: threading.Event, most_s: float) -> None:
        """Rests until it is quiet, at most this long, and never more than half of the time."""
        if not quiet.is_set():
            begun = time.monotonic()
            quiet.wait(max(0.0, min(most_s, STEP_S + self.worked_s - self._rested)))
            self._rested += time.monotonic() - begun


class Line:
    """The turns of all people. most: how many may run at once; asked each time."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most, self._changed = most, threading.Lock()
        self._waiting: list[Turn] = []  # first come first
        self._running: list[Turn] = []
        self._served: WeakKeyDictionary[Hashable, int] = WeakKeyDictionary()  # when each person began a turn
        self._turns = 0

    def join(self, turn: Turn) -> None:
        """Puts a turn into the queue; it begins at once if there is room."""
        with self._changed:
            self._waiting.append(turn)
        self.advance()

    def leave(self, turn: Turn) -> None:
        """Ends a turn."""
        with self._changed:
            if turn in self._running:
                self._running.remove(turn)
        self.advance()

    def advance(self) -> None:
        """Begins the turns for which there is room."""
        begun = []
        with self._changed:
            self._waiting = [turn for turn in self._waiting if turn.is_wanted()]
            while len(self._running) < self._most() and (turn := self._next(self._waiting, self._served)):
                self._waiting.remove(turn)
                self._running.append(turn)
                self._turns += 1
                self._served[turn.person] = self._turns
                begun.append(turn)
        for turn in begun:
            turn.begin()

    def _next(self, waiting: list[Turn], served: WeakKeyDictionary[Hashable, int]) -> Turn | None:
        """Returns the first turn of the person who was served least recently, without those who
        have a turn.
        """
        busy = [turn.person for turn in self._running]
        free = [turn for turn in waiting if turn.person not in busy]
        return min(free, key=lambda turn: served.get(turn.person, 0), default=None)

    def ahead_of(self, turn: Turn) -> int | None:
        """Returns how many questions are computed before this one; None if it does not wait."""
        with self._changed:
            waiting = [each for each in self._waiting if each is turn or each.is_wanted()]
            if turn not in waiting:
                return None
            served, ahead = WeakKeyDictionary(self._served), len(self._running)
            while (first := min(waiting, key=lambda each: served.get(each.person, 0))) is not turn:
                waiting.remove(first)
                ahead += 1
                served[first.person] = self._turns + ahead
            return ahead

    def counts(self) -> dict[str, int]:
        """Returns how many questions are being computed, and how many wait."""
        with self._changed:
            return {"computing": len(self._running), "waiting": sum(turn.is_wanted() for turn in self._waiting)}


def in_words(ahead: int) -> str:
    """Says how many questions come first."""
    return f"in the queue, {counted(ahead, 'slow question')} first"
