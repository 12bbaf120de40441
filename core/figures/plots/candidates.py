"""Accuracy and cost of candidates, with the front that no other network beats."""

from __future__ import annotations

import html

import plotly.graph_objects as go

from core.base.numbers import percent
from core.figures.candidates import COST_TITLES, VERDICTS, cost_text
from core.figures.names import at_start
from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure
from core.sweeps.breaks import Share
from core.sweeps.decision import TIMES, Judged, Recommendation, Verdict

HEIGHT_PX = 380
SYMBOLS = {Verdict.WITHIN: "circle", Verdict.UNDECIDED: "circle-open", Verdict.BEYOND: "x-thin-open"}


def pareto(found: Recommendation) -> go.Figure:
    """Plot accuracy (without labels: unchanged answers) against the cost, a point a network with
    its 95 % interval, and the front of networks that no other one beats in both.
    """
    good = "Accuracy" if found.labelled else "Unchanged answers"
    figure = empty_figure(f"{good} and cost (n = {found.n:,} images)", HEIGHT_PX)
    front = sorted((each.cost, _good(each)[0]) for each in found.networks if each.on_front)
    figure.add_scatter(
        x=[cost for cost, _ in front],
        y=[value for _, value in front],
        name="front: no other network beats it",
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5, "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
    )
    _add(figure, "reference", [found.reference], {"color": DENSE, "size": 11, "symbol": "diamond"}, found.cost)
    for verdict, symbol in SYMBOLS.items():
        some = [each for each in found.of(verdict) if each is not found.best]
        marker = {"color": PRUNED, "size": 9, "symbol": symbol, "line": {"color": PRUNED, "width": 2}}
        _add(figure, VERDICTS[verdict], some, marker, found.cost)
    if found.best is not None:
        name = "recommended" if found.saves else "cheapest within the limits"
        _add(figure, name, [found.best], {"color": PRUNED, "size": 15, "symbol": "star"}, found.cost)
    unit = " (ms)" if found.cost in TIMES else " (bytes)" if found.cost.startswith("size") else ""
    figure.update_xaxes(title=at_start(COST_TITLES[found.cost]) + unit, rangemode="tozero")
    figure.update_xaxes(tickformat="~g" if found.cost in TIMES else "~s")
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.3, "yanchor": "top"})  # a phone has no room above
    return figure.update_yaxes(title=good, tickformat=".0%")


def _add(figure: go.Figure, name: str, networks: list[Judged], marker: dict[str, object], cost: str) -> None:
    if not networks:
        return
    good = [_good(each) for each in networks]
    figure.add_scatter(
        x=[each.cost for each in networks],
        y=[value for value, _, _ in good],
        error_y={
            "type": "data",
            "array": [high - value for value, _, high in good],
            "arrayminus": [value - low for value, low, _ in good],
            "color": NEUTRAL,
            "thickness": 1,
        },
        name=name,
        mode="markers",
        marker=marker,
        customdata=[
            [html.escape(each.network.name), cost_text(cost, each.cost), percent(value)]
            for each, (value, _, _) in zip(networks, good, strict=True)
        ],
        hovertemplate="%{customdata[0]}<br>%{customdata[2]}, %{customdata[1]}<extra>" + name + "</extra>",
    )


def _good(each: Judged) -> tuple[float, float, float]:
    """Return the share of right answers, or without labels of unchanged ones, with its interval."""
    if each.accuracy is not None:
        return _three(each.accuracy)
    value, low, high = _three(each.changed)
    return 1 - value, 1 - high, 1 - low


def _three(share: Share) -> tuple[float, float, float]:
    return share.count / share.n, share.low, share.high
