"""Output of a command: JSON or text on stdout, its progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console

from core.base.numbers import percent
from core.base.progress import heard_by
from core.base.text import Part, Rows
from core.cli.progress import Bar, Lines

if TYPE_CHECKING:
    from rich.table import Table

NOT_KEPT = "Stopped before it was done, and nothing of it is kept; the same command begins again."

WIDE = 10_000  # columns if the output is not a terminal: nothing is wrapped or truncated
INDENT = "  "


def console(stream: IO[str] | None = None) -> Console:
    """Create a console that writes no escape codes and does not wrap lines unless it is a
    terminal.
    """
    stream = stream or sys.stdout
    if stream.isatty():
        return Console(file=stream, highlight=False, markup=False, emoji=False)
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, width=WIDE, force_terminal=False, color_system=None
    )


class Output:
    """The output of one command.

    Args:
        as_json: print facts for machines, not text for people.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._progress: Bar | Lines | None = None
        self._doing, self._steps = "", ("", 0.0, 0.0)  # the last one, what was done, and of how much

    def say(self, facts: dict[str, Any], text: str | Iterable[Part]) -> None:
        """Print one part of an answer as soon as it is known."""
        if self.as_json:
            print(json.dumps(facts), flush=True)
        else:
            print("\n\n".join(_render(part) for part in ([text] if isinstance(text, str) else text)), flush=True)

    def step(self, facts: dict[str, Any], text: str, part: tuple[float, float], lasting: bool = False) -> None:
        """Report one step of the work: on the bar if there is one, as a line if there is none or
        the step is lasting.

        Args:
            part: amount done, and in total.
        """
        done, total = part
        has_bar = isinstance(self._progress, Bar)
        if not has_bar or self.as_json or lasting:
            self.say(facts, text)
        self.advance(text if has_bar else self._doing, done, total)

    def advance(self, text: str, done: float, total: float) -> None:
        """Say what is done, how much of it, and of how much."""
        self._steps = text, done, total
        if self._progress is not None:
            self._progress.advance(text, done, total)

    def within(self, done: int, total: int) -> None:
        """Say how much of the step at work is done, such as images of one network."""
        if self._progress is None or not total:
            return
        text, steps, of = self._steps
        if not of:  # the only step
            self._progress.advance(text, done, total)
            return
        part = max(int(steps) + min(1, done / total), self._progress.pace.done)  # it may go over its images again
        self._progress.advance(text, min(part, of), of, f" ({percent(done / total)} of the next)")

    @contextmanager
    def progress(self, doing: str = "Preparing", kept: str = NOT_KEPT) -> Iterator[None]:
        """Show progress during the work, with what loops report (core/base/progress.py).

        Args:
            doing: description of the work, until it reports its progress. kept: what is said after
                Ctrl-C: what is kept, and how to go on.
        """
        made = Bar(doing, console(sys.stderr)) if sys.stderr.isatty() else Lines(doing, self.as_json)
        self._progress, self._doing, self._steps = made, doing, (doing, 0.0, 0.0)
        try:
            with made, heard_by(self.within):
                yield
        except KeyboardInterrupt:
            raise KeyboardInterrupt(kept) from None
        finally:
            self._progress = None


def _render(part: Part) -> str:
    """Render a part as text; a terminal wraps it between words."""
    made = console()
    with made.capture() as captured:
        if isinstance(part, Rows):
            made.print(_table(part), soft_wrap=False)
        else:
            made.print(part, soft_wrap=not made.is_terminal)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    if isinstance(part, str):
        return "\n".join(lines)
    return "\n".join([*([part.title] if part.title else []), *(INDENT + line for line in lines)])


def _table(part: Rows) -> Table:
    from rich.table import Table  # imported here: not needed for --help

    count = max(map(len, part.rows), default=0)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, len(INDENT), 0, 0))
    for column in range(count):
        table.add_column(justify="right" if column in part.right else "left", no_wrap=column < count - 1)
    for row in part.rows:
        table.add_row(*row)
    return table
