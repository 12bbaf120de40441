"""Messages of browsers that a server for many does not obey: Streamlit lets everybody who is
connected clear the caches of all, the engine among them.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.parts.common import access
from pages.parts.common.counters import counters

REFUSED = ("clear_cache", "set_run_on_save", "load_git_info")


class Messages:
    """Drops refused messages; counts who is connected."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self._connected = app, 0
        counters.more["visitors"] = lambda: {"connected": self._connected}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return

        async def obeyed() -> Message:
            while _is_refused(message := await receive()):
                pass
            return message

        self._connected += 1
        try:
            await self.app(scope, obeyed if access.locks() else receive, send)
        finally:
            self._connected -= 1


def _is_refused(message: Message) -> bool:
    """Whether a message is refused. Streamlit itself refuses what is no message of its own."""
    if not message.get("bytes"):
        return False
    try:
        return BackMsg.FromString(message["bytes"]).WhichOneof("type") in REFUSED
    except Exception:  # protobuf's errors have no public base class
        return False
