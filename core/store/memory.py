"""Values in memory under a budget of bytes: built once, borrowed under one lock per value, least recently used goes first.

A cached model that two threads use at once gives wrong heatmaps without an error; so a value is only ever lent, and
by default to one borrower at a time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.results import CachePart

T = TypeVar("T")


@dataclass(eq=False)
class _Entry:
    """One value, or one being built. All fields are guarded by the cache's lock; threads are named by their ids."""

    key: Hashable
    builder: int | None  # None: built, or failed
    value: Any = None
    bytes: int = 0
    pins: int = 0  # borrowers and those waiting to borrow
    failed: bool = False
    error: Exception | None = None
    owner: int | None = None  # the exclusive borrower
    readers: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)  # who waits to borrow: first come, first served

    def holders(self) -> set[int]:
        """The threads that others may have to wait for."""
        return {thread for thread in (self.builder, self.owner, *self.readers) if thread is not None}


class MemoryCache:
    """Values by key, kept as long as they fit in the budget together.

    What is borrowed is never evicted, so the budget can be passed while much is borrowed at once, and a value larger
    than the whole budget is served but not kept. Room is made after a value is built, when its size is known.

    Borrow one value at a time where you can. Threads that borrow several in different orders would wait for each
    other for ever: that is noticed within one cache and raised as RuntimeError in the thread that would close the circle.

    Args:
        name: what this tier is called in reports ("device", "RAM").
        budget_bytes: the most that is kept while nothing is borrowed.
    """

    def __init__(self, name: str, budget_bytes: int) -> None:
        self.name = name
        self._changed = threading.Condition()  # the one lock of the table; never held while building or while lent
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()  # least recently used first
        self._waits: dict[int, tuple[_Entry, Callable[[], bool]]] = {}  # thread -> what it waits for, and whether that has come
        self._budget = _checked(budget_bytes)
        self._hits = self._misses = self._evicted = 0

    @contextmanager
    def borrow(self, key: Hashable, build: Callable[[], tuple[T, int]], exclusive: bool = True) -> Iterator[T]:
        """Lend the value of `key`, building it if it is not there.

        If several threads ask at once, one builds and the others wait; if it fails, all of them get its exception,
        nothing is kept, and the next to ask tries again.

        Args:
            key: what names the value.
            build: returns the value and its size in bytes; may borrow other keys.
            exclusive: alone with the value until it is given back; False: beside others who only read it.
        Returns:
            a context manager that yields the value; do not keep it after leaving.
        Raises:
            RuntimeError: this thread has it already, or would wait for one that waits for it. Whatever `build` raises.
        """
        entry = self._pinned(key, build)
        try:
            self._enter(entry, exclusive)
            try:
                yield entry.value
            finally:
                self._leave(entry, exclusive)
        finally:
            with self._changed:
                entry.pins -= 1
                self._trim()

    def drop(self, key: Hashable) -> None:
        """Forget a value: who has it keeps it, who asks next has it built anew. Nothing happens if it is not there."""
        with self._changed:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget all values, as `drop`. The counters stay."""
        with self._changed:
            self._entries.clear()

    def resize(self, budget_bytes: int) -> None:
        """Change the budget; what no longer fits goes now, or when it is given back."""
        with self._changed:
            self._budget = _checked(budget_bytes)
            self._trim()

    def report(self) -> CachePart:
        """Bytes and entries now; hits (served without building), misses (built or failed) and evictions since the start."""
        with self._changed:
            ready = [entry for entry in self._entries.values() if entry.builder is None]
            return CachePart(
                name=self.name,
                bytes=sum(entry.bytes for entry in ready),
                budget_bytes=self._budget,
                entries=len(ready),
                hits=self._hits,
                misses=self._misses,
                evicted=self._evicted,
            )

    def _pinned(self, key: Hashable, build: Callable[[], tuple[T, int]]) -> _Entry:
        """The built entry, one pin on it for the caller."""
        while True:
            with self._changed:
                entry = self._entries.get(key)
                if entry is None:
                    entry = self._entries[key] = _Entry(key, builder=threading.get_ident(), pins=1)
                    self._misses += 1
                    break
                if self._pin(entry):
                    return entry
        self._build(entry, build)
        return entry

    def _pin(self, entry: _Entry) -> bool:
        """Pin an entry once it is built. False if its builder was interrupted: that is no answer for others, ask again."""
        entry.pins += 1  # first, so that it cannot go between being built and our waking up
        try:
            self._wait(entry, lambda: entry.builder is None)
            if entry.error is not None:
                self._misses += 1
                raise entry.error
        except BaseException:
            entry.pins -= 1
            raise
        if entry.failed:
            return False
        self._hits += 1
        if self._entries.get(entry.key) is entry:
            self._entries.move_to_end(entry.key)
        return True

    def _build(self, entry: _Entry, build: Callable[[], tuple[T, int]]) -> None:
        """Fill an entry that this thread has put into the table."""
        try:
            value, size = build()
            size = _checked(size)
        except BaseException as error:
            with self._changed:
                # An interrupt (Ctrl-C, a page that reruns) concerns this thread alone; only real errors go to those who wait.
                entry.failed, entry.error = True, error if isinstance(error, Exception) else None
                entry.builder = None
                if self._entries.get(entry.key) is entry:
                    del self._entries[entry.key]
                self._changed.notify_all()
            raise
        with self._changed:
            entry.value, entry.bytes, entry.builder = value, size, None
            self._trim()
            self._changed.notify_all()

    def _enter(self, entry: _Entry, exclusive: bool) -> None:
        """Wait for the entry's own lock and take it."""
        me = threading.get_ident()
        with self._changed:
            again = not exclusive and me in entry.readers  # would else wait behind one who waits for it
            entry.line.insert(0 if again else len(entry.line), me)
            try:
                self._wait(entry, lambda: entry.line[0] == me and entry.owner is None and not (exclusive and entry.readers))
                if exclusive:
                    entry.owner = me
                else:
                    entry.readers.append(me)
            finally:
                entry.line.remove(me)
                self._changed.notify_all()  # the next in line may be able to read beside this one

    def _leave(self, entry: _Entry, exclusive: bool) -> None:
        """Give the entry's own lock back."""
        with self._changed:
            if exclusive:
                entry.owner = None
            else:
                entry.readers.remove(threading.get_ident())
            self._changed.notify_all()

    def _wait(self, entry: _Entry, ready: Callable[[], bool]) -> None:
        """Wait, the table's lock in hand, until `ready`. Raises RuntimeError instead of waiting for ever."""
        me = threading.get_ident()
        try:
            while not ready():
                if me in self._blocking(entry):
                    raise RuntimeError(f"borrowing {entry.key!r} here would wait for this thread itself; give back what it has first")
                self._waits[me] = (entry, ready)
                self._changed.wait()
        finally:
            self._waits.pop(me, None)

    def _blocking(self, entry: _Entry) -> set[int]:
        """All threads that must go on before this entry is free: its holders, those they wait for, and so on."""
        seen: set[int] = set()
        todo = list(entry.holders())
        while todo:
            thread = todo.pop()
            other, ready = self._waits.get(thread, (None, None))
            if thread not in seen and other is not None and ready is not None and not ready():
                todo += other.holders()
            seen.add(thread)
        return seen

    def _trim(self) -> None:
        """Evict what is not borrowed until the rest fits: first what never can, then the least recently used."""
        fitting = sum(entry.bytes for entry in self._entries.values() if entry.bytes <= self._budget)
        for key, entry in list(self._entries.items()):
            too_large = entry.bytes > self._budget
            if entry.pins or not (too_large or fitting > self._budget):
                continue
            del self._entries[key]
            self._evicted += 1
            fitting -= 0 if too_large else entry.bytes


def _checked(size: int) -> int:
    if size < 0:
        raise ValueError(f"a size in bytes cannot be {size}")
    return int(size)
