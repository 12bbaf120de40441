"""Pages from templates, and the words around a question."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from core.study.folder import Study
from core.study.place import EQUAL, UNKNOWN, Place
from core.study.spec import KINDS, PAIRS

HERE = Path(__file__).parent
STATIC = HERE / "static"
LETTERS = "1234567890abcdefghijklmnopqrstuvwxyz"
LOOKS = {"ArrowLeft": "←", "ArrowRight": "→", "ArrowDown": "↓"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of a question: file name, the text instead of it, and its place."""

    name: str
    alt: str
    place: str = "one"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A button: the value that is posted, its words, and the keys that press it, as browsers name
    them.
    """

    value: str
    words: str
    keys: tuple[str, ...] = ()
    place: str = ""

    @property
    def look(self) -> str:
        """Return the first key as it stands on the button."""
        return LOOKS.get(self.keys[0], self.keys[0]) if self.keys else ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a page asks."""

    words: str
    before: str
    pictures: tuple[Picture, ...]
    choices: tuple[Choice, ...]

    @property
    def is_short(self) -> bool:
        """Return whether all buttons but the last have room beside each other on a phone."""
        return len(self.choices) > 3 and all(len(choice.words) <= 3 for choice in self.choices[:-1])


def question_of(study: Study, place: Place) -> Question:
    """Return the question of a trial or a practice item. No variant is named."""
    item = place.item or {}
    if place.task not in PAIRS:
        known = item["kind"] == "practice"
        alt = "A picture" if known else "A small part of a picture; the rest is black"
        return Question(
            words=KINDS[place.task],
            before="",
            pictures=(Picture(name=item["picture"], alt=alt),),
            choices=names_of(study.choices),
        )
    noun = "Heatmap" if place.task == "heatmap-pair" else "Part of the picture"
    sides = (item["less_picture"], item["more_picture"])
    left, right = sides if place.left == "less" else sides[::-1]
    return Question(
        words=KINDS[place.task],
        before=f"Both programs say: “{study.classes[item['label']]}”",
        pictures=(
            Picture(name=left, alt=f"{noun} on the left", place="left"),
            Picture(name=item["picture"], alt="The picture itself", place="middle"),
            Picture(name=right, alt=f"{noun} on the right", place="right"),
        ),
        choices=(
            Choice(value="left", words="Left", keys=("ArrowLeft", "1"), place="left"),
            Choice(value=EQUAL, words="Both equally", keys=("ArrowDown", "="), place="middle"),
            Choice(value="right", words="Right", keys=("ArrowRight", "2"), place="right"),
        ),
    )


def names_of(choices: tuple[tuple[int, str], ...]) -> tuple[Choice, ...]:
    """Return a button for each class, and one for "I don't know". A class of one character has
    that character as its key.
    """
    short = all(len(name) == 1 for _, name in choices)
    keys: list[tuple[str, ...]] = [(name.lower(),) for _, name in choices] if short else [(key,) for key in LETTERS]
    keys += [()] * len(choices)
    named = [Choice(value=str(label), words=name, keys=key) for (label, name), key in zip(choices, keys, strict=False)]
    return (*named, Choice(value=UNKNOWN, words="I don't know", keys=("ArrowDown",), place="unknown"))


def paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


@cache
def stamp(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    return f"/static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


class Pages:
    """Renders the pages of one study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["paragraphs"] = paragraphs
        self._templates.globals |= {
            "static": stamp,
            "title": study.spec.title,
            "language": study.spec.texts.language,
            "contact": study.spec.texts.contact,
            "token": "",
        }

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(f"{name}.html").render(values), status)

    def message(
        self,
        heading: str,
        lines: tuple[str, ...],
        status: int = 200,
        link: tuple[str, str] | None = None,
        again: tuple[str, Mapping[str, str]] | None = None,
    ) -> HTMLResponse:
        """Return a page that says something.

        Args:
            link: address and words of the next step. again: address and fields of a form that is
                sent once more.
        """
        return self.page("message", status, heading=heading, lines=lines, link=link, again=again)
