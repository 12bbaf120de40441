"""What a running server tells its operator: counts and times in a file of the cache folder, nothing
about people.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from typing import IO, Any

from core.base.atomic import replacing
from core.base.checks import checked, is_whole

HOME = "classroom"
EVERY_S = 2.0
STALE_S = 30.0  # a server that has not written for so long is very busy, or hangs


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

    A lock beside the file says that the process lives: it ends with the process, however that ends.
    Files of servers that were killed are removed. A full disk costs the file, never the server.
    """

    def __init__(self, folder: Path, port: int, facts: Callable[[], Mapping[str, Any]]) -> None:
        self.path = folder / HOME / f"status-{port}.json"
        for facts_of_killed in ended(folder):
            _remove(folder / HOME / f"status-{facts_of_killed['port']}.json")
        self._lock = _hold(self.path)
        self._facts, self._port, self._begun = facts, port, time.time()
        self._closed = Event()
        Thread(target=self._run, name="status", daemon=True).start()

    def close(self) -> None:
        """Stop writing and remove the file."""
        self._closed.set()
        _remove(self.path)
        if self._lock:
            self._lock.close()

    def _run(self) -> None:
        while not self._closed.wait(EVERY_S):
            self.write()

    def write(self) -> None:
        """Write the facts of now."""
        self._lock = self._lock or _hold(self.path)
        own = {"port": self._port, "process": os.getpid(), "begun": self._begun, "written": time.time()}
        with suppress(OSError), replacing(self.path) as part:
            part.write_text(json.dumps(checked(own | dict(self._facts()))), encoding="utf-8")


def running(folder: Path) -> list[dict[str, Any]]:
    """Return what the servers say that use this cache folder and live, by port."""
    return [facts for path, facts in _all(folder) if _is_held(path)]


def ended(folder: Path) -> list[dict[str, Any]]:
    """Return the last words of servers that were killed before they could remove them, by port."""
    return [facts for path, facts in _all(folder) if not _is_held(path)]


def _all(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    found = ((path, _read(path)) for path in (folder / HOME).glob("status-*.json"))
    return sorted(((path, facts) for path, facts in found if facts), key=lambda each: int(each[1]["port"]))


def _read(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        facts = json.loads(path.read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) and is_whole(facts) else None
    return None


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _hold(path: Path) -> IO[bytes] | None:
    """Lock the file beside a status until it is closed or the process ends; None on a disk that
    takes no lock.
    """
    with suppress(OSError), ExitStack() as opened:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = opened.enter_context(_lock_of(path).open("ab"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened.pop_all()
        return file
    return None


def _is_held(path: Path) -> bool:
    """Whether the process that writes this status lives."""
    try:
        with _lock_of(path).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:  # no lock file
        return False


def _remove(path: Path) -> None:
    for each in (path, _lock_of(path)):
        with suppress(OSError):
            each.unlink(missing_ok=True)
