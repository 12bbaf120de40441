"""Plotly figures of what breaks first and of what is forgotten, for pages and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from core.base.numbers import score
from core.evaluation.columns import COLUMNS
from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure, literal, sparsity_axis, sparsity_position
from core.figures.plots.series import add_band
from core.figures.plots.sweeps import LINEAR_TO
from core.sweeps.breaks import Breaks, Share
from core.sweeps.forgotten import Forgotten

PX = 320
ORDER = (  # fields of Breaks, and what people read
    ("explanation_first", "explanation first", PRUNED),
    ("together", "both at once", "#c2497f"),
    ("neither", "neither", NEUTRAL),
    ("answer_first", "answer first", DENSE),
)
BELOW = {"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"}  # the legend


def alive(found: Breaks) -> go.Figure:
    """Plot the shares of explanations and answers that are not yet broken by sparsity, with
    Wilson's 95 % bands.
    """
    n, sparsities = len(found.by_image), [each.sparsity for each in found.alive]
    figure = empty_figure(f"Not yet broken (n = {n:,} images)", height=PX)
    x = _along(figure, sparsities)
    for name, colour in (("explanations", PRUNED), ("answers", DENSE)):
        _share_line(figure, (name, colour), x, sparsities, [getattr(each, name) for each in found.alive])
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.05], title="share of images, 95 % interval")
    return figure.update_layout(legend=BELOW)


def thresholds(found: Sequence[Breaks], here: float | None = None) -> go.Figure:
    """Plot by how much sparsity explanations break before answers for each threshold, with the 95 %
    interval over images. here: the threshold to mark.
    """
    n = len(found[0].by_image) if found else 0
    figure = empty_figure(f"How much earlier explanations break (n = {n:,} images)", height=PX)
    x = [each.threshold for each in found]
    low, high = ([_points(getattr(each.earlier, bound)) for each in found] for bound in ("low", "high"))
    add_band(figure, x, (low, high), PRUNED, "earlier")
    figure.add_scatter(
        x=x,
        y=[_points(each.earlier.value) for each in found],
        name="earlier",
        mode="lines+markers",
        line={"color": PRUNED, "width": 2},
        customdata=list(zip(low, high, strict=True)),
        hovertemplate="threshold %{x:.2f}: <b>%{y:.1f} points</b> [%{customdata[0]:.1f}, %{customdata[1]:.1f}]"
        "<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": NEUTRAL, "dash": "dot"})
    _mark(figure, here)
    figure.update_xaxes(title=_below(found))
    return figure.update_yaxes(title="points of sparsity, 95 % interval").update_layout(showlegend=False)


def order(found: Sequence[Breaks], here: float | None = None) -> go.Figure:
    """Plot for each threshold in how many images the explanation breaks first, the answer, both at
    once, or neither. here: the threshold to mark.
    """
    n = len(found[0].by_image) if found else 0
    figure = empty_figure(f"What breaks first (n = {n:,} images)", height=PX)
    for name, title, colour in ORDER:
        counts = [_count(getattr(each, name)) for each in found]
        figure.add_bar(
            x=[each.threshold for each in found],
            y=counts,
            name=title,
            marker={"color": colour},
            hovertemplate="threshold %{x:.2f}: <b>%{y:,} images</b><extra>" + title + "</extra>",
        )
    _mark(figure, here)
    figure.update_xaxes(title=_below(found))
    figure.update_yaxes(title="images")
    return figure.update_layout(barmode="stack", bargap=0.1, legend=BELOW)


def heatmaps(found: Mapping[str, Breaks]) -> go.Figure:
    """Plot by how much sparsity explanations break before answers for each heatmap, with the 95 %
    interval over images.

    Args:
        found: by the heatmap's title. Each may have a threshold of its own.
    """
    counts = {len(each.by_image) for each in found.values()}
    n = f"{max(counts):,}" if counts else "0"
    figure = empty_figure(f"The same by heatmap (n = {n} images)", height=120 + 44 * len(found))
    known = {name: each.earlier for name, each in found.items() if each.earlier.value is not None}
    figure.add_scatter(
        x=[_points(each.value) for each in known.values()],
        y=[literal(f"{name}, below {score(found[name].threshold)}") for name in known],
        mode="markers",
        marker={"color": PRUNED, "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_length(each.value, each.high) for each in known.values()],
            "arrayminus": [_length(each.low, each.value) for each in known.values()],
        },
        hovertemplate="%{y}: <b>%{x:.1f} points</b><extra></extra>",
    )
    figure.add_vline(x=0, line={"color": NEUTRAL, "dash": "dot"})
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=[*known][::-1])
    figure.update_xaxes(title="points of sparsity that explanations break earlier, 95 % interval")
    return figure.update_layout(showlegend=False)


def forgotten(found: Sequence[Forgotten], here: float | None = None) -> go.Figure:
    """Plot the share of images that pruned networks forget by sparsity, with Wilson's 95 % band.
    here: the sparsity to mark.
    """
    n = found[0].share.n if found else 0
    figure = empty_figure(f"Forgotten images (n = {n:,})", height=PX)
    sparsities = [sum(each.sparsities) / 2 for each in found]
    x = _along(figure, sparsities)
    _share_line(figure, ("forgotten", PRUNED), x, sparsities, [each.share for each in found])
    if here is not None:
        deep = max(sparsities, default=0.0) > LINEAR_TO
        figure.add_vline(x=sparsity_position(here) if deep else here, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.05], title="share of images, 95 % interval")
    return figure.update_layout(showlegend=False)


def classes(found: Forgotten, name: Callable[[int], str] = str) -> go.Figure:
    """Plot how much the recall of each class changes beside all classes, with Welch's 95 % interval
    over networks. name: of a class.
    """
    counts = f"{found.dense} dense and {found.pruned} pruned networks"
    figure = empty_figure(f"Recall by class (n = {counts})", height=120 + 24 * len(found.classes))
    shown = sorted(found.classes, key=lambda each: each.relative.value or 0.0, reverse=True)
    figure.add_scatter(
        x=[_points(each.relative.value) for each in shown],
        y=[literal(name(each.label)) for each in shown],
        mode="markers",
        marker={"color": PRUNED, "size": 8},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_length(each.relative.value, each.relative.high) for each in shown],
            "arrayminus": [_length(each.relative.low, each.relative.value) for each in shown],
        },
        customdata=[(100 * each.dense, 100 * each.pruned, each.forgotten, each.n) for each in shown],
        hovertemplate="%{y}: <b>%{x:.1f} points</b><br>recall %{customdata[0]:.1f} % dense, %{customdata[1]:.1f} %"
        " pruned<br>%{customdata[2]:,} of %{customdata[3]:,} images forgotten<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": NEUTRAL, "dash": "dot"})
    figure.update_yaxes(type="category")
    figure.update_xaxes(title="change beside all classes, in points of recall")
    return figure.update_layout(showlegend=False)


def _share_line(
    figure: go.Figure, look: tuple[str, str], x: Sequence[float], sparsities: Sequence[float], shares: Sequence[Share]
) -> None:
    name, colour = look
    low, high = [each.low for each in shares], [each.high for each in shares]
    add_band(figure, x, (low, high), colour, name)
    figure.add_scatter(
        x=x,
        y=[each.count / each.n for each in shares],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        customdata=list(zip(sparsities, [each.count for each in shares], low, high, strict=True)),
        hovertemplate="%{customdata[0]:.1%} sparsity: <b>%{y:.1%}</b> [%{customdata[2]:.1%}, %{customdata[3]:.1%}],"
        " %{customdata[1]:,} images<extra>" + name + "</extra>",
    )


def _along(figure: go.Figure, sparsities: Sequence[float]) -> list[float]:
    """Return positions on the axis of sparsity, logarithmic in density for retrained networks."""
    top = max(0.1, *sparsities) if sparsities else 0.1
    if top > LINEAR_TO:
        sparsity_axis(figure)
        return [sparsity_position(each) for each in sparsities]
    figure.update_xaxes(tickformat=".0%", title="sparsity", range=[-0.02 * top, 1.02 * top])
    return [*sparsities]


def _mark(figure: go.Figure, here: float | None) -> None:
    if here is not None:
        figure.add_vline(x=here, line={"color": NEUTRAL, "width": 1})


def _below(found: Sequence[Breaks]) -> str:
    title = COLUMNS[found[0].measure].title if found else "similarity"
    return f"threshold: broken if {title} is below it"


def _points(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _length(low: float | None, high: float | None) -> float:
    """Return the length of one side of an interval in points; 0 where there is none."""
    return 0.0 if low is None or high is None else 100 * (high - low)


def _count(found: Share | int) -> int:
    return found.count if isinstance(found, Share) else found
