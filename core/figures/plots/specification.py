"""The specification curve of the thesis: its correlation under every combination of choices.

Source: Simonsohn, Simmons and Nelson 2020, Specification curve analysis (Nature Human Behaviour 4).
"""

from __future__ import annotations

import plotly.graph_objects as go
from pandas import DataFrame

from core.base.numbers import score
from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure
from core.protocols.lukkien.choices import CHOICES, THESIS
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.sensitivity import MEAN, Sensitivity
from core.protocols.lukkien.sensitivity_text import counts, published

HEIGHT, MATRIX = 760, 0.55  # of the figure in pixels; share of the matrix
GAP = 0.6  # rows between two choices


def curve(result: Sensitivity, series: str = MEAN) -> go.Figure:
    """Plot Pearson of every combination in order, with its 95 % interval over images, above the
    options that make it.

    Args:
        series: "mean", or a seed.
    """
    rows = result.of(series).dropna(subset=["pearson"]).sort_values("pearson", kind="stable").reset_index(drop=True)
    figure = empty_figure(
        f"Pearson under {len(rows)} combinations of choices<br>(n = {result.facts['levels'] + 1} levels;"
        f" {result.facts['images']:,} images)",
        HEIGHT,
    )
    _correlations(figure, rows)
    _options(figure, rows)
    figure.update_layout(
        title={"x": 0, "xref": "container", "y": 1 - 14 / HEIGHT, "font": {"weight": "bold"}},
        legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"},
        margin={"t": 58, "b": 64},  # the legend lies below
    )
    figure.update_xaxes(showgrid=False, showticklabels=False, range=[-1, len(rows)])
    return figure


def alternative(result: Sensitivity, series: str = MEAN) -> str:
    """Return the text that stands for the figure where it cannot be seen."""
    found = counts(result.of(series))
    return (
        f"Specification curve: Pearson of accuracy and overlap for {found['combinations']} combinations of choices, in"
        f" order, from {score(found['lowest'])} to {score(found['highest'])}, median {score(found['median'])};"
        f" {found['above_0']} intervals lie above 0. Published: {PUBLISHED['pearson']:.3f}. {published(result, series)}"
        " Below it, a matrix marks the options of each combination."
    )


def _correlations(figure: go.Figure, rows: DataFrame) -> None:
    sure = (rows.pearson_low > 0) | (rows.pearson_high < 0)
    mine = (rows[list(THESIS)] == list(THESIS.values())).all(axis=1)
    looks = (
        ("interval without 0", sure & ~mine, PRUNED, "circle"),
        ("interval with 0", ~sure & ~mine, NEUTRAL, "circle-open"),
        ("the thesis, as read here", mine, DENSE, "diamond"),
    )
    for name, shown, colour, symbol in looks:
        part = rows[shown]
        if part.empty:
            continue
        figure.add_scatter(
            x=part.index,
            y=part.pearson,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": part.pearson_high - part.pearson,
                "arrayminus": part.pearson - part.pearson_low,
                "thickness": 1,
                "width": 0,
            },
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 11 if symbol == "diamond" else 5},
            customdata=[_told(row) for row in part.to_dict("records")],
            hovertemplate="%{y:.3f}<br>%{customdata}<extra></extra>",
        )
    figure.add_hline(
        y=PUBLISHED["pearson"],
        line={"color": DENSE, "dash": "dashdot", "width": 1},
        annotation_text=f"published: {PUBLISHED['pearson']:.3f}",
        annotation_position="bottom right",
        annotation_font_color=DENSE,
    )
    figure.update_layout(
        yaxis={"domain": [MATRIX + 0.03, 1], "title": "Pearson", "range": [min(-0.05, rows.pearson_low.min()), 1.03]}
    )


def _options(figure: go.Figure, rows: DataFrame) -> None:
    """Draw the matrix: a row for each option, a mark where a combination has it."""
    place, places, names = 0.0, [], []
    for number, (name, choice) in enumerate(CHOICES.items()):
        x, y = [], []
        for option, title in choice.options.items():
            here = rows.index[rows[name] == option]
            x += list(here)
            y += [place] * len(here)
            places.append(place)
            names.append(f"<b>{title}</b>" if option == choice.thesis else title)
            place -= 1
        figure.add_scatter(
            x=x,
            y=y,
            yaxis="y2",
            mode="markers",
            name=choice.title,
            showlegend=False,
            marker={"color": (PRUNED, NEUTRAL)[number % 2], "symbol": "line-ns-open", "size": 9},
            hovertemplate="%{y}<extra></extra>",
        )
        place -= GAP
    figure.update_layout(
        yaxis2={
            "domain": [0, MATRIX - 0.03],
            "tickvals": places,
            "ticktext": names,
            "range": [place, 1],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        }
    )


def _told(row: dict[str, str]) -> str:
    """Return the options of a combination, one a line."""
    return "<br>".join(f"{choice.title}: {choice.options[row[name]]}" for name, choice in CHOICES.items())
