"""What killed processes leave, and folders that go with a campaign."""

from __future__ import annotations

import atexit
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ORPHANS_S = 5.0  # what a process may take to end after its work, or after its parent was killed


def left_behind(folder: Path) -> Iterator[str]:
    """Yield what must not be in a folder once all work has ended: temporary files, unfinished
    answers and networks, locks that somebody holds, and processes that work there.
    """
    for path in (*folder.rglob("*.part"), *folder.rglob("unfinished.safetensors")):
        yield f"{path.relative_to(folder)} stays"
    for path in (*folder.rglob("lock"), *folder.rglob("*.lock")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield f"{path.relative_to(folder)} is held"
    yield from orphans_of(folder)


def working_on(folder: Path) -> dict[int, str]:
    """Return the processes whose command or environment names the folder."""
    found = {}
    for home in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (home / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            named = f"{words}\0{(home / 'environ').read_bytes().decode(errors='replace')}"
            if str(folder) in named and words and int(home.name) != os.getpid():
                found[int(home.name)] = words[:200]
    return found


def orphans_of(folder: Path) -> tuple[str, ...]:
    """Return the processes that still work in a folder after what they may take to end."""
    end = time.monotonic() + ORPHANS_S
    while (left := working_on(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return tuple(f"an orphan works on: {words}" for words in left.values())


def temporary() -> Path:
    """Return a folder that goes with this process."""
    home = tempfile.TemporaryDirectory(prefix="undisturbed-")
    atexit.register(home.cleanup)
    return Path(home.name)


def until_writing(folder: Path, longest_s: float) -> bool:
    """Wait until somebody writes a file in the folder; return whether anybody does by then."""
    end = time.monotonic() + longest_s
    while time.monotonic() < end:
        if next(folder.rglob("*.part"), None):
            return True
    return False
