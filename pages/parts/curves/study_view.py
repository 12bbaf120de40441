"""Curves of the thesis: parameters, controls, and the sentences around the figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import starmap

import streamlit as st
from pandas import DataFrame

from core.base.numbers import change, percent, score
from core.figures.plots import lukkien as plots_study
from core.figures.plots.lukkien import overlap_name
from core.measures.fitting import FITTINGS
from core.models.zoo import MODELS
from core.protocols.lukkien.images import SERIES
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import titles
from pages.parts.common.parameters import Choice, Number, Parameter
from pages.parts.common.widgets import choice, segments, toggle
from pages.parts.curves import study_again
from pages.parts.curves.study_tables import pearson

CARD = MODELS["thesis-cnn"].value  # the network of the thesis, used in all studies here
STUDIES = {
    "60000": ("mnist-60000", "mnist-test+noise-0.2-s0"),
    "60000 again": ("mnist-60000-again", "mnist-test+noise-0.2-s0"),
    "55000": ("mnist-55000", "digits+noise-0.2-s0"),
}
LABELS = (
    "60,000: as published, tested on MNIST's 10,000 test images. Again: the same seeds trained a second time; only"
    " rounding differs. 55,000: the included networks, tested on the 5,000 embedded digits."
)
AXES = {"level": "Level", "sparsity": "Sparsity", "density": "Density (log)", "ratio": "Compression ratio (log)"}
TABS = {
    "curves": "Accuracy and overlap",
    "together": "Correlation",
    "maps": "The heatmaps",
    "answers": "Correct and wrong answers",
    "digit": "One digit",
    "choices": "Other choices",
}
PARAMETERS: dict[str, Parameter] = {
    "tab": Choice("curves", tuple(TABS), titles=TABS),
    "trained": Choice("60000", tuple(STUDIES), titles={"60000": "60,000", "60000 again": "Again", "55000": "55,000"}),
    "axis": Choice("level", tuple(plots_study.AXES), titles=AXES),
    "fitting": Choice("soft-iou", tuple(FITTINGS), titles=titles.of(FITTINGS)),
    "oneshot": Choice("true", ("true", "false")),
    "random": Choice("false", ("true", "false")),
    "published": Choice("true", ("true", "false")),
    "collapsed": Choice("true", ("true", "false")),
    "image": Number(3500, 0, 4999),
    "seed": Choice(str(CARD.seeds[0]), tuple(map(str, CARD.seeds))),
}


@dataclass(frozen=True, kw_only=True)
class View:
    """The settings of the controls. study: weights and data key. controls: series beside the
    thesis' own.
    """

    study: tuple[str, str]
    axis: str
    fitting: str
    controls: tuple[str, ...]
    published: bool
    without_collapsed: bool


def controls() -> View:
    """Draws the sidebar."""
    with st.sidebar:
        st.subheader("Study", anchor=False)
        trained = segments("Training images", "trained", PARAMETERS, help=LABELS)
        st.subheader("Figure", anchor=False)
        axis = choice("Horizontal axis", "axis", PARAMETERS)
        fitting = choice(
            "Overlap of heatmap and ink",
            "fitting",
            PARAMETERS,
            help="Applies to every figure that shows overlap.",
        )
        st.caption(FITTINGS[fitting].summary)
        shown = [
            name
            for name, key, label in (
                ("one-shot", "oneshot", "One-shot pruning (control)"),
                ("random", "random", "Random pruning (control)"),
            )
            if toggle(label, key, PARAMETERS, help=SERIES[name])
        ]
        published = toggle("Published values", "published", PARAMETERS)
        collapsed = toggle(
            "Collapsed levels",
            "collapsed",
            PARAMETERS,
            help="Levels without a path of kept weights from input to output.",
        )
    return View(
        study=STUDIES[trained],
        axis=axis,
        fitting=fitting,
        controls=tuple(shown),
        published=published,
        without_collapsed=not collapsed,
    )


def known_fitting(study: StudyTables, view: View) -> View:
    """Replaces the overlap by soft IoU, with a warning, if the study was not evaluated with the
    chosen one.
    """
    if view.fitting in study.fittings():
        return view
    st.warning(
        f"This study was not evaluated with **{FITTINGS[view.fitting].title}**; soft IoU is shown instead.",
        icon=":material/warning:",
    )
    return replace(view, fitting="soft-iou")


def headline(study: StudyTables) -> str:
    """Describes how long accuracy holds."""
    mean = study.mean_series()
    dense = mean.accuracy_noisy.iloc[0]
    row = mean[mean.accuracy_noisy >= dense - 0.01].iloc[-1]
    return (
        f"Down to **{row.weights_left:,} weights** ({percent(1 - row.density)} sparsity), accuracy stays within one"
        f" point of {percent(dense)}."
    )


def together(study: StudyTables, fitting: str = "soft-iou") -> str:
    """Describes the correlation of accuracy and overlap."""
    all_maps, usable = (_mean_and_seeds(table, fitting) for table in (study.correlations, study.correlations_usable))
    return (
        f"Over all levels, accuracy correlates with {overlap_name(fitting)} (Pearson {all_maps}); without empty"
        f" heatmaps: {usable}."
    )


def emptied(study: StudyTables) -> str:
    """Describes from which level on most heatmaps are empty, over all seeds."""
    mean = study.mean_series()
    empty = mean.empty_maps / mean.maps
    lost = mean[empty > 0.5]
    if lost.empty:
        return f"At no level are most heatmaps empty; the maximum is {percent(empty.max())}."
    first = lost.iloc[0]
    return (
        f"At level **{first.level}** ({percent(1 - first.density)} sparsity) most heatmaps are empty for the first"
        f" time: {first.empty_maps:,} of {first.maps:,} over all seeds."
    )


def right_and_wrong(study: StudyTables) -> str:
    """Describes how soft IoU of correct and wrong answers differs in the dense networks."""
    dense = study.paired[study.paired.level == 0]
    return (
        "In the dense networks, soft IoU of correct answers differs from that of wrong ones by"
        f" {_listed(starmap(_with_interval, zip(dense.paired_difference, dense.low, dense.high, strict=True)))}"
        f" (seeds {_listed(dense.seed)}; in brackets 95 % intervals over classes)."
    )


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{change(value)} [{score(low)}, {score(high)}]"


def _mean_and_seeds(table: DataFrame, fitting: str) -> str:
    """Formats Pearson's r of the mean series; bold only if the seeds agree on its sign."""
    mean = score(pearson(table, "mean", "all", fitting).value)
    seeds = [pearson(table, name, "all", fitting).value for name in dict.fromkeys(table.series) if name != "mean"]
    if min(seeds) < 0 < max(seeds):
        return f"{mean}, but the seeds disagree on the sign ({_listed(map(score, seeds))})"
    return f"**{mean}**"


def origin(study: StudyTables, view: View) -> str:
    """Describes the data behind the figures."""
    facts = study.facts
    return (
        f"Our run: {facts['train_images']:,} training images, {facts['test_images']:,} test images, seeds"
        f" {_listed(facts['seeds'])} (thin lines; the thick line is their mean). Grad-CAM++ of the noisy image, before"
        " the ReLU of the last convolution, for each network's own class, is compared with the clean image."
        f" {_bands(study, view)} Published values: 60,000 and 10,000 images."
    )


def _bands(study: StudyTables, view: View) -> str:
    """Describes the bands, and which lines have none."""
    says = ["Bands are 95 % intervals over images, most of them no wider than the line."]
    if study.mean_series(view.fitting).overlap_low.isna().all():
        says = [
            f"The band is the 95 % interval of accuracy over images; these tables have none for"
            f" {overlap_name(view.fitting)}."
        ]
    if any(study.mean_series(view.fitting, control).overlap.isna().all() for control in view.controls):
        says.append("Control networks were evaluated with soft IoU only, so only their accuracy is shown.")
    if view.published and view.fitting != "soft-iou":
        says.append("The thesis reports soft IoU only.")
    return " ".join(says)


def caveats(study: StudyTables) -> None:
    """Lists what the thesis claims, what is measured, and why the points are not independent."""
    thesis = study.levels[study.levels.series == "iterative-reset"]
    again = study_again.sentence(study)
    st.markdown(
        f"- {_claim(thesis)}\n"
        + (f"- {again}\n" if again else "")
        + f"- Each level is pruned from the one before: {thesis.level.nunique()} points are not"
        f" {thesis.level.nunique()} independent networks.\n- {_peak(study)}\n- Grad-CAM++ is unstable before a ReLU,"
        " where the activations are negative: part of the change comes from the method. After the ReLU, and with"
        " Grad-CAM at either layer, Pearson without empty heatmaps is positive for all three seeds (5,000 embedded"
        " digits, networks trained on 55,000 images).\n- A **collapsed** level has no path of kept weights from input"
        " to output; its accuracy equals the share of one class and its map is empty."
    )


def _claim(thesis: DataFrame, claimed: float = 0.98) -> str:
    """Compares the thesis' claim with the measurement at the level nearest to that sparsity, if the
    study reaches it.
    """
    near = thesis[thesis.level == thesis.level[(1 - thesis.density - claimed).abs().idxmin()]]
    row = near.iloc[0]
    if abs(1 - row.density - claimed) > 0.005:
        return f"The thesis claims *{PUBLISHED['claim']}*; this study does not reach {percent(claimed)} sparsity."
    return (
        f"The thesis claims *{PUBLISHED['claim']}*. At {percent(1 - row.density)} sparsity"
        f" ({row.weights_left:,} weights) we measure {_listed(map(percent, near.accuracy_noisy))} accuracy for the"
        f" seeds {_listed(near.seed)}."
    )


def _peak(study: StudyTables) -> str:
    """Compares the peak of soft IoU with that of the thesis."""
    mean = study.mean_series()
    peak = mean.loc[mean.overlap.idxmax()]
    return (
        f"The thesis' soft IoU starts lower and peaks, at about {PUBLISHED['highest_soft_iou']},"
        f" {PUBLISHED['highest_soft_iou_where']}; ours is {mean.overlap.iloc[0]:.3f} at level 0 and highest at level"
        f" {peak.level}, {peak.overlap:.3f}."
    )


def _listed(values: object) -> str:
    return ", ".join(map(str, values))  # type: ignore[call-overload]
