"""Downloads from a real server on this machine that breaks off, lies, refuses, or is not there."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from core.base.errors import BadFile, CacheNotWritable, MissingData
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
    length: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    address: str = ""

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
                self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            ends = made.breaks.pop(0) if len(made.breaks) > 1 else made.breaks[0]
            self.wfile.write(rest[:ends])

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
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
