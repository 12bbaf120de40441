"""Figures shown to a room: type that is read from the back, titles that are whole, the same
numbers.
"""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from core.figures.plots import base as plots
from core.figures.plots import lessons as plots_lessons
from core.figures.plots.lessons import Frame, Line
from pages.parts.common import present
from tests.made import Made

BACK_ROW_PX = 20


def figures() -> dict[str, go.Figure]:
    answer = Made().build()
    frame = Frame(title="Means by level (n = 5,000 digits)", x="level", y="")
    return {
        "series": plots.series_curve([(0.0, 0.98), (1.0, 0.1)], [(0.0, 0.3), (1.0, None)], answer.mask, 5000),
        "layers": plots.kept_weights(answer.mask),
        "lines": plots_lessons.lines(frame, [Line(name="accuracy", colour="#000000", x=[0, 1], y=[1, 0])]),
        "bars": plots_lessons.bars(frame, "012", [0.5, None, 0.25]),
        "scatter": plots_lessons.scatter(frame, [(0.98, 0.2, 0), (0.1, 0.0, 25)]),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_type_is_large_and_titles_are_whole(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(present, "on", lambda: True)
    plain, shown = figures()[name], present.figure(figures()[name])
    layout = shown.layout
    sizes = [
        layout.font.size,
        layout.title.font.size,
        layout.legend.font.size,
        layout.xaxis.tickfont.size,
        layout.yaxis.title.font.size,
    ]
    assert min([*sizes, *(note.font.size for note in layout.annotations)]) >= BACK_ROW_PX
    lines = layout.title.text.split("<br>")
    assert max(map(len, lines)) <= present.TITLE_SIGNS
    assert " ".join(lines).replace("\u00a0", " ") == plain.layout.title.text
    assert layout.margin.t >= len(lines) * BACK_ROW_PX + BACK_ROW_PX  # and a line for the legend
    for one, other in zip(plain.data, shown.data, strict=True):
        assert list(one.x) == list(other.x)
        assert list(one.y) == list(other.y)


def test_otherwise_a_figure_only_takes_the_text_colour_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "on", lambda: False)
    for name, plain in figures().items():
        shown = present.figure(figures()[name])
        assert shown.data == plain.data
        assert shown.layout.font.color == present.theme("textColor") == "#26242b"
        assert all(note.font.color == "#26242b" for note in shown.layout.annotations)
        assert (shown.layout.height, shown.layout.title.text) == (plain.layout.height, plain.layout.title.text)


def test_a_title_that_is_in_lines_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "on", lambda: True)
    plain = figures()["lines"].update_layout(title_text="Accuracy and soft IoU<br>(n = 10,000 images)", title_pad_t=9)
    title = present.figure(plain).layout.title
    assert (title.text, title.pad.t) == ("Accuracy and soft IoU<br>(n = 10,000 images)", 9)
    assert title.font.size == present.TYPE_PX
