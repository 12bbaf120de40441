"""Plotly figures of the summary of a sweep for pages and notebooks."""

from __future__ import annotations

import plotly.graph_objects as go
from pandas import DataFrame, concat

from core.figures.plots.base import NEUTRAL, empty_figure, literal, sparsity_axis, sparsity_position
from core.figures.plots.series import COLOURS, DASHES, add_band
from core.figures.wording import of_truth
from core.saliency.baselines import BASELINES, heatmap_title
from core.sweeps.read import HEATMAP, measure_title, of_measure

MODEL = ("model", "weights", "seed")
PRUNING = ("schedule", "granularity", "scope", "criterion")
LINEAR_TO = 0.9  # sparsity: beyond it the axis is logarithmic, as retrained networks need it


def means(rows: DataFrame, measure: str, truth: str = "ink") -> go.Figure:
    """Plot the mean of a measure with its 95 % interval by sparsity: one line for every heatmap,
    and for every model and way to prune if there are several.

    Args:
        rows: as `core.sweeps.read.summary` returns them. truth: of the data set, for the title.
    """
    shown = of_measure(rows, measure)
    counts = sorted({int(n) for n in shown.n})
    n = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1]))) if counts else "0"
    figure = empty_figure(f"{of_truth(measure_title(measure), truth)} (n = {n} images)", height=330)
    deep = bool((shown.sparsity > LINEAR_TO).any())
    for place, (name, part) in enumerate(lines(shown)):
        grey = part.heatmap.isin(BASELINES).all()  # what the others are compared with
        look = (NEUTRAL, DASHES[1 + place % 3]) if grey else (COLOURS[place % len(COLOURS)], "solid")
        _line(figure, name, part.assign(x=part.sparsity.map(sparsity_position) if deep else part.sparsity), look)
    if deep:
        sparsity_axis(figure)
    else:
        top = max(0.1, *shown.sparsity)
        figure.update_xaxes(tickformat=".0%", title="sparsity", range=[-0.02 * top, 1.02 * top])
    figure.update_yaxes(title="mean, 95 % interval")
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})


def lines(shown: DataFrame) -> list[tuple[str, DataFrame]]:
    """Return the rows of each line with its name: what distinguishes it.

    A dense network is the first point of every line of its model.
    """
    what = [*MODEL, *HEATMAP]
    is_dense = shown.schedule == "none"
    pruned = shown if is_dense.all() else shown[~is_dense]
    found = []
    for _, part in pruned.groupby([*what, *PRUNING], sort=False):
        same = (shown[what] == part[what].iloc[0]).all(axis=1)
        names = [_text(name, part[name].iloc[0]) for name in (*what, *PRUNING) if pruned[name].nunique() > 1]
        points = concat([shown[same & is_dense & ~is_dense.all()], part]).sort_values("sparsity")
        found.append((", ".join(names) or "mean", points))
    return found


def _text(column: str, value: object) -> str:
    if column == "heatmap":
        return heatmap_title(str(value))
    return f"{column} {value}" if column in ("seed", "layer", "target") else str(value)


def _line(figure: go.Figure, name: str, points: DataFrame, look: tuple[str, str]) -> None:
    (colour, dash), name = look, literal(name)
    add_band(figure, points.x, (points.low, points.high), colour, name)
    figure.add_scatter(
        x=points.x,
        y=points["mean"],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 5},
        connectgaps=False,
        customdata=points[["sparsity", "low", "high", "n"]],
        hovertemplate=(
            "%{customdata[0]:.1%} sparsity: <b>%{y:.3f}</b> [%{customdata[1]:.3f}, %{customdata[2]:.3f}],"
            " n %{customdata[3]:,}<extra>" + name + "</extra>"
        ),
    )
