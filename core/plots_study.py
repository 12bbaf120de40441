"""The study's tables -> plotly figures, the same for pages and notebooks. They read tables only and compute nothing but positions."""

from __future__ import annotations

import plotly.graph_objects as go
from pandas import DataFrame, Series

from core.plots import DENSE, NEUTRAL, PRUNED, empty_figure
from core.protocols.lukkien import PUBLISHED
from core.protocols.lukkien_tables import StudyTables

OTHER_PARAMETERS = 22
AXES: dict[str, str] = {
    "level": "level (each removes 20 % of what is left)",
    "sparsity": "sparsity",
    "density": "density (logarithmic)",
    "ratio": "compression ratio (all parameters / parameters left, logarithmic)",
}
CONTROLS = {"one-shot": ("one-shot by magnitude, no retraining", "dash"), "random": ("one-shot at random, no retraining", "dot")}
LINES = {"accuracy": (NEUTRAL, "accuracy_noisy"), "soft IoU": (PRUNED, "soft_iou")}


def positions(rows: DataFrame, axis: str) -> Series:
    """Where the rows stand on the axis."""
    if axis == "ratio":
        left = rows.weights_left + OTHER_PARAMETERS
        return left.max() / left
    return {"level": rows.level, "density": rows.density, "sparsity": 1 - rows.density}[axis]


def curves(study: StudyTables, axis: str, controls: tuple[str, ...], published: bool, fitting: str = "soft_iou") -> go.Figure:
    """Accuracy with noise and overlap with the ink over the series: a thin line a seed, the mean with its 95 % interval over images.

    Args:
        axis: a key of AXES. controls: series to add. published: the thesis' values. fitting: column of the levels table.
    """
    name = "soft IoU" if fitting == "soft_iou" else fitting
    figure = empty_figure(f"Accuracy and {name} (n = {study.facts['test_images']:,} images)", height=430)
    mean = study.mean[study.mean.series == "iterative-reset"]
    _shade_collapsed(figure, mean, axis)
    for (shown, (colour, column)), what in zip(LINES.items(), ("accuracy_noisy", fitting), strict=True):
        label = shown if what == column else name
        _seed_lines(figure, study, axis, what, colour)
        if what == column:
            _mean_line(figure, mean, axis, column, (label, colour))
        for control in controls:
            if what == column:
                _control_line(figure, study, axis, column, control)
    if published:
        _published(figure, study, axis)
    figure.update_yaxes(range=[-0.02, 1.03])
    figure.update_layout(legend={"y": -0.22, "yanchor": "top", "traceorder": "normal"}, height=480)
    return _axis(figure, axis)


def scatter(study: StudyTables, without_collapsed: bool) -> go.Figure:
    """Mean accuracy against mean soft IoU, one point a level, joined in order; collapsed levels hollow or left out."""
    mean = study.mean[study.mean.series == "iterative-reset"]
    shown = mean[~mean.collapsed] if without_collapsed else mean
    figure = empty_figure(f"Accuracy against soft IoU (n = {len(shown)} levels)", height=360)
    figure.add_scatter(
        x=shown.accuracy_noisy, y=shown.soft_iou, mode="lines+markers", customdata=shown.level, showlegend=False,
        line={"color": NEUTRAL, "width": 1}, hovertemplate="level %{customdata}: accuracy %{x:.3f}, soft IoU %{y:.3f}<extra></extra>",
        marker={"size": 11, "color": shown.level, "colorscale": "Cividis", "colorbar": {"title": "level"},
                "symbol": ["circle-open" if gone else "circle" for gone in shown.collapsed]},
    )  # fmt: skip
    figure.update_xaxes(title="accuracy with noise", range=[0, 1.02])
    return figure.update_yaxes(title="soft IoU")


def map_statistics(study: StudyTables, axis: str) -> go.Figure:
    """Mean and standard deviation of the heatmaps, and how many are empty; published values at levels 0 and 10."""
    figure = empty_figure(
        f"Heatmap mean, standard deviation, and share of empty maps (n = {study.facts['test_images']:,} images a network)", height=330
    )
    thesis = study.levels[study.levels.series == "iterative-reset"].assign(empty=lambda rows: rows.empty_maps / rows.test_images)
    mean = thesis.groupby("level").mean(numeric_only=True).reset_index()
    for column, label, colour in (
        ("map_mean", "mean", PRUNED),
        ("map_std", "standard deviation", DENSE),
        ("empty", "share empty", NEUTRAL),
    ):
        figure.add_scatter(x=positions(mean, axis), y=mean[column], name=label, mode="lines", line={"color": colour, "width": 2})
    for key, colour in (("map_mean", PRUNED), ("map_std", DENSE)):
        points = mean[mean.level.isin(list(PUBLISHED[key]))]  # type: ignore[call-overload]
        values = [PUBLISHED[key][level] for level in points.level]  # type: ignore[index]
        figure.add_scatter(x=positions(points, axis), y=values, mode="markers", name=f"published {key[4:]}",
                           marker={"color": colour, "symbol": "x", "size": 10})  # fmt: skip
    return _axis(figure, axis)


def correct_against_wrong(study: StudyTables) -> go.Figure:
    """Mean soft IoU of right minus wrong predictions within each level, paired by class, with its 95 % interval; one colour a seed."""
    figure = empty_figure("Soft IoU of right minus wrong predictions, paired by class (n = classes with 5 of each)", height=330)
    for place, (seed, colour) in enumerate(zip(study.facts["seeds"], (DENSE, PRUNED, NEUTRAL), strict=False)):
        rows = study.paired[(study.paired.seed == seed) & (study.paired.classes >= 2)]
        above, below = rows.high - rows.paired_difference, rows.paired_difference - rows.low
        spread = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
        figure.add_scatter(
            x=rows.level + 0.25 * (place - 1), y=rows.paired_difference, error_y=spread, mode="markers", name=f"seed {seed}",
            marker={"color": colour}, customdata=rows.classes, hovertemplate="%{y:.3f}, %{customdata} classes<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    return figure.update_xaxes(title="level")


def _seed_lines(figure: go.Figure, study: StudyTables, axis: str, column: str, colour: str) -> None:
    thesis = study.levels[study.levels.series == "iterative-reset"]
    for seed, rows in thesis.groupby("seed"):
        figure.add_scatter(x=positions(rows, axis), y=rows[column], mode="lines", line={"color": colour, "width": 0.9}, opacity=0.75,
                           name=f"seed {seed}", showlegend=False)  # fmt: skip


def _mean_line(figure: go.Figure, mean: DataFrame, axis: str, column: str, look: tuple[str, str]) -> None:
    x, (label, colour) = positions(mean, axis), look
    for bound, fill in ((f"{column}_high", None), (f"{column}_low", "tonexty")):
        figure.add_scatter(x=x, y=mean[bound], mode="lines", line={"width": 0, "color": colour}, fill=fill, opacity=0.3,
                           hoverinfo="skip", showlegend=False)  # fmt: skip
    figure.add_scatter(x=x, y=mean[column], mode="lines", name=label, line={"color": colour, "width": 3}, customdata=mean.weights_left,
                       hovertemplate="%{y:.3f}, %{customdata:,} weights left<extra>" + label + "</extra>")  # fmt: skip


def _control_line(figure: go.Figure, study: StudyTables, axis: str, column: str, control: str) -> None:
    rows, (label, dash) = study.mean[study.mean.series == control], CONTROLS[control]
    colour = next(colour for colour, known in LINES.values() if known == column)
    figure.add_scatter(x=positions(rows, axis), y=rows[column], mode="lines", line={"color": colour, "dash": dash, "width": 1.5},
                       name=label, showlegend=column == "accuracy_noisy")  # fmt: skip


def _shade_collapsed(figure: go.Figure, mean: DataFrame, axis: str) -> None:
    gone = positions(mean, axis)[mean.collapsed]
    if len(gone) and axis == "level":
        figure.add_vrect(
            x0=gone.min() - 0.5, x1=gone.max() + 0.5, fillcolor=NEUTRAL, opacity=0.18, line_width=0, annotation_text="collapsed"
        )
    elif len(gone):
        figure.add_scatter(x=[gone.iloc[0]] * 2, y=[0, 1], mode="lines", name="collapsed", line={"color": NEUTRAL, "dash": "longdashdot"})


def _published(figure: go.Figure, study: StudyTables, axis: str) -> None:
    first = positions(study.mean[study.mean.series == "iterative-reset"], axis).iloc[:1]
    figure.add_scatter(x=first, y=[PUBLISHED["accuracy_noisy_level_0"]], mode="markers", name="published accuracy, 60,000 / 10,000 images",
                       marker={"symbol": "x", "size": 11, "color": DENSE})  # fmt: skip
    figure.add_hline(y=PUBLISHED["highest_soft_iou"], line={"color": DENSE, "dash": "dashdot", "width": 1},
                     annotation_text="published: highest soft IoU, about 0.21", annotation_font_color=DENSE)  # fmt: skip


def _axis(figure: go.Figure, axis: str) -> go.Figure:
    figure.update_xaxes(title=AXES[axis], type="log" if axis in ("density", "ratio") else "linear")
    if axis == "density":
        figure.update_xaxes(autorange="reversed")
    if axis == "sparsity":
        figure.update_xaxes(tickformat=".0%")
    return figure
