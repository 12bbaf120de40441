"""A handout as a file, from made exercises."""

from __future__ import annotations

from html.parser import HTMLParser

import plotly.graph_objects as go

from core.figures.notebook.view import Panel
from core.report.document import Drawn, Pictures, Text
from core.report.handout import LINES, Exercise, Handout, to_html

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


class Tags(HTMLParser):
    """Counts elements by their class, or by their name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found.append(str(given.get("class", tag)))
        self.addresses += [str(given[name]) for name in ("src", "href") if name in given]


def exercise(title: str = "A title", right: int = 1) -> Exercise:
    return Exercise(
        title=title,
        text="Some **text**.",
        blocks=(
            Drawn(figure=go.Figure(go.Scatter(x=[0, 1], y=[0, 1])).update_layout(title="A figure"), alt="A line"),
            Pictures(panels=(Panel(title="One", url=PIXEL, alt="A pixel", lines=("says **7**",)),)),
            Text(text="A note."),
        ),
        question="Which?",
        choices=("this", "that", "neither"),
        right=right,
        why="Because of **that**.",
        settings=(("Level", "3"),),
    )


def read(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


def test_each_question_has_its_choices_and_space() -> None:
    html = to_html(Handout(title="A lesson", exercises=(exercise(), exercise(right=0))))
    tags = read(html)
    assert tags.found.count("exercise") == 2
    assert tags.found.count("box") == 2 * 3
    assert tags.found.count("line") == 2 * LINES
    assert tags.found.count("img") == 2 * 2
    assert "says <strong>7</strong>" in html
    assert "Level: 3" in html


def test_answers_stand_on_a_page_of_their_own() -> None:
    html = to_html(Handout(title="A lesson", exercises=(exercise(), exercise(right=0))))
    before, answers = html.split('<section class="answers">')
    assert "Because of" not in before
    assert answers.count("Because of <strong>that</strong>.") == 2
    assert "<strong>B: that</strong>" in answers
    assert "<strong>A: this</strong>" in answers
    assert ".answers { break-before: page" in html


def test_nothing_is_fetched_or_run_and_names_stay_names() -> None:
    html = to_html(Handout(title="<script>alert(1)</script>", exercises=(exercise("<b>bold</b>"),)))
    tags = read(html)
    assert "script" not in tags.found
    assert "b" not in tags.found
    assert all(address.startswith("data:") for address in tags.addresses)
    assert "&lt;b&gt;bold&lt;/b&gt;" in html


def test_progress_counts_questions() -> None:
    seen: list[tuple[int, int]] = []
    to_html(Handout(title="A lesson", exercises=(exercise(), exercise())), lambda *at: seen.append(at))
    assert seen == [(0, 2), (1, 2)]
