"""Which thread waits for which: one lock for several caches, with deadlock detection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class _Wait:
    holders: Callable[[], set[int]]  # threads that this one may have to wait for
    ready: Callable[[], bool]
    can_do_without: bool


class Waits:
    """Waiting threads, shared by caches whose values are borrowed together.

    `changed` guards their tables; it is never held while building or while lent.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._waiting: dict[int, _Wait] = {}  # by thread

    def wait(self, holders: Callable[[], set[int]], ready: Callable[[], bool], can_do_without: bool = False) -> bool:
        """Wait until `ready`, holding `changed`. Returns False at once if that would be a deadlock:
        a circle of threads.

        Args:
            holders: the threads that must continue first. ready: the condition. Both are called
                while `changed` is held.
            can_do_without: this thread continues anyway if a circle would close, so it closes none
                for others.
        """
        me, wait = threading.get_ident(), _Wait(holders, ready, can_do_without)
        try:
            while not ready():
                if me in self._blocking(wait):
                    return False
                if self._waiting.get(me) is not wait:
                    self._waiting[me] = wait
                    self.changed.notify_all()  # this may close a circle for a thread that can do without
                self.changed.wait()
        finally:
            self._waiting.pop(me, None)
        return True

    def idle(self) -> bool:
        """Return whether no thread waits."""
        return not self._waiting

    def _blocking(self, wait: _Wait) -> set[int]:
        """Return all threads that must continue first: the holders, those they wait for, etc."""
        seen: set[int] = set()
        todo = list(wait.holders())
        while todo:
            thread = todo.pop()
            other = self._waiting.get(thread)
            if (
                thread not in seen
                and other is not None
                and not other.ready()
                and (wait.can_do_without or not other.can_do_without)
            ):
                todo += other.holders()
            seen.add(thread)
        return seen
