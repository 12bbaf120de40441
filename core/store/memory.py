"""Cache of values under a budget of bytes: built once, borrowed under one lock per value, least
recently used evicted first.

A cached model that two threads use at once gives wrong heatmaps without an error, so values are
only lent, by default to one borrower at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from core.jobs.control import Stopped
from core.results import CachePart
from core.store.table import Entry, Table, Wanted, checked
from core.store.waits import Waits

T = TypeVar("T")
Build = Callable[[Any], tuple[Any, int]]  # a spare value or None -> value, bytes


class MemoryCache:
    """Values by key, kept as long as they fit in the budget together.

    Room is made before a value is built, as far as its size is known by then: the least recently
    used values are evicted, and if too much is borrowed, the builder waits until enough is
    returned; threads that need more than fits take turns. Borrowed values are never evicted. The
    budget is exceeded only where waiting would never end (a thread that holds several values), by a
    value larger than the budget, which is lent but not kept, and by a size that was not known
    before.

    Borrow one value at a time if possible. Threads that borrow several in different orders would
    wait for each
    other forever. Such a deadlock is detected and raised as RuntimeError in the thread that would
    close the circle.

    Args:
        name: name of this tier in reports ("device", "RAM").
        budget_bytes: the most bytes that are kept.
        beside: another cache whose values are borrowed together with those of this one, so that
            deadlocks across both are detected.
    """

    def __init__(self, name: str, budget_bytes: int, beside: MemoryCache | None = None) -> None:
        self.name = name
        self._waits: Waits = beside._waits if beside else Waits()
        self._changed = self._waits.changed
        self._table = Table(budget_bytes, self._changed.notify_all)
        self._hits = self._misses = 0

    @contextmanager
    def borrow(
        self,
        key: Hashable,
        build: Callable[[], tuple[T, int]],
        exclusive: bool = True,
        expected: int = 0,
        under: Hashable = None,
    ) -> Iterator[T]:
        """Lend the value of `key`, building it if it is not cached.

        If several threads ask at once, one builds and the others wait. If it fails, all of them get
        its exception, nothing is kept, and the next request tries again.

        Args:
            key: of the value.
            build: returns the value and its size in bytes; may borrow other keys.
            exclusive: True for sole use of the value until it is returned; False to share it with
                others who only read it.
            expected: bytes for which room is made before building.
            under: key of a value whose memory this one uses; both are kept and evicted together.
        Returns:
            a context manager that yields the value; do not keep it after leaving.
        Raises:
            RuntimeError: this thread already holds it, or would wait for a thread that waits for
            it. Whatever `build` raises.
        """
        with self._lent(Entry(key, under=under), lambda spare: build(), exclusive, expected) as value:
            yield value

    @contextmanager
    def borrow_reused(self, key: Hashable, write: Callable[[T | None], T], size: int, kind: Hashable) -> Iterator[T]:
        """Lend a value exclusively that can be written into the memory of another one.

        Args:
            write: called with an evicted value of the same kind to overwrite, or None; returns the
                value.
            size: its bytes. kind: values of one kind are equally large; only the last few
                (table.MOST_ALIKE) of them are kept.
        """
        with self._lent(Entry(key, kind=kind), lambda spare: (write(spare), size), True, size) as value:
            yield value

    def holds(self, key: Hashable) -> bool:
        """Return whether the value is cached or being built."""
        with self._changed:
            return key in self._table.entries

    def drop(self, key: Hashable) -> None:
        """Forget a value: its borrower keeps it, the next request builds it again.

        Does nothing if it is not cached.
        """
        with self._changed:
            if key in self._table.entries:
                self._table.remove(self._table.entries[key])
                self._table.serve()

    def drop_all(self, test: Callable[[Hashable], bool]) -> None:
        """Forget the values whose keys pass the test, as `drop`; borrowed ones are released when
        they are returned.
        """
        with self._changed:
            for entry in list(self._table.entries.values()):
                if test(entry.key) and self._table.entries.get(entry.key) is entry:
                    self._table.remove(entry)
            self._table.serve()

    def clear(self) -> None:
        """Forget all values, as `drop`. The counters stay."""
        with self._changed:
            self._table.clear()

    def evict(self) -> None:
        """Evict everything that is not borrowed."""
        with self._changed:
            for entry in list(self._table.entries.values()):
                self._table.evict(entry)
            self._table.serve()

    def resize(self, budget_bytes: int) -> None:
        """Change the budget; what no longer fits is evicted now, or when it is returned."""
        with self._changed:
            self._table.budget = checked(budget_bytes)
            self._table.trim()

    @property
    def budget_bytes(self) -> int:
        """The most bytes that are kept."""
        return self._table.budget

    def report(self) -> CachePart:
        """Return current bytes and entries, and hits (served without building), misses (built or
        failed) and evictions since the start.
        """
        with self._changed:
            table = self._table
            ready = [entry for entry in table.entries.values() if entry.builder is None]
            return CachePart(
                name=self.name,
                bytes=sum(entry.bytes for entry in ready),
                budget_bytes=table.budget,
                entries=len(ready),
                hits=self._hits,
                misses=self._misses,
                evicted=table.evicted,
                peak_bytes=table.peak,
                waiting=len(table.wanted),
            )

    @contextmanager
    def _lent(self, new: Entry, build: Build, exclusive: bool, expected: int) -> Iterator[Any]:
        entry = self._entered(new, build, exclusive, expected)
        try:
            yield entry.value
        finally:
            with self._changed:
                entry.give_back(exclusive)
                self._unpin(entry)
                self._changed.notify_all()

    def _entered(self, new: Entry, build: Build, exclusive: bool, expected: int) -> Entry:
        """Return the built entry, pinned and locked for the caller.

        Each step hands over to the next under the cache's lock, so that others always see who holds
        the entry.
        """
        while True:
            with self._changed:
                entry = self._table.entries.get(new.key)
                if entry is None:
                    new.builder, new.pins = threading.get_ident(), 1
                    self._table.entries[new.key] = new
                    self._misses += 1
                    break
                if self._pin(entry):
                    self._enter(entry, exclusive)
                    return entry
        self._build(new, build, expected, exclusive)
        return new

    def _pin(self, entry: Entry) -> bool:
        """Pin an entry once it is built.

        Returns False if its builder was interrupted: the caller must try again.
        """
        entry.pins += 1  # first, so that it cannot be evicted between being built and this thread waking up
        try:
            self._wait(entry, lambda: entry.builder is None)
            if entry.error is not None:
                self._misses += 1
                raise entry.error
        except BaseException:
            self._unpin(entry)
            raise
        if entry.failed:
            return False
        self._hits += 1
        self._table.touch(entry)
        return True

    def _build(self, entry: Entry, build: Build, expected: int, exclusive: bool) -> None:
        """Fill an entry that this thread has put into the table, and enter it."""
        try:
            with torch.inference_mode(False):  # what is kept serves callers with gradients, too
                value, size = build(self._make_room(entry, checked(expected)))
            size = checked(size)
        except BaseException as error:
            with self._changed:
                # An interrupt (Ctrl-C, a page that reruns, Stop) concerns this thread alone; only
                # real errors are passed on to waiting threads.
                entry.failed = True
                if isinstance(error, Exception) and not isinstance(error, Stopped):
                    entry.error = error
                entry.builder = None
                if self._table.entries.get(entry.key) is entry:
                    self._table.remove(entry)
                self._table.serve()
                self._changed.notify_all()
            raise
        with self._changed:
            entry.value, entry.builder = value, None
            entry.take(exclusive)
            self._table.count(entry, size)
            self._table.trim()
            self._changed.notify_all()

    def _make_room(self, entry: Entry, size: int) -> Any:
        """Reserve bytes for an entry of this thread, waiting for them unless that would deadlock.

        Returns a spare value of its kind, or None.
        """
        if size == 0:
            return None
        with self._changed:
            wanted = Wanted(entry, size)
            self._table.wanted.append(wanted)
            try:
                self._table.serve()
                if not self._waits.wait(
                    lambda: self._table.holders(entry), lambda: wanted.granted, can_do_without=True
                ):
                    self._table.grant(wanted)
            except BaseException:
                if not wanted.granted:
                    self._table.wanted.remove(wanted)
                raise
            spare, wanted.spare = wanted.spare, None
            return spare

    def _enter(self, entry: Entry, exclusive: bool) -> None:
        """Wait for the lock of a pinned entry and take it."""
        me = threading.get_ident()
        again = not exclusive and me in entry.readers  # would otherwise wait behind one that waits for it
        entry.line.insert(0 if again else len(entry.line), me)
        try:
            self._wait(entry, lambda: entry.line[0] == me and entry.owner is None and not (exclusive and entry.readers))
            entry.take(exclusive)
        except BaseException:
            self._unpin(entry)
            raise
        finally:
            entry.line.remove(me)
            self._changed.notify_all()  # the next in line may be able to share the value

    def _unpin(self, entry: Entry) -> None:
        entry.pins -= 1
        self._table.trim()

    def _wait(self, entry: Entry, ready: Callable[[], bool]) -> None:
        """Wait until `ready`, holding the table's lock.

        Raises RuntimeError instead of waiting forever.
        """
        if not self._waits.wait(entry.holders, ready):
            raise RuntimeError(
                f"borrowing {entry.key!r} here would deadlock with this thread itself; return what it holds first"
            )
