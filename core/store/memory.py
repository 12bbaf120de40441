"""Values in memory under a budget of bytes: built once, borrowed under one lock per value, least recently used goes first.

A cached model that two threads use at once gives wrong heatmaps without an error; so a value is only ever lent, and
by default to one borrower at a time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from core.results import CachePart
from core.store.entries import Entry, Wanted, checked
from core.store.waits import Waits

T = TypeVar("T")
Build = Callable[[Any], tuple[Any, int]]  # a spare value or None -> value, bytes


class MemoryCache:
    """Values by key, kept as long as they fit in the budget together.

    Room is made before a value is built, as far as its size is known by then: what was not used for longest goes, and where too much
    is borrowed, the builder waits until enough is given back; threads that need more than fits take turns. What is borrowed is never
    evicted. The budget is passed only where waiting could never end (a thread that has several values at once), by a value that is
    larger than all of it, which is served but not kept, and by a size that was not known before.

    Borrow one value at a time where you can. Threads that borrow several in different orders would wait for each
    other for ever: that is noticed and raised as RuntimeError in the thread that would close the circle.

    Args:
        name: what this tier is called in reports ("device", "RAM").
        budget_bytes: the most that is kept.
        beside: another cache whose values are borrowed together with those of this one, so that circles through both are noticed.
    """

    def __init__(self, name: str, budget_bytes: int, beside: MemoryCache | None = None) -> None:
        self.name = name
        self._waits = beside._waits if beside else Waits()
        self._changed = self._waits.changed
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()  # least recently used first
        self._wanted: list[Wanted] = []  # who waits for room: first come, first served
        self._budget = checked(budget_bytes)
        self._hits = self._misses = self._evicted = self._peak = 0

    @contextmanager
    def borrow(
        self, key: Hashable, build: Callable[[], tuple[T, int]], exclusive: bool = True, expected: int = 0, under: Hashable = None
    ) -> Iterator[T]:
        """Lend the value of `key`, building it if it is not there.

        If several threads ask at once, one builds and the others wait; if it fails, all of them get its exception,
        nothing is kept, and the next to ask tries again.

        Args:
            key: what names the value.
            build: returns the value and its size in bytes; may borrow other keys.
            exclusive: alone with the value until it is given back; False: beside others who only read it.
            expected: bytes for which room is made before building.
            under: key of a value whose memory this one uses: they stay together, and go together.
        Returns:
            a context manager that yields the value; do not keep it after leaving.
        Raises:
            RuntimeError: this thread has it already, or would wait for one that waits for it. Whatever `build` raises.
        """
        with self._lent(Entry(key, under=under), lambda spare: build(), exclusive, expected) as value:
            yield value

    @contextmanager
    def borrow_reused(self, key: Hashable, write: Callable[[T | None], T], size: int, kind: Hashable) -> Iterator[T]:
        """The same, exclusively, for a value that can be written into the memory of another one.

        Args:
            write: gets a value of the same kind that had to make room, to be overwritten, or None; returns the value.
            size: its bytes. kind: values of one kind are equally large.
        """
        with self._lent(Entry(key, kind=kind), lambda spare: (write(spare), size), True, size) as value:
            yield value

    def holds(self, key: Hashable) -> bool:
        """Whether the value is there, or being built."""
        with self._changed:
            return key in self._entries

    def drop(self, key: Hashable) -> None:
        """Forget a value: who has it keeps it, who asks next has it built anew. Nothing happens if it is not there."""
        with self._changed:
            if key in self._entries:
                self._remove(self._entries[key])
                self._serve()

    def clear(self) -> None:
        """Forget all values, as `drop`. The counters stay."""
        with self._changed:
            self._entries.clear()
            self._serve()

    def evict(self) -> None:
        """Let go of everything that is not borrowed."""
        with self._changed:
            for entry in list(self._entries.values()):
                self._evict(entry)
            self._serve()

    def resize(self, budget_bytes: int) -> None:
        """Change the budget; what no longer fits goes now, or when it is given back."""
        with self._changed:
            self._budget = checked(budget_bytes)
            self._trim()

    @property
    def budget_bytes(self) -> int:
        return self._budget

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
                peak_bytes=self._peak,
                waiting=len(self._wanted),
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
                self._trim()

    def _pinned(self, new: Entry, build: Build, expected: int) -> Entry:
        """The built entry, one pin on it for the caller."""
        while True:
            with self._changed:
                entry = self._entries.get(new.key)
                if entry is None:
                    new.builder, new.pins = threading.get_ident(), 1
                    self._entries[new.key] = new
                    self._misses += 1
                    break
                if self._pin(entry):
                    return entry
        self._build(new, build, expected)
        return new

    def _pin(self, entry: Entry) -> bool:
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
        for key in (entry.under, entry.key):
            if key in self._entries:
                self._entries.move_to_end(key)
        return True

    def _build(self, entry: Entry, build: Build, expected: int) -> None:
        """Fill an entry that this thread has put into the table."""
        try:
            value, size = build(self._make_room(entry, checked(expected)))
            size = checked(size)
        except BaseException as error:
            with self._changed:
                # An interrupt (Ctrl-C, a page that reruns) concerns this thread alone; only real errors go to those who wait.
                entry.failed, entry.error = True, error if isinstance(error, Exception) else None
                entry.builder = None
                if self._entries.get(entry.key) is entry:
                    del self._entries[entry.key]
                self._serve()
                self._changed.notify_all()
            raise
        with self._changed:
            entry.value, entry.bytes, entry.builder = value, size, None
            self._trim()
            self._changed.notify_all()

    def _make_room(self, entry: Entry, size: int) -> Any:
        """Reserve bytes for an entry of this thread, after waiting for them where that can end. A spare value of its kind, or None."""
        if size == 0:
            return None
        with self._changed:
            wanted = Wanted(entry, size)
            self._wanted.append(wanted)
            try:
                self._serve()
                if not self._waits.wait(lambda: self._holders(entry), lambda: wanted.granted, can_do_without=True):
                    self._grant(wanted)
            except BaseException:
                self._wanted.remove(wanted)
                raise
            spare, wanted.spare = wanted.spare, None
            return spare

    def _serve(self) -> None:
        """Give room to those who wait for it, as far as there is some: by who gives back, so that nobody is overtaken for ever."""
        while self._wanted:
            wanted = self._wanted[0]
            self._free(wanted)
            if self._used() + wanted.size > self._budget and any(entry.pins for entry in self._entries.values() if entry is not wanted.entry):
                return
            self._grant(wanted)

    def _grant(self, wanted: Wanted) -> None:
        self._wanted.remove(wanted)
        wanted.granted, wanted.entry.bytes = True, wanted.size
        self._peak = max(self._peak, self._used())
        self._changed.notify_all()

    def _free(self, wanted: Wanted) -> None:
        """Evict, least recently used first, until the wanted bytes fit or nothing more can go."""
        for entry in list(self._entries.values()):
            if self._used() + wanted.size <= self._budget:
                return
            if entry.bytes and self._evict(entry) and entry.kind is not None and entry.kind == wanted.entry.kind:
                wanted.spare = entry.value

    def _evict(self, entry: Entry) -> bool:
        """Let an entry go, and what lies under it, unless something of it is borrowed or being built."""
        if any(each.pins for each in (entry, *self._below(entry))) or self._entries.get(entry.key) is not entry:
            return False
        self._evicted += self._remove(entry)
        return True
