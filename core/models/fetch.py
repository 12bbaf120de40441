"""Files of weights: found locally or downloaded on first use, verified, and never left half
written. Whatever a server does, the download ends, or can be stopped.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TypeVar

from core.base.atomic import replacing
from core.base.errors import BadFile, CacheNotWritable, MissingData
from core.base.numbers import size
from core.base.progress import Progress, silent
from core.jobs.control import check

T = TypeVar("T")
CHUNK_BYTES = 1 << 18
TRIES = 3  # a broken download is resumed
TIMEOUT_S = 30.0
LOOK_S = 0.2  # between two looks at whether somebody has stopped it
TOO_MUCH = 2  # times the size of the file: no server of this file sends as much


@dataclass(frozen=True)
class Remote:
    """A file that can be downloaded. digest: the first hex digits of its sha256. bytes: its
    approximate size; that of the server counts.
    """

    url: str
    digest: str
    bytes: int = 0

    @property
    def file(self) -> str:
        """Its name in the URL and on disk."""
        return self.url.rsplit("/", 1)[-1]


def fetch(remote: Remote, folder: Path, progress: Progress | None = None) -> Path:
    """Return the file in the folder, downloading it if it is missing; its checksum is verified in
    either case.

    An exception raised by `progress` stops the download and reaches the caller. It is called while
    the server is silent, too.

    Raises:
        MissingData: not on this machine, and the download failed. BadFile: the checksum differs.
        CacheNotWritable. Stopped.
    """
    target = folder / remote.file
    if target.is_file():
        _check(target, remote, "Delete it to download it again.")
        return target
    try:
        with replacing(target) as part:
            _download(remote, part, progress or silent)
            _check(part, remote, "Try again later; nothing was kept.")
    except urllib.error.URLError as error:
        raise missing(remote, folder, error) from error
    except OSError as error:
        raise CacheNotWritable(
            f"The folder {folder} cannot be written ({error.strerror or error}).",
            f"The download {remote.file} needs {remote.bytes / 1e6:,.0f} MB there.",
            "Free some space or make the folder writable, then try again.",
        ) from error
    return target


def missing(remote: Remote, folder: Path, error: Exception) -> MissingData:
    """Return the error for a failed download."""
    reason = getattr(error, "reason", None) or error
    return MissingData(
        f"The weights {remote.file} are not on this machine and could not be downloaded ({reason}).",
        f"The file has {remote.bytes / 1e6:,.0f} MB; its sha256 begins with {remote.digest}.",
        f"Connect to the internet and try again, or put the file into {folder}.",
    )


def _download(remote: Remote, part: Path, progress: Progress) -> None:
    """Raises URLError."""
    for left in reversed(range(TRIES)):
        try:
            return _take_up(remote, part, progress)
        except urllib.error.HTTPError:
            raise  # the server has answered: retrying does not help
        except urllib.error.URLError:
            if not left:
                raise
    return None


def _take_up(remote: Remote, part: Path, progress: Progress) -> None:
    """Append what the partial file lacks; download all of it if the server cannot resume."""
    done = part.stat().st_size if part.exists() else 0
    total = remote.bytes
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={done}-"} if done else {})

    def look() -> None:
        check()
        progress(done, total)

    answer = _heard(lambda: urllib.request.urlopen(request, timeout=TIMEOUT_S), look)
    if done and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
        done = 0
    ends = done + answer.length if answer.length else 0  # as the server says
    total = ends or total
    with open(part, "ab" if done else "wb") as file:
        look()
        while chunk := _heard(lambda: answer.read1(CHUNK_BYTES), look):
            file.write(chunk)
            done += len(chunk)
            if remote.bytes and done > TOO_MUCH * remote.bytes:
                raise urllib.error.URLError(f"the server sends more than {size(done)}")
            look()
    answer.close()  # after an error its thread may still read
    if done < ends:
        raise urllib.error.URLError(f"it broke off after {done:,} of {ends:,} bytes")


def _heard(call: Callable[[], T], look: Callable[[], None]) -> T:
    """Return what a server answers. The call has a thread of its own, so that `look` can end the
    wait by an exception, and a server that sends its answer letter by letter ends it, too.

    Raises URLError. Whatever `look` raises.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except urllib.error.URLError as error:
            answer.set_exception(error)
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: it redirects to no address
            answer.set_exception(urllib.error.URLError(error))

    Thread(target=run, daemon=True).start()
    end = time.monotonic() + TIMEOUT_S
    while not wait([answer], LOOK_S).done:
        look()
        if time.monotonic() > end:
            raise urllib.error.URLError(f"the server was silent for {TIMEOUT_S:g} s")
    return answer.result()


def _check(path: Path, remote: Remote, next_step: str) -> None:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(remote.digest):
        raise BadFile(
            f"The file {path.with_name(remote.file)} is not the expected one: its sha256 begins with "
            f"{digest[: len(remote.digest)]}.",
            f"That of {remote.file} begins with {remote.digest}.",
            next_step,
        )
