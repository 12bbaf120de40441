"""Files that a command writes, and errors if they cannot be written."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from core.base.errors import BadSpec, CacheNotWritable


def check_writable(folder: Path) -> None:
    """Raise CacheNotWritable before hours of work, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CacheNotWritable(
            f"The folder {folder} cannot be written ({error.strerror}).",
            "A run stores its networks and tables there.",
            "Choose another folder with --folder.",
        ) from error


def writable(folder: Path, held: ExitStack) -> Path:
    """Return the folder; if it cannot be written, a temporary one that goes with the stack."""
    try:
        check_writable(folder)
    except CacheNotWritable:
        return Path(held.enter_context(tempfile.TemporaryDirectory(prefix="sparsight-")))
    return folder


def write(path: Path, content: bytes) -> None:
    """Write a file. Raises BadSpec if it cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadSpec(
            f"{path} cannot be written ({error.strerror}).",
            "The folder of a file must exist and be writable.",
            "Choose an existing, writable folder.",
        ) from error
