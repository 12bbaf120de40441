"""Numbers and tables as a person reads them in a terminal: units, plain counts, 100 columns at
most.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

WIDTH = 100  # columns
GAP = "  "  # between two columns of a table
UNDEFINED = "–"
MINUTE, HOUR, DAY = 60, 3600, 86400
KILOBYTE, MEGABYTE, GIGABYTE = 10**3, 10**6, 10**9


def percent(share: float) -> str:
    """A share as percent; with more digits where 100 % is near, and never "100 %" for less than
    all.
    """
    value = share * 100
    if value <= 99 or value == 100:
        return f"{value:.1f} %"
    return f"{value:.2f} %" if value < 99.995 else "above 99.99 %"


def interval(low: float, high: float) -> str:
    """The bounds of a share: "95 % interval 90.4 to 92.0 %"."""
    return f"95 % interval {low * 100:.1f} to {high * 100:.1f} %"


def number(value: float | None, digits: int = 2) -> str:
    """Rounded and never minus zero; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def duration(seconds: float) -> str:
    """In the unit that a person would use: "75 seconds", "23 minutes", "1.5 hours", "3.2 days"."""
    if seconds < 1.5 * MINUTE:
        return counted(round(seconds), "second") if seconds >= 1 else "less than a second"
    if seconds < 1.5 * HOUR:
        return f"{seconds / MINUTE:.0f} minutes"
    return f"{seconds / HOUR:.1f} hours" if seconds < 2 * DAY else f"{seconds / DAY:.1f} days"


def size(count: int) -> str:
    """Bytes: "2.5 kB", "18.8 MB"; a megabyte is a million bytes."""
    for unit, step in (("GB", GIGABYTE), ("MB", MEGABYTE), ("kB", KILOBYTE)):
        if count >= step:
            return f"{count / step:,.1f} {unit}"
    return f"{count} bytes"


def counted(count: int, noun: str) -> str:
    """ "1 epoch", "2,000 epochs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def first_few(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are: "a, b and 3 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def wrapped(text: str, indent: str = "", hanging: str = "") -> str:
    """Text in lines of at most WIDTH columns. hanging: how far every line but the first is moved in
    further.
    """
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_on_hyphens=False)


def fitted(text: str) -> str:
    """Lines that are too long, wrapped below their own beginning."""
    return "\n".join(
        line if len(line) <= WIDTH else wrapped(line.lstrip(), _indent(line), GAP) for line in text.splitlines()
    )


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def grid(rows: Sequence[Sequence[str]], right: Collection[int] = (), indent: str = "  ") -> str:
    """Rows in aligned columns; the last column is wrapped where it does not fit.

    Args:
        right: columns of numbers, which end at the same place; the others begin at it.
    """
    count = max(map(len, rows), default=0)
    widths = [max((len(row[column]) for row in rows if column < len(row)), default=0) for column in range(count)]
    return "\n".join(_line(row, widths, right, indent) for row in rows)


def _line(row: Sequence[str], widths: list[int], right: Collection[int], indent: str) -> str:
    *first, last = [
        cell.rjust(width) if column in right else cell
        for column, (cell, width) in enumerate(zip(row, widths, strict=False))
    ]
    before = indent + "".join(cell.ljust(width) + GAP for cell, width in zip(first, widths, strict=False))
    room = max(WIDTH - len(before), 20)
    lines = (
        textwrap.wrap(last.rstrip(), room, break_on_hyphens=False, drop_whitespace=True) if len(last) > room else [last]
    )
    return "\n".join(
        ((before if place == 0 else " " * len(before)) + line).rstrip() for place, line in enumerate(lines)
    )
