"""Plotly figures of the summary of a sweep for pages and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from pandas import DataFrame, Series, concat

from core.figures.plots.base import DENSE, NEUTRAL, empty_figure, literal, sparsity_axis, sparsity_position
from core.figures.plots.series import COLOURS, DASHES, add_band
from core.figures.wording import of_truth
from core.saliency.baselines import BASELINES, heatmap_title
from core.sweeps.read import HEATMAP, SEEDS, measure_title, of_measure

MODEL = ("model", "weights", "seed")
PRUNING = ("schedule", "granularity", "scope", "criterion")
JUST_ONE = 3  # traces of one line: two of its band, and itself
LINEAR_TO = 0.9  # sparsity: beyond it the axis is logarithmic, as retrained networks need it
AXES: dict[str, str] = {
    "sparsity": "sparsity",
    "level": "level",
    "density": "density (logarithmic)",
    "ratio": "compression ratio (log), all / left parameters",
    "conv": "compression rate of the convolutions (log)",
    "multiply-adds": "multiply-adds an image without zeros (log)",
    "time": "time an image, milliseconds",
}
COLUMNS = {
    "level": "level",
    "ratio": "compression",
    "conv": "compression_of_convolutions",
    "multiply-adds": "multiply_adds",
    "time": "milliseconds",
}
TICKS = {
    "density": (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001),
    "ratio": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    "conv": (1, 2, 4, 8, 16, 32, 64, 128),
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """Values of a paper. points: (sparsity, value), at the networks that are drawn. source: which
    network on which images.
    """

    points: tuple[tuple[float, float], ...]
    source: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """How curves are drawn. axis: a key of AXES. difference: the rows are differences from the
    reference. levels: values to draw a line at, by name. published: to draw beside.
    """

    axis: str = "sparsity"
    difference: bool = False
    levels: tuple[tuple[str, float], ...] = ()
    published: Published | None = None


def means(rows: DataFrame, measure: str, truth: str = "ink", look: Look = Look()) -> go.Figure:
    """Plot the mean of a measure with its 95 % interval: one line for every heatmap, and for every
    model and way to prune if there are several. Where rows average over seeds, each seed is a thin
    line.

    Args:
        rows: as `core.sweeps.read.summary` or `core.sweeps.curves.curves` returns them; for the
            axes "multiply-adds" and "time" with the columns "multiply_adds" and "milliseconds".
        truth: of the data set, for the title.
    """
    shown = of_measure(rows, measure)
    shown = shown.assign(x=positions(shown, look.axis))
    counts = sorted({int(n) for n in shown.n})
    n = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1]))) if counts else "0"
    title = of_truth(measure_title(measure), truth) + (" minus the reference's" if look.difference else "")
    figure = empty_figure(f"{title} (n = {n} images)", height=330)
    averaged = shown[shown[SEEDS] > 1] if SEEDS in shown else shown[:0]
    for place, (name, part) in enumerate(lines(averaged if len(averaged) else shown)):
        colour, dash = _look(part, place)
        for _, seed in shown.drop(averaged.index).groupby("seed") if len(averaged) else ():
            _thin(figure, _same_line(seed, part), colour, name)
        _line(figure, name, part, (colour, dash))
    for place, (name, value) in enumerate(look.levels):
        _level(figure, name, value, DASHES[1 + place % 3])
    if look.published:
        _published(figure, shown, look.published)
    _along(figure, shown, look.axis)
    figure.update_layout(showlegend=len(figure.data) > JUST_ONE)
    figure.update_yaxes(title="mean difference, 95 % interval" if look.difference else "mean, 95 % interval")
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})


def positions(rows: DataFrame, axis: str) -> Series:
    """Return where the networks stand on an axis; NaN where it says nothing of them."""
    if axis in COLUMNS:
        return rows[COLUMNS[axis]].astype(float)
    if axis == "density":
        return 1 - rows.sparsity
    return rows.sparsity.map(sparsity_position) if _is_deep(rows) else rows.sparsity


def _is_deep(rows: DataFrame) -> bool:
    return bool((rows.sparsity > LINEAR_TO).any())


def _along(figure: go.Figure, shown: DataFrame, axis: str) -> None:
    if axis == "sparsity" and _is_deep(shown):
        sparsity_axis(figure)
        figure.update_xaxes(range=[-0.03, float(shown.x.max()) + 0.05])
        return
    figure.update_xaxes(title=AXES[axis])
    if axis == "sparsity":
        top = max(0.1, *shown.sparsity)
        figure.update_xaxes(tickformat=".0%", range=[-0.02 * top, 1.02 * top])
    elif axis not in ("level", "time"):
        figure.update_xaxes(type="log")
        if axis in TICKS:
            figure.update_xaxes(tickvals=TICKS[axis], ticktext=[f"{value:g}" for value in TICKS[axis]])
    if axis == "density":
        figure.update_xaxes(autorange="reversed")


def lines(shown: DataFrame) -> list[tuple[str, DataFrame]]:
    """Return the rows of each line with its name: what distinguishes it.

    A dense network is the first point of every line of its model.
    """
    what, how = [*MODEL, *HEATMAP], [*MODEL, *HEATMAP, *PRUNING]
    is_dense = shown.schedule == "none"
    alone = is_dense.all()
    pruned = shown if alone else shown[~is_dense]
    dense = {} if alone else dict(iter(shown[is_dense].groupby(what, sort=False)))
    varied = [name for name in how if pruned[name].nunique() > 1]
    found = []
    for key, part in pruned.groupby(how, sort=False):
        names = [_text(name, part[name].iloc[0]) for name in varied]
        first = dense.get(key[: len(what)])
        points = (part if first is None else concat([first, part])).sort_values("sparsity")
        found.append((", ".join(filter(None, names)) or "mean", points))
    return found


def _same_line(rows: DataFrame, part: DataFrame) -> DataFrame:
    """Return the rows of one seed that belong to the line of all seeds."""
    what = ["model", "weights", *HEATMAP]
    rows = rows[(rows[what] == part[what].iloc[-1]).all(axis=1)]
    family = list(PRUNING)
    is_own = (rows[family] == part[family].iloc[-1]).all(axis=1) | (rows.schedule == "none")
    return rows[is_own].sort_values("sparsity")


def _look(points: DataFrame, place: int) -> tuple[str, str]:
    """Return colour and dash; grey is what the others are compared with."""
    if points.heatmap.isin(BASELINES).all() or (points.criterion.iloc[-1] == "random"):
        return NEUTRAL, DASHES[1 + place % 3]
    return COLOURS[place % len(COLOURS)], "solid"


def _text(column: str, value: object) -> str:
    if column == "heatmap":
        return heatmap_title(str(value))
    return f"{column} {value}" if column in ("seed", "layer", "target") else str(value)


def _thin(figure: go.Figure, points: DataFrame, colour: str, name: str) -> None:
    """Draw one seed."""
    if points.empty:
        return
    figure.add_scatter(
        x=points.x,
        y=points["mean"],
        mode="lines",
        line={"color": colour, "width": 0.8},
        opacity=0.6,
        legendgroup=literal(name),
        showlegend=False,
        hovertemplate=f"seed {points.seed.iloc[0]}: %{{y:.3f}}<extra></extra>",
    )


def _line(figure: go.Figure, name: str, points: DataFrame, look: tuple[str, str]) -> None:
    (colour, dash), name = look, literal(name)
    add_band(figure, points.x, (points.low, points.high), colour, name)
    gone = points.collapsed.fillna(value=False).astype(bool) if "collapsed" in points else [False] * len(points)
    figure.add_scatter(
        x=points.x,
        y=points["mean"],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 6, "symbol": ["circle-open" if each else "circle" for each in gone]},
        connectgaps=False,
        customdata=points[["sparsity", "low", "high", "n", "network"]],
        hovertemplate=(
            "%{customdata[0]:.1%} sparsity: <b>%{y:.3f}</b> [%{customdata[1]:.3f}, %{customdata[2]:.3f}],"
            " n %{customdata[3]:,}<extra>" + name + "</extra>"
        ),
    )


def _level(figure: go.Figure, name: str, value: float, dash: str) -> None:
    figure.add_hline(
        y=value,
        line={"color": NEUTRAL, "width": 1.2, "dash": dash},
        annotation={"text": literal(name), "font": {"size": 11}, "xanchor": "right", "x": 1, "yanchor": "bottom"},
    )


def _published(figure: go.Figure, shown: DataFrame, published: Published) -> None:
    """Draw the values of a paper at the networks of their sparsity."""
    at = shown.drop_duplicates("sparsity").set_index("sparsity").x
    points = sorted((float(at[share]), value) for share, value in published.points if share in at)
    figure.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines+markers",
        name="published",
        line={"color": DENSE, "dash": "dot", "width": 1.5},
        marker={"symbol": "x", "size": 9, "color": DENSE},
        hovertemplate="%{y:.4g}<extra>published: " + literal(published.source) + "</extra>",
    )


def plane(rows: DataFrame, measures: Sequence[str], truth: str = "ink") -> go.Figure:
    """Plot the mean of one measure against that of another, a point for each network, coloured by
    its sparsity; a line joins the networks of one way to prune.

    Args:
        rows: as `core.sweeps.curves.curves` returns them. measures: on the horizontal and on the
            vertical axis.
    """
    titles = [of_truth(measure_title(name), truth) for name in measures]
    x, y = (of_measure(rows, name) for name in measures)
    x = x[["network", SEEDS, "mean", "low", "high"]].drop_duplicates(["network", SEEDS])
    both = y.merge(x, on=["network", SEEDS], suffixes=("", "_across"))
    both = both[both[SEEDS] == both[SEEDS].max()]
    figure = empty_figure(f"{titles[1]} against {titles[0].lower()} ({both.network.nunique()} networks)", height=380)
    top = float(both.sparsity.max() or 1)
    for place, (name, points) in enumerate(lines(both.assign(x=both["mean_across"]))):
        colour, dash = _look(points, place)
        figure.add_scatter(
            x=points.mean_across,
            y=points["mean"],
            name=literal(name),
            mode="lines+markers",
            line={"color": colour, "width": 1.2, "dash": dash},
            error_x=_bars(points, "_across", colour),
            error_y=_bars(points, "", colour),
            marker={
                "size": 10,
                "color": points.sparsity,
                "colorscale": "Viridis",
                "cmin": 0,
                "cmax": top,
                "showscale": place == 0,
                "colorbar": {"title": {"text": "sparsity"}, "tickformat": ".0%", "thickness": 12},
            },
            customdata=points[["sparsity", "network"]],
            hovertemplate="%{customdata[0]:.1%} sparsity: %{x:.3f}, %{y:.3f}<extra>" + literal(name) + "</extra>",
        )
    figure.update_xaxes(title=titles[0])
    figure.update_yaxes(title=titles[1])
    figure.update_layout(showlegend=len(figure.data) > 1)
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})


def _bars(points: DataFrame, of: str, colour: str) -> dict[str, object]:
    middle = points[f"mean{of}"]
    over, under = points[f"high{of}"] - middle, middle - points[f"low{of}"]
    return {
        "type": "data",
        "array": over,
        "arrayminus": under,
        "thickness": 1,
        "width": 0,
        "color": colour,
    }
