"""Names, lists and tables in text."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass


def composed(name: str) -> str:
    """Return a name with accents composed: macOS stores them apart, tables together."""
    return unicodedata.normalize("NFC", name)


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
