"""All errors for users: what is wrong, the rule, what to do next.

Pages and the command line show these messages unchanged; any other error that reaches a user is a
bug.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.base.suggestions import explain_unknown, nearest
from core.base.text import printable


class SparsightError(Exception):
    """Base class of all errors for users.

    Args:
        wrong: one sentence on what is wrong.
        allowed: one sentence on the rule.
        next_step: one sentence on what to do next.
    """

    def __init__(self, wrong: str, allowed: str = "", next_step: str = "") -> None:
        self.wrong, self.allowed, self.next_step = (printable(part) for part in (wrong, allowed, next_step))
        super().__init__(" ".join(part for part in (self.wrong, self.allowed, self.next_step) if part))


class BadSpec(SparsightError):
    """An invalid question: a sparsity of 140 %, a level that does not exist, NaN."""


class BadImage(SparsightError):
    """An image file that cannot be read or is too large."""


class BadFile(SparsightError):
    """A stored file that is damaged, foreign or of another version."""


class MissingData(SparsightError):
    """A data set or a trained network that is not on this machine."""


class CacheNotWritable(SparsightError):
    """models_cache cannot be written: read-only or full."""


class OutOfMemory(SparsightError):
    """There is not enough memory, even after all unused memory was freed."""


class UnknownName(SparsightError):
    """An unknown name. `nearest` is the probable name, or None.

    Args:
        known: valid names, in the order in which they are listed and suggested.
    """

    def __init__(self, noun: str, name: object, known: Iterable[str]) -> None:
        names = sorted(known) if isinstance(known, set | frozenset) else list(known)
        self.nearest = nearest(name, names)
        super().__init__(*explain_unknown(noun, name, names))
