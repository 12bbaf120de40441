"""A cache of values under a budget of bytes, least recently used evicted first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from core.results import CachePart

T = TypeVar("T")


class Kept(Generic[T]):
    """Immutable values by key. Thread-safe. A value larger than the whole budget is not kept.

    Simpler than the store's MemoryCache: it neither lends nor builds values.

    Args:
        name: its name in reports. budget_bytes: the most bytes that are kept.
    """

    def __init__(self, name: str, budget_bytes: int) -> None:
        self.name, self.budget_bytes = name, budget_bytes
        self.bytes = self._hits = self._misses = self._evicted = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()  # least recently used first
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key not in self._values:
                self._misses += 1
                return None
            self._hits += 1
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: T, size_bytes: int) -> None:
        with self._lock:
            self.bytes -= self._values.pop(key, (None, 0))[1]
            if size_bytes > self.budget_bytes:
                return
            self.bytes += size_bytes
            self._values[key] = value, size_bytes
            while self.bytes > self.budget_bytes:
                self.bytes -= self._values.popitem(last=False)[1][1]
                self._evicted += 1

    def drop_all(self, test: Callable[[Hashable], bool]) -> None:
        """Forget the values whose keys pass the test."""
        with self._lock:
            for key in [key for key in self._values if test(key)]:
                self.bytes -= self._values.pop(key)[1]

    def report(self) -> CachePart:
        """Return bytes in use and allowed."""
        with self._lock:
            entries = len(self._values)
            return CachePart(
                name=self.name,
                bytes=self.bytes,
                budget_bytes=self.budget_bytes,
                entries=entries,
                hits=self._hits,
                misses=self._misses,
                evicted=self._evicted,
            )
