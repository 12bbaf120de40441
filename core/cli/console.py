"""Output of a command: JSON or text on stdout, a progress bar on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console

from core.base.text import Part, Rows

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

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
        self._bar: Progress | None = None

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
        if self._bar is None or self.as_json or lasting:
            self.say(facts, text)
        self.advance(text, done, total)

    def advance(self, text: str, done: float, total: float) -> None:
        """Move the bar, if there is one."""
        if self._bar is not None:
            if not self._bar.tasks:
                self._bar.add_task(text, total=total)
            (task,) = self._bar.tasks
            if task.total != total or done < task.completed:  # the next piece of work
                self._bar.reset(task.id, total=total)
            self._bar.update(task.id, completed=done, description=text)

    @contextmanager
    def progress(self, waiting: str = "") -> Iterator[None]:
        """Show a bar with the remaining time during the work, if stderr is a terminal.

        Args:
            waiting: description of work that does not report its progress.
        """
        if not sys.stderr.isatty():
            yield
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        tail = (TimeElapsedColumn(),) if waiting else (TimeRemainingColumn(),)
        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *tail,
            console=console(sys.stderr),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )
        with bar:
            if waiting:
                bar.add_task(waiting, total=None)
            self._bar = bar
            try:
                yield
            finally:
                self._bar = None


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
