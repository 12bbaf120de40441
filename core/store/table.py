"""The table of a memory cache: its entries, their bytes, and the order of eviction.

Guarded by the cache's lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

MOST_ALIKE = 8  # values of one kind that are kept: they soon overwrite each other, so more would only fill the memory


@dataclass(eq=False)
class Entry:
    """One value, built or being built. Threads are given by their ids."""

    key: Hashable
    kind: Hashable = None  # values of one kind can be written into each other's memory
    under: Hashable = None  # key of the value that this one is evicted with
    builder: int | None = None  # None: built, or failed
    value: Any = None
    bytes: int = 0  # reserved as soon as there is room, then counted
    pins: int = 0  # borrowers and those waiting to borrow
    failed: bool = False
    error: Exception | None = None
    owner: int | None = None  # the exclusive borrower
    readers: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)  # threads that wait to borrow, first come, first served

    def holders(self) -> set[int]:
        """Return the threads that others may have to wait for."""
        return {thread for thread in (self.builder, self.owner, *self.readers) if thread is not None}

    def take(self, exclusive: bool) -> None:
        """Lend it to this thread: alone, or together with other readers."""
        if exclusive:
            self.owner = threading.get_ident()
        else:
            self.readers.append(threading.get_ident())

    def give_back(self, exclusive: bool) -> None:
        """End what `take` began."""
        if exclusive:
            self.owner = None
        else:
            self.readers.remove(threading.get_ident())


@dataclass(eq=False)
class Wanted:
    """Bytes that a thread waits for, to build this entry."""

    entry: Entry
    size: int
    granted: bool = False
    spare: Any = None  # an evicted value of the same kind


class Table:
    """Entries by key, least recently used first, and requests for room, first come, first served.

    Args:
        budget: in bytes. on_grant: called when a request gets room.
    """

    def __init__(self, budget: int, on_grant: Callable[[], None]) -> None:
        self.entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self.wanted: list[Wanted] = []
        self.budget, self._on_grant = checked(budget), on_grant
        self.used = self.peak = 0  # bytes; a value being built counts as soon as it has room
        self.evicted = 0

    def count(self, entry: Entry, size: int) -> None:
        """Set the bytes of an entry."""
        if self.entries.get(entry.key) is entry:
            self.used += size - entry.bytes
            self.peak = max(self.peak, self.used)
        entry.bytes = size

    def touch(self, entry: Entry) -> None:
        """Mark an entry, and the one it lies under, as just used."""
        for key in (entry.under, entry.key):
            if key in self.entries:
                self.entries.move_to_end(key)

    def holders(self, entry: Entry) -> set[int]:
        """Return the threads that must return something before this entry has room: others that
        hold something and do not only wait for room; its builder itself, if nobody else does.
        """
        without = {id(entry), *(id(wanted.entry) for wanted in self.wanted)}
        found = {thread for other in self.entries.values() if id(other) not in without for thread in other.holders()}
        return found - {entry.builder} or found

    def serve(self) -> None:
        """Grant waiting requests as far as there is room, first come, first served; those who hold
        something already may pass, since others wait for what they hold. Called whenever something
        is returned, so that no request starves.
        """
        blocked = False
        for wanted in list(self.wanted):
            if blocked and not self._holds_some(wanted.entry.builder):
                continue
            self._free(wanted)
            if self.used and self.used + wanted.size > self.budget:
                blocked = True
            else:
                self.grant(wanted)

    def grant(self, wanted: Wanted) -> None:
        """Reserve the bytes, whether they fit or not."""
        self.wanted.remove(wanted)
        wanted.granted = True
        self.count(wanted.entry, wanted.size)
        self._on_grant()

    def trim(self) -> None:
        """Evict until the rest fits: first what never can, then the least recently used; borrowed
        entries stay. Then serve waiting requests.
        """
        if self.used > self.budget:
            for entry in list(self.entries.values()):
                if entry.bytes > self.budget:
                    self.evict(entry)
            fitting = sum(entry.bytes for entry in self.entries.values() if entry.bytes <= self.budget)
            for entry in list(self.entries.values()):
                before = self.used
                if fitting > self.budget and 0 < entry.bytes <= self.budget and self.evict(entry):
                    fitting -= before - self.used
        self.serve()

    def evict(self, entry: Entry) -> bool:
        """Evict an entry and what lies under it, unless any of it is borrowed or being built.
        Returns whether it was evicted.
        """
        if self.entries.get(entry.key) is not entry or any(each.pins for each in self._family(entry)):
            return False
        self.evicted += self.remove(entry)
        return True

    def remove(self, entry: Entry) -> int:
        """Remove an entry and what lies under it from the table; return how many were removed."""
        family = self._family(entry)
        for each in family:
            del self.entries[each.key]
            self.used -= each.bytes
        return len(family)

    def clear(self) -> None:
        """Forget everything and serve waiting requests."""
        self.entries.clear()
        self.used = 0
        self.serve()

    def _free(self, wanted: Wanted) -> None:
        """Evict, least recently used first: values of the same kind down to their limit, then
        others until the wanted bytes fit.
        """
        alike = [
            entry
            for entry in self.entries.values()
            if entry.bytes and entry.kind is not None and entry.kind == wanted.entry.kind
        ]
        surplus = len(alike) + 1 - MOST_ALIKE
        for entry in alike:
            if surplus > 0 and self.evict(entry):
                surplus, wanted.spare = surplus - 1, entry.value
        for entry in list(self.entries.values()):
            if self.used + wanted.size <= self.budget:
                return
            if entry.bytes and self.evict(entry) and entry.kind is not None and entry.kind == wanted.entry.kind:
                wanted.spare = entry.value

    def _holds_some(self, thread: int | None) -> bool:
        """Return whether a thread holds a value that takes memory."""
        return any(
            entry.bytes and entry.builder is None and thread in entry.holders() for entry in self.entries.values()
        )

    def _family(self, entry: Entry) -> list[Entry]:
        return [entry, *(each for each in self.entries.values() if each.under is not None and each.under == entry.key)]


def checked(size: int) -> int:
    """Check a size in bytes. Raises ValueError if it is negative."""
    if size < 0:
        raise ValueError(f"a size in bytes cannot be {size}")
    return int(size)
