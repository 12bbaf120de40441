"""Plotly figures of tables of trained series for pages and notebooks.

They compute only positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from pandas import DataFrame, isna

from core.figures.plots.base import DENSE, PRUNED, empty_figure, literal
from core.protocols.merkle import protocol as merkle
from core.protocols.series.tables import QUANTITIES, SeriesTables, published

AXES: dict[str, str] = {
    "conv": "compression rate of the convolutions (log)",
    "ratio": "compression ratio (log), all / left parameters",
    "sparsity": "sparsity",
    "level": "level",
}
COLUMNS = {"conv": "conv_ratio", "ratio": "ratio", "sparsity": "sparsity", "level": "level"}
TICKS = (1, 2, 4, 8, 16, 32, 64, 128)
COLOURS = (PRUNED, "#1f9e89", "#3f7fd0", "#c2497f", "#8a7a20")  # of runs; dashes distinguish the seeds of a run
DASHES, SYMBOLS = ("solid", "dash", "dot", "dashdot"), ("circle", "square", "diamond", "triangle-up")
FADED = 0.14


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """One series: rows as returned by `SeriesTables.levels`."""

    run: str
    seed: int
    rows: DataFrame

    @property
    def name(self) -> str:
        """The name in the legend."""
        return literal(f"{self.run.removeprefix('merkle-')}, seed {self.seed}")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How series are drawn. axis: a key of AXES. published: whether to add the values of Less is
    More, if there are any.
    """

    axis: str = "conv"
    published: bool = True


def curve(series: Sequence[Drawn], quantity: str, look: Look) -> go.Figure:
    """Plot one quantity over the levels, one line per series with its 95 % intervals; collapsed
    levels are hollow.

    Args:
        quantity: a key of QUANTITIES.
    """
    about = QUANTITIES[quantity]
    shown = [(each, each.rows[each.rows.quantity == quantity].sort_values(COLUMNS[look.axis])) for each in series]
    counts = sorted({int(n) for _, rows in shown for n in rows.n if n})
    n = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}" if counts else "0"
    # The legend needs room.
    figure = empty_figure(
        f"{about.title[0].upper()}{about.title[1:]} (n = {n})", height=330 + 18 * max(0, len(series) - 2)
    )
    runs = list(dict.fromkeys(each.run for each in series))
    for each, rows in shown:
        seeds = [other.seed for other in series if other.run == each.run]
        _line(
            figure,
            each,
            rows,
            (COLOURS[runs.index(each.run) % len(COLOURS)], seeds.index(each.seed) % len(DASHES)),
            look.axis,
        )
    if look.published and about.published:
        _published(figure, quantity, look.axis, [rows for _, rows in shown])
    if about.share:
        figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.05], tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})
    return _along(figure, look.axis)


def retrained_curve(tables: Sequence[SeriesTables], quantity: str = "accuracy", look: Look = Look()) -> go.Figure:
    """Plot `curve` for whole tables, as `series_tables.load` reads them.

    Args:
        quantity: a key of QUANTITIES.
    """
    series = [
        Drawn(run=table.place.model.weights, seed=table.place.model.seed, rows=table.levels([quantity]))
        for table in tables
    ]
    return curve(series, quantity, look)


def _line(figure: go.Figure, series: Drawn, rows: DataFrame, place: tuple[str, int], axis: str) -> None:
    (colour, dash), x = place, rows[COLUMNS[axis]]
    add_band(figure, x, (rows.low, rows.high), colour, series.name)
    symbols = [SYMBOLS[dash] + ("-open" if gone else "") for gone in rows.collapsed]
    share = QUANTITIES[rows.quantity.iloc[0]].share if len(rows) else False
    form = ".1%" if share else ".4g"
    figure.add_scatter(
        x=x,
        y=rows.value,
        name=series.name,
        mode="lines+markers",
        line={"color": colour, "dash": DASHES[dash], "width": 2.2},
        marker={"size": 7, "color": colour, "symbol": symbols},
        connectgaps=False,
        legendgroup=series.name,
        customdata=rows[["level", "sparsity", "conv_ratio", "ratio", "low", "high", "n"]],
        hovertext=_empty_maps(rows, form),
        hovertemplate=(
            f"<b>%{{y:{form}}}</b> [%{{customdata[4]:{form}}}, %{{customdata[5]:{form}}}], n %{{customdata[6]:,}}"
            "%{hovertext}<br>level %{customdata[0]}, sparsity %{customdata[1]:.1%}<br>"
            "%{customdata[2]:.3g}x (convolutions), %{customdata[3]:.3g}x (all)<extra>"
        )
        + series.name
        + "</extra>",
    )


def _empty_maps(rows: DataFrame, form: str) -> list[str]:
    """Return the note for a mean overlap: the number of empty maps and the mean without them; empty
    if there are none.
    """
    if "empty_maps" not in rows:
        return [""] * len(rows)
    pairs = zip(rows.empty_maps.fillna(0), rows.without_empty, strict=True)
    return [
        (
            f"<br>{count:,.0f} maps empty, {'undefined' if isna(value) else format(value, form)} without them"
            if count
            else ""
        )
        for count, value in pairs
    ]


def _published(figure: go.Figure, quantity: str, axis: str, shown: Sequence[DataFrame]) -> None:
    """Add the published values at their compression rate of the convolutions; on another axis, at
    the levels with that target.
    """
    points: dict[float, float] = {}
    if axis == "conv":
        points = {
            float(rate): value
            for rate, value in zip(merkle.RATES, merkle.PUBLISHED[QUANTITIES[quantity].published], strict=True)
            if value is not None
        }
    else:
        for row in (row for rows in shown for row in rows.itertuples()):
            if (value := published(quantity, row.target)) is not None:
                points.setdefault(float(getattr(row, COLUMNS[axis])), value)
    ordered = sorted(points.items())
    figure.add_scatter(
        x=[x for x, _ in ordered],
        y=[y for _, y in ordered],
        mode="lines+markers",
        name="published (VGG-16)",
        line={"color": DENSE, "dash": "dot", "width": 1.5},
        marker={"symbol": "x", "size": 9, "color": DENSE},
        hovertemplate="%{y:.4g}<extra>published: VGG-16, 224 px, Imagenette</extra>",
    )


def _along(figure: go.Figure, axis: str) -> go.Figure:
    figure.update_xaxes(title=AXES[axis])
    if axis in ("conv", "ratio"):
        figure.update_xaxes(type="log", tickvals=TICKS, ticktext=[str(tick) for tick in TICKS])
    return figure.update_xaxes(tickformat=".0%") if axis == "sparsity" else figure


def add_band(figure: go.Figure, x: Sequence, bounds: tuple[Sequence, Sequence], colour: str, group: str) -> None:
    """Add the area between two bounds. bounds: low and high. group: of the line it belongs to."""
    low, high = bounds
    for bound, fill in ((high, None), (low, "tonexty")):
        figure.add_scatter(
            x=x,
            y=bound,
            mode="lines",
            line={"width": 0, "color": colour},
            fill=fill,
            fillcolor=faded(colour),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=group,
        )


def faded(colour: str) -> str:
    """Return a colour "#rrggbb" faded for the area of a band."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {FADED})"
