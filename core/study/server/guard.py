"""What holds for every request and every reply: bounds, and headers that browsers obey."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 16 * 1024  # of a form
MOST_FIELDS = 40
KEPT = ("/static/", "/pictures/")  # their addresses change when they do
FOREVER = "public, max-age=31536000, immutable"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}

Fields = Mapping[str, str]
Handler = Callable[[Request, Fields], Response]


class Guard:
    """Refuse bodies that are too large and forms of other sites; add the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise HTTPException(413)
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                keep = scope["path"].startswith(KEPT) and message["status"] in (200, 304)
                headers["Cache-Control"] = FOREVER if keep else "no-store"
            await send(message)

        await self.app(scope, bounded, headed)


def posted(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a form; the handler runs in a thread and gets the form's fields."""

    async def endpoint(request: Request) -> Response:
        if Headers(scope=request.scope).get("sec-fetch-site") == "cross-site":
            raise HTTPException(403)
        body = await request.body()
        try:
            found = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise HTTPException(400) from error
        fields = {name: printable(value) for name, value in found}
        request.state.fields = fields
        return await run_in_threadpool(handler, request, fields)

    return endpoint


def printable(text: str) -> str:
    """Return the text without control characters, which PostgreSQL cannot keep."""
    return "".join(each for each in text if each.isprintable())
