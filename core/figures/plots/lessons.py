"""Plotly figures of the lessons, in the style of core.figures.plots.base: few marks, large enough
for a lecture room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure

FADED = "rgba(139, 135, 152, 0.45)"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: its name, colour, and points; None where undefined."""

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float | None]
    dash: str = "solid"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Title with units and n, names of the axes, and the position of the control (None: no
    marker).
    """

    title: str
    x: str
    y: str
    marker: float | None = None
    percent: bool = False  # whether x is a share


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Values with their intervals, one per row of the figure."""

    name: str
    colour: str
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def lines(frame: Frame, drawn: Sequence[Line]) -> go.Figure:
    """Plot lines from 0 to 1 over a common axis, with a marker at the control."""
    figure = empty_figure(frame.title, height=340)
    for line in drawn:
        figure.add_scatter(
            x=list(line.x),
            y=list(line.y),
            name=line.name,
            mode="lines+markers",
            marker={"size": 5},
            line={"color": line.colour, "width": 2.5, "dash": line.dash},
            connectgaps=False,
        )
    if frame.marker is not None:
        figure.add_vline(x=frame.marker, line={"color": NEUTRAL, "width": 2})
    figure.update_xaxes(title=frame.x, tickformat=".0%" if frame.percent else None)
    return figure.update_yaxes(title=frame.y, range=[0, 1.03])


def bars(frame: Frame, names: Sequence[str], values: Sequence[float | None], strong: int | None = None) -> go.Figure:
    """Plot one bar per name; `strong` is the index of the highlighted one."""
    figure = empty_figure(frame.title, height=300)
    colours = [DENSE if place == strong else PRUNED for place in range(len(names))]
    texts = ["–" if value is None else f"{value:.2f}" for value in values]
    figure.add_bar(x=list(names), y=[value or 0 for value in values], marker={"color": colours}, width=0.6, text=texts)
    figure.update_traces(textposition="outside", cliponaxis=False)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(type="category", title=frame.x, showgrid=False)
    return figure.update_yaxes(title=frame.y, range=[0, 1.12])


def scatter(
    frame: Frame, points: Sequence[tuple[float, float, int]], left_out: Sequence[tuple[float, float, int]] = ()
) -> go.Figure:
    """Plot (accuracy, overlap, level) of each level, connected in order; excluded levels are faint
    crosses.
    """
    figure = empty_figure(frame.title, height=340)
    for name, shown, colour, symbol in (("counted", points, PRUNED, "circle"), ("left out", left_out, FADED, "x")):
        if shown:
            figure.add_scatter(
                x=[p[0] for p in shown],
                y=[p[1] for p in shown],
                customdata=[p[2] for p in shown],
                name=name,
                mode="lines+markers" if symbol == "circle" else "markers",
                line={"color": FADED, "width": 1},
                marker={"size": 12, "color": colour, "symbol": symbol},
                hovertemplate="level %{customdata}: accuracy %{x:.1%}, soft IoU %{y:.3f}<extra></extra>",
            )
    for accuracy, overlap, level in [point for point in (*points, *left_out) if point[2] in (0, 25)]:
        figure.add_annotation(
            x=accuracy,
            y=overlap,
            text=f"level {level}",
            ax=65 if level else 0,
            ay=0 if level else -45,
            arrowcolor=NEUTRAL,
            arrowwidth=1,
        )
    figure.update_xaxes(title=frame.x, range=[0, 1.04], tickformat=".0%")
    return figure.update_yaxes(title=frame.y, range=[-0.02, 0.33])


def race(
    frame: Frame, names: Sequence[str], moved: Sequence[float | None], flipped: Sequence[float | None]
) -> go.Figure:
    """Plot where each digit's heatmap moves and where its answer changes, one row per digit; None
    means never and is drawn at the end.
    """
    figure = empty_figure(frame.title, height=400)
    for name, first, second in zip(names, moved, flipped, strict=True):
        figure.add_scatter(
            x=[1.0 if first is None else first, 1.0 if second is None else second],
            y=[name, name],
            mode="lines",
            line={"color": FADED, "width": 3},
            showlegend=False,
            hoverinfo="skip",
        )
    for title, places, colour, symbol in (
        ("heatmap moves", moved, PRUNED, "circle"),
        ("answer changes", flipped, DENSE, "diamond"),
    ):
        figure.add_scatter(
            x=[1.0 if place is None else place for place in places],
            y=list(names),
            name=title,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 13},
        )
    figure.update_xaxes(title=frame.x, range=[-0.02, 1.05], tickformat=".0%")
    return figure.update_yaxes(type="category", title=frame.y, categoryorder="array", categoryarray=list(names)[::-1])


def changes(frame: Frame, values: Sequence[float], mean: float | None = None) -> go.Figure:
    """Plot one value an image, from low to high, and their mean; zero is marked."""
    figure = empty_figure(frame.title, height=340)
    shown = sorted(values)
    figure.add_scatter(
        x=list(range(1, len(shown) + 1)),
        y=shown,
        name="image",
        mode="markers",
        marker={"color": PRUNED, "size": 5},
        hovertemplate="%{y:+.3f}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 2, "dash": "dot"})
    if mean is not None:
        figure.add_hline(y=mean, line={"color": DENSE, "width": 3})
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title=frame.x)
    return figure.update_yaxes(title=frame.y)


def bounds(frame: Frame, x: Sequence[float], drawn: Sequence[Spread]) -> go.Figure:
    """Plot values with their intervals along an axis; zero is marked. Several series stand beside
    each other.
    """
    figure = empty_figure(frame.title, height=340)
    for place, one in enumerate(drawn):
        figure.add_scatter(
            x=[value + 0.3 * place for value in x],
            y=list(one.values),
            name=one.name,
            mode="markers",
            marker={"color": one.colour, "size": 8},
            error_y=_error(one),
        )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 2, "dash": "dot"})
    figure.update_xaxes(title=frame.x)
    return figure.update_yaxes(title=frame.y)


def _error(one: Spread) -> dict[str, object]:
    above = [high - value for high, value in zip(one.high, one.values, strict=True)]
    below = [value - low for low, value in zip(one.low, one.values, strict=True)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 2}


def spreads(frame: Frame, names: Sequence[str], drawn: Sequence[Spread], reach: float = 1.05) -> go.Figure:
    """Plot values with their intervals, one row per name; zero is marked, since signs are compared.
    reach: of the axis, in both directions.
    """
    figure = empty_figure(frame.title, height=340)
    for one in drawn:
        figure.add_scatter(
            x=list(one.values),
            y=list(names),
            name=one.name,
            mode="markers",
            marker={"color": one.colour, "size": 15},
            error_x=_error(one),
        )
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 2, "dash": "dot"})
    figure.update_xaxes(title=frame.x, range=[-reach, reach])
    return figure.update_yaxes(type="category", title=frame.y, categoryorder="array", categoryarray=list(names)[::-1])
