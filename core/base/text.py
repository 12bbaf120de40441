"""Lists and tables for terminals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


def first_few(names: Sequence[str], most: int) -> str:
    """Join the first names, and state how many more there are: "a, b and 3 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


@dataclass(frozen=True)
class Rows:
    """A table for a terminal: rows of cells, and the columns of numbers, which are right-aligned.
    The title is above it.
    """

    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    title: str = ""


Part = str | Rows  # part of an answer
