"""The app of one study: an ASGI application without state of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sqlalchemy import select
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from core.base.errors import SparsightError
from core.study.answers import StudyFull, TakesPartAlready, UnknownParticipant
from core.study.folder import Study
from core.study.server.guard import Guard
from core.study.server.pages import STATIC, Pages
from core.study.server.participant import Participants
from core.study.server.researcher import Researcher
from core.study.tables import ITEMS, StudyDatabase, reading

LOG = logging.getLogger(__name__)
RETRY_S = 5
NOT_STORED = "Your answer was not stored yet. Press the button again."
REFUSED: Mapping[int, str] = {
    400: "This answer does not belong to the question",
    403: "This form cannot be accepted",
    404: "There is no such page",
    405: "There is no such page",
    413: "This is too long",
}
HEADINGS: Mapping[type[Exception], str] = {
    StudyFull: "You cannot take part",
    TakesPartAlready: "You have begun already",
    UnknownParticipant: "This link does not work",
}


def create_app(study: Study) -> ASGIApp:
    """Return the pages of a study. Raises StudyDatabase if its database does not answer."""
    pages = Pages(study)
    app = Starlette(
        routes=[
            *Participants(study, pages).routes(),
            *Researcher(study, pages).routes(),
            _pictures(study),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers=_Failures(pages).handlers(),
    )
    return Guard(app)  # outside, so that replies to failures have the headers, too


def _pictures(study: Study) -> Route:
    """Return the route of the study's pictures, and of no other file."""
    with reading(study.engine) as connection:
        rows = connection.execute(select(ITEMS.c.picture, ITEMS.c.less_picture, ITEMS.c.more_picture)).all()
    names = {name for row in rows for name in row if name}

    def picture(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in names or not (study.pictures / name).is_file():
            raise HTTPException(404)
        return FileResponse(study.pictures / name, media_type="image/png")

    return Route("/pictures/{name}", picture)


class _Failures:
    """What participants read when something fails: what holds, and the next step."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def handlers(self) -> dict:
        return {
            HTTPException: self.refused,
            StudyDatabase: self.database,
            StudyFull: self.told,
            TakesPartAlready: self.told,
            UnknownParticipant: self.told,
            Exception: self.broken,
        }

    def refused(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        heading = REFUSED.get(status, "This did not work")
        return self._reply(request, heading, ("Nothing was changed.",), status)

    def told(self, request: Request, error: Exception) -> Response:
        status = 404 if isinstance(error, UnknownParticipant) else 409
        lines = (error.wrong, error.allowed, error.next_step) if isinstance(error, SparsightError) else ()
        return self._reply(request, HEADINGS[type(error)], lines, status)

    def database(self, request: Request, error: Exception) -> Response:
        """Keep the form on the page, so that one more press sends it again."""
        LOG.error("%s", error)
        fields = getattr(request.state, "fields", None)
        lines = (
            NOT_STORED if "answer" in (fields or {}) else "The study cannot be reached at the moment.",
            "Everything before is kept.",
        )
        reply = self._reply(request, "One moment", lines, 503, fields)
        reply.headers["Retry-After"] = str(RETRY_S)
        return reply

    def broken(self, request: Request, error: Exception) -> Response:
        lines = ("This is a mistake of the program.", "Everything that you have answered is kept.")
        return self._reply(request, "Something went wrong", lines, 500)

    def _reply(
        self,
        request: Request,
        heading: str,
        lines: tuple[str, ...],
        status: int,
        again: Mapping[str, str] | None = None,
    ) -> Response:
        path = request.url.path
        if again is not None:
            return self.pages.message(heading, lines, status, again=(path, again))
        place = "/".join(path.split("/")[:3]) if path.startswith("/p/") and status != 404 else "/"
        words = "Continue" if place != "/" else "Go to the first page"
        link = (path, "Try again") if status == 503 else (place, words)
        return self.pages.message(heading, lines, status, link=link)
