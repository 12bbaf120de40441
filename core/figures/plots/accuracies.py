"""Accuracy of several pruning methods by density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.figures.plots.base import empty_figure, literal
from core.figures.plots.series import COLOURS, add_band
from core.results import Accuracy, MaskReport

Curve = Sequence[tuple[MaskReport, Accuracy]]  # the result of `Engine.accuracy_curve`


def accuracy_curves(curves: Mapping[str, Curve]) -> go.Figure:
    """Plot accuracy by density on a logarithmic axis, one line with its 95 % band per pruning
    method.

    Args:
        curves: by the name of the line. Points without any weight are not on the axis.
    """
    totals = {accuracy.total for curve in curves.values() for _, accuracy in curve}
    n = f"{max(totals):,}" if totals else "0"
    figure = empty_figure(f"Accuracy by density, with 95 % intervals (n = {n} images)", height=420)
    for place, (name, curve) in enumerate(curves.items()):
        _curve(figure, literal(name), [point for point in curve if point[0].kept], COLOURS[place % len(COLOURS)])
    figure.update_xaxes(
        type="log", autorange="reversed", title="density: kept share of the weights (log)", tickformat="~%"
    )
    figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom"})
    return figure.update_yaxes(title="accuracy", range=[0, 1.03], tickformat=".0%")


def _curve(figure: go.Figure, name: str, points: Curve, colour: str) -> None:
    kept = [report.density for report, _ in points]
    bounds = [accuracy.low for _, accuracy in points], [accuracy.high for _, accuracy in points]
    add_band(figure, kept, bounds, colour, name)
    figure.add_scatter(
        x=kept,
        y=[accuracy.fraction for _, accuracy in points],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 4},
        customdata=[[report.sparsity, accuracy.correct, accuracy.total] for report, accuracy in points],
        hovertemplate="%{customdata[0]:.2%} sparsity: %{customdata[1]:,} of %{customdata[2]:,} correct",
    )
