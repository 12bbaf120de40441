"""Downloads from a real server on this machine that breaks off, lies, refuses, or is not there."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from core.base.errors import BadFile, CacheNotWritable, MissingData
from core.jobs import control
from core.models import fetch as fetching
from core.models.fetch import CHUNK_BYTES, TRIES, Remote, fetch

CONTENT = bytes(range(256)) * 4096  # 1 MiB
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]


@dataclass
class Site:
    """What the server answers, and what it was asked. breaks: bytes after which each answer ends,
    the last for all that follow.
    """

    content: bytes = CONTENT
    breaks: list[int | None] = field(default_factory=lambda: [None])
    ranges: bool = True
    length: bool | str = True
    silent_after: int | None = None
    location: str = ""
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    address: str = ""
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def remote(self) -> Remote:
        return Remote(f"{self.address}/weights-{DIGEST}.pth", DIGEST, len(CONTENT))


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            made.asked.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and made.ranges else 0
            rest = made.content[start:]
            self.send_response(206 if start else made.status)
            if made.length:
                self.send_header("Content-Length", str(len(rest) if made.length is True else made.length))
            if made.location:
                self.send_header("Location", made.location)
            self.end_headers()
            ends = made.breaks.pop(0) if len(made.breaks) > 1 else made.breaks[0]
            with suppress(ConnectionError):  # the other side has stopped
                self.wfile.write(rest[: ends if made.silent_after is None else made.silent_after])
                self.wfile.flush()
            if made.silent_after is not None:
                made.closed.wait(60)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    made.closed.set()
    server.shutdown()
    thread.join()
    server.server_close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_downloads_once_and_tells_its_progress(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = tmp_path / "new" / "downloads"
    path = fetch(site.remote, folder, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert names(folder) == [f"weights-{DIGEST}.pth"]
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(seen) == seen
    assert max(b - a for (a, _), (b, _) in pairwise(seen)) <= CHUNK_BYTES
    assert fetch(site.remote, folder) == path
    assert len(site.asked) == 1


def test_goes_on_where_it_broke_off(site: Site, tmp_path: Path) -> None:
    site.breaks = [300_000, 500_000, None]
    assert fetch(site.remote, tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, "bytes=300000-", "bytes=800000-"]


def test_begins_again_where_the_server_cannot_begin_in_the_middle(site: Site, tmp_path: Path) -> None:
    site.breaks, site.ranges = [300_000, None], False
    assert fetch(site.remote, tmp_path).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_gives_up_after_some_tries_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.breaks = [1000]
    with pytest.raises(MissingData, match=r"broke off after 3,000 of 1,048,576 bytes") as caught:
        fetch(site.remote, tmp_path)
    assert len(site.asked) == TRIES
    assert names(tmp_path) == []
    assert str(tmp_path) in caught.value.next_step
    assert f"weights-{DIGEST}.pth" in caught.value.wrong
    site.breaks = [None]
    assert fetch(site.remote, tmp_path).read_bytes() == CONTENT  # the next time it works


@pytest.mark.parametrize("length", [True, False])
def test_another_content_is_refused(site: Site, tmp_path: Path, length: bool) -> None:
    site.content, site.length = CONTENT[:-1] + b"!", length
    with pytest.raises(BadFile, match="sha256 begins with"):
        fetch(site.remote, tmp_path)
    assert names(tmp_path) == []


def test_without_a_length_half_a_file_is_refused_too(site: Site, tmp_path: Path) -> None:
    site.breaks, site.length = [1000], False
    with pytest.raises(BadFile):
        fetch(site.remote, tmp_path)
    assert names(tmp_path) == []


def test_a_refusal_is_not_asked_again(site: Site, tmp_path: Path) -> None:
    site.status = 404
    with pytest.raises(MissingData, match="Not Found"):
        fetch(site.remote, tmp_path)
    assert len(site.asked) == 1


def test_offline_names_file_and_folder(tmp_path: Path) -> None:
    remote = Remote("http://127.0.0.1:9/weights-abc.pth", "abc", 5_000_000)
    with pytest.raises(MissingData) as caught:
        fetch(remote, tmp_path)
    assert "weights-abc.pth" in caught.value.wrong
    assert "5 MB" in caught.value.allowed
    assert "abc" in caught.value.allowed
    assert str(tmp_path) in caught.value.next_step
    assert names(tmp_path) == []


class Stopped(Exception):
    pass


def test_a_person_can_stop_it(site: Site, tmp_path: Path) -> None:
    def progress(done: int, total: int) -> None:
        if done:
            raise Stopped

    with pytest.raises(Stopped):
        fetch(site.remote, tmp_path, progress)
    assert names(tmp_path) == []


@pytest.mark.parametrize("after", [0, 1000])
def test_it_can_be_stopped_while_the_server_is_silent(site: Site, tmp_path: Path, after: int) -> None:
    site.silent_after = after
    began = time.monotonic()

    def progress(done: int, total: int) -> None:
        if time.monotonic() - began > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        fetch(site.remote, tmp_path, progress)
    assert time.monotonic() - began < 5
    assert names(tmp_path) == []


def test_a_job_that_is_stopped_ends_its_download(site: Site, tmp_path: Path) -> None:
    site.silent_after = 0
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "stop").touch()
    with pytest.raises(control.Stopped), control.under(control.Control(tmp_path / "job")):
        fetch(site.remote, tmp_path / "downloads")


def test_a_silent_server_is_given_up(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.3)
    site.silent_after = 1000
    with pytest.raises(MissingData, match=r"timed out|silent"):
        fetch(site.remote, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("length", ["many", "-5", "1e6"])
def test_a_length_that_is_no_number_is_ignored(site: Site, tmp_path: Path, length: str) -> None:
    site.length = length
    assert fetch(site.remote, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("location", ["http://[x", "http://127.0.0.1:x/", "file:///etc/passwd"])
def test_a_redirect_to_no_address_is_explained(site: Site, tmp_path: Path, location: str) -> None:
    site.status, site.location = 302, location
    with pytest.raises(MissingData, match="could not be downloaded"):
        fetch(site.remote, tmp_path)


def test_a_server_that_sends_without_end_is_given_up(site: Site, tmp_path: Path) -> None:
    site.content, site.length = CONTENT * 20, False
    most = []
    with pytest.raises(MissingData, match="sends more than"):
        fetch(site.remote, tmp_path, lambda done, total: most.append(done))
    assert max(most) < 3 * len(CONTENT)
    assert names(tmp_path) == []


def test_a_file_put_there_by_hand_is_checked(site: Site, tmp_path: Path) -> None:
    path = tmp_path / site.remote.file
    path.write_bytes(b"another file")
    with pytest.raises(BadFile, match=DIGEST):
        fetch(site.remote, tmp_path)
    assert path.read_bytes() == b"another file"  # it is the person's own: it stays
    path.write_bytes(CONTENT)
    assert fetch(site.remote, tmp_path) == path
    assert site.asked == []


def test_a_folder_that_cannot_be_made_is_said(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CacheNotWritable, match="file"):
        fetch(site.remote, tmp_path / "file")
