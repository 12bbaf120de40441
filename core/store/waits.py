"""Who waits for whom: one lock for several caches, and circles are noticed instead of waited in for
ever.
"""

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
    """Shared by caches whose values are borrowed together.

    `changed` guards their tables; it is never held while building or while lent.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._waiting: dict[int, _Wait] = {}  # by thread

    def wait(self, holders: Callable[[], set[int]], ready: Callable[[], bool], can_do_without: bool = False) -> bool:
        """Wait, `changed` in hand, until `ready`. False, at once, if that would be for ever: a
        circle of threads.

        Args:
            holders: the threads that must go on first. ready: both are asked with `changed` in
                hand.
            can_do_without: this thread goes on all the same where a circle would close, so it
                closes none for others.
        """
        me, wait = threading.get_ident(), _Wait(holders, ready, can_do_without)
        try:
            while not ready():
                if me in self._blocking(wait):
                    return False
                if self._waiting.get(me) is not wait:
                    self._waiting[me] = wait
                    self.changed.notify_all()  # this may close a circle for one who can do without
                self.changed.wait()
        finally:
            self._waiting.pop(me, None)
        return True

    def idle(self) -> bool:
        """Whether nobody waits."""
        return not self._waiting

    def _blocking(self, wait: _Wait) -> set[int]:
        """All threads that must go on before: the holders, those they wait for, and so on."""
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
