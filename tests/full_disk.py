"""A disk without room."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def filled(disk: Path) -> Path:
    """Fill a small disk to its last byte; return the file that makes room when it is deleted."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return filler
