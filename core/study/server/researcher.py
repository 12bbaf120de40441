"""The researcher's pages, behind a password: counts, participants, downloads."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import pandas
from sqlalchemy import func, select
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from core.base.passwords import Attempts
from core.study.folder import Study
from core.study.server.guard import Fields, posted
from core.study.server.pages import Pages
from core.study.server.password import SESSION_S, Sessions, has_password, is_password
from core.study.tables import ANSWERS, reading

PLACE = "/researcher"
A_PAGE = 200  # participants
PRIVATE = ["recruited", "ids", "code"]  # of participants, only when asked for
COUNTS = {
    "running": "taking part",
    "done": "finished",
    "withdrawn": "withdrew",
    "excluded": "excluded",
    "answers": "answers",
}


class Researcher:
    """The routes of one study."""

    def __init__(self, study: Study, pages: Pages) -> None:
        self.study, self.answers, self.pages = study, study.answers, pages
        self.sessions, self.attempts = Sessions(study), Attempts()
        self.cookie = f"sparsight-researcher-{study.name}"
        self._checking = Lock()  # a check takes 64 MB: one at a time

    def routes(self) -> list[Route]:
        return [
            Route(PLACE, self.overview),
            Route(f"{PLACE}/login", posted(self.login), methods=["POST"]),
            Route(f"{PLACE}/logout", posted(self.changing(self.logout)), methods=["POST"]),
            Route(f"{PLACE}/open", posted(self.changing(self.open)), methods=["POST"]),
            Route(f"{PLACE}/exclude", posted(self.changing(self.exclude)), methods=["POST"]),
            Route(f"{PLACE}/counts", self.behind(self.counts)),
            Route(f"{PLACE}/answers.csv", self.behind(lambda request: self._csv("answers", self.answers.frame()))),
            Route(f"{PLACE}/design.csv", self.behind(lambda request: self._csv("design", self.answers.design()))),
            Route(f"{PLACE}/participants.csv", self.behind(self.participants)),
            Route(f"{PLACE}/backup.db", self.behind(self.backup)),
        ]

    # the password

    def is_in(self, request: Request) -> bool:
        return self.sessions.is_valid(request.cookies.get(self.cookie, ""))

    def behind(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Let only the researcher in; everybody else is asked for the password."""

        def endpoint(request: Request) -> Response:
            return handler(request) if self.is_in(request) else RedirectResponse(PLACE, 303)

        return endpoint

    def changing(self, handler: Callable[[Request, Fields], Response]) -> Callable[[Request, Fields], Response]:
        """Take only forms of the researcher's own session."""

        def endpoint(request: Request, fields: Fields) -> Response:
            if not self.is_in(request):
                return RedirectResponse(PLACE, 303)
            if not self.sessions.is_form_of(request.cookies[self.cookie], fields.get("form", "")):
                raise HTTPException(403)
            return handler(request, fields)

        return endpoint

    def login(self, request: Request, fields: Fields) -> Response:
        if not has_password(self.study):
            return RedirectResponse(PLACE, 303)
        address = request.client.host if request.client else ""
        with self._checking:
            if wait_s := self.attempts.wait_s(address):
                return self._login(f"Too many attempts. Wait {math.ceil(wait_s)} s, then try again.", 429, wait_s)
            if not is_password(self.study, fields.get("password", "")):
                self.attempts.failed(address)
                return self._login("This is not the password.", 403)
            self.attempts.succeeded(address)
        reply = RedirectResponse(PLACE, 303)
        secure = request.url.scheme == "https"
        reply.set_cookie(
            self.cookie,
            self.sessions.begin(),
            max_age=SESSION_S,
            path=PLACE,
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return reply

    def _login(self, said: str = "", status: int = 200, wait_s: float = 0.0) -> Response:
        reply = self.pages.page("login", status, said=said)
        if wait_s:
            reply.headers["Retry-After"] = str(math.ceil(wait_s))
        return reply

    def logout(self, request: Request, fields: Fields) -> Response:
        reply = RedirectResponse(PLACE, 303)
        reply.delete_cookie(self.cookie, path=PLACE)
        return reply

    # what is shown

    def overview(self, request: Request) -> Response:
        if not has_password(self.study):
            command = f"python -m core study password {self.study.name}"
            lines = (
                "No password is set, or its file is damaged, so this page shows nothing.",
                f"Set one on this computer: {command}",
            )
            return self.pages.message("Researcher", lines, 403)
        if not self.is_in(request):
            return self._login()
        people = self.answers.participants()
        asked = request.query_params.get("page", "1")
        last = max(1, math.ceil(len(people) / A_PAGE))
        number = min(last, max(1, int(asked))) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
        shown = people.iloc[::-1].iloc[(number - 1) * A_PAGE : number * A_PAGE]
        return self.pages.page(
            "researcher",
            counts=self._counted(),
            is_open=self.answers.is_open,
            people=self._rows(shown),
            page=number,
            pages=last,
            form=self.sessions.form_token(request.cookies[self.cookie]),
        )

    def counts(self, request: Request) -> Response:
        return JSONResponse(self._counted())

    def _counted(self) -> dict[str, str]:
        """Return what each count is of, and the count, as the page shows them."""
        found = self.answers.counts()
        shown = {words: f"{found[name]:,}" for name, words in COUNTS.items()}
        shown["finished"] += f" of {found['slots']:,}"
        shown["answers"] += f" of {found['wanted']:,}"
        return shown

    def _rows(self, people: pandas.DataFrame) -> list[dict[str, Any]]:
        numbers = [int(number) for number in people["participant"]]
        query = select(ANSWERS.c.participant, func.count()).where(ANSWERS.c.participant.in_(numbers))
        with reading(self.study.engine) as connection:
            rows = connection.execute(query.group_by(ANSWERS.c.participant)).all()
        answers = {int(row[0]): int(row[1]) for row in rows}
        times = {name: pandas.to_datetime(people[name], unit="s", utc=True) for name in ("begun", "seen")}
        return [
            {
                "number": number,
                "state": state,
                "answers": answers.get(number, 0),
                "begun": f"{begun:%Y-%m-%d %H:%M}",
                "seen": f"{seen:%H:%M:%S}",
                "excluded": None if pandas.isna(excluded) else excluded,
            }
            for number, state, begun, seen, excluded in zip(
                numbers, people["state"], times["begun"], times["seen"], people["excluded"], strict=True
            )
        ]

    # what is changed

    def open(self, request: Request, fields: Fields) -> Response:
        self.answers.open(fields.get("open") == "yes")
        return RedirectResponse(PLACE, 303)

    def exclude(self, request: Request, fields: Fields) -> Response:
        """Exclude a participant for a reason, or include them again ("" as the reason)."""
        number, reason = fields.get("participant", ""), fields.get("reason", "").strip()[:200]
        if not (number.isascii() and number.isdecimal() and len(number) < 9):
            raise HTTPException(400)
        if fields.get("do") == "include":
            self.answers.include(int(number))
        else:
            self.answers.exclude(int(number), reason or "by the researcher")
        return RedirectResponse(PLACE, 303)

    # downloads

    def _csv(self, name: str, rows: pandas.DataFrame) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{self.study.name}-{name}.csv"'}
        return Response(rows.to_csv(index=False), media_type="text/csv", headers=headers)

    def participants(self, request: Request) -> Response:
        rows = self.answers.participants()
        if request.query_params.get("ids") != "1":
            rows = rows.drop(columns=PRIVATE)
        return self._csv("participants", rows)

    def backup(self, request: Request) -> Response:
        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name) / "backup.db"
        self.study.backup(path)
        return FileResponse(path, filename=f"{self.study.name}-backup.db", background=BackgroundTask(folder.cleanup))
