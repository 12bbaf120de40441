"""Still pictures of figures: marks lie where the numbers say, and an unknown part raises."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.figures.plots.base import empty_figure, literal
from core.figures.plots.series import add_band
from core.figures.still_axes import colour, number_text, written
from core.figures.still_traces import Unknown
from core.figures.stills import Paper, still

SVG = "{http://www.w3.org/2000/svg}"
LINE = "#123456"
NUMBER = re.compile(r"[ML] (-?[\d.]+) (-?[\d.]+)")


def lines_of(figure: go.Figure, shade: str = LINE) -> list[str]:
    """The paths that are drawn in a colour, in the order in which they are drawn."""
    found = ElementTree.fromstring(still(figure)).iter(f"{SVG}path")
    return [path.attrib["d"] for path in found if f"stroke: {shade}" in path.attrib.get("style", "")]


def points_of(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in NUMBER.findall(path)]


def drawn(x: list[float], y: list[float | None], **layout: object) -> go.Figure:
    figure = empty_figure("Values (n = 3)").update_layout(showlegend=False)
    figure.add_scatter(x=x, y=y, mode="lines", line={"color": LINE})
    return figure.update_layout(**layout)


@settings(max_examples=15)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=6))
def test_points_lie_where_the_numbers_say(values: list[float]) -> None:
    figure = drawn([float(place) for place in range(len(values))], [*values])
    figure.update_yaxes(range=[0, 1]).update_xaxes(range=[0, len(values) - 1])
    (path,) = lines_of(figure)
    found = points_of(path)
    assert len(found) == len(values)
    top, bottom = edges(figure)
    for (_, y), value in zip(found, values, strict=True):
        assert y == pytest.approx(bottom + (top - bottom) * value, abs=0.01)


def edges(figure: go.Figure) -> tuple[float, float]:
    """The heights of 1 and 0 of a figure's vertical axis."""
    probe = go.Figure(figure).update_layout()
    probe.data = ()
    probe.add_scatter(x=[0, 1], y=[1, 0], mode="lines", line={"color": LINE})
    (_, top), (_, bottom) = points_of(lines_of(probe)[0])
    return top, bottom


def test_an_undefined_value_is_a_gap() -> None:
    (path,) = lines_of(drawn([0, 1, 2, 3, 4], [1.0, 0.5, None, 0.4, 0.2]))
    assert path.count("M ") == 2
    assert len(points_of(path)) == 4


def test_a_logarithmic_axis_can_run_backwards() -> None:
    figure = drawn([1.0, 0.1, 0.01], [0.0, 0.5, 1.0]).update_xaxes(type="log", autorange="reversed")
    (path,) = lines_of(figure)
    left, middle, right = (x for x, _ in points_of(path))
    assert left < middle < right
    assert middle - left == pytest.approx(right - middle, abs=0.01)


def test_a_band_lies_between_its_bounds() -> None:
    figure = empty_figure("Band (n = 2)").update_layout(showlegend=False).update_yaxes(range=[0, 1])
    add_band(figure, [0, 1], ([0.2, 0.3], [0.6, 0.7]), LINE, "one")
    top, bottom = edges(figure)
    tree = ElementTree.fromstring(still(figure))
    used = [use for use in tree.iter(f"{SVG}use") if f"fill: {LINE}" in use.attrib.get("style", "")]
    (name,) = {use.attrib["{http://www.w3.org/1999/xlink}href"].removeprefix("#") for use in used}
    path = next(each.attrib["d"] for each in tree.iter(f"{SVG}path") if each.attrib.get("id") == name)
    heights = {round((bottom - y - float(used[0].attrib["y"])) / (bottom - top), 3) for _, y in points_of(path)}
    assert heights == {0.2, 0.3, 0.6, 0.7}


@pytest.mark.parametrize(
    "draw",
    [
        lambda figure: figure.add_pie(values=[1, 2]),
        lambda figure: figure.add_heatmap(z=[[1, 2]]),
        lambda figure: figure.add_scatter(x=[1], y=[1], mode="text", text=["a"]),
        lambda figure: figure.add_scatter(x=[1], y=[1], mode="lines", fill="tozeroy"),
        lambda figure: figure.add_scatter(x=[1], y=[1], mode="markers", marker={"symbol": "hexagram"}),
        lambda figure: figure.add_scatter(x=[1], y=[1], mode="lines", line={"dash": "5px 1px"}),
        lambda figure: figure.add_scatter(x=[1], y=[1], xaxis="x2"),
        lambda figure: figure.add_shape(type="circle", x0=0, x1=1, y0=0, y1=1),
        lambda figure: figure.add_histogram(x=[1, 2]),
    ],
)
def test_what_is_not_known_raises(draw: object) -> None:
    with pytest.raises(Unknown):
        still(draw(empty_figure("Unknown")))  # type: ignore[operator]


def test_names_are_text_and_never_markup() -> None:
    figure = empty_figure(literal("<script>alert(1)</script> $x^2$ \x07 & co"))
    figure.add_scatter(x=[0, 1], y=[0, 1], name=literal("<img src=x onerror=alert(1)>"))
    text = still(figure)
    assert "<script" not in text
    assert "<img" not in text
    words = [node.text for node in ElementTree.fromstring(text).iter(f"{SVG}text")]
    assert "<script>alert(1)</script> $x^2$  & co" in words
    assert "<img src=x onerror=alert(1)>" in words


def test_plotlys_markup_is_read() -> None:
    assert written("a<br>b <b>c</b> &lt;d&gt; &amp;") == "a\nb c <d> &"
    assert written("1 < 2") == "1 < 2"


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [(".0%", 0.25, "25%"), ("~%", 0.003, "0.3%"), (".2f", 0.5, "0.50"), (None, 1000.0, "1000")],
)
def test_ticks_are_written_as_plotly_writes_them(form: str | None, value: float, text: str) -> None:
    assert number_text(form, value) == text


def test_colours_are_those_of_css() -> None:
    assert colour("rgba(255, 0, 51, 0.5)") == (1.0, 0.0, 0.2, 0.5)
    assert colour("#ff0033", 0.5) == pytest.approx((1.0, 0.0, 0.2, 0.5))
    assert colour("white") == (1, 1, 1, 1)


def test_paper_decides_ink_ground_and_width() -> None:
    figure = drawn([0, 1], [0.2, 0.4]).update_xaxes(title="sparsity")
    tree = ElementTree.fromstring(still(figure, Paper(width=358, ink="#eceaf1", ground="none")))
    assert tree.attrib["viewBox"].split()[2] == "358"
    assert {"fill: #eceaf1" in text.attrib["style"] for text in tree.iter(f"{SVG}text")} == {True}
    assert "#ffffff" not in still(figure, Paper(ground="none"))
    assert "fill: #ffffff" in still(figure)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), min_size=2, max_size=5))
def test_stacked_bars_stand_on_each_other(shares: list[tuple[float, float]]) -> None:
    figure = empty_figure("Bars (n = 2)").update_layout(showlegend=False, barmode="stack").update_yaxes(range=[0, 1])
    places = [0.1 * place for place in range(len(shares))]
    for nth, shade in enumerate((LINE, "#654321")):
        figure.add_bar(x=places, y=[pair[nth] for pair in shares], marker={"color": shade})
    top, bottom = edges(figure)
    lower, upper = (boxes(figure, shade) for shade in (LINE, "#654321"))
    for (left, right, low, high), above, (first, second) in zip(lower, upper, shares, strict=True):
        assert above[:2] == (left, right)
        ends = [(bottom - y) / (bottom - top) for y in (low, high, *above[2:])]
        assert ends == pytest.approx([0, first, first, first + second], abs=1e-4)
    for before, after in pairwise(lower):
        assert before[1] < after[0]  # neighbours do not touch


def boxes(figure: go.Figure, shade: str) -> list[tuple[float, float, float, float]]:
    """Left, right, bottom and top of the bars of a colour."""
    found = []
    for path in ElementTree.fromstring(still(figure)).iter(f"{SVG}path"):
        if f"fill: {shade}" in path.attrib.get("style", ""):
            across, up = zip(*points_of(path.attrib["d"]), strict=True)
            found.append((min(across), max(across), max(up), min(up)))
    return found


def test_stacked_bars_below_zero_are_not_known() -> None:
    figure = empty_figure("Bars (n = 2)").update_layout(barmode="stack")
    figure.add_bar(x=[0, 1], y=[0.5, -0.5])
    with pytest.raises(Unknown):
        still(figure)
