"""Names, numbers, lists and tables in text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

SHOWN = 40  # characters of somebody's input in a message
LONGEST = 1000  # characters of a sentence, whatever it quotes
# What a terminal obeys, what reverses the letters around it, and halves of characters.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_DIGITS = 18  # of a whole number that somebody writes; Python itself refuses more than 4,300


def composed(name: str) -> str:
    """Return a name with accents composed: macOS stores them apart, tables together."""
    return unicodedata.normalize("NFC", name)


def printable(sentence: str) -> str:
    """Return a sentence that any screen can show, though it may quote a name of any kind and
    length.
    """
    if len(sentence) > LONGEST:
        sentence = f"{sentence[: LONGEST // 2]} ... {sentence[-LONGEST // 2 :]}"
    return UNPRINTABLE.sub(lambda sign: sign[0].encode("unicode_escape").decode(), sentence)


def first_few(names: Sequence[str], most: int) -> str:
    """Join the first names, and state how many more there are: "a, b and 3 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def whole_number(text: str) -> int | None:
    """Return the number that up to 18 digits stand for; None for any other text, such as "²"."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


@dataclass(frozen=True)
class Rows:
    """A table for a terminal: rows of cells, and the columns of numbers, which are right-aligned.
    The title is above it.
    """

    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    title: str = ""


Part = str | Rows  # part of an answer
