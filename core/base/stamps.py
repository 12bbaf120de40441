"""Stamps: values that distinguish a file from earlier and later files of the same name.

A cache keeps an answer under the question and the stamp of the files it depends on. The stamp is
taken before the files are read, so an answer is at least as new as its stamp. A replaced file has
another stamp, so answers from the old file are not found again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.base.errors import BadFile

T = TypeVar("T")
Stamp = str
ABSENT: Stamp = "-"
TICK_NS = 20_000_000  # file systems count in ticks of up to 10 ms: two changes within one tick would look the same
TRIES = 5


def stamp_of(*paths: str | Path) -> Stamp:
    """Return the stamp of several files or folders; a missing one counts too.

    A folder's stamp changes with its list of names.
    """
    return " ".join(map(_stamp, paths))


def stamp_from(status: os.stat_result) -> Stamp:
    """Return the stamp of a file from its status.

    The inode alone is not enough, since its number is reused; copying can keep everything but the
    ctime.
    """
    return f"{status.st_dev:x}.{status.st_ino:x}.{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_size:x}"


def settled(ask: Callable[[Stamp], T], stamp: Callable[[], Stamp]) -> T:
    """Return an answer during which no file was replaced; ask again if one was. Raises BadFile if
    files keep changing.

    Args:
        ask: called with the stamp of the files. stamp: returns the current stamp.
    """
    for _ in range(TRIES):
        before = stamp()
        answer = ask(before)
        if stamp() == before:
            return answer
    raise BadFile(
        "The files of this network or image keep changing while they are read.",
        "Files must not change while an answer is computed.",
        "Wait until the program that writes them has finished, then try again.",
    )


def _stamp(path: str | Path) -> Stamp:
    try:
        status = os.stat(path)
        for _ in range(TRIES):
            age = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns)
            if not 0 <= age < TICK_NS:
                break
            time.sleep((TICK_NS - age) / 1e9)  # after that, every change has another time
            status = os.stat(path)
    except (OSError, ValueError):  # missing, or an invalid file name
        return ABSENT
    return stamp_from(status)
