"""Bounds of what visitors upload: files and bytes of one session, and of all of them together.

Streamlit bounds a single file only, and takes any number of files from anybody who is connected,
whether or not a page asks for one.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class Sent:
    """A file that is being sent. bytes: as many as its request says it has."""

    session: str
    file: str
    bytes: int


class Uploads:
    """Refuses uploads beyond the limits of a server for many (status 413)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Session -> file -> bytes. A file that is being sent counts beside the one it replaces.
        self._kept: defaultdict[str, dict[str | Sent, int]] = defaultdict(dict)
        self._changed = threading.Lock()
        counters.more["uploads"] = self.counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        found = PLACE.search(scope["path"]) if scope["type"] == "http" else None
        counts = found and access.locks() and scope["method"] in ("PUT", "DELETE") and _is_open(found[1])
        if not found or not counts:  # Streamlit itself refuses files of sessions that are not open
            await self.app(scope, receive, send)
            return
        sent = Sent(found[1], found[2], _declared(scope))
        if scope["method"] == "DELETE":
            await self._deleted(sent, scope, receive, send)
        elif refused := self._refused(sent):
            await PlainTextResponse(refused, 413)(scope, receive, send)
        else:
            await self._taken(sent, scope, receive, send)

    def counts(self) -> dict[str, int]:
        """Returns how many files and bytes are kept."""
        with self._changed:
            self._forget_closed()
            sizes = [kept for files in self._kept.values() for kept in files.values()]
        return {"files": len(sizes), "bytes": sum(sizes)}

    def _refused(self, sent: Sent) -> str:
        """Reserves the bytes of an upload; returns why it is refused, or "". The teacher's are
        neither bounded nor counted.
        """
        limits = access.limits()
        if limits is None or teacher.is_session(sent.session):
            return ""
        if not limits.uploads:
            return access.NO_UPLOADS
        if sent.bytes > MAX_BYTES + FRAMING_BYTES:
            return f"An image has at most {size(MAX_BYTES)}."
        with self._changed:
            self._forget_closed()
            files = self._kept[sent.session]
            everything = sum(sum(each.values()) for each in self._kept.values())
            if len(files) >= limits.uploads:
                return f"A visitor keeps at most {counted(limits.uploads, 'upload')}. Delete one first."
            if sum(files.values()) + sent.bytes > limits.upload_bytes:
                return f"A visitor's uploads have at most {size(limits.upload_bytes)}. Delete one first."
            if everything + sent.bytes > limits.all_upload_bytes:
                return "There is no room for uploads at the moment. Try again later."
            files[sent] = sent.bytes
        return ""

    async def _taken(self, sent: Sent, scope: Scope, receive: Receive, send: Send) -> None:
        read, status = 0, 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > sent.bytes:
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
            with self._changed:
                counts = self._kept.get(sent.session, {}).pop(sent, None) is not None
                if counts and 200 <= status < 300:
                    self._kept[sent.session][sent.file] = sent.bytes

    async def _deleted(self, sent: Sent, scope: Scope, receive: Receive, send: Send) -> None:
        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                with self._changed:
                    self._kept.get(sent.session, {}).pop(sent.file, None)
            await send(message)

        await self.app(scope, receive, seen)

    def _forget_closed(self) -> None:
        for session in [session for session in self._kept if not _is_open(session)]:
            del self._kept[session]
            _free(session)


def _declared(scope: Scope) -> int:
    """Returns the bytes that a request says it has; what an image may have if it says nothing."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else MAX_BYTES + FRAMING_BYTES


def _free(session: str) -> None:
    """Frees the files of a closed session, which Streamlit would keep for minutes: the browser may
    come back. The page has its own copy of the last one.
    """
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session)


def _is_open(session: str) -> bool:
    return runtime.exists() and bool(runtime.get_instance().is_active_session(session))
