"""Pausing and stopping long-running work.

Work that receives a Control calls its `check`. Work deep inside other modules calls `check()`,
which finds the control of the current thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from core.base.errors import SparsightError

REST_S = 0.2  # polling interval of paused work


class Stopped(SparsightError):
    """The work was stopped on request."""


class Control:
    """Requests to pause or stop a job.

    The work calls `check` as often as it can afford. apart: it uses copies of networks that are its
    own, so that nobody waits for a network that it holds.
    """

    apart = False

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def check(self) -> None:
        """Waits while the job is paused, marked by the file `waiting`.

        Raises Stopped if the job is to stop.
        """
        if not self.folder:
            return
        pause, stop, waiting = (self.folder / name for name in ("pause", "stop", "waiting"))
        if pause.exists():
            waiting.touch()
            while pause.exists() and not stop.exists():
                time.sleep(REST_S)
            waiting.unlink(missing_ok=True)
        if stop.exists():
            raise Stopped("Stopped.", "Finished work is kept.", "Resume it to continue.")


_CURRENT: ContextVar[Control | None] = ContextVar("control", default=None)


@contextmanager
def under(control: Control) -> Iterator[None]:
    """Lets the control stop everything that this thread does inside the block."""
    before = _CURRENT.set(control)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def can_be_stopped() -> bool:
    """Whether this thread has a control."""
    return _CURRENT.get() is not None


def works_apart() -> bool:
    """Whether this thread's work uses copies of networks that are its own."""
    control = _CURRENT.get()
    return control is not None and control.apart


def check() -> None:
    """Calls `check` of this thread's control, if it has one. Raises Stopped."""
    if control := _CURRENT.get():
        control.check()
