"""Streamlit's scripts, styles and fonts from memory.

A new browser asks for eighty of these files before a page shows anything, and Streamlit reads each
of them anew, in another thread: a third of a second of this process's time on a slow machine.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDERS = ("js", "css", "media")  # their names hold a digest of what is in them
CONDITIONS = ("range", "if-none-match", "if-modified-since", "if-range")  # Streamlit itself answers these
PIECE = 1 << 18  # bytes that are sent at once: a slow connection holds no more of a large file


class StaticFiles:
    """Keeps Streamlit's answer for each of its files, and gives it to whoever asks again.

    Args:
        folder: Streamlit's static files. base: the path below which the app is served.
    """

    def __init__(self, app: ASGIApp, folder: Path, base: str = "") -> None:
        self.app = app
        start = f"/{base.strip('/')}/static".replace("//", "/")
        paths = (path for kind in FOLDERS for path in (folder / "static" / kind).glob("*"))
        self.names = {f"{start}/{path.parent.name}/{path.name}" for path in paths}
        self.kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET" or path not in self.names or _is_conditional(scope):
            await self.app(scope, receive, send)
            return
        if path not in self.kept:
            await self._keep(scope, receive, send)
            return
        for message in self.kept[path]:
            await send(dict(message))

    async def _keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends Streamlit's answer, and keeps it if it is the whole file."""
        seen: list[Message] = []

        async def noted(message: Message) -> None:
            seen.append(dict(message) | ({"headers": [*message["headers"]]} if "headers" in message else {}))
            await send(message)

        await self.app(scope, receive, noted)
        start, *parts = seen
        if start.get("status") == 200 and all(part["type"] == "http.response.body" for part in parts):
            body = b"".join(part.get("body", b"") for part in parts)
            self.kept[scope["path"]] = [start, *_pieces(body)]


def _is_conditional(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return any(name in headers for name in CONDITIONS)


def _pieces(body: bytes) -> list[Message]:
    starts = range(0, max(1, len(body)), PIECE)
    return [
        {"type": "http.response.body", "body": body[at : at + PIECE], "more_body": at + PIECE < len(body)}
        for at in starts
    ]
