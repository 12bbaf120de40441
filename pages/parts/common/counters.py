"""Counts and times of this server for its operator; nothing about people."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from core.classroom.status import Times
from core.results import CachePart

LAST = 1000  # durations that are kept


class Stopwatch:
    """How often something was done, and how long the last ones took."""

    def __init__(self) -> None:
        self._n, self._last_s, self._changed = 0, deque[float](maxlen=LAST), threading.Lock()

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the block and its duration, also if it ends early."""
        begun = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._n += 1
                self._last_s.append(time.monotonic() - begun)

    @property
    def times(self) -> Times:
        """The number of all, and the times of the last ones."""
        with self._changed:
            return Times.of(self._n, tuple(self._last_s))


class Counters:
    """What is counted: runs of pages, and work that pages wait for.

    tiers: tells what is in memory; set when the engine starts. more: further groups of counts.
    """

    def __init__(self) -> None:
        self.pages, self.work = Stopwatch(), Stopwatch()
        self.tiers: Callable[[], Sequence[CachePart]] = tuple
        self.more: dict[str, Callable[[], Mapping[str, int]]] = {}

    def facts(self) -> dict[str, Any]:
        """Returns everything, as JSON can hold it."""
        parts = [
            {"name": part.name, "bytes": part.bytes, "budget_bytes": part.budget_bytes, "waiting": part.waiting}
            for part in self.tiers()
        ]
        own = {"pages": asdict(self.pages.times), "work": asdict(self.work.times), "memory": parts}
        return own | {"process_peak_bytes": _peak_bytes()} | {name: dict(count()) for name, count in self.more.items()}


def _peak_bytes() -> int:
    """Returns the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


counters = Counters()
