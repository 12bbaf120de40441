"""Figures of the lessons hold the numbers they are given, and keep gaps, signs and order."""

from __future__ import annotations

import json

import plotly.graph_objects as go
import pytest

from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import DENSE, PRUNED
from core.figures.plots.lessons import Frame, Line, Spread

FRAME = Frame(title="Something (n = 3)", x="level", y="share")
POINTS = [(0.98, 0.2, 0), (0.5, 0.1, 12), (0.1, 0.0, 25)]


def figures() -> dict[str, go.Figure]:
    spread = Spread(name="counted", colour=PRUNED, values=[0.9, -0.8], low=[0.8, -0.85], high=[0.95, -0.7])
    return {
        "lines": plots_lessons.lines(FRAME, [Line(name="one", colour=PRUNED, x=[0, 1, 2], y=[0.5, None, 0.1])]),
        "bars": plots_lessons.bars(FRAME, "012", [0.5, None, 0.25], strong=1),
        "scatter": plots_lessons.scatter(FRAME, POINTS[:2], POINTS[2:]),
        "race": plots_lessons.race(FRAME, "01", [0.5, None], [0.75, 0.9]),
        "spreads": plots_lessons.spreads(FRAME, ["seed 333", "means"], [spread]),
        "changes": plots_lessons.changes(FRAME, [0.2, -0.1, 0.0], 0.03),
        "bounds": plots_lessons.bounds(FRAME, [1, 2], [spread, spread]),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_has_its_title_and_axes_and_is_small_json(name: str) -> None:
    figure = figures()[name]
    text = figure.to_json()
    assert "NaN" not in text
    assert len(text) < 40_000
    assert json.loads(text)["layout"]["title"]["text"] == FRAME.title
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (FRAME.x, FRAME.y)


def test_an_undefined_value_is_a_gap_or_a_dash() -> None:
    (line,) = figures()["lines"].data
    assert list(line.y) == [0.5, None, 0.1]
    assert line.connectgaps is False
    (bar,) = figures()["bars"].data
    assert list(bar.text) == ["0.50", "–", "0.25"]
    assert list(bar.marker.color) == [PRUNED, DENSE, PRUNED]


def test_the_marker_stands_at_the_control() -> None:
    assert not figures()["lines"].layout.shapes
    at = Frame(title="t", x="x", y="y", marker=7)
    (marker,) = plots_lessons.lines(at, []).layout.shapes
    assert marker.x0 == marker.x1 == 7


def test_points_left_out_are_no_part_of_the_line() -> None:
    counted, left_out = figures()["scatter"].data
    assert list(counted.x) == [0.98, 0.5]
    assert list(left_out.x) == [0.1]
    assert left_out.mode == "markers"
    assert [note.text for note in figures()["scatter"].layout.annotations] == ["level 0", "level 25"]


def test_never_is_drawn_at_the_end() -> None:
    moved = next(trace for trace in figures()["race"].data if trace.name == "heatmap moves")
    assert list(moved.x) == [0.5, 1.0]


def test_a_spread_is_its_interval_about_its_value() -> None:
    figure = figures()["spreads"]
    (trace,) = figure.data
    assert [value + up for value, up in zip(trace.x, trace.error_x.array, strict=True)] == pytest.approx([0.95, -0.7])
    assert [value - down for value, down in zip(trace.x, trace.error_x.arrayminus, strict=True)] == pytest.approx(
        [0.8, -0.85]
    )
    assert figure.layout.shapes[0].x0 == 0
    assert list(figure.layout.yaxis.categoryarray) == ["means", "seed 333"]  # plotly draws from below


def test_changes_are_sorted_with_zero_and_their_mean_marked() -> None:
    figure = figures()["changes"]
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([1, 2, 3], [-0.1, 0.0, 0.2])
    assert [shape.y0 for shape in figure.layout.shapes] == [0, 0.03]
    assert len(plots_lessons.changes(FRAME, [0.2]).layout.shapes) == 1


def test_bounds_of_several_series_do_not_cover_each_other() -> None:
    first, second = figures()["bounds"].data
    assert list(first.x) == [1, 2]
    assert set(first.x).isdisjoint(second.x)
    for trace in (first, second):
        assert [value + up for value, up in zip(trace.y, trace.error_y.array, strict=True)] == pytest.approx(
            [0.95, -0.7]
        )


def test_a_spread_reaches_as_far_as_it_is_told() -> None:
    spread = Spread(name="one", colour=PRUNED, values=[0.01], low=[0.0], high=[0.02])
    assert plots_lessons.spreads(FRAME, ["a"], [spread], 0.05).layout.xaxis.range == (-0.05, 0.05)
