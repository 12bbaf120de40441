"""Tables of per-image results as Parquet, their facts inside the file; written whole or not at
all.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas

from core.base.atomic import replacing
from core.base.errors import BadFile, CacheNotWritable, MissingData

FORMAT = 1
# What makes a table: a reader need not know which.
PROTOCOLS = "its protocol (`python -m core protocol run lukkien`, `merkle` or `googlenet`)"


def write_frame(path: Path, frame: pandas.DataFrame, facts: dict[str, Any]) -> None:
    """Writes a table under a temporary name and renames it.

    Args:
        path: ends in .parquet. frame: columns of numbers. facts: anything that JSON can hold.

    Raises:
        CacheNotWritable: read-only or full disk; nothing is left behind.
    """
    frame = frame.copy()
    frame.attrs = facts | {"format": FORMAT}
    try:
        with replacing(path) as part:
            frame.to_parquet(part, index=False, compression="zstd")
    except OSError as error:
        raise CacheNotWritable(
            f"{path} could not be written ({error.strerror or error}).",
            "The folder must be writable and have room.",
            "Free some space or choose another folder with --folder.",
        ) from error


def read_frame(path: Path, columns: Iterable[str] = ()) -> tuple[pandas.DataFrame, dict[str, Any]]:
    """A table and its facts.

    Args:
        path: as written. columns: those that must be there.

    Raises:
        MissingData: no such file. BadFile: not Parquet, half written, of another version, or
        without a column.
    """
    if not path.is_file():
        raise MissingData(f"The table {path} is not on this machine.", "", f"Run {PROTOCOLS}.")
    try:
        frame = pandas.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise _bad(path, f"cannot be read ({error})") from error
    if frame.attrs.get("format") != FORMAT:
        raise _bad(path, f"is of version {frame.attrs.get('format')}, this program reads version {FORMAT}")
    if absent := [name for name in columns if name not in frame]:
        raise _bad(path, f"lacks the columns {', '.join(absent)}")
    return frame, dict(frame.attrs)


def _bad(path: Path, what: str) -> BadFile:
    return BadFile(
        f"The table {path} {what}.",
        "It must be one that this program wrote.",
        f"Delete it and run {PROTOCOLS} to make it again.",
    )
