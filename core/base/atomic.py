"""Atomic replacement of files: a reader sees the old content or the new one, never a part of it."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

SUFFIX = ".part"
STALE_S = 86_400  # nobody takes so long to write a file
REST_S = 600.0  # between two looks into one folder
DIGITS = 8  # of the name: the machine's, the process's, then random ones
_LOOKED: dict[Path, float] = {}  # by folder: when this process looked for files of killed writers


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`. It replaces `path` if the block succeeds, and is
    removed if it fails.

    Its name is unique across processes, threads and machines that share the disk. Creates the
    folder, and removes the temporary files of killed processes in it. Raises OSError.
    """
    part = path.with_name(f".{path.name}.{_writer()}{uuid.uuid4().hex[: 2 * DIGITS]}{SUFFIX}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if time.monotonic() - _LOOKED.get(path.parent, -REST_S) >= REST_S:
        _LOOKED[path.parent] = time.monotonic()
        remove_abandoned(path.parent)
    try:
        yield part
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove_abandoned(folder: Path, deep: bool = False) -> None:
    """Remove the temporary files of killed processes in a folder, in those below it too if `deep`.
    Never raises.

    A file is abandoned if its process ran on this machine and is gone, or after a day.
    """
    with suppress(OSError):
        for part in folder.rglob(f".*{SUFFIX}") if deep else folder.glob(f".*{SUFFIX}"):
            with suppress(OSError, ValueError, OverflowError):
                if _is_abandoned(part):
                    part.unlink()


def _is_abandoned(part: Path) -> bool:
    """Whether nobody writes the file any more. Raises OSError; others for a foreign name."""
    if time.time() - part.stat().st_mtime > STALE_S:
        return True
    tag = part.name.removesuffix(SUFFIX).rsplit(".", 1)[-1]
    machine, process = tag[:DIGITS], tag[DIGITS : 2 * DIGITS]
    return len(tag) == 4 * DIGITS and machine == _machine() and not _runs(int(process, 16))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _writer() -> str:
    return f"{_machine()}{os.getpid():0{DIGITS}x}"


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what tells this machine, or container, from others that share its disk: the number of
    a process means something only there.
    """
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text()
        identity = f"{start} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        identity = f"{os.uname().nodename} {uuid.getnode()}"
    return hashlib.sha256(identity.encode()).hexdigest()[:DIGITS]
