"""Downloads of weights from a server that is slow, breaks off, lies, refuses, or falls silent."""

from __future__ import annotations

import hashlib
import http.server
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread, Timer
from typing import Any

from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from core.base.errors import SparsightError
from core.jobs.control import Stopped
from core.models import fetch as fetching
from core.models.fetch import Remote, fetch

CONTENT = Random(0).randbytes(1 << 20)
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]
SILENCE_S = 2.0  # stands in for fetch.TIMEOUT_S
LONGEST_S, STOPPED_S = 20.0, 3.0  # what a download and a stop may take
ALWAYS = 1000  # times that a server does harm
MOST = 50  # times the file that a server without end sends


@dataclass
class Site:
    """harm: what the server does `left` times before it serves the file; draw: decides the rest."""

    harm: str
    left: int
    draw: Random
    address: str = ""
    closed: Event = field(default_factory=Event)

    @property
    def remote(self) -> Remote:
        return Remote(f"{self.address}/weights-{DIGEST}.pth", DIGEST, len(CONTENT))


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the file, or does harm."""

    site: Site

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.rest = CONTENT[self.start :]
        self.site.left -= 1
        with suppress(OSError):  # the other side has gone
            HARMS[self.site.harm](self) if self.site.left >= 0 else self.begin().write(self.rest)

    def number(self, least: int, most: int) -> int:
        return self.site.draw.randint(least, most)

    def one_of(self, *values: Any) -> Any:
        return self.site.draw.choice(values)

    def begin(self, length: object = True, status: int = 0, **more: str) -> Handler:
        """Send the head. length: True for the right one, None for none."""
        self.send_response(status or (206 if self.start else 200))
        if length is not None:
            self.send_header("Content-Length", str(len(self.rest) if length is True else length))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        return self

    def write(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()

    def some(self) -> bytes:
        return self.rest[: self.number(0, len(self.rest))]

    def is_silent(self) -> None:
        self.site.closed.wait(60)

    def log_message(self, *words: object) -> None:
        pass


def slow(server: Handler) -> None:
    server.begin()
    for place in range(0, len(server.rest), step := server.number(20_000, 200_000)):
        server.write(server.rest[place : place + step])
        time.sleep(server.number(0, 50) / 1000)


def cut(server: Handler) -> None:
    server.begin().write(server.some())
    if server.one_of(True, False):  # as a router does that forgets a connection
        server.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut_chunks(server: Handler) -> None:
    some = server.some()
    server.begin(None, 0, **{"Transfer-Encoding": "chunked"}).write(f"{len(some) + 10:x}\r\n".encode() + some)


def in_letters(server: Handler) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nServer: " + b"x" * 300:
        server.write(bytes([letter]))
        if server.site.closed.wait(0.1):
            return


def without_end(server: Handler) -> None:
    server.begin(None)
    for _ in range(MOST):
        server.write(CONTENT)


def changed(server: Handler) -> None:
    content = bytearray(server.rest or b"x")
    content[server.number(0, len(content) - 1)] ^= server.number(1, 255)
    server.begin(len(content)).write(bytes(content))


def silent_after(server: Handler) -> None:
    server.begin().write(server.some())
    server.is_silent()


def away(*places: str) -> Callable[[Handler], None]:
    """Redirect to one of these places; "" for the same one."""
    return lambda server: server.begin(
        0, server.one_of(301, 302, 307), Location=server.one_of(*places) or server.path
    ).write(b"")


HARMS: dict[str, Callable[[Handler], None]] = {
    "is slow": slow,
    "cuts the connection": cut,
    "cuts the head": lambda server: server.write(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cuts a chunk": cut_chunks,
    "cuts without a length": lambda server: server.begin(None).write(server.some()),
    "announces too much": lambda server: server.begin(len(server.rest) + server.number(1, 999)).write(server.rest),
    "announces too little": lambda server: server.begin(server.number(0, len(server.rest))).write(server.rest),
    "announces nonsense": lambda server: server.begin(server.one_of("many", "-5", "")).write(server.some()),
    "sends another content": changed,
    "sends a page": lambda server: server.begin(29, 200).write(b"<html>Log in to the network</html>"[:29]),
    "sends without end": without_end,
    "sends another range": lambda server: server.begin(len(CONTENT), 206).write(CONTENT),
    "ignores the range": lambda server: server.begin(1 << 20, 200).write(CONTENT[: server.number(1, 1 << 20)]),
    "refuses": lambda server: server.begin(0, server.one_of(401, 403, 404, 410, 416, 429)).write(b""),
    "fails": lambda server: server.begin(0, server.one_of(500, 502, 503, 504)).write(b""),
    "redirects in a circle": away(""),
    "redirects to nowhere": away("http://127.0.0.1:9/x", "http://no.such.host.invalid/x"),
    "redirects to nonsense": away("http://[x", "file:///etc/passwd", "http://127.0.0.1:x/", "//", "gopher://a"),
    "speaks no HTTP": lambda server: server.write(server.site.draw.randbytes(300)),
    "is silent": Handler.is_silent,
    "falls silent": silent_after,
    "speaks in letters": in_letters,
}


@contextmanager
def serving(site: Site) -> Iterator[None]:
    """Serve until the block ends; a server that waits is woken."""
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    before, fetching.TIMEOUT_S = fetching.TIMEOUT_S, SILENCE_S
    try:
        yield
    finally:
        fetching.TIMEOUT_S = before
        site.closed.set()
        server.shutdown()
        server.server_close()


def trial(number: int, folder: Path) -> Trial:
    """Download from a server that does one harm once, twice or always; in every third trial
    somebody presses Stop. Then the server is well.
    """
    draw = Random(number)
    harm = list(HARMS)[number % len(HARMS)]
    site = Site(harm, draw.choice((1, 2, ALWAYS)), draw)
    stop_after = draw.uniform(0, 1.5) if draw.random() < 1 / 3 else None
    with serving(site):
        began = time.monotonic()
        ended, faults = attempted(site, folder, stop_after)
        took = time.monotonic() - began
        if took > LONGEST_S:
            faults.append(f"{harm}: it took {took:.1f} s")
        site.left = 0
        again, more = attempted(site, folder, None)
        if again != "the file is right":
            faults.append(f"{harm}, then well: {again}")
    return Trial(f"{harm}: {ended}", (*faults, *more), {"longest_s": round(took, 2)})


def attempted(site: Site, folder: Path, stop_after: float | None) -> tuple[str, list[str]]:
    """Return how a download ended, and what is wrong with that."""
    stopped, faults, most = list[float](), list[str](), [0]

    def progress(done: int, total: int) -> None:
        most[0] = max(most[0], done)
        if stopped:
            raise Stopped("Stopped.")

    person = Timer(stop_after or 0, lambda: stopped.append(time.monotonic()))
    if stop_after is not None:
        person.start()
    try:
        fetch(site.remote, folder, progress)
        ended = "the file is right"
    except Stopped:
        ended = "it was stopped"
        if (took := time.monotonic() - stopped[0]) > STOPPED_S:
            faults.append(f"{site.harm}: stopping took {took:.1f} s")
    except SparsightError as error:
        ended = f"{type(error).__name__}"
        if not (error.wrong and error.next_step):
            faults.append(f"{site.harm}: {error} does not say what to do")
    finally:
        person.cancel()
    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    if left and left != {site.remote.file: CONTENT}:
        faults.append(f"{site.harm}: {ended}, and it kept {', '.join(left)}")
    if not left and ended == "the file is right":
        faults.append(f"{site.harm}: no file")
    if most[0] > 3 * len(CONTENT):
        faults.append(f"{site.harm}: it took in {most[0]:,} bytes")
    return ended, faults


CAMPAIGNS.register(
    "download", "Downloads", "Weights from a server that is slow, breaks off, lies, refuses, or falls silent."
)(Campaign(110, trial))
