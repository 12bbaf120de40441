"""Values in memory under a budget of bytes: built once, borrowed under one lock per value, least
recently used goes first.

A cached model that two threads use at once gives wrong heatmaps without an error; so a value is
only ever lent, and by default to one borrower at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from core.jobs.control import Stopped
from core.results import CachePart
from core.store.table import Entry, Table, Wanted, checked
from core.store.waits import Waits

T = TypeVar("T")
Build = Callable[[Any], tuple[Any, int]]  # a spare value or None -> value, bytes


class MemoryCache:
    """Values by key, kept as long as they fit in the budget together.

    Room is made before a value is built, as far as its size is known by then: what was not used for
    longest goes, and where too much is borrowed, the builder waits until enough is given back;
    threads that need more than fits take turns. What is borrowed is never evicted. The budget is
    passed only where waiting could never end (a thread that has several values at once), by a value
    that is larger than all of it, which is served but not kept, and by a size that was not known
    before.

    Borrow one value at a time where you can. Threads that borrow several in different orders would
    wait for each
    other for ever: that is noticed and raised as RuntimeError in the thread that would close the
    circle.

    Args:
        name: what this tier is called in reports ("device", "RAM").
        budget_bytes: the most that is kept.
        beside: another cache whose values are borrowed together with those of this one, so that
            circles through both are noticed.
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
        """Lend the value of `key`, building it if it is not there.

        If several threads ask at once, one builds and the others wait; if it fails, all of them get
        its exception, nothing is kept, and the next to ask tries again.

        Args:
            key: what names the value.
            build: returns the value and its size in bytes; may borrow other keys.
            exclusive: alone with the value until it is given back; False: beside others who only
                read it.
            expected: bytes for which room is made before building.
            under: key of a value whose memory this one uses: they stay together, and go together.
        Returns:
            a context manager that yields the value; do not keep it after leaving.
        Raises:
            RuntimeError: this thread has it already, or would wait for one that waits for it.
            Whatever `build` raises.
        """
        with self._lent(Entry(key, under=under), lambda spare: build(), exclusive, expected) as value:
            yield value

    @contextmanager
    def borrow_reused(self, key: Hashable, write: Callable[[T | None], T], size: int, kind: Hashable) -> Iterator[T]:
        """The same, exclusively, for a value that can be written into the memory of another one.

        Args:
            write: gets a value of the same kind that had to make room, to be overwritten, or None;
                returns the value.
            size: its bytes. kind: values of one kind are equally large; only the last few
                (table.MOST_ALIKE) of them are kept.
        """
        with self._lent(Entry(key, kind=kind), lambda spare: (write(spare), size), True, size) as value:
            yield value

    def holds(self, key: Hashable) -> bool:
        """Whether the value is there, or being built."""
        with self._changed:
            return key in self._table.entries

    def drop(self, key: Hashable) -> None:
        """Forget a value: who has it keeps it, who asks next has it built anew.

        Nothing happens if it is not there.
        """
        with self._changed:
            if key in self._table.entries:
                self._table.remove(self._table.entries[key])
                self._table.serve()

    def drop_all(self, test: Callable[[Hashable], bool]) -> None:
        """Forget the values whose keys pass the test, as `drop`: what is borrowed goes when it is
        given back.
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
        """Let go of everything that is not borrowed."""
        with self._changed:
            for entry in list(self._table.entries.values()):
                self._table.evict(entry)
            self._table.serve()

    def resize(self, budget_bytes: int) -> None:
        """Change the budget; what no longer fits goes now, or when it is given back."""
        with self._changed:
            self._table.budget = checked(budget_bytes)
            self._table.trim()

    @property
    def budget_bytes(self) -> int:
        """The most that is kept."""
        return self._table.budget

    def report(self) -> CachePart:
        """Bytes and entries now; hits (served without building), misses (built or failed) and
        evictions since the start.
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
    def _lent(self, entry: Entry, build: Build, exclusive: bool, expected: int) -> Iterator[Any]:
        entry = self._pinned(entry, build, expected)
        try:
            self._enter(entry, exclusive)
            try:
                yield entry.value
            finally:
                self._leave(entry, exclusive)
        finally:
            with self._changed:
                entry.pins -= 1
                self._table.trim()

    def _pinned(self, new: Entry, build: Build, expected: int) -> Entry:
        """The built entry, one pin on it for the caller."""
        while True:
            with self._changed:
                entry = self._table.entries.get(new.key)
                if entry is None:
                    new.builder, new.pins = threading.get_ident(), 1
                    self._table.entries[new.key] = new
                    self._misses += 1
                    break
                if self._pin(entry):
                    return entry
        self._build(new, build, expected)
        return new

    def _pin(self, entry: Entry) -> bool:
        """Pin an entry once it is built.

        False if its builder was interrupted: that is no answer for others, ask again.
        """
        entry.pins += 1  # first, so that it cannot go between being built and our waking up
        try:
            self._wait(entry, lambda: entry.builder is None)
            if entry.error is not None:
                self._misses += 1
                raise entry.error
        except BaseException:
            entry.pins -= 1
            self._table.trim()
            raise
        if entry.failed:
            return False
        self._hits += 1
        self._table.touch(entry)
        return True

    def _build(self, entry: Entry, build: Build, expected: int) -> None:
        """Fill an entry that this thread has put into the table."""
        try:
            value, size = build(self._make_room(entry, checked(expected)))
            size = checked(size)
        except BaseException as error:
            with self._changed:
                # An interrupt (Ctrl-C, a page that reruns, Stop) concerns this thread alone; only
                # real errors go to those who wait.
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
            self._table.count(entry, size)
            self._table.trim()
            self._changed.notify_all()

    def _make_room(self, entry: Entry, size: int) -> Any:
        """Reserve bytes for an entry of this thread, after waiting for them where that can end.

        A spare value of its kind, or None.
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
        """Wait for the entry's own lock and take it."""
        me = threading.get_ident()
        with self._changed:
            again = not exclusive and me in entry.readers  # would else wait behind one who waits for it
            entry.line.insert(0 if again else len(entry.line), me)
            try:
                self._wait(
                    entry, lambda: entry.line[0] == me and entry.owner is None and not (exclusive and entry.readers)
                )
                if exclusive:
                    entry.owner = me
                else:
                    entry.readers.append(me)
            finally:
                entry.line.remove(me)
                self._changed.notify_all()  # the next in line may be able to read beside this one

    def _leave(self, entry: Entry, exclusive: bool) -> None:
        """Give the entry's own lock back."""
        with self._changed:
            if exclusive:
                entry.owner = None
            else:
                entry.readers.remove(threading.get_ident())
            self._changed.notify_all()

    def _wait(self, entry: Entry, ready: Callable[[], bool]) -> None:
        """Wait, the table's lock in hand, until `ready`.

        Raises RuntimeError instead of waiting for ever.
        """
        if not self._waits.wait(entry.holders, ready):
            raise RuntimeError(
                f"borrowing {entry.key!r} here would wait for this thread itself; give back what it has first"
            )
