"""What people want of long work while it runs: to wait, or to stop."""

from __future__ import annotations

import time
from pathlib import Path

from core.base.errors import SparsightError

REST_S = 0.2  # how often paused work looks again


class Stopped(SparsightError):
    """A person asked the job to stop."""


class Control:
    """A job's own view of what people want of it.

    `check` is called as often as the work can bear.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def check(self) -> None:
        """Waits while the job is paused. Raises Stopped when it shall stop."""
        while self.folder and (self.folder / "pause").exists() and not (self.folder / "stop").exists():
            time.sleep(REST_S)
        if self.folder and (self.folder / "stop").exists():
            raise Stopped("Stopped.", "What was finished is kept.", "Resume it to go on.")
