"""Plotly figures of studies with people: shares of answers, and measures that predict them."""

from __future__ import annotations

import plotly.graph_objects as go
from pandas import DataFrame

from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure, literal

HEIGHT, ROW = 150, 46  # pixels: of an empty figure, of a row


def shares(rows: DataFrame, right: bool = False) -> go.Figure:
    """Plot shares with 95 % intervals, one row a comparison.

    Args:
        rows: label, share, low, high, n, interval, note: `core.study.summary.share_rows`. right:
            the shares are of right answers, and not of answers for the more pruned network.
    """
    what = "right answers" if right else "answers for the more pruned network"
    over = "participants" if (rows["interval"] == "participants").all() else "answers"
    title = f"Share of {what} (n = {int(rows['n'].sum()):,}; 95 % intervals over {over})"
    figure = empty_figure(title, height=HEIGHT + ROW * len(rows))
    named = [literal(f"{label} (n = {n:,})") for label, n in zip(rows["label"], rows["n"], strict=True)]
    known = rows["share"].notna()
    figure.add_scatter(
        x=rows["share"],
        y=named,
        mode="markers",
        marker={"color": DENSE if right else PRUNED, "size": 12, "symbol": "diamond"},
        error_x={"type": "data", "array": rows["high"] - rows["share"], "arrayminus": rows["share"] - rows["low"]},
        customdata=rows[["low", "high", "note"]],
        hovertemplate="<b>%{x:.1%}</b> [%{customdata[0]:.1%}, %{customdata[1]:.1%}]<br>%{customdata[2]}<extra></extra>",
        showlegend=False,
    )
    for name in (label for label, there in zip(named, known, strict=True) if not there):
        figure.add_annotation(x=0.5, y=name, text="no answers for one of the two", showarrow=False, bgcolor="white")
    if not right:
        figure.add_vline(x=0.5, line={"color": NEUTRAL, "dash": "dot"}, annotation_text="chance")
    title = "share" if right else "← less pruned preferred      more pruned preferred →"
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", dtick=0.25, title=title)
    figure.update_yaxes(categoryorder="array", categoryarray=named[::-1], automargin=True)
    return figure


def predictors(rows: DataFrame) -> go.Figure:
    """Plot the rank correlation of measures with the answers, 95 % intervals over items.

    Args:
        rows: measure, label, value, low, high, n: `core.study.summary.measure_rows`, of one task.
    """
    rows = rows[rows["value"].notna()]
    named = [literal(name) for name in dict.fromkeys(rows["measure"])]
    figure = empty_figure(
        f"Rank correlation with the answers (up to {int(rows['n'].max()) if len(rows) else 0:,} items)",
        height=HEIGHT + 30 * len(named),
    )
    symbols = ("diamond", "circle", "square", "triangle-up")
    for place, (label, part) in enumerate(rows.groupby("label", sort=False)):
        figure.add_scatter(
            x=part["value"],
            y=[literal(name) for name in part["measure"]],
            name=literal(str(label)),
            mode="markers",
            marker={"color": (PRUNED, DENSE, NEUTRAL, NEUTRAL)[place % 4], "size": 10, "symbol": symbols[place % 4]},
            error_x={"type": "data", "array": part["high"] - part["value"], "arrayminus": part["value"] - part["low"]},
            hovertemplate="<b>%{x:.2f}</b><extra>%{fullData.name}</extra>",
        )
    figure.add_vline(x=0, line={"color": NEUTRAL, "dash": "dot"})
    figure.update_xaxes(range=[-1, 1], title="Spearman correlation")
    figure.update_yaxes(categoryorder="array", categoryarray=named[::-1], automargin=True)
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom"})
