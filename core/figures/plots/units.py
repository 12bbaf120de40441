"""Plotly figures of single units: their scores, how these change with sparsity, and how much the
units matter.
"""

from __future__ import annotations

import plotly.graph_objects as go
from pandas import DataFrame

from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure, literal, sparsity_axis, sparsity_position

CHANCE = 0.5
FATES = {  # colour and symbol by what became of the dense network's unit
    "kept": (DENSE, "circle", "keeps at least half of its exemplars"),
    "changed": (PRUNED, "diamond", "keeps fewer than half of its exemplars"),
    "dead": (NEUTRAL, "x", "is dead"),
}
KEPT_FROM = 0.5
BINS = {"start": 0.0, "end": 1.0, "size": 0.05}


def fate(units: DataFrame) -> list[str]:
    """Return a key of FATES for every unit."""
    return [
        "dead" if row.dead else "kept" if row.overlap >= KEPT_FROM else "changed"
        for row in units[["dead", "overlap"]].itertuples()
    ]


def distribution(dense: DataFrame, pruned: DataFrame, similarity: str, baselines: dict[str, float]) -> go.Figure:
    """Plot the scores of the living units of a network before and after pruning.

    Args:
        dense, pruned: a row a unit. baselines: means to mark, by name.
    """
    counts = " and ".join(f"{int((~rows.dead).sum()):,}" for rows in (dense, pruned))
    figure = empty_figure(f"Interpretability of units (n = {counts} living units)", height=380)
    for name, rows, colour in (("dense", dense, DENSE), ("pruned", pruned, PRUNED)):
        figure.add_histogram(
            x=rows[f"mis-{similarity}"].dropna(), name=name, xbins=BINS, marker_color=colour, opacity=0.6
        )
    for place, (name, value) in enumerate(baselines.items()):
        line = {"color": NEUTRAL, "dash": ("dash", "dot")[place % 2], "width": 2}
        figure.add_vline(x=value, line=line)
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=literal(f"{name} ({value:.2f})"))
    figure.update_xaxes(title="score (0.5 is chance)", range=[0, 1])
    figure.update_yaxes(title="units")
    legend = {"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"}
    return figure.update_layout(barmode="overlay", bargap=0.05, legend=legend)


def against_sparsity(rows: DataFrame, similarity: str, chosen: float) -> go.Figure:
    """Plot score and share of right answers by sparsity, one line a seed.

    Args:
        rows: a row a network or layer, with model, seed, sparsity, n, right. chosen: the sparsity
            to mark.
    """
    units = sorted({int(count) for count in rows.units})
    figure = empty_figure(
        f"Score of {units[-1]:,} units, and right answers (n = {int(rows['n'].max()):,} images)", height=360
    )
    mis, low, high = (f"{name}-{similarity}" for name in ("mis", "low", "high"))
    untrained, trained = rows[rows.weights == "random"], rows[rows.weights != "random"]
    for place, (seed, part) in enumerate(trained.sort_values("sparsity").groupby(["weights", "seed"], sort=False)):
        x = [sparsity_position(value) for value in part.sparsity]
        name = literal(f"score, {seed[0]}, seed {seed[1]}")
        errors = {"type": "data", "array": part[high] - part[mis], "arrayminus": part[mis] - part[low], "thickness": 1}
        figure.add_scatter(
            x=x,
            y=part[mis],
            name=name,
            mode="lines+markers",
            line={"color": PRUNED, "dash": ("solid", "dash", "dot", "dashdot")[place % 4]},
            error_y=errors,
            customdata=part[["sparsity", low, high, "dead", "units"]],
            hovertemplate="<b>%{y:.3f}</b> [%{customdata[1]:.3f}, %{customdata[2]:.3f}]<br>"
            "sparsity %{customdata[0]:.2%}, %{customdata[3]:,} of %{customdata[4]:,} units dead<extra></extra>",
        )
        figure.add_scatter(
            x=x,
            y=part["right"] / part["n"],
            name="right answers" if place == 0 else "",
            showlegend=place == 0,
            mode="lines",
            line={"color": DENSE, "width": 1.5, "dash": ("solid", "dash", "dot", "dashdot")[place % 4]},
            hovertemplate="right answers <b>%{y:.1%}</b><extra></extra>",
        )
    if len(untrained):
        level = float(untrained[mis].iloc[0])
        figure.add_hline(y=level, line={"color": NEUTRAL, "dash": "dash"}, annotation_text="untrained network")
    figure.add_hline(y=CHANCE, line={"color": NEUTRAL, "dash": "dot"}, annotation_text="chance")
    figure.add_vline(x=sparsity_position(chosen), line={"color": NEUTRAL, "width": 1})
    sparsity_axis(figure)
    figure.update_yaxes(range=[0, 1.05], title="score; share of right answers")
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})


def unit_map(units: DataFrame, similarity: str) -> go.Figure:
    """Plot every unit of a layer by its score and its relevance; colour and symbol say what became
    of it. A dead unit has no score and lies at the left edge.
    """
    figure = empty_figure(f"Units by interpretability and relevance (n = {len(units):,})", height=380)
    score, fates = units[f"mis-{similarity}"].fillna(0), fate(units)
    for name, (colour, symbol, text) in FATES.items():
        own = [place for place, one in enumerate(fates) if one == name]
        if own:
            figure.add_scatter(
                x=score.iloc[own],
                y=units.relevance.iloc[own],
                mode="markers",
                name=f"{text} ({len(own):,})",
                marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 0.5, "color": "white"}},
                customdata=units[["unit", "overlap"]].iloc[own],
                hovertemplate="<b>unit %{customdata[0]}</b><br>score %{x:.3f}, relevance %{y:.3g}<br>"
                "keeps %{customdata[1]:.0%} of its exemplars<extra></extra>",
            )
    figure.update_xaxes(title="score (0.5 is chance)", range=[-0.03, 1.03])
    figure.update_yaxes(title="relevance")
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom"}, dragmode=False)
