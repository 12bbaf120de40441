"""Lists and tables as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


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
