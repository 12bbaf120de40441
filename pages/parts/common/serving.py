"""Checks before any page: whether the server may start, and which requests reach it."""

from __future__ import annotations

import atexit
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from core.base.errors import SparsightError
from core.base.listening import local_address
from core.base.settings import Settings
from core.classroom.status import Writer
from pages.parts.common import access
from pages.parts.common.counters import counters
from pages.parts.common.messages import Messages
from pages.parts.common.static_files import StaticFiles
from pages.parts.common.uploads import Uploads

PAGES = Path(__file__).parents[2]
LOOK_S = 0.05  # between two looks whether the server is up


def checks() -> list[Middleware]:
    """Returns the middleware of every request.

    Called once before the server starts; exits the process if the server must not listen.
    """
    address = access.address()
    try:
        access.check_exposure(address)
        access.limits()
    except SparsightError as error:
        sys.exit("\n".join((error.wrong, error.allowed, error.next_step)))
    port = st.get_option("server.port")
    kind = ", for a class" if access.classroom() else ", locked" if access.locks() else ""
    words = f"Sparsight: {url(address, port)}{kind}"
    Thread(target=say_when_up, args=(words, address, port), name="ready", daemon=True).start()
    if access.locks():
        writer = Writer(Settings.from_environment().folder, port, counters.facts)
        atexit.register(writer.close)
    return [
        Middleware(HostCheck, address=address),
        Middleware(Headed),
        Middleware(Messages),
        Middleware(Uploads),
        Middleware(Preload, folder=STATIC),
        Middleware(KnownPages, base=st.get_option("server.baseUrlPath")),
        Middleware(StaticFiles, folder=STATIC, base=st.get_option("server.baseUrlPath")),
    ]


def url(address: str, port: int) -> str:
    """Returns where a browser finds the server; where it listens everywhere, as other machines of
    the network do.
    """
    host = (local_address() or "0.0.0.0") if address in ("", "0.0.0.0") else address
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def say_when_up(words: str, address: str, port: int) -> None:
    """Prints the words as soon as something answers at the port, which belongs to this process
    already: the last line of a start.
    """
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    while True:
        with suppress(OSError), socket.create_connection((here, port), timeout=1):
            print(words, flush=True)
            return
        time.sleep(LOOK_S)


# Prefixes of Streamlit's script files that nearly every page needs: browsers fetch them while the
# server computes the page, instead of one after the other.
PARTS = (
    *("PageLink", "Html", "purify", "Button", "ButtonGroup", "DownloadButton", "Checkbox", "ImageList", "Metric"),
    *("Selectbox", "Multiselect", "useMenuTrigger", "useSyncComboBoxEnterTargetFocus"),
    *("Slider", "moment", "numbro", "BidiComponent", "serialization", "recordbatch"),
)
DRAWN = ("curves", "units")  # pages that begin with a figure: plotly takes a second to arrive and be read
FIGURES = ("PlotlyChart",)
STATIC = Path(st.__file__).parent / "static"


class Preload:
    """Lists the scripts of a page in the header of its first response.

    Args:
        folder: Streamlit's static files. Unknown file names only lose the speed-up.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app = app
        self.link, self.figures = self._links(folder, PARTS), self._links(folder, (*FIGURES, *PARTS))

    @staticmethod
    def _links(folder: Path, names: Sequence[str]) -> str:
        files = (path for name in names for path in folder.glob(f"static/js/{name}.*.js"))
        return ", ".join(f"<./static/js/{path.name}>; rel=modulepreload" for path in files)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    draws = scope["path"].rpartition("/")[2] in DRAWN
                    headers["link"] = self.figures if draws else self.link
            await send(message)

        await self.app(scope, receive, named if scope["type"] == "http" else send)


class KnownPages:
    """Answers 404 at an address without a page: Streamlit answers 200 everywhere. A browser shows
    the app all the same.
    """

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app = app
        names = ("", *(path.stem for path in PAGES.glob("*.py")))
        self.known = {f"/{base.strip('/')}/{name}".replace("//", "/") for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200 and "." not in scope["path"]:
                is_page = Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
                message["status"] = 404 if is_page and scope["path"] not in self.known else 200
            await send(message)

        await self.app(scope, receive, told if scope["type"] == "http" else send)


# Other sites neither frame a page nor learn its address, which holds the view; a browser does not
# guess what a file is.
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class Headed:
    """Adds headers that browsers obey to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, headed if scope["type"] == "http" else send)


class HostCheck:
    """Rejects requests and websockets that do not use a name of this server: Streamlit only
    compares Origin with Host, and the attacker controls both after DNS rebinding.
    """

    def __init__(self, app: ASGIApp, address: str) -> None:
        self.app, self.address = app, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        answer: ASGIApp = self.app
        if scope["type"] in ("http", "websocket") and not self._knows(Headers(scope=scope).getlist("host")):
            text = access.foreign_host(self.address)
            answer = WebSocketClose(1008, text[:100]) if scope["type"] == "websocket" else PlainTextResponse(text, 400)
        await answer(scope, receive, send)

    def _knows(self, hosts: list[str]) -> bool:
        return len(hosts) == 1 and access.allows_host(hosts[0], self.address)
