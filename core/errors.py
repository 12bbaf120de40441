"""Every error a person can meet: what is wrong, what is allowed, what to do next.

Pages and the command line show these messages as they are; anything else that reaches a person is a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SparsightError(Exception):
    """Base of all errors meant for people.

    Args:
        wrong: one sentence, what was found that cannot be used.
        allowed: one sentence, the rule it breaks.
        next_step: one sentence, what the person can do now.
    """

    def __init__(self, wrong: str, allowed: str = "", next_step: str = "") -> None:
        self.wrong, self.allowed, self.next_step = wrong, allowed, next_step
        super().__init__(" ".join(part for part in (wrong, allowed, next_step) if part))


class BadSpec(SparsightError):
    """A question that cannot be asked: a sparsity of 140 %, a level that does not exist, NaN."""


class BadImage(SparsightError):
    """An image file that cannot be read or is too large."""


class BadFile(SparsightError):
    """A file of ours that is damaged, foreign or of another version."""


class MissingData(SparsightError):
    """A data set or a trained network that is not on this machine."""


class CacheNotWritable(SparsightError):
    """models_cache cannot be written: read-only or full."""


class OutOfMemory(SparsightError):
    """There is not enough memory, even after everything that is not in use was let go."""


class UnknownName(SparsightError):
    """A name that no registry entry carries; suggests the nearest one."""

    def __init__(self, noun: str, name: object, known: Iterable[str]) -> None:
        known = sorted(known)
        self.nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
        hint = f"Did you mean '{self.nearest[0]}'?" if self.nearest else "Choose one of them."
        super().__init__(
            f"There is no {noun} '{name}'.", f"Known: {', '.join(known)}." if known else "There is none yet.", hint if known else ""
        )
