"""What people want of long work while it runs: to wait, or to stop.

Work that is handed a Control asks it. Work deep inside other rooms, which is handed none, asks
`check()`: it finds the control that the thread works under.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from core.base.errors import SparsightError

REST_S = 0.2  # how often paused work looks again


class Stopped(SparsightError):
    """A person asked the work to stop."""


class Control:
    """A job's own view of what people want of it.

    `check` is called as often as the work can bear.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def check(self) -> None:
        """Waits while the job is paused, and says so with the file `waiting`.

        Raises Stopped when it shall stop.
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
            raise Stopped("Stopped.", "What was finished is kept.", "Resume it to go on.")


_CURRENT: ContextVar[Control | None] = ContextVar("control", default=None)


@contextmanager
def under(control: Control) -> Iterator[None]:
    """Everything that this thread does inside the block can be stopped by the control."""
    before = _CURRENT.set(control)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def can_be_stopped() -> bool:
    """Whether this thread works under a control."""
    return _CURRENT.get() is not None


def check() -> None:
    """Does what the control of this thread says, if it works under one. Raises Stopped."""
    if control := _CURRENT.get():
        control.check()
