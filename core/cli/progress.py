"""How far the work of a command is, on stderr: a line that is rewritten on a terminal; elsewhere a
line now and then, as text, or as JSON beside a command's JSON.
"""

from __future__ import annotations

import json
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from core.base.numbers import duration
from core.base.progress import Pace

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

FIRST_S, MOST_S = 3.0, 60.0  # until the first line; at most between two


class Lines:
    """A line after three seconds, after twice as many, and so on; at last one every minute. A
    thread of its own writes them, so that a single long step is not mistaken for a standstill.
    """

    def __init__(self, doing: str, as_json: bool) -> None:
        self._doing, self._within, self._as_json, self.pace = doing, "", as_json, Pace()
        self._ended = Event()
        self._thread = Thread(target=self._write, name="progress", daemon=True)

    def __enter__(self) -> Lines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def advance(self, doing: str, done: float, total: float, within: str = "") -> None:
        self._doing, self._within = doing, within
        self.pace.advance(done, total)

    def _write(self) -> None:
        rest = FIRST_S
        while not self._ended.wait(rest):
            print(self._line(), file=sys.stderr, flush=True)
            rest = min(MOST_S, 2 * rest)

    def _line(self) -> str:
        pace, seconds = self.pace, self.pace.elapsed()
        if self._as_json:
            left = None if pace.left is None else round(pace.left, 1)
            facts = {"doing": self._doing, "done": pace.done, "total": pace.total or None}
            return json.dumps({"progress": facts | {"seconds": round(seconds, 1), "seconds_left": left}})
        parts = (pace.count + self._within, f"{duration(seconds)} so far", pace.left_text)
        return f"{self._doing}: {', '.join(filter(None, parts))}"


class Bar:
    """A bar with what is done, the time so far and the remaining time."""

    def __init__(self, doing: str, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.pace = Pace()
        self._bar: Progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bar.add_task(doing, total=None, count="", left="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, doing: str, done: float, total: float, within: str = "") -> None:
        """within: how much of the step at work is done."""
        if self.pace.advance(done, total):
            self._bar.reset(self._task, total=total)
        shown: dict[str, Any] = {"count": self.pace.count + within, "left": self.pace.left_text}
        self._bar.update(self._task, description=doing, completed=done, total=total, **shown)
