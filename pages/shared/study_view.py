"""Parts of Curves: its address, its controls, and the words around its figures."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from pandas import DataFrame

from core import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec, pictures, plots_study
from core.measures.fitting import FITTINGS
from core.protocols.lukkien import PUBLISHED
from core.protocols.lukkien_tables import StudyTables
from pages.shared import cached
from pages.shared.address import Choice, Number
from pages.shared.widgets import BOUND

STUDIES = {
    "60000": ("mnist-60000", "mnist-test+noise-0.2-s0"),
    "55000": ("mnist-55000", "digits+noise-0.2-s0"),
}
LABELS = "60000: as published, tested on MNIST's 10,000. 55000: the networks that come along, tested on the 5,000 embedded digits."
PARAMETERS: dict[str, Choice | Number] = {
    "trained": Choice("60000", tuple(STUDIES)),
    "axis": Choice("level", tuple(plots_study.AXES)),
    "oneshot": Choice("true", ("true", "false")),
    "random": Choice("false", ("true", "false")),
    "published": Choice("true", ("true", "false")),
    "collapsed": Choice("true", ("true", "false")),
    "image": Number(3500, 0, 4999),
}


@dataclass(frozen=True, kw_only=True)
class View:
    """What the controls ask for. study: weights and data key; controls: series beside the thesis' own."""

    study: tuple[str, str]
    axis: str
    controls: tuple[str, ...]
    published: bool
    without_collapsed: bool


def controls() -> View:
    """Draws the sidebar."""
    with st.sidebar:
        st.subheader("Study")
        trained = st.segmented_control(
            "Training images", list(STUDIES), default="60000", required=True, key="trained", width="stretch", help=LABELS, **BOUND
        )
        st.subheader("Figure")
        axis = st.selectbox("Horizontal axis", list(plots_study.AXES), key="axis", **BOUND)
        shown = [
            name
            for name, key, label in (
                ("one-shot", "oneshot", "One-shot pruning (control)"),
                ("random", "random", "Random pruning (control)"),
            )
            if st.toggle(label, value=key == "oneshot", key=key, help=plots_study.CONTROLS[name][0], **BOUND)
        ]
        published = st.toggle("Published values", value=True, key="published", **BOUND)
        collapsed = st.toggle(
            "Collapsed levels", value=True, key="collapsed", help="No path of kept weights joins input and output.", **BOUND
        )
    return View(study=STUDIES[trained], axis=axis, controls=tuple(shown), published=published, without_collapsed=not collapsed)


def headline(study: StudyTables) -> str:
    """The study in one sentence, made from the numbers."""
    mean = study.mean[study.mean.series == "iterative-reset"]
    dense = mean.accuracy_noisy.iloc[0]
    kept = mean[mean.accuracy_noisy >= dense - 0.01].level.max()
    row = mean[mean.level == kept].iloc[0]
    all_maps, usable = (pearson(table, "mean", "all").value for table in (study.correlations, study.correlations_usable))
    return (
        f"Down to **{row.weights_left:,} weights** ({1 - row.density:.1%} sparsity) accuracy stays within one point of {dense:.1%}. "
        f"Over all levels it falls together with soft IoU (Pearson **{all_maps:.2f}**); without the empty heatmaps: **{usable:.2f}**."
    )


def origin(study: StudyTables) -> str:
    """What these are numbers of."""
    facts = study.facts
    return (
        f"Our run: {facts['train_images']:,} training images, {facts['test_images']:,} test images, seeds "
        f"{', '.join(map(str, facts['seeds']))}; Grad-CAM++ of the noisy image for each network's own class, against the clean image. "
        f"Bands are 95 % intervals over images. Published values: 60,000 and 10,000 images."
    )


def caveats(study: StudyTables) -> None:
    """What the thesis claims and what is measured, and why the points are not independent."""
    near = study.levels[(study.levels.series == "iterative-reset") & (study.levels.weights_left == 46)]
    left = ", ".join(f"{value:.1%}" for value in near.accuracy_noisy)
    st.markdown(
        f"- The thesis claims *{PUBLISHED['claim']}*. At 98.0 % sparsity (46 weights) we measure {left} accuracy for the three seeds.\n"
        "- The levels descend from each other: 26 points are not 26 independent networks.\n"
        "- Grad-CAM++ is unstable before a ReLU, where the activations are negative: part of what moves here is the method.\n"
        "- A **collapsed** level has no path of kept weights from input to output; its accuracy is one class's share and its map is empty."
    )


def pearson(table: DataFrame, series: str, levels: str) -> DataFrame:
    """The row of Pearson's coefficient for soft IoU."""
    chosen = (table.series == series) & (table["levels"] == levels) & (table.fitting == "soft-iou") & (table.coefficient == "pearson")
    return table[chosen].iloc[0]


def correlation_table(study: StudyTables, view: View) -> None:
    """Each seed and the mean series, three coefficients with intervals; all maps and usable maps only."""
    levels = "without collapsed" if view.without_collapsed else "all"
    for title, table in (("All heatmaps, an empty one overlapping by 0", study.correlations),
                         ("Without empty heatmaps: fewer images at deep levels", study.correlations_usable)):  # fmt: skip
        rows = table[(table["levels"] == levels) & (table.fitting == "soft-iou")]
        st.markdown(f"**{title}** (n = {int(rows.n.max())} levels, df = {int(rows.df.max())})")
        wide = {name: [_interval(row) for row in part.itertuples()] for name, part in rows.groupby("coefficient", sort=False)}
        st.table({"series": list(dict.fromkeys(rows.series)), **wide})
    st.caption(
        f"Intervals: 95 %, images resampled 2,000 times; three seeds are too few to resample, so each is shown. The thesis prints Pearson "
        f"{PUBLISHED['pearson']:.3f} with df {PUBLISHED['df_printed']} over 26 levels; n - 2 is 24. p would only describe: see above."
    )


def _interval(row: object) -> str:
    value, low, high = row.value, row.low, row.high  # type: ignore[attr-defined]
    return "–" if value != value else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def fitting_table(study: StudyTables) -> None:
    """How the mean series' Pearson depends on the way of fitting."""
    rows = []
    for name, entry in FITTINGS.items():
        cells = {"fitting": entry.title}
        for title, table in (("all heatmaps", study.correlations), ("without empty", study.correlations_usable)):
            found = table[
                (table.series == "mean") & (table["levels"] == "all") & (table.fitting == name) & (table.coefficient == "pearson")
            ]
            cells[f"Pearson, {title}"] = _interval(next(found.itertuples()))
        rows.append(cells)
    st.table({column: [row[column] for row in rows] for column in rows[0]})
    st.caption("The best single threshold is chosen for each network on the images it is scored on.")


def normality_table(study: StudyTables) -> None:
    rows = study.normality
    columns = {"Shapiro-Wilk W": [f"{value:.3f}" for value in rows.statistic], "p": [f"{value:.2g}" for value in rows.p]}
    st.table({"seed": rows.series.tolist(), "series": rows.quantity.tolist(), **columns, "n": rows.n.tolist()})
    st.caption("A small p speaks against a normal series; that is why Spearman and Kendall stand beside Pearson.")


def strip(study: StudyTables) -> None:
    """One digit's heatmap at every level of the shipped networks, each with a link to Explore."""
    st.subheader("One digit over all levels")
    row = int(st.number_input("Embedded digit", 0, 4999, 3500, key="image", help="Row of the 5,000 embedded digits.", **BOUND))
    st.caption("Seed 333 of the networks that come along (trained on 55,000 images). The number is the class each network predicts.")
    grid = st.grid(9, min_column_width=90, gap="small")
    for level, url, says in level_pictures(row):
        with grid.cell().container(gap="xsmall"):
            st.image(url, width="stretch", alt=f"Heatmap of digit {row} at level {level}; the network says {says}")
            st.caption(f"level {level}: **{says}**")
    level = st.number_input("Level to open in Explore", 0, 25, 10, key="open_level")
    label = int(cached.engine().gallery().labels[row])
    query = {"schedule": "iterative-reset", "unit": "level", "level": str(level), "digit": str(label),
             "nth": str(cached.rows_of_class(label).index(row) + 1)}  # fmt: skip
    st.page_link("pages/explore.py", label=f"Open level {level} in Explore", icon=":material/search:", query_params=query)


def take_along(study: StudyTables, view: View) -> None:
    """Downloads of what is on the screen, and the code that reads the same tables."""
    st.subheader("Take it along")
    st.caption("The camera in a figure's corner saves it as SVG.")
    with st.container(horizontal=True):
        for name in ("levels", "mean", "correlations", "correlations_usable", "paired"):
            table = getattr(study, name)
            st.download_button(f"{name}.csv", lambda table=table: table.to_csv(index=False), f"{name}.csv", "text/csv", type="tertiary",
                               icon=":material/download:", on_click="ignore")  # fmt: skip
    st.code(
        f'from core import Engine, plots_study\n\nstudy = Engine().study("{view.study[0]}", "{view.study[1]}")\n'
        f"plots_study.curves(study, {view.axis!r}, {view.controls!r}, published={view.published})",
        language="python",
    )


def chart(figure: go.Figure, alt: str) -> None:
    """A figure with an SVG button."""
    st.plotly_chart(
        figure, width="stretch", alt=alt,
        config={"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": "sparsight"}, "modeBarButtons": [["toImage"]]},
    )  # fmt: skip


@st.cache_data(max_entries=200, show_spinner=False)
def level_pictures(row: int) -> list[tuple[int, str, int]]:
    """(level, picture address, predicted class) of one digit at every level, target: each network's own class, as in the thesis."""
    variants = tuple(VariantSpec(model=ModelSpec(), pruning=PruningSpec.at_level(level)) for level in range(26))
    answers = cached.engine().follow(variants, ImageRef(name=str(row)), CamSpec(target="own"))
    return [
        (
            level,
            pictures.data_url(pictures.jpeg(pictures.overlay(answer.pruned, answer.picture.clean, 0.65, 140))),
            answer.pruned.prediction.top,
        )
        for level, answer in enumerate(answers)
    ]
