"""Plotly figures of results for pages and notebooks. They read results and compute only positions.

Colours: orange is the dense network, purple the pruned one, as in the signed pictures; the
colour-blind can distinguish both. Backgrounds are transparent and colours of medium brightness, so
that a figure works on light and dark pages.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from core.data.classes import paired_classes
from core.figures.names import USUAL, names
from core.figures.wording import of_truth
from core.results import ELSEWHERE_BELOW, SAME_FROM, Agreement, Comparison, MaskReport, Prediction

if TYPE_CHECKING:
    from core.sweeps.floor import Floor  # imports torch

DENSE, PRUNED, NEUTRAL, GRID = "#dd7a1c", "#8a63e0", "#8b8798", "rgba(139, 135, 152, 0.22)"
CURVE_PX = 220  # height of the curves below the pictures
FLOOR = 0.0004  # density below one weight in 2,324: the position of "all weights removed" on a logarithmic axis
SPARSITY_TICKS = (0.0, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999)  # half a decade of density apart
FEW_LAYERS, FEW_CLASSES = 8, 12  # that are shown side by side with their names
Points = Sequence[tuple[float, float | None]]  # (sparsity, value), None where undefined


def series_curve(accuracies: Points, overlaps: Points, here: MaskReport, images: int) -> go.Figure:
    """Plot accuracy and one image's soft IoU by sparsity, on a logarithmic axis, with a marker at
    the current sparsity.

    Args:
        accuracies: as fractions. overlaps: soft IoU of the pruned heatmap with the ink. images:
            number behind the accuracy.
    """
    figure = empty_figure(f"Accuracy (n = {images:,}) and soft IoU (n = 1) by sparsity", CURVE_PX)
    for points, name, colour, dash in (
        (accuracies, "accuracy", NEUTRAL, "dot"),
        (overlaps, "soft IoU", PRUNED, "solid"),
    ):
        figure.add_scatter(
            x=[sparsity_position(sparsity) for sparsity, _ in points],
            y=[value for _, value in points],
            customdata=[sparsity for sparsity, _ in points],
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            connectgaps=False,
            hovertemplate="%{customdata:.1%} sparsity: %{y:.3f}<extra>" + name + "</extra>",
        )
    figure.add_vline(x=sparsity_position(here.sparsity), line={"color": PRUNED, "width": 1.5})
    sparsity_axis(figure)
    return figure.update_yaxes(range=[0, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1])


def kept_weights(report: MaskReport) -> go.Figure:
    """Plot the kept share of each prunable layer: with counts if they are few, else as a row of
    slim bars in the network's order.
    """
    return _few_layers(report) if len(report.layers) <= FEW_LAYERS else _many_layers(report)


def _few_layers(report: MaskReport) -> go.Figure:
    figure = empty_figure(f"Kept weights per layer (n = {report.total:,})", height=56 + 44 * len(report.layers))
    names = [layer.name.removesuffix(".weight") for layer in report.layers]
    shares = [layer.kept / layer.total for layer in report.layers]
    counts = [f"{layer.kept:,} of {layer.total:,}" for layer in report.layers]
    figure.add_bar(x=[1.0] * len(names), y=names, orientation="h", marker={"color": GRID}, hoverinfo="skip", width=0.5)
    figure.add_bar(
        x=shares,
        y=names,
        orientation="h",
        marker={"color": PRUNED},
        width=0.5,
        hovertemplate="%{y}: %{x:.1%} kept<extra></extra>",
    )
    for name, text in zip(names, counts, strict=True):
        figure.add_annotation(
            x=1.03, xref="paper", y=name, text=text, showarrow=False, xanchor="left", font={"size": 12}
        )
    figure.update_layout(barmode="overlay", showlegend=False, margin={"r": 110})
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1], showgrid=False)
    return figure.update_yaxes(type="category", categoryorder="array", categoryarray=names[::-1], showgrid=False)


def _many_layers(report: MaskReport) -> go.Figure:
    figure = empty_figure(f"Kept share by layer (n = {report.total:,})", CURVE_PX)
    figure.add_bar(
        x=list(range(1, len(report.layers) + 1)),
        y=[layer.kept / layer.total for layer in report.layers],
        customdata=[
            f"{layer.name.removesuffix('.weight')}: {layer.kept:,} of {layer.total:,}" for layer in report.layers
        ],
        marker={"color": PRUNED},
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_layout(showlegend=False, bargap=0.15)
    figure.update_xaxes(title=f"layer, 1 to {len(report.layers)} in the network's order", showgrid=False)
    return figure.update_yaxes(range=[0, 1.03], tickformat=".0%", tickvals=[0, 0.5, 1])


def followed(
    answers: Sequence[Comparison],
    here: float | None = None,
    top: float | None = None,
    band: tuple[float, float] | None = None,
) -> go.Figure:
    """Plot one image over sparsities: the similarity of the maps, and the pruned network's
    probability of the class that the reference predicts.

    Args:
        answers: in the order of their sparsity. here: the current sparsity, for an optional marker.
            top: the final maximum; defaults to that of the answers.
        band: sparsities between which networks usually collapse.
    """
    figure = empty_figure("This image over all sparsities (n = 1)", CURVE_PX)
    top = max(top or 0.0, here or 0.0, *(answer.mask.sparsity for answer in answers))
    called = names(answers[0]) if answers else USUAL
    lines = (
        ("agreement of the heatmaps", PRUNED, "solid", [answer.similarity["pearson"] for answer in answers]),
        (
            f"probability of {called.answer}",
            NEUTRAL,
            "dot",
            [answer.pruned.prediction.of(answer.reference_class) for answer in answers],
        ),
    )
    for name, colour, dash, values in lines:
        figure.add_scatter(
            x=[answer.mask.sparsity for answer in answers],
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"size": 5},
            connectgaps=False,
            hovertemplate="%{x:.1%} sparsity: %{y:.3f}<extra>" + name + "</extra>",
        )
    if band:
        figure.add_vrect(
            x0=band[0],
            x1=min(band[1], 1.02 * top),
            fillcolor=GRID,
            line_width=0,
            layer="below",
            annotation={"text": "networks usually collapse", "font": {"size": 11}, "yanchor": "top", "y": 1},
        )
    if here is not None:
        figure.add_vline(x=here, line={"color": PRUNED, "width": 1.5})
    figure.update_xaxes(tickformat=".0%", title="sparsity", range=[-0.02 * top, 1.02 * top])
    return figure.update_yaxes(range=[min(0.0, *(v for v in lines[0][3] if v is not None), 0.0) - 0.03, 1.05])


def with_floor(figure: go.Figure, floor: Floor) -> go.Figure:
    """Draw the noise floor into a figure of similarity to the dense network: a line at the mean,
    and its interval.
    """
    figure.add_hrect(y0=floor.low, y1=floor.high, fillcolor=GRID, line_width=0, layer="below")
    text = f"two dense networks of different seeds: {floor.mean:.2f}"
    note = {"text": text, "font": {"size": 11}, "xanchor": "left", "x": 0, "yanchor": "bottom"}
    return figure.add_hline(y=floor.mean, line={"color": NEUTRAL, "dash": "dash", "width": 1.5}, annotation=note)


def with_floor_at_top(figure: go.Figure, floor: Floor) -> go.Figure:
    """Draw the noise floor across the first method's points: it is of that method."""
    for x, width, dash in ((floor.low, 1.0, "dot"), (floor.mean, 1.5, "dash"), (floor.high, 1.0, "dot")):
        line = {"color": NEUTRAL, "dash": dash, "width": width}
        figure.add_shape(type="line", x0=x, x1=x, y0=0.65, y1=1.35, line=line)
    note = {"text": f"two dense networks of different seeds: {floor.mean:.2f}", "font": {"size": 11}}
    return figure.add_annotation(x=floor.mean, y=1.35, showarrow=False, yanchor="bottom", xanchor="right", **note)


def typical(
    agreements: Sequence[Agreement],
    here: Agreement,
    titles: tuple[str, str],
    images: int,
    compared: str = "dense with pruned",
) -> go.Figure:
    """Plot the agreement of dense and pruned maps, one point per image and method, with the current
    image marked.

    Args:
        agreements: of the images so far. titles: of the two methods. images: their final number.
        compared: the two networks, in words.
    """
    figure = empty_figure(f"Agreement of the two networks' maps (n = {len(agreements)} of {images} images)", height=230)
    figure.add_vrect(
        x0=-1.05,
        x1=ELSEWHERE_BELOW,
        fillcolor=GRID,
        line_width=0,
        layer="below",
        annotation={"text": "elsewhere", "font": {"size": 11}},
    )
    figure.add_vrect(
        x0=SAME_FROM,
        x1=1.05,
        fillcolor=GRID,
        line_width=0,
        layer="below",
        annotation={"text": "same places", "font": {"size": 11}},
    )
    sides = (
        ([one.value for one in agreements], here.value),
        ([one.second_value for one in agreements], here.second_value),
    )
    for row, (title, (values, mine)) in enumerate(zip(titles, sides, strict=True)):
        # Jittered, the same in every drawing.
        heights = [1 - row + 0.24 * math.sin(7.0 * place) for place in range(len(values))]
        figure.add_scatter(
            x=values,
            y=heights,
            mode="markers",
            showlegend=False,
            marker={"size": 6, "color": NEUTRAL, "opacity": 0.55},
            hovertemplate="%{x:.2f}<extra>" + title + "</extra>",
        )
        figure.add_scatter(
            x=[mine],
            y=[1 - row],
            mode="markers",
            name="this image",
            showlegend=row == 0,
            marker={"size": 13, "color": PRUNED, "symbol": "diamond", "line": {"width": 1, "color": "white"}},
            hovertemplate="%{x:.2f}<extra>this image</extra>",
        )
    known = [value for values, mine in sides for value in (*values, mine) if value is not None]
    figure.update_xaxes(range=[min(0.0, *known, 0.0) - 0.05, 1.05], title=f"Pearson correlation, {compared}")
    return figure.update_yaxes(range=[-0.6, 1.6], tickvals=[1, 0], ticktext=list(titles), showgrid=False)


def one_at_a_time(layers: Sequence[str], answers: Sequence[Comparison], total: int) -> go.Figure:
    """Plot the effect of pruning each layer alone on one image.

    Args:
        layers: names of weights. answers: one per layer, in the same order. total: the final number
            of layers.
    """
    figure = empty_figure("One layer pruned at a time (n = 1)")
    shown = [name.removesuffix(".weight") for name in layers]
    places = list(range(1, len(shown) + 1))
    usual = all(answer.with_dense for answer in answers)
    similar = [answer.similarity["pearson"] for answer in answers]
    sure = [answer.pruned.prediction.of(answer.reference_class) for answer in answers]
    figure.add_bar(
        x=places,
        y=similar,
        customdata=shown,
        name=f"Pearson with the {'dense' if usual else 'reference'} map",
        marker={"color": PRUNED},
        hovertemplate="%{customdata}: %{y:.3f}<extra>similarity</extra>",
    )
    figure.add_scatter(
        x=places,
        y=sure,
        customdata=shown,
        name=f"probability of the {'dense' if usual else 'reference'} class",
        mode="markers",
        marker={"color": "#ffffff", "size": 8, "line": {"color": NEUTRAL, "width": 2}},
        hovertemplate="%{customdata}: %{y:.3f}<extra>probability</extra>",
    )
    figure.update_xaxes(title="layer, in the network's order", range=[0.4, total + 0.6], showgrid=False)
    if total <= FEW_LAYERS:
        figure.update_xaxes(tickvals=places, ticktext=shown)
    return figure.update_yaxes(range=[min([0.0, *(value for value in similar if value is not None)]) - 0.03, 1.05])


def threshold_curve(answer: Comparison, threshold: float) -> go.Figure:
    """Plot the Jaccard index of each heatmap with the ink or object by the threshold that binarises
    the heatmap.
    """
    marked = of_truth("the ink", answer.picture.truth_kind).removeprefix("the ")
    figure = empty_figure(f"IoU of heatmap and {marked} by threshold (n = 1)")
    called = names(answer)
    lines = ((answer.curve_reference, called.reference, DENSE), (answer.curve_pruned, called.own, PRUNED))
    for values, name, colour in lines:
        figure.add_scatter(
            x=answer.thresholds.tolist(), y=list(values), name=name, mode="lines", line={"color": colour, "width": 2}
        )
    figure.add_vline(x=threshold, line={"color": NEUTRAL, "width": 1.5})
    figure.update_xaxes(range=[0, 1], title="threshold (0 to 1)")
    return figure.update_yaxes(range=[0, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1])


def probabilities(answer: Comparison, classes: Sequence[str], best: int = 5) -> go.Figure:
    """Plot softmax probabilities of both networks: of every class if they are few and the same,
    else of the `best` of each network.

    Args:
        classes: of the network, with names of their own.
    """
    reference, own = answer.reference.prediction, answer.pruned.prediction
    partners = paired_classes(reference.classes, own.classes, answer.mapping)
    called = names(answer)
    sides = [(reference, literal(called.reference), DENSE), (own, called.own, PRUNED)]
    if len(classes) > FEW_CLASSES or partners != tuple(range(len(classes))):
        theirs = [(index, partners[index]) for index, _ in reference.best(best)]
        ours = [(partners.index(index) if index in partners else None, index) for index, _ in own.best(best)]
        shown = list(dict.fromkeys([*theirs, *ours]))
        named = [reference.classes[one or 0] if other is None else classes[other] for one, other in shown]
        return _best_classes(sides, shown, [literal(name) for name in named], best)
    figure = empty_figure("Probability by class (softmax, n = 1)")
    for side, name, colour in sides:
        figure.add_bar(
            x=[literal(each) for each in classes],
            y=[side.of(index) for index in range(len(classes))],
            name=name,
            marker={"color": colour},
            hovertemplate="class %{x}: %{y:.3f}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(type="category", showgrid=False)
    return figure.update_yaxes(range=[0, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1])


def _best_classes(
    sides: list[tuple[Prediction, str, str]], shown: list[tuple[int | None, int | None]], named: list[str], best: int
) -> go.Figure:
    """shown: indices of each class, the reference's and the network's; None if one lacks it. named:
    what each is called.
    """
    title = f"Probability of each network's {best} most probable classes (softmax, n = 1)"
    figure = empty_figure(title, height=110 + 34 * len(shown))
    for place, (side, label, colour) in reversed(list(enumerate(sides))):  # bars are drawn from below
        values = [side.of(indices[place]) for indices in shown]
        none = "no answer" if not side.answered else "no such class"
        texts = [none if value is None else f"{value:.3f}" for value in values]
        figure.add_bar(
            x=values,
            y=named,
            orientation="h",
            name=label,
            marker={"color": colour},
            text=texts,
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3f}<extra>" + label + "</extra>",
        )
    figure.update_layout(legend={"traceorder": "reversed"}, margin={"r": 40})
    figure.update_xaxes(range=[0, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure.update_yaxes(type="category", categoryorder="array", categoryarray=named[::-1], showgrid=False)


def literal(name: str) -> str:
    """Escape a name from a file so that plotly shows it literally: plotly interprets `<a
    href=...>`, `<b>` and entities in all texts.
    """
    return html.escape(name, quote=False)


def empty_figure(title: str, height: int = 260) -> go.Figure:
    """Return an empty figure in the common style."""
    axis = {"gridcolor": GRID, "zeroline": False, "fixedrange": True, "automargin": True}
    top = {
        "text": title,
        "font": {"size": 14},
        "x": 0,
        "xref": "paper",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 6},
    }
    return go.Figure(
        layout={
            "title": top,
            "height": height,
            "xaxis": axis,
            "yaxis": axis,
            "bargap": 0.25,
            "hovermode": "closest",
            "margin": {"l": 8, "r": 8, "t": 60, "b": 8},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": NEUTRAL},
            "showlegend": True,
        }
    )


def sparsity_position(sparsity: float) -> float:
    """Return the position of a sparsity on the logarithmic axis of density."""
    return -math.log10(max(1 - sparsity, FLOOR))


def sparsity_axis(figure: go.Figure) -> None:
    values = [sparsity_position(tick) for tick in SPARSITY_TICKS]
    texts = [f"{tick * 100:g} %" for tick in SPARSITY_TICKS]
    figure.update_xaxes(
        tickvals=values,
        ticktext=texts,
        tickangle=0,
        range=[-0.03, sparsity_position(1.0) + 0.05],
        title="sparsity (logarithmic in density)",
    )
