"""Progress of long work: who hears of it, and how long the rest will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.base.numbers import duration

Progress = Callable[[int, int], None]  # done, total
MARKS = 100  # points in time that a pace is measured from
_HEARD: ContextVar[Progress | None] = ContextVar("heard", default=None)


def silent(done: int, total: int) -> None:
    """Report no progress."""


def tell(done: int, total: int) -> None:
    """Tell whoever listens to this thread how much is done; the usual callback of loops."""
    if heard := _HEARD.get():
        heard(done, total)


@contextmanager
def heard_by(listener: Progress) -> Iterator[None]:
    """Pass on what this thread reports inside the block."""
    before = _HEARD.set(listener)
    try:
        yield
    finally:
        _HEARD.reset(before)


def passed(progress: Progress, done: int, passes: int) -> Progress:
    """Return the callback of one pass of several, all of the same length. done: those before it."""
    return lambda part, total: progress(done * total + part, passes * total)


class Pace:
    """How far work is, and how fast. Its pace is that of the latter half of the time so far: what
    is found done goes by in no time, and says nothing of the rest.

    Args:
        done: before it begins. now: seconds; by default those of the clock.
    """

    def __init__(self, done: float = 0, now: float | None = None) -> None:
        self.done, self.total = float(done), 0.0
        self._begin(_now(now))

    def _begin(self, now: float) -> None:
        self._begun = self._last = now
        self._marks = deque([(now, self.done)])

    def advance(self, done: float, total: float, now: float | None = None) -> bool:
        """Note what is done, of how much. Return whether that is the next piece of work: less than
        before, or of another total.
        """
        is_next = bool(self.total and total != self.total) or done < self.done
        if is_next:
            self.done = 0.0
            self._begin(self._last)
        self.done, self.total, self._last = done, total, _now(now)
        elapsed = self._last - self._begun
        if self._last - self._marks[-1][0] >= elapsed / MARKS:
            self._marks.append((self._last, done))
        while len(self._marks) > 2 and self._last - self._marks[1][0] >= elapsed / 2:
            self._marks.popleft()
        return is_next

    def elapsed(self, now: float | None = None) -> float:
        """Return the seconds since this piece of work began."""
        return _now(now) - self._begun

    @property
    def left(self) -> float | None:
        """The seconds that the rest will take; None while nothing is known."""
        since, before = self._marks[0]
        if not self.total or self.done <= before:
            return None
        return max(0.0, self.total - self.done) * (self._last - since) / (self.done - before)

    @property
    def count(self) -> str:
        """What is done, of how much; "" while nothing is known."""
        return f"{int(self.done):,} of {int(self.total):,}" if self.total else ""

    @property
    def left_text(self) -> str:
        """The remaining time in words; "" while nothing is known, and at the end."""
        left = self.left if self.done < self.total else None
        return "" if left is None else f"{'about ' if left >= 1 else ''}{duration(left)} left"


def _now(now: float | None) -> float:
    return time.monotonic() if now is None else now
