"""Every error a person can meet: what is wrong, what is allowed, what to do next.

Pages and the command line show these messages as they are; anything else that reaches a person is a
bug.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.base.suggestions import explain_unknown, nearest


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
    """An unknown name. `nearest` is the name that was probably meant, None where nothing is near.

    Args:
        known: names to choose from, in the order in which they are listed and suggested.
    """

    def __init__(self, noun: str, name: object, known: Iterable[str]) -> None:
        names = sorted(known) if isinstance(known, set | frozenset) else list(known)
        self.nearest = nearest(name, names)
        super().__init__(*explain_unknown(noun, name, names))
