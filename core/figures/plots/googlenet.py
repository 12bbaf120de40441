"""Plotly figures of the GoogLeNet study's tables for pages and notebooks.

They compute only positions.
"""

from __future__ import annotations

from itertools import product

import plotly.graph_objects as go
from pandas import Series, concat

from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure
from core.protocols.googlenet.interpretability import baselines, beside_accuracy
from core.protocols.googlenet.protocol import CURVE_RATE, PRUNINGS
from core.protocols.googlenet.summary import percent
from core.protocols.googlenet.tables import VonradTables
from core.units.embeddings import SIMILARITIES

COLOURS = dict(zip(PRUNINGS, (PRUNED, "#1f9e89", "#3f7fd0", "#c2497f"), strict=True))
SYMBOLS = dict(zip(PRUNINGS, ("circle", "square", "diamond", "triangle-up"), strict=True))
TICKS = (0.0, 0.3, 0.5, 0.7, 0.89)  # as many of the published rates as fit on a phone
DASHES = {"none": "dot", "one-shot": "dash", "iterative": "solid"}
OPEN = {"none": "-open", "one-shot": "", "iterative": ""}  # markers of networks that were not retrained are hollow
NAMES = {
    "unstructured": "unstructured",
    "filters": "filters",
    "connections": "kernels",
    "input-channels": "input channels",
}
BASELINES = {"dense": "top left", "untrained": "bottom right", "random exemplars": "bottom left"}  # of their names
COSTS: dict[str, tuple[str, str]] = {
    "parameters": ("parameters_left", "parameters that are not zero"),
    "multiply-adds": ("multiply_adds_left", "multiply-adds with weights that are not zero"),
    "parameters, channels removed": ("physical_parameters", "parameters after removal of emptied channels"),
    "multiply-adds, channels removed": (
        "physical_multiply_adds",
        "multiply-adds after removal of emptied channels",
    ),
}


def without_retraining(tables: VonradTables) -> go.Figure:
    """Plot accuracy by pruning rate before any retraining, one line per pruning, with Wilson's
    intervals.
    """
    figure = _figure("Accuracy without retraining", _tests(tables))
    for pruning in _there(tables, "none"):
        _line(figure, tables, pruning, "none", "solid")
    return _rates(figure, tables)


def iterative_and_one_shot(tables: VonradTables) -> go.Figure:
    """Plot accuracy by pruning rate after retraining: colours are prunings, solid lines iterative,
    dashed lines one-shot.
    """
    figure = _figure("Accuracy after retraining", _tests(tables))
    for retraining in ("one-shot", "iterative"):
        for pruning in _there(tables, retraining):
            # Each pruning appears once in the legend.
            named = retraining == "one-shot" or pruning not in _there(tables, "one-shot")
            _line(figure, tables, pruning, retraining, DASHES[retraining], named)
        if _there(tables, retraining):
            _style(figure, retraining, retraining)
    return _rates(figure, tables)


def curve(tables: VonradTables, rate: float = CURVE_RATE) -> go.Figure:
    """Plot validation accuracy by epoch after one-shot pruning at a rate, one line per pruning."""
    found = {(pruning, seed): tables.curve(pruning, rate, seed) for pruning in PRUNINGS for seed in tables.seeds()}
    found = {place: rows for place, rows in found.items() if len(rows)}
    if not found:
        return empty_figure(f"No network pruned by {percent(rate, 0)} has been retrained yet.")
    total = int(next(iter(found.values())).total.iloc[0])
    figure = _figure(f"Epochs after one-shot pruning by {percent(rate, 0)}", f"{total:,} validation images")
    for (pruning, seed), rows in found.items():
        figure.add_scatter(
            x=rows.epoch,
            y=rows.correct / rows.total,
            name=NAMES[pruning],
            mode="lines+markers",
            legendgroup=pruning,
            showlegend=seed == tables.seeds()[0],
            line={"color": COLOURS[pruning]},
            marker={"symbol": SYMBOLS[pruning], "size": 8},
            customdata=rows.correct,
            hovertemplate="epoch %{x}: %{y:.1%} (%{customdata:,} correct)<extra>" + NAMES[pruning] + "</extra>",
        )
    figure.update_xaxes(title="epoch", dtick=max(1, max(int(rows.epoch.max()) for rows in found.values()) // 10))
    trained = tables.epochs[tables.epochs.pruning == "dense"]
    best = trained.groupby("seed").correct.max().mean() / total  # of the epoch that was kept, on the same images
    return _accuracies(figure, tables, float(best))


def methods(tables: VonradTables, cost: str = "parameters") -> go.Figure:
    """Plot accuracy by the remaining cost, one point per network. cost: a key of COSTS. Markers
    show how it was retrained.
    """
    column, title = COSTS[cost]
    figure = _figure(f"Accuracy by {cost}", _tests(tables), 500)
    whole = float(
        tables.levels[tables.levels.pruning == "dense"][column.split("_left")[0].removeprefix("physical_")].iloc[0]
    )
    for retraining, symbol in OPEN.items():
        for pruning in _there(tables, retraining):
            for seed in tables.seeds():
                rows = tables.series(pruning, retraining, seed)
                figure.add_scatter(
                    x=rows[column] / whole,
                    y=rows.accuracy,
                    mode="lines+markers",
                    name=NAMES[pruning],
                    legendgroup=pruning,
                    showlegend=retraining == "none" and seed == tables.seeds()[0],
                    line={"color": COLOURS[pruning], "dash": DASHES[retraining], "width": 1.5},
                    marker={"symbol": SYMBOLS[pruning] + symbol, "size": 8},
                    customdata=rows.rate,
                    hovertemplate=(
                        "rate %{customdata:.0%}: %{x:.1%} left, %{y:.1%} right"
                        f"<extra>{NAMES[pruning]}, {retraining}</extra>"
                    ),
                )
        if _there(tables, retraining):
            _style(figure, retraining, "not retrained" if retraining == "none" else retraining)
    figure.update_xaxes(
        title=f"{title},<br>share of the dense network's (log)",
        type="log",
        tickformat=".0%",
        tickvals=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
        tickangle=0,
    )
    return _accuracies(figure, tables)


def interpretability(tables: VonradTables, similarity: str) -> go.Figure:
    """Plot the mean confidence of the units' tasks by pruning rate, one line per pruning and
    retraining, as in the paper's figure 5; bars are 95 % intervals over units and tasks.

    Raises MissingData: no units are scored.
    """
    rows = beside_accuracy(tables)
    units, images = int(rows.units.max()), int(rows["n"].max())
    figure = _figure("Interpretability of single units", f"{units:,} units, {images:,} images", 500)
    dense, mis = rows[rows.pruning == "dense"], f"mis-{similarity}"
    for retraining, symbol in OPEN.items():
        there = [name for name in PRUNINGS if ((rows.pruning == name) & (rows.retraining == retraining)).any()]
        for pruning, seed in product(there, tables.seeds()):
            own = rows[(rows.pruning == pruning) & (rows.retraining == retraining) & (rows.seed == seed)]
            line = concat([dense[dense.seed == seed], own]).sort_values("rate")
            figure.add_scatter(
                x=line.rate,
                y=line[mis],
                error_y=_intervals(line[mis], line[f"low-{similarity}"], line[f"high-{similarity}"]),
                mode="lines+markers",
                name=NAMES[pruning],
                legendgroup=pruning,
                showlegend=retraining == "none" and seed == tables.seeds()[0],
                line={"color": COLOURS[pruning], "dash": DASHES[retraining], "width": 2},
                marker={"symbol": SYMBOLS[pruning] + symbol, "size": 8},
                customdata=line[["accuracy", "dead", "units"]],
                hovertemplate=(
                    "rate %{x:.0%}: score %{y:.3f}<br>accuracy %{customdata[0]:.1%}, %{customdata[1]:,} of"
                    f" %{{customdata[2]:,}} units dead<extra>{NAMES[pruning]}, {retraining}</extra>"
                ),
            )
        if there:
            _style(figure, retraining, "not retrained" if retraining == "none" else retraining)
    for name, value in baselines(tables, similarity).items():
        _level(figure, value, DENSE if name == "dense" else NEUTRAL, name, BASELINES[name])
    _rate_axis(figure)
    return figure.update_yaxes(title=f"mean confidence, {SIMILARITIES[similarity].title}", tickformat=".2f")


def _figure(title: str, n: str, height: int = 430) -> go.Figure:
    """Return a figure in the common style, with the title in two lines, so that it fits on a phone,
    and the legend below.
    """
    figure = empty_figure(f"{title}<br>(n = {n})", height)
    # plotly puts the first of several lines 14 pixels higher than a single one
    figure.update_layout(
        title={"x": 0, "xref": "container", "y": 1 - 14 / height, "font": {"weight": "bold"}}, margin={"t": 58}
    )
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})


def _tests(tables: VonradTables) -> str:
    return f"{int(tables.levels.total.iloc[0]):,} test images"


def _there(tables: VonradTables, retraining: str) -> list[str]:
    there = set(tables.levels[tables.levels.retraining == retraining].pruning)
    return [name for name in PRUNINGS if name in there]


def _line(figure: go.Figure, tables: VonradTables, pruning: str, retraining: str, dash: str, show: bool = True) -> None:
    for seed in tables.seeds():
        rows = tables.series(pruning, retraining, seed)
        figure.add_scatter(
            x=rows.rate,
            y=rows.accuracy,
            error_y=_intervals(rows.accuracy, rows.low, rows.high),
            mode="lines+markers",
            name=NAMES[pruning],
            legendgroup=pruning,
            showlegend=show and seed == tables.seeds()[0],
            line={"color": COLOURS[pruning], "dash": dash, "width": 2},
            marker={"symbol": SYMBOLS[pruning], "size": 8},
            customdata=rows[["correct", "total", "sparsity"]],
            hovertemplate=(
                "rate %{x:.0%} (%{customdata[2]:.1%} removed): %{y:.1%}, %{customdata[0]:,} of"
                f" %{{customdata[1]:,}}<extra>{NAMES[pruning]}, {retraining}</extra>"
            ),
        )


def _style(figure: go.Figure, retraining: str, name: str) -> None:
    """Add a legend entry for the dashes of this retraining."""
    figure.add_scatter(x=[None], y=[None], mode="lines", name=name, line={"color": NEUTRAL, "dash": DASHES[retraining]})


def _intervals(values: Series, low: Series, high: Series) -> dict[str, object]:
    return {"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low, "width": 2}


def _rates(figure: go.Figure, tables: VonradTables) -> go.Figure:
    return _accuracies(_rate_axis(figure), tables)


def _rate_axis(figure: go.Figure) -> go.Figure:
    return figure.update_xaxes(
        title="requested pruning rate", tickformat=".0%", tickvals=TICKS, tickangle=0, range=[-0.03, 1]
    )


def _level(figure: go.Figure, value: float, colour: str, name: str, place: str) -> None:
    """Mark a value with a line and its name."""
    figure.add_hline(
        y=value,
        line={"color": colour, "width": 1, "dash": "dot"},
        annotation_text=name,
        annotation_position=place,
        annotation_font={"size": 11, "color": colour},
    )


def _accuracies(figure: go.Figure, tables: VonradTables, dense: float | None = None) -> go.Figure:
    """Add the axis of accuracies, with lines at the dense network's accuracy and at chance. dense:
    its accuracy; defaults to that on the test images.
    """
    if dense is None:
        dense = float(tables.levels[tables.levels.pruning == "dense"].accuracy.mean())
    classes = len(next(iter(tables.facts["runs"].values()))["classes"])
    _level(figure, dense, DENSE, "dense", "top right")
    _level(figure, 1 / classes, NEUTRAL, "chance", "bottom left")
    return figure.update_yaxes(title="accuracy", tickformat=".0%", range=[-0.02, 1.03])
