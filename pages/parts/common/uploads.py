"""Bounds of what visitors upload: files and bytes of one session, and of all of them together.

Streamlit bounds a single file only, and takes any number of files from anybody who is connected,
whether or not a page asks for one.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

from core.base.numbers import counted, size
from core.data.images import MAX_BYTES
from pages.parts.common import access, teacher
from pages.parts.common.counters import counters

PLACE = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
FRAMING_BYTES = 10_000  # what a browser sends around a file


class Uploads:
    """Refuses uploads beyond the limits of a server for many (status 413)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: defaultdict[str, dict[str, int]] = defaultdict(dict)  # session -> file -> bytes
        self._changed = threading.Lock()
        counters.more["uploads"] = self.counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        found = PLACE.search(scope["path"]) if scope["type"] == "http" else None
        counts = found and access.locks() and scope["method"] in ("PUT", "DELETE") and _is_open(found[1])
        if not found or not counts:  # Streamlit itself refuses files of sessions that are not open
            await self.app(scope, receive, send)
            return
        session, file = found.groups()
        if scope["method"] == "DELETE":
            await self._deleted((session, file), scope, receive, send)
        elif refused := self._refused(session, file, _declared(scope)):
            await PlainTextResponse(refused, 413)(scope, receive, send)
        else:
            await self._taken((session, file), scope, receive, send)

    def counts(self) -> dict[str, int]:
        """Returns how many files and bytes are kept."""
        with self._changed:
            self._forget_closed()
            sizes = [kept for files in self._kept.values() for kept in files.values()]
        return {"files": len(sizes), "bytes": sum(sizes)}

    def _refused(self, session: str, file: str, declared: int) -> str:
        """Reserves the bytes of an upload; returns why it is refused, or ""."""
        limits, is_teacher = access.limits(), teacher.is_session(session)
        with self._changed:
            self._forget_closed()
            files = {name: kept for name, kept in self._kept[session].items() if name != file}
            everything = sum(sum(each.values()) for each in self._kept.values()) - self._kept[session].get(file, 0)
            if limits and not is_teacher:
                if declared > MAX_BYTES + FRAMING_BYTES:
                    return f"An image has at most {size(MAX_BYTES)}."
                if len(files) >= limits.uploads:
                    return f"A visitor keeps at most {counted(limits.uploads, 'upload')}. Delete one first."
                if sum(files.values()) + declared > limits.upload_bytes:
                    return f"A visitor's uploads have at most {size(limits.upload_bytes)}. Delete one first."
                if everything + declared > limits.all_upload_bytes:
                    return "There is no room for uploads at the moment. Try again later."
            self._kept[session][file] = declared
        return ""

    async def _taken(self, named: tuple[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        read, status, most = 0, 0, _declared(scope)

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413)
            return message

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, bounded, seen)
        finally:
            if not 200 <= status < 300:
                self._forget(*named)

    async def _deleted(self, named: tuple[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                self._forget(*named)
            await send(message)

        await self.app(scope, receive, seen)

    def _forget(self, session: str, file: str) -> None:
        with self._changed:
            self._kept[session].pop(file, None)

    def _forget_closed(self) -> None:
        for session in [session for session in self._kept if not _is_open(session)]:
            del self._kept[session]


def _declared(scope: Scope) -> int:
    """Returns the bytes that a request says it has; what an image may have if it says nothing."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else MAX_BYTES + FRAMING_BYTES


def _is_open(session: str) -> bool:
    return runtime.exists() and bool(runtime.get_instance().is_active_session(session))
