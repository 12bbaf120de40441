"""Numbers and tables as a person reads them in a terminal: units and plain counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Rows:
    """A table for a terminal: rows of cells, and the columns of numbers, which end at the same
    place. The title stands above it.
    """

    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    title: str = ""


Part = str | Rows  # of an answer
