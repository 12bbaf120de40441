"""Plotly figures of the study's tables for pages and notebooks.

They read tables and compute only positions.
"""

from __future__ import annotations

import plotly.graph_objects as go
from pandas import DataFrame, Series, isna

from core.figures.plots.base import DENSE, NEUTRAL, PRUNED, empty_figure
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.tables import StudyTables, overlap_column

# Long titles have two lines, so that they fit on a phone.
AXES: dict[str, str] = {
    "level": "level (each removes 20 %<br>of the remaining weights)",
    "sparsity": "sparsity",
    "density": "density (logarithmic)",
    "ratio": "compression ratio (log)<br>all / left parameters",
}
# Positions of ticks.
LOGARITHMIC = {"density": (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001), "ratio": (1, 2, 5, 10, 20, 50, 100)}
CONTROLS = {"one-shot": ("one-shot, not retrained", "dash"), "random": ("random, not retrained", "dot")}


def overlap_name(fitting: str) -> str:
    """Return the name of the overlap on axes and legends: "soft IoU", "IoU (best single
    threshold)".
    """
    title = FITTINGS[fitting].title.replace(" (", ", ").rstrip(")")
    return "soft IoU" if fitting == "soft-iou" else f"IoU ({title[0].lower()}{title[1:]})"


def positions(rows: DataFrame, axis: str, other_parameters: int) -> Series:
    """Return the positions of the rows on the axis. other_parameters: those of a network that are
    never pruned; the ratio counts them.
    """
    if axis == "ratio":
        left = rows.weights_left + other_parameters
        return left.max() / left
    return {"level": rows.level, "density": rows.density, "sparsity": 1 - rows.density}[axis]


def curves(
    study: StudyTables,
    axis: str = "level",
    controls: tuple[str, ...] = (),
    published: bool = True,
    fitting: str = "soft-iou",
) -> go.Figure:
    """Plot accuracy with noise and overlap with the ink over the series: a thin line per seed, and
    the mean with its 95 % interval over images.

    Args:
        axis: a key of AXES. controls: series to add; their overlap exists as soft IoU only.
            published: whether to add the thesis' values.
        fitting: a key of FITTINGS, how heatmap and ink are compared.
    """
    name = overlap_name(fitting)
    figure = _figure(f"Accuracy and {name} (n = {study.facts['test_images']:,} images)", height=480)
    mean = study.mean_series(fitting)
    x = positions(mean, axis, study.other_parameters)
    _shade_collapsed(figure, x[mean.collapsed], axis)
    lines = (
        ("accuracy", NEUTRAL, "accuracy_noisy", "accuracy_noisy"),
        (name.split(" (")[0], PRUNED, overlap_column(fitting), "overlap"),
    )
    for label, colour, of_seeds, of_mean in lines:
        _seed_lines(figure, study, axis, of_seeds, colour)
        _mean_line(figure, mean.assign(x=x), of_mean, (label, colour))
        for control in controls:
            _control_line(figure, study, axis, control, (of_mean, colour, fitting))
    if published:
        _published(figure, x.iloc[:1], with_overlap=fitting == "soft-iou")
    figure.update_yaxes(range=[-0.02, 1.03], title=f"accuracy; {name}".replace(" IoU (", "<br>IoU ("))
    return _axis(figure, axis)


def scatter(study: StudyTables, without_collapsed: bool = False, fitting: str = "soft-iou") -> go.Figure:
    """Plot mean accuracy against mean overlap, one point per level, connected in order; collapsed
    levels are hollow or left out.
    """
    mean, name = study.mean_series(fitting), overlap_name(fitting)
    shown = mean[~mean.collapsed] if without_collapsed else mean
    figure = _figure(f"Accuracy against {name} (n = {len(shown)} levels)", height=400)
    figure.add_scatter(
        x=shown.accuracy_noisy,
        y=shown.overlap,
        mode="lines+markers",
        customdata=shown.level,
        showlegend=False,
        line={"color": NEUTRAL, "width": 1},
        hovertext=_empty_maps(shown),
        hovertemplate=f"level %{{customdata}}: accuracy %{{x:.3f}}, {name} %{{y:.3f}}%{{hovertext}}<extra></extra>",
        marker={
            "size": 11,
            "color": shown.level,
            "colorscale": "Cividis",
            "colorbar": {"title": "level"},
            "line": {"color": NEUTRAL, "width": 1},
            "symbol": ["circle-open" if gone else "circle" for gone in shown.collapsed],
        },
    )
    figure.update_xaxes(title="accuracy with noise", range=[0, 1.02])
    return figure.update_yaxes(title=name.replace(" (", "<br>("))


def map_statistics(study: StudyTables, axis: str = "level") -> go.Figure:
    """Plot mean and standard deviation of the heatmaps, and the share of empty ones; published
    values at levels 0 and 10.
    """
    figure = _figure(
        f"Heatmaps (mean, deviation, share empty) (n = {study.facts['test_images']:,} images a network)", height=420
    )
    thesis = study.levels[study.levels.series == "iterative-reset"].assign(
        empty=lambda rows: rows.empty_maps / rows.test_images
    )
    mean, others = thesis.groupby("level").mean(numeric_only=True).reset_index(), study.other_parameters
    for column, label, colour in (
        ("map_mean", "mean", PRUNED),
        ("map_std", "standard deviation", DENSE),
        ("empty", "share empty", NEUTRAL),
    ):
        figure.add_scatter(
            x=positions(mean, axis, others),
            y=mean[column],
            name=label,
            mode="lines",
            line={"color": colour, "width": 2},
        )
    for key, label, colour in (("map_mean", "mean", PRUNED), ("map_std", "standard deviation", DENSE)):
        points = mean[mean.level.isin(list(PUBLISHED[key]))]  # type: ignore[call-overload]
        values = [PUBLISHED[key][level] for level in points.level]  # type: ignore[index]
        figure.add_scatter(
            x=positions(points, axis, others),
            y=values,
            mode="markers",
            name=f"published {label}",
            marker={"color": colour, "symbol": "x", "size": 10},
        )
    return _axis(figure, axis)


def correct_against_wrong(study: StudyTables) -> go.Figure:
    """Plot mean soft IoU of correct minus wrong predictions within each level, paired by class,
    with its 95 % interval; one colour per seed.
    """
    figure = _figure(
        "Correct minus wrong predictions (soft IoU, paired by class) (n = classes with 5 of each)", height=380
    )
    for place, (seed, colour) in enumerate(zip(study.facts["seeds"], (DENSE, PRUNED, NEUTRAL), strict=False)):
        rows = study.paired[(study.paired.seed == seed) & (study.paired.classes >= 2)]
        above, below = rows.high - rows.paired_difference, rows.paired_difference - rows.low
        spread = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
        figure.add_scatter(
            x=rows.level + 0.25 * (place - 1),
            y=rows.paired_difference,
            error_y=spread,
            mode="markers",
            name=f"seed {seed}",
            marker={"color": colour},
            customdata=rows.classes,
            hovertemplate="%{y:.3f}, %{customdata} classes<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    return figure.update_xaxes(title="level").update_yaxes(title="difference of soft IoU")


def offline_page(figure: go.Figure, name: str) -> str:
    """Return an interactive HTML file that works offline; its camera button saves SVG. name: of the
    SVG file.
    """
    shown = go.Figure(figure).update_layout(paper_bgcolor="white", plot_bgcolor="white", dragmode="zoom")
    shown.update_xaxes(fixedrange=False).update_yaxes(fixedrange=False)
    options = {"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg", "filename": name}}
    return shown.to_html(include_plotlyjs=True, config=options)


def _seed_lines(figure: go.Figure, study: StudyTables, axis: str, column: str, colour: str) -> None:
    thesis = study.levels[study.levels.series == "iterative-reset"]
    for seed, rows in thesis.groupby("seed"):
        x = positions(rows, axis, study.other_parameters)
        figure.add_scatter(
            x=x,
            y=rows[column],
            mode="lines",
            line={"color": colour, "width": 0.9},
            opacity=0.75,
            name=f"seed {seed}",
            showlegend=False,
        )


def _mean_line(figure: go.Figure, mean: DataFrame, column: str, look: tuple[str, str]) -> None:
    """Add the mean and, if there is one, its interval. mean: has its position in x."""
    label, colour = look
    bounds = ((f"{column}_high", None), (f"{column}_low", "tonexty")) if mean[f"{column}_low"].notna().any() else ()
    for bound, fill in bounds:
        figure.add_scatter(
            x=mean.x,
            y=mean[bound],
            mode="lines",
            line={"width": 0, "color": colour},
            fill=fill,
            opacity=0.3,
            hoverinfo="skip",
            showlegend=False,
        )
    beside = _empty_maps(mean) if column == "overlap" else [""] * len(mean)
    figure.add_scatter(
        x=mean.x,
        y=mean[column],
        mode="lines",
        name=label,
        line={"color": colour, "width": 3},
        customdata=mean.weights_left,
        hovertext=beside,
        hovertemplate="%{y:.3f}%{hovertext}, %{customdata:,} weights left<extra>" + label + "</extra>",
    )


def _empty_maps(mean: DataFrame) -> list[str]:
    """Return the note for each mean overlap: the number of empty maps and the mean without them;
    empty if there are none.
    """
    texts = []
    for row in mean.itertuples():
        without = "undefined" if isna(row.overlap_without_empty) else f"{row.overlap_without_empty:.3f}"
        texts.append(
            f"<br>({row.empty_maps:,.0f} of {row.maps:,.0f} maps empty; {without} without them)"
            if row.empty_maps
            else ""
        )
    return texts


def _control_line(figure: go.Figure, study: StudyTables, axis: str, control: str, look: tuple[str, str, str]) -> None:
    column, colour, fitting = look
    rows, (label, dash) = study.mean_series(fitting, control), CONTROLS[control]
    if rows[column].notna().any():
        x = positions(rows, axis, study.other_parameters)
        figure.add_scatter(
            x=x,
            y=rows[column],
            mode="lines",
            line={"color": colour, "dash": dash, "width": 1.5},
            name=label,
            showlegend=column == "accuracy_noisy",
        )


def _shade_collapsed(figure: go.Figure, gone: Series, axis: str) -> None:
    """Shade the collapsed levels. gone: their positions."""
    if len(gone) and axis == "level":
        figure.add_vrect(
            x0=gone.min() - 0.5,
            x1=gone.max() + 0.5,
            fillcolor=NEUTRAL,
            opacity=0.18,
            line_width=0,
            annotation_text="collapsed",
        )
    elif len(gone):
        figure.add_scatter(
            x=[gone.iloc[0]] * 2,
            y=[0, 1],
            mode="lines",
            name="collapsed",
            line={"color": NEUTRAL, "dash": "longdashdot"},
        )


def _published(figure: go.Figure, first: Series, with_overlap: bool) -> None:
    """Add the published values: accuracy at level 0, at position `first`, and the peak of soft
    IoU.
    """
    name, look = f"published (n = {PUBLISHED['test_images']:,})", {"symbol": "x", "size": 11, "color": DENSE}
    figure.add_scatter(x=first, y=[PUBLISHED["accuracy_noisy_level_0"]], mode="markers", name=name, marker=look)
    if with_overlap:
        figure.add_hline(
            y=PUBLISHED["highest_soft_iou"],
            line={"color": DENSE, "dash": "dashdot", "width": 1},
            annotation_text="published peak: about 0.21",
            annotation_position="top left",
            annotation_font_color=DENSE,
        )


def _figure(title: str, height: int) -> go.Figure:
    """Return a figure in the common style with a new line for each bracket of the title, so that it
    fits on a phone, and the legend below.
    """
    text = title.replace(", upper bound", "").replace(" (", "<br>(")  # the axis shows that
    figure = empty_figure(text, height)
    # plotly puts the first of several lines 14 pixels higher than a single one
    place = {"x": 0, "xref": "container", "y": 1 - 14 / height, "font": {"weight": "bold"}}
    figure.update_layout(title=place, margin={"t": 40 + 18 * text.count("<br>")})
    return figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "traceorder": "normal"})


def _axis(figure: go.Figure, axis: str) -> go.Figure:
    figure.update_xaxes(title=AXES[axis])
    if axis in LOGARITHMIC:
        figure.update_xaxes(
            type="log", tickvals=LOGARITHMIC[axis], ticktext=[f"{value:g}" for value in LOGARITHMIC[axis]]
        )
    if axis == "density":
        figure.update_xaxes(autorange="reversed")
    if axis == "sparsity":
        figure.update_xaxes(tickformat=".0%")
    return figure
