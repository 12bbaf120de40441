"""Files of weights: found locally or downloaded on first use, verified, and never left half
written.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from core.base.atomic import replacing
from core.base.errors import BadFile, CacheNotWritable, MissingData
from core.base.progress import Progress

CHUNK_BYTES = 1 << 18
TRIES = 3  # a broken download is resumed
TIMEOUT_S = 30


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

    An exception raised by `progress` stops the download and reaches the caller.

    Raises:
        MissingData: not on this machine, and the download failed. BadFile: the checksum differs.
        CacheNotWritable.
    """
    target = folder / remote.file
    if target.is_file():
        _check(target, remote, "Delete it to download it again.")
        return target
    try:
        with replacing(target) as part:
            _download(remote, part, progress or (lambda done, total: None))
            _check(part, remote, "Try again later; nothing was kept.")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
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
    for left in reversed(range(TRIES)):
        try:
            return _take_up(remote, part, progress)
        except urllib.error.HTTPError:
            raise  # the server has answered: retrying does not help
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError):
            if not left:
                raise
    return None


def _take_up(remote: Remote, part: Path, progress: Progress) -> None:
    """Append what the partial file lacks; download all of it if the server cannot resume."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={done}-"} if done else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if done and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            done = 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else 0
        with open(part, "ab" if done else "wb") as file:
            progress(done, total or remote.bytes)
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                progress(done, total or remote.bytes)
    if total and done < total:
        raise ConnectionError(f"it broke off after {done:,} of {total:,} bytes")


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
