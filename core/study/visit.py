"""Simulated participants who use the pages of a running server, as a browser without scripts
would.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas

from core.base.draws import numpy_generator
from core.base.errors import BadSpec, SparsightError
from core.study.behaviour import Behaviour, Drawn, careful_answers, random_answers, reaction_ms
from core.study.design import PRACTICE, Design
from core.study.folder import Study
from core.study.place import expected
from core.study.simulate import item_effects

PATIENCE_S = 30.0  # how long a visitor tries to reach the server
PAUSE_S = 0.2
TIMEOUT_S = 30.0
MOST_PAGES = 20_000


class NoServer(SparsightError):
    """The server of a study does not answer."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a simulated participant did. answered: (item, what stood on the left, what was pressed)
    of every answer that the server acknowledged; "" stands on the left of a single picture. code:
    the completion code; "" for who dropped out.
    """

    number: int
    answered: tuple[tuple[int, str, str], ...]
    code: str


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a study is served, and how its simulated participants behave."""

    url: str
    study: Study
    behaviour: Behaviour
    seed: int = 0


def visits(server: Server, participants: int, at_once: int = 8) -> Iterator[Visit]:
    """Let simulated participants take part, several at once; yield what each did.

    Raises:
        NoServer: it did not answer for half a minute. BadSpec: the address shows another study.
    """
    shown = _Shown(server.study.answers.whole_design(), server)
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda number: _Visitor(server, shown, number).visit(), range(participants))


class _Shown:
    """Finds the item of a page by its pictures."""

    def __init__(self, design: Design, server: Server) -> None:
        self.effects = item_effects(design, server.behaviour, server.seed)
        self.labels = np.sort(design.items["label"].unique())
        self.items: dict[tuple[str, ...], tuple[Mapping[str, Any], str]] = {}
        practice_first = design.items.sort_values("kind", key=lambda kind: kind != PRACTICE, kind="stable")
        for item in practice_first.to_dict("records"):  # the same pictures may be those of a trial, too
            picture, less, more = (item[name] for name in ("picture", "less_picture", "more_picture"))
            if less:
                self.items[less, picture, more] = item, "less"
                self.items[more, picture, less] = item, "more"
            else:
                self.items[picture,] = item, ""

    def of(self, page: _Page) -> tuple[Mapping[str, Any], str]:
        try:
            return self.items[tuple(page.pictures)]
        except KeyError as error:
            raise BadSpec(
                f"The address {page.url} shows pictures that are not of this study.",
                "A simulation needs the server of the same study.",
                "Serve the study, and name that address.",
            ) from error


@dataclass(eq=False)
class _Page(HTMLParser):
    """The form of a page, and its pictures."""

    url: str
    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)
    code: str = ""
    _in_code: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path

    @property
    def stage(self) -> str:
        """Return the part of the address that names the stage."""
        parts = self.path.strip("/").split("/")
        return parts[2] if len(parts) > 2 and parts[0] == "p" else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = self.action or given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.fields.setdefault(given["name"], given.get("value", ""))
        elif tag == "img":
            self.pictures.append(PurePosixPath(given.get("src", "")).name)
        self._in_code = tag == "p" and given.get("class") == "code"

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.code = data.strip()
            self._in_code = False


class _Browser:
    """Loads pages and sends forms; a server that is away is tried again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> _Page:
        """Load a page."""
        began = time.monotonic()
        while True:
            page = self.once(path, None)
            if page is not None:
                return page
            if time.monotonic() - began > PATIENCE_S:
                raise NoServer(
                    f"{self.url} does not answer.", "A simulation needs a running server.", "Serve the study first."
                )

    def once(self, path: str, fields: Mapping[str, str] | None) -> _Page | None:
        """Load a page or send a form; None if the server is away or asks to wait."""
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        try:
            with self.opener.open(urllib.parse.urljoin(self.url, path), data, TIMEOUT_S) as reply:
                page = _Page(reply.url)
                page.feed(reply.read().decode())
                return page
        except urllib.error.HTTPError as error:
            if error.code == 503:
                time.sleep(PAUSE_S)
                return None
            raise BadSpec(
                f"The server refused a simulated participant ({error.code} at {path}).",
                "It must serve this study, and have a free place.",
                "Look at its first page in a browser.",
            ) from error
        except (OSError, HTTPException):  # no connection, a broken one, a time-out
            time.sleep(PAUSE_S)
            return None


class _Visitor:
    """One simulated participant."""

    def __init__(self, server: Server, shown: _Shown, number: int) -> None:
        self.server, self.shown, self.number = server, shown, number
        self.random = random = numpy_generator("simulated visitor", server.seed, number)
        behaviour, spec = server.behaviour, server.study.spec
        self.careless = random.random() < behaviour.careless
        self.person = behaviour.person_sd * random.standard_normal(2)
        length = spec.trials + spec.catch
        self.stops = int(random.integers(length)) if random.random() < behaviour.dropout else length
        self.answered: list[tuple[int, str, str]] = []

    def visit(self) -> Visit:
        """Take part until the end, or until the trial at which this one drops out."""
        browser = _Browser(self.server.url)
        page = browser.get("/")
        for _ in range(MOST_PAGES):
            if page.stage == "done" or (page.stage == "trial" and len(self.answered) >= self.stops):
                break
            page = self._step(browser, page)
        return Visit(number=self.number, answered=tuple(self.answered), code=page.code)

    def _step(self, browser: _Browser, page: _Page) -> _Page:
        """Fill in the form of a page and send it; return the next page."""
        if page.stage not in ("trial", "practice"):
            reply = browser.once(page.action, page.fields)
            # an unanswered consent is sent again as it was, so that it begins one participant
            return reply or (browser.get(page.path) if page.stage else page)
        item, left = self.shown.of(page)
        pressed = expected(item, left) if page.stage == "practice" else self._pressed(item, left)
        took = reaction_ms(np.array([self.careless]), self.server.behaviour, self.random)[0]
        given = {"answer": pressed, "reaction_ms": f"{took:.1f}", "focus_losses": "0"}
        reply = browser.once(page.action, page.fields | given)
        if reply is not None and page.stage == "trial":
            self.answered.append((int(item["item"]), left, pressed))
        return reply or browser.get(page.path)

    def _pressed(self, item: Mapping[str, Any], left: str) -> str:
        row = pandas.DataFrame([{**item, "left": left}])
        if self.careless:
            return str(random_answers(row, self.shown.labels, self.random)[0])
        effects = (self.person + self.shown.effects[item["item"]])[None]
        drawn = Drawn(effects=effects, random=self.random)
        return str(careful_answers(row, self.shown.labels, self.server.behaviour, drawn)[0])
