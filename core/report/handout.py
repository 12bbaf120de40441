"""A handout for a class: questions with still pictures and space for answers, and the answers on a
page of their own, as one HTML file to print. No script is in it, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.base.progress import silent
from core.figures.stills import WIDTH_PX, still
from core.report.document import Drawn, Pictures, Text
from core.report.render import data_link, page
from core.report.words import html_of

LINES = 3  # to write on, below a question
LETTERS = "ABCDEFGH"  # of choices

Block = Drawn | Pictures | Text


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """One question. text, why: Markdown; title, question and choices are read literally. settings:
    of the view that is shown, by the name of the control.
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    question: str
    choices: tuple[str, ...]
    right: int
    why: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Handout:
    """A handout. title: read literally."""

    title: str
    exercises: tuple[Exercise, ...]


def to_html(handout: Handout, progress: Any = silent) -> str:
    """Return the handout as HTML. progress: called with questions done, and of how many."""
    total, exercises = len(handout.exercises), []
    for done, exercise in enumerate(handout.exercises):
        progress(done, total)
        exercises.append(_shown(exercise))
    return page("handout.html", title=handout.title, exercises=exercises, lines=LINES, width=WIDTH_PX)


def _shown(exercise: Exercise) -> dict[str, Any]:
    return {
        "of": exercise,
        "text": html_of(exercise.text),
        "blocks": list(_blocks(exercise.blocks)),
        "choices": list(zip(LETTERS, exercise.choices, strict=False)),
        "right": (LETTERS[exercise.right], exercise.choices[exercise.right]),
        "why": html_of(exercise.why),
    }


def _blocks(blocks: tuple[Block, ...]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        shown: dict[str, Any] = {"kind": type(block).__name__, "of": block}
        if isinstance(block, Drawn):
            height = block.figure.layout.height or 400
            shown |= {"still": data_link(still(block.figure).encode(), "image/svg+xml"), "height": height}
        elif isinstance(block, Pictures):
            shown["panels"] = [(panel, [html_of(line) for line in panel.lines]) for panel in block.panels]
        else:
            shown["html"] = html_of(block.text)
        yield shown
