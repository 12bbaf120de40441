"""A case of the zoo: an awkward input, and what Sparsight does with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.base.errors import SparsightError


@dataclass(frozen=True)
class Case:
    """One awkward input.

    what: the input, for people. outcome: what becomes of it, for people. ask: makes the input in an
    empty folder, gives it to Sparsight, checks the result, and returns the remarks that a person
    reads. says: a part of these remarks, or of the error. error: the class of the error, None if
    the input is taken.
    """

    what: str
    outcome: str
    ask: Callable[[Path], Iterable[str]]
    says: str = ""
    error: type[SparsightError] | None = None
