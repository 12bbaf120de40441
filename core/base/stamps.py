"""Stamps: what tells a file from the one that had its name before, or will have it next.

A cache keeps an answer under the question and the stamp of the files that answered. The stamp is
taken before the files are read, so an answer is at least as new as its stamp. A file that is
exchanged gets another stamp, and no answer of the old file is found again.
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
TICK_NS = 20_000_000  # file systems count in ticks of up to 10 ms: two changes within one tick would look alike
TRIES = 5


def stamp_of(*paths: str | Path) -> Stamp:
    """The stamp of several files or folders; one that does not exist counts too.

    A folder's stamp changes with its list of names.
    """
    return " ".join(map(_stamp, paths))


def stamp_from(status: os.stat_result) -> Stamp:
    """The stamp of a file by its status.

    The inode alone is not enough, its number is used again; copying can keep all but the ctime.
    """
    return f"{status.st_dev:x}.{status.st_ino:x}.{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_size:x}"


def settled(ask: Callable[[Stamp], T], stamp: Callable[[], Stamp]) -> T:
    """An answer during which no file was exchanged; asked again where one was. Raises BadFile when
    files change all the time.

    Args:
        ask: gets the stamp of the files that answer. stamp: takes it.
    """
    for _ in range(TRIES):
        before = stamp()
        answer = ask(before)
        if stamp() == before:
            return answer
    raise BadFile(
        "The files of this network or image keep changing while they are read.",
        "An answer is made from files that stay as they are meanwhile.",
        "Wait until whatever writes them has finished, then try again.",
    )


def _stamp(path: str | Path) -> Stamp:
    try:
        status = os.stat(path)
        for _ in range(TRIES):
            age = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns)
            if not 0 <= age < TICK_NS:
                break
            time.sleep((TICK_NS - age) / 1e9)  # from then on every change has another time
            status = os.stat(path)
    except (OSError, ValueError):  # not there, or no name that a file can have
        return ABSENT
    return stamp_from(status)
