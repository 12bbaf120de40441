"""What happens before any page: whether the server starts at all, and which requests reach it."""

from __future__ import annotations

import sys

import streamlit as st
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from core.base.errors import SparsightError
from pages.parts.common import access


def checks() -> list[Middleware]:
    """What every request passes.

    Called once, before the server answers anybody; ends the process where it must not listen.
    """
    address = access.address()
    try:
        access.check_exposure(address)
    except SparsightError as error:
        sys.exit("\n".join((error.wrong, error.allowed, error.next_step)))
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    host = f"[{address}]" if ":" in address else address or "0.0.0.0"
    print(
        f"Sparsight: {scheme}://{host}:{st.get_option('server.port')}{', locked' if access.locked() else ''}",
        flush=True,
    )
    return [Middleware(HostCheck, address=address)]


class HostCheck:
    """Turns away requests and websockets that do not come by a name of this server: Streamlit
    itself compares Origin with Host only, and both are the attacker's own after DNS rebinding."""

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
