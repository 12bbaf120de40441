"""The pages of participants: consent, instructions, practice, trials, breaks, the end, withdrawal.

The server knows where a participant stands. An address that names another place leads to this one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.study.answers import PERSON_IDS, RECRUITMENT_IDS, Timing, UnknownParticipant, new_token
from core.study.design import PRACTICE
from core.study.folder import Study
from core.study.place import Place
from core.study.server.guard import Fields, posted, printable
from core.study.server.pages import Pages, question_of
from core.study.tables import ITEMS, TRIALS, reading

RESUME_S = 30 * 24 * 3600  # how long a browser remembers its participant
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
SCREEN = re.compile(r"[0-9]{1,5}x[0-9]{1,5}")
LONGEST_MS = 24 * 3600 * 1000


class Participants:
    """The routes of one study."""

    def __init__(self, study: Study, pages: Pages) -> None:
        self.study, self.answers, self.pages = study, study.answers, pages
        self.cookie = f"sparsight-{study.name}"

    def routes(self) -> list[Route]:
        token = "/p/{token}"
        return [
            Route("/", self.consent),
            Route("/join", posted(self.join), methods=["POST"]),
            Route(f"{token}/trial/{{n}}", posted(self.answer), methods=["POST"]),
            Route(f"{token}/practice/{{round}}/{{n}}", posted(self.practise), methods=["POST"]),
            Route(f"{token}/go-on/{{n}}", posted(self.go_on), methods=["POST"]),
            Route(f"{token}/leave", posted(self.leave), methods=["POST"]),
            Route(f"{token}/withdraw", self.withdrawal),
            Route(f"{token}/withdraw", posted(self.withdraw), methods=["POST"]),
            Route(token, self.place),
            Route(f"{token}/{{rest:path}}", self.place),
        ]

    # beginning

    def consent(self, request: Request) -> Response:
        """Show the consent text; a browser that has begun resumes."""
        ids = {name: printable(request.query_params.get(name, ""))[:100] for name in RECRUITMENT_IDS}
        ids = {name: value for name, value in ids.items() if value}
        token, _, person = request.cookies.get(self.cookie, "").partition(".")
        if token and _person(ids) in ("", person):
            with suppress(UnknownParticipant):
                return RedirectResponse(address(token, self.answers.place(token)), 303)
        if not self.answers.is_open:
            return self.pages.message("This study is closed", ("It takes no more participants. Thank you.",), 403)
        spec = self.study.spec
        return self.pages.page(
            "consent",
            text=spec.texts.consent,
            ids=ids,
            joining=new_token(),
            minutes=spec.minutes,
            trials=spec.questions,
        )

    def join(self, request: Request, fields: Fields) -> Response:
        joining, screen = fields.get("token", ""), fields.get("screen", "")
        ids = {name: fields[name] for name in RECRUITMENT_IDS if fields.get(name)}
        token = self.answers.join(
            ids,
            screen=screen if SCREEN.fullmatch(screen) else "",
            token=joining if TOKEN.fullmatch(joining) else "",
        )
        reply = RedirectResponse(address(token, self.answers.place(token)), 303)
        reply.set_cookie(
            self.cookie,
            f"{token}.{_person(ids)}",
            max_age=RESUME_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return reply

    def leave(self, request: Request, fields: Fields) -> Response:
        """Forget the participant in this browser, so that somebody else can take part with it."""
        reply = RedirectResponse("/", 303)
        reply.delete_cookie(self.cookie)
        return reply

    # where a participant stands

    def place(self, request: Request) -> Response:
        """Show the current place, if the address names it; lead there otherwise."""
        token = request.path_params["token"]
        place = self.answers.show(token)
        here = address(token, place)
        if request.url.path != here:
            return RedirectResponse(here, 303)
        texts = self.study.spec.texts
        common = {"token": token, "here": here, "place": place, "upcoming": self._upcoming(place)}
        if place.stage in ("trial", "practice"):
            question = question_of(self.study, place)
            return self.pages.page(
                "trial",
                **common,
                question=question,
                correct=next((choice.words for choice in question.choices if choice.value == place.correct), ""),
                instructions=texts.instructions(place.task),
                passed="passed" in request.query_params,
            )
        if place.stage == "withdrawn":
            return self.pages.message(
                "You have withdrawn", ("Your answers have been deleted. Only that somebody withdrew is kept.",)
            )
        return self.pages.page(
            place.stage,
            **common,
            text=texts.debrief if place.stage == "done" else texts.instructions(place.task),
            anonymous=self.study.spec.anonymous,
            practice=self.study.spec.practice,
        )

    def answer(self, request: Request, fields: Fields) -> Response:
        """Keep an answer to the current trial; any other changes nothing."""
        token = request.path_params["token"]
        before = self.answers.place(token)
        if before.stage == "trial" and request.url.path == address(token, before):
            timing = Timing(reaction_ms=_milliseconds(fields.get("reaction_ms")), focus_losses=_losses(fields))
            self.answers.answer(token, before.number, self._choice(before, fields), timing)
        return self._onward(request, self.answers.place(token))

    def practise(self, request: Request, fields: Fields) -> Response:
        token = request.path_params["token"]
        before = self.answers.place(token)
        if before.stage == "practice" and request.url.path == address(token, before):
            item = (before.item or {})["item"]
            self.answers.practise(token, before.round, item, self._choice(before, fields))
        place = self.answers.place(token)
        return self._onward(request, place, "?passed" if (before.stage, place.stage) == ("practice", "trial") else "")

    def go_on(self, request: Request, fields: Fields) -> Response:
        """Begin the block that the address names."""
        token = request.path_params["token"]
        if self.answers.place(token).number == _number(request.path_params["n"]) - 1:
            self.answers.go_on(token)
        return self._onward(request, self.answers.place(token))

    def _choice(self, place: Place, fields: Fields) -> str:
        """Return the chosen answer. Raises HTTPException for one that the page does not offer."""
        answer = fields.get("answer", "")
        if answer not in {choice.value for choice in question_of(self.study, place).choices}:
            raise HTTPException(400)
        return answer

    def _onward(self, request: Request, place: Place, more: str = "") -> Response:
        return RedirectResponse(address(request.path_params["token"], place) + more, 303)

    def _upcoming(self, place: Place) -> list[str]:
        """Return the pictures of the page after this one."""
        if place.stage == "practice":
            query = select(ITEMS).where(ITEMS.c.kind == PRACTICE, ITEMS.c.task == place.task)
            query = query.order_by(ITEMS.c.item).offset(place.number + 1).limit(1)
        elif place.trial is not None:
            slot = select(TRIALS.c.slot).where(TRIALS.c.trial == place.trial).scalar_subquery()
            query = select(ITEMS).join(TRIALS, TRIALS.c.item == ITEMS.c.item)
            query = query.where(TRIALS.c.slot == slot, TRIALS.c.position == place.number + 1)
        else:
            return []
        with reading(self.study.engine) as connection:
            item = connection.execute(query).first()
        return [name for name in (item.picture, item.less_picture, item.more_picture) if name] if item else []

    # leaving

    def withdrawal(self, request: Request) -> Response:
        token = request.path_params["token"]
        place = self.answers.place(token)
        if place.stage == "withdrawn":
            return RedirectResponse(address(token, place), 303)
        return self.pages.page("withdraw", token=token, back=address(token, place))

    def withdraw(self, request: Request, fields: Fields) -> Response:
        """Delete what a participant answered; say how much it was."""
        token = request.path_params["token"]
        if self.answers.place(token).stage == "withdrawn":
            return RedirectResponse(f"/p/{quote(token)}/withdrawn", 303)
        number = self.answers.withdraw(token)
        said = "1 answer was deleted." if number == 1 else f"{number} answers were deleted."
        reply = self.pages.message("You have withdrawn", (said, "Only that somebody withdrew is kept. Thank you."))
        reply.delete_cookie(self.cookie)
        return reply


def address(token: str, place: Place) -> str:
    """Return the address of a place."""
    rest = place.stage
    if place.stage == "trial":
        rest = f"trial/{place.number + 1}"
    elif place.stage == "practice":
        rest = f"practice/{place.round + 1}/{place.number + 1}"
    return f"/p/{quote(token)}/{rest}"


def _person(ids: Mapping[str, str]) -> str:
    """Return a digest of the id that names a person; "" without one."""
    person = next((f"{name}={ids[name]}" for name in PERSON_IDS if ids.get(name)), "")
    return hashlib.sha256(person.encode()).hexdigest()[:16] if person else ""


def _number(text: str) -> int:
    """Return a number of an address; -1 for none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else -1


def _milliseconds(text: str | None) -> float | None:
    with suppress(ValueError, TypeError):
        found = float(text or "")
        return found if 0 <= found <= LONGEST_MS else None
    return None


def _losses(fields: Fields) -> int | None:
    found = _number(fields.get("focus_losses", ""))
    return found if 0 <= found <= 10_000 else None
