"""A small study with made pictures behind its real app, and people who walk through it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from httpx2 import Client, Response
from PIL import Image
from starlette.testclient import TestClient

from core.study.answers import Answers
from core.study.folder import Study, open_study, write_about
from core.study.place import Place, expected
from core.study.server.app import create_app
from core.study.spec import StudySpec, Task
from core.study.stimuli import wanted
from core.study.tables import create
from core.study.written import to_mapping
from tests.study.conftest import LEVELS, drawn, small_spec

CLASSES = ("cat", "dog", "<b>fish</b>", 'O\'Neill & "sons"', *"456789")
PASSWORD = "four random words"
NAMES = ("unpruned", "halved", "decimated")


def server_spec(**changes: object) -> StudySpec:
    """A study whose variants have names that no page may show."""
    first, second, third = NAMES
    values = {
        "variants": tuple((name, pruning) for name, (_, pruning) in zip(NAMES, LEVELS, strict=True)),
        "tasks": (
            Task(kind="heatmap-pair", pairs=((first, second), (first, third))),
            Task(kind="name-object", variants=(first, third)),
        ),
    }
    return small_spec(**values | changes)


def write_study(folder: Path, spec: StudySpec, url: str = "", name: str = "small") -> Study:
    """Make a study as `prepare` does, but with made pictures."""
    home = folder / "studies" / name
    study = write_about(home, name, url)
    create(study.engine)
    design = drawn(spec)
    shown = wanted(design.items)
    names = {
        each: hashlib.sha256(repr(each).encode()).hexdigest()[:32] + ".png" for row in shown for each in row if each
    }
    study.pictures.mkdir()
    for number, picture in enumerate(names.values()):
        data = BytesIO()
        Image.new("RGB", (8, 8), (number * 40 % 256, number * 90 % 256, 120)).save(data, "PNG")
        (study.pictures / picture).write_bytes(data.getvalue())
    columns = ["picture", "less_picture", "more_picture"]
    table = design.items.assign(**dict.fromkeys(columns, ""))[columns]
    for row, each in enumerate(shown):
        table.loc[table.index[row]] = [names[one] if one else "" for one in each]
    Answers(study.engine, spec).store(design, table)
    study.keep(spec=json.dumps(to_mapping(spec)), classes=json.dumps(CLASSES), preparation="{}")
    return open_study(folder, name)


@pytest.fixture
def study(url: str, tmp_path: Path) -> Iterator[Study]:
    """A study that nobody has begun; the address of its database is that of `url`."""
    made = write_study(tmp_path, server_spec(), "" if url.startswith("sqlite") else url)
    yield made
    made.engine.dispose()


@pytest.fixture
def file_study(tmp_path: Path) -> Iterator[Study]:
    """The same, always in a file."""
    made = write_study(tmp_path / "file", server_spec())
    yield made
    made.engine.dispose()


Visit = Callable[..., "Visitor"]


class Visitor:
    """A browser without script: it follows redirects and posts the forms that it sees.

    Args:
        app: what it asks. client: to ask a running server instead.
    """

    def __init__(self, study: Study, app: object = None, client: Client | None = None) -> None:
        self.study, self.token = study, ""
        self.client = client or TestClient(app, raise_server_exceptions=False)  # type: ignore[arg-type]

    def join(self, query: str = "", **fields: str) -> Response:
        page = self.client.get(f"/{query}")
        reply = self.client.post("/join", data=hidden(page.text) | fields)
        self.token = reply.url.path.split("/")[2] if reply.url.path.startswith("/p/") else ""
        return reply

    @property
    def place(self) -> Place:
        return self.study.answers.place(self.token)

    def see(self) -> Response:
        return self.client.get(f"/p/{self.token}")

    def post(self, rest: str, token: str = "", **fields: str) -> Response:
        return self.client.post(f"/p/{token or self.token}/{rest}", data=fields)

    def step(self, right: bool = True, answer: str = "") -> Response:
        """Press the button that leads on; return the page that follows. answer: to a trial."""
        place = self.place
        if place.stage in ("instructions", "break"):
            return self.post(f"go-on/{place.number + 1}")
        pair = place.task != "name-object"
        if place.stage == "practice":
            wrong = "equal" if pair else "unknown"
            answer = expected(place.item or {}, place.left) if right else wrong
            return self.post(f"practice/{place.round + 1}/{place.number + 1}", answer=answer)
        return self.post(f"trial/{place.number + 1}", answer=answer or ("left" if pair else "0"))

    def until(self, stage: str) -> Response:
        """Go on until this stage; return its page."""
        page = self.see()
        for _ in range(100):
            if self.place.stage == stage:
                return page
            page = self.step()
        raise AssertionError(f"{stage} was never reached")


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the first form of a page."""
    form = page[page.index("<form") : page.index("</form")]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)}


@pytest.fixture
def visit(study: Study) -> Visit:
    """Return a function that opens another browser on the study's app."""
    app = create_app(study)
    return lambda: Visitor(study, app)


@pytest.fixture
def person(visit: Visit) -> Visitor:
    """Somebody who has joined."""
    made = visit()
    made.join()
    return made
