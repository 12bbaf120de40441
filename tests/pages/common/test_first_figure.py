"""The still of a session's first figure: the same points, once, and never in the way."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core.figures.plots.base import empty_figure
from core.figures.stills import Paper, still
from pages.parts.common import first_figure, present
from tests.pages.conftest import OpenPage, words

SVG = "{http://www.w3.org/2000/svg}"


def pictures(app: AppTest) -> list[str]:
    """The HTML of every still on the page."""
    return [part.proto.body for part in app.get("html") if "first-figure" in part.proto.body]


def test_it_is_drawn_for_the_first_figure_of_a_session_only(curves: OpenPage) -> None:
    app = curves(of="sweep.digits")
    (drawn,) = pictures(app)
    assert len(app.get("plotly_chart")) == 1
    images = re.findall('<img class="first-figure (.*?)" src="data:image/svg.xml;base64,(.*?)" alt="(.*?)">', drawn)
    assert [size for size, _, _ in images] == ["wide", "narrow"]
    assert {alt for _, _, alt in images} == {app.get("plotly_chart")[0].proto.alt}
    for size, content, _ in images:
        tree = ElementTree.fromstring(base64.b64decode(content))
        assert tree.attrib["viewBox"].split()[2] == str(first_figure.WIDTHS[size])
        assert "sparsity" in " ".join(text.text or "" for text in tree.iter(f"{SVG}text"))
    app.selectbox(key="versus").select("density").run()
    assert pictures(app) == []
    assert len(app.get("plotly_chart")) == 1


def test_presented_figures_have_none(curves: OpenPage) -> None:
    assert pictures(curves(of="sweep.digits", present="1")) == []


def test_it_has_the_points_of_the_figure() -> None:
    figure = present.figure(empty_figure("Values (n = 2)").add_scatter(x=[0, 1], y=[0.25, 0.75], mode="markers"))
    found = first_figure._stills(figure, "#eceaf1")
    assert list(found) == ["wide", "narrow"]
    for size, url in found.items():
        paper = Paper(width=first_figure.WIDTHS[size], ink="#eceaf1", ground="none")
        assert base64.b64decode(url.split(",")[1]).decode() == still(figure, paper)


def test_what_stills_do_not_draw_is_left_to_plotly() -> None:
    assert first_figure._stills(go.Figure().add_pie(values=[1, 2]), "#eceaf1") == {}


def test_alternative_texts_are_text() -> None:
    drawn = first_figure._html({"wide": "data:,"}, 330, "one", '" onerror="alert(1)')
    assert "&quot; onerror=&quot;" in drawn


@pytest.mark.parametrize("name", ["sweep.digits", "thesis"])
def test_a_page_says_the_same_with_and_without(curves: OpenPage, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = curves(of=name)
    assert pictures(app)
    monkeypatch.setattr(first_figure, "_stills", lambda figure, ink: {})
    assert words(curves(of=name)) == words(app)
