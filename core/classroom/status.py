"""What a running server tells its operator: counts and times in a file of the cache folder, nothing
about people.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from typing import Any

from core.base.atomic import replacing
from core.base.checks import checked, is_whole

HOME = "classroom"
EVERY_S = 2.0
STALE_S = 30.0  # a busy server writes late, one that is stopped never


@dataclass(frozen=True)
class Times:
    """How often something was done, and how long the last ones took: median and 95th percentile.

    n: of all. median_s, p95_s: None before the first one.
    """

    n: int
    median_s: float | None = None
    p95_s: float | None = None

    @classmethod
    def of(cls, n: int, last_s: Sequence[float]) -> Times:
        """Summarise durations in seconds."""
        if len(last_s) < 2:
            return cls(n, *(tuple(last_s) * 2))
        parts = quantiles(last_s, n=20, method="inclusive")
        return cls(n, parts[9], parts[18])


class Writer:
    """Writes the facts of this process every EVERY_S, in a thread of its own, until it is closed.

    A full disk costs the file, never the server.
    """

    def __init__(self, folder: Path, port: int, facts: Callable[[], Mapping[str, Any]]) -> None:
        self.path = folder / HOME / f"status-{port}.json"
        self._facts, self._port, self._begun = facts, port, time.time()
        self._closed = Event()
        Thread(target=self._run, name="status", daemon=True).start()

    def close(self) -> None:
        """Stop writing and remove the file."""
        self._closed.set()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._closed.wait(EVERY_S):
            self.write()

    def write(self) -> None:
        """Write the facts of now."""
        own = {"port": self._port, "process": os.getpid(), "begun": self._begun, "written": time.time()}
        with suppress(OSError), replacing(self.path) as part:
            part.write_text(json.dumps(checked(own | dict(self._facts()))), encoding="utf-8")


def running(folder: Path) -> list[dict[str, Any]]:
    """Return what the servers say that use this cache folder and run on this machine, by port."""
    found = (_read(path) for path in (folder / HOME).glob("status-*.json"))
    alive = (facts for facts in found if facts and _runs(facts))
    return sorted(alive, key=lambda facts: int(facts["port"]))


def _read(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        facts = json.loads(path.read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) and is_whole(facts) else None
    return None


def _runs(facts: Mapping[str, Any]) -> bool:
    """Whether the process that wrote the facts still writes them."""
    if time.time() - facts["written"] > STALE_S:
        return False
    try:
        os.kill(facts["process"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
