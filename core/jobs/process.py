"""The process of one job: python -m core.jobs.process FOLDER ID.

Started by core/jobs/jobs.py, not by hand.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from core.base.errors import CacheNotWritable, SparsightError
from core.base.plugins import load
from core.base.progress import heard_by
from core.base.ram import shortage
from core.base.settings import Settings
from core.jobs.control import Control, Stopped, under
from core.jobs.jobs import JOBS, WITHIN, as_text, register_kind, replace_text

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
EVERY_S = 2.0  # between two looks inside a step


def work(folder: Path, name: str) -> int:
    """Runs a job: takes its lock, runs its steps and writes one line per step.

    Returns the exit status.
    """
    home = Path(folder) / "jobs" / name
    with _locked(home) as mine:
        if not mine:  # another process runs the job already
            return 0
        about = json.loads((home / "job.json").read_text())
        try:
            register_kind(about)
            _load_plugins()
            control = Control(home)
            within = _Within(home)
            with _lines(home / "progress.jsonl") as lines, under(control), heard_by(within):
                for step in JOBS[about["kind"]].value(about["arguments"], control):
                    lines.write(as_text(step | {"at": round(time.time(), 2)}) + "\n")
                    lines.flush()
                    within.clear()
            (home / "done").touch()
        except Stopped:
            return 0
        except Exception as error:
            known = _known(error)
            said = [known.wrong, known.allowed, known.next_step] if known else [f"{type(error).__name__}: {error}"]
            _say_why(home / "failed.json", said)
            logging.exception("the job failed", exc_info=None if known else error)
            return 1
    return 0


def _lines(path: Path) -> IO[str]:
    """Opens the lines of a job, to add some. A full disk may have cut off the last one."""
    was_cut = path.exists() and not path.read_bytes().endswith(b"\n")
    lines = path.open("a")
    if was_cut:
        lines.write("\n")
    return lines


def _known(error: Exception) -> SparsightError | None:
    """Returns an error as people read it; None for a bug."""
    if isinstance(error, OSError) and error.errno in FULL:
        return CacheNotWritable(
            f"The disk of the cache folder is full ({error.strerror}).",
            "Everything that was finished before is kept.",
            "Free some space, then resume the job.",
        )
    return error if isinstance(error, SparsightError) else shortage(error)


def _say_why(path: Path, said: list[str]) -> None:
    """Writes why a job failed; an empty file if the disk has no room for words."""
    try:
        replace_text(path, json.dumps(said))
    except OSError:
        with suppress(OSError):
            path.touch()


class _Within:
    """Writes how much of the step at work is done into within.json, every two seconds at most."""

    def __init__(self, home: Path) -> None:
        self._path, self._written = home / WITHIN, time.monotonic()
        self.clear()

    def __call__(self, done: int, total: int) -> None:
        if total and time.monotonic() - self._written >= EVERY_S:
            with suppress(OSError):  # a full disk ends the work where it would lose something
                replace_text(self._path, json.dumps({"done": done, "total": total, "at": round(time.time(), 2)}))
            self._written = time.monotonic()

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


def _load_plugins() -> None:
    """Loads the plugins of the process that started this one; writes what is wrong with one into
    the log.
    """
    if paths := Settings.from_environment().plugins:
        for plugin in load(paths):
            if plugin.error is not None:
                logging.warning("%s", plugin.error)


@contextmanager
def _locked(home: Path) -> Iterator[bool]:
    """Holds the job's lock file with the process id; yields False if another process holds it."""
    with (home / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield True


if __name__ == "__main__":
    os.nice(10)  # low priority: pages and other programs stay responsive during training
    sys.exit(work(Path(sys.argv[1]), sys.argv[2]))
