"""One process at a time trains or deletes a series."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import CacheNotWritable, SparsightError
from core.specs import ModelSpec
from core.store.files import Files


class Busy(SparsightError):
    """Another process trains the same series."""


@contextmanager
def alone(model: ModelSpec, files: Files) -> Iterator[None]:
    """Holds the lock of a trained series. Raises Busy, CacheNotWritable."""
    path = files.write_root / model.name / model.weights / f".seed-{model.seed}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise CacheNotWritable(f"{path.parent} cannot be written ({error}).", "Trained networks are kept there.", "Make room.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                f"{model.key} is being trained already.",
                "One process at a time trains a series.",
                "Wait for it: `python -m core jobs` lists what runs. Or give this run another name.",
            ) from error
        yield
