"""Locks, so that only one process works on an object, such as a series in training."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.base.errors import CacheNotWritable, SparsightError


class Busy(SparsightError):
    """Another process works on the same object."""


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at this path; `what` names the series in errors.

    Raises Busy, CacheNotWritable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise CacheNotWritable(
            f"{path.parent} cannot be written ({error}).", "Trained networks are kept there.", "Make room."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                f"{what} is already being trained.",
                "Only one process at a time can train a series.",
                "Wait for it (`python -m core jobs` lists running jobs), or give this run another name.",
            ) from error
        yield
