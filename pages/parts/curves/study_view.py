"""Parts of Curves: its address, its controls, and the sentences around its figures."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

CARD = MODELS["thesis-cnn"].value  # the network of the thesis, which is what the studies here are of
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
    "together": "Do they fall together?",
    "maps": "The heatmaps",
    "answers": "Right and wrong answers",
    "digit": "One digit",
}
PARAMETERS: dict[str, Parameter] = {
    "tab": Choice("curves", tuple(TABS), titles=TABS),
    "trained": Choice("60000", tuple(STUDIES), titles={"60000": "60,000", "60000 again": "again", "55000": "55,000"}),
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
    """What the controls ask for. study: weights and data key; controls: series beside the thesis'
    own.
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
            help="How overlap is counted, in every figure that shows it.",
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
            "Collapsed levels", "collapsed", PARAMETERS, help="No path of kept weights connects input and output."
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
    """The view by soft IoU, and a sentence that says so, where the study was not evaluated with the
    fitting asked for.
    """
    if view.fitting in study.fittings():
        return view
    st.warning(
        f"This study was not evaluated with **{FITTINGS[view.fitting].title}**; soft IoU is shown instead.",
        icon=":material/warning:",
    )
    return replace(view, fitting="soft-iou")


def headline(study: StudyTables) -> str:
    """How far accuracy holds, made from the numbers."""
    mean = study.mean_series()
    dense = mean.accuracy_noisy.iloc[0]
    row = mean[mean.accuracy_noisy >= dense - 0.01].iloc[-1]
    return (
        f"Down to **{row.weights_left:,} weights** ({percent(1 - row.density)} sparsity) accuracy stays within one"
        f" point of {percent(dense)}."
    )


def together(study: StudyTables, fitting: str = "soft-iou") -> str:
    """Whether accuracy and overlap go together."""
    all_maps, usable = (_mean_and_seeds(table, fitting) for table in (study.correlations, study.correlations_usable))
    return (
        f"Over all levels accuracy correlates with {overlap_name(fitting)} (Pearson {all_maps}); without the empty"
        f" heatmaps: {usable}."
    )


def emptied(study: StudyTables) -> str:
    """From which level on most heatmaps are empty, over all seeds."""
    mean = study.mean_series()
    empty = mean.empty_maps / mean.maps
    lost = mean[empty > 0.5]
    if lost.empty:
        return f"No level has mostly empty heatmaps; at most {percent(empty.max())} of a level's are."
    first = lost.iloc[0]
    return (
        f"At level **{first.level}** ({percent(1 - first.density)} sparsity) most heatmaps are empty for the first"
        f" time: {first.empty_maps:,} of {first.maps:,} over all seeds."
    )


def right_and_wrong(study: StudyTables) -> str:
    """Whether the dense networks' right answers have the better maps, seed by seed."""
    dense = study.paired[study.paired.level == 0]
    return (
        "In the dense networks, soft IoU of right answers differs from that of wrong ones by"
        f" {_listed(map(change, dense.paired_difference))} (seeds {_listed(dense.seed)})."
    )


def _mean_and_seeds(table: DataFrame, fitting: str) -> str:
    """Pearson's r of the mean series; stressed only where the seeds agree about its sign."""
    mean = score(pearson(table, "mean", "all", fitting).value)
    seeds = [pearson(table, name, "all", fitting).value for name in dict.fromkeys(table.series) if name != "mean"]
    if min(seeds) < 0 < max(seeds):
        return f"{mean}, and the seeds disagree about the sign ({_listed(map(score, seeds))})"
    return f"**{mean}**"


def origin(study: StudyTables, view: View) -> str:
    """What these are numbers of."""
    facts = study.facts
    return (
        f"Our run: {facts['train_images']:,} training images, {facts['test_images']:,} test images, seeds"
        f" {_listed(facts['seeds'])} (thin lines; the thick line is their mean); Grad-CAM++ of the noisy image, before"
        " the ReLU of the last convolution, for each network's own class, against the clean image."
        f" {_bands(study, view)} Published values: 60,000 and 10,000 images."
    )


def _bands(study: StudyTables, view: View) -> str:
    """What the bands are, and what has none."""
    says = ["Bands are 95 % intervals over images, most of them no wider than the line."]
    if study.mean_series(view.fitting).overlap_low.isna().all():
        says = [
            f"The band is accuracy's 95 % interval over images; there is none for {overlap_name(view.fitting)} in these"
            " tables."
        ]
    if any(study.mean_series(view.fitting, control).overlap.isna().all() for control in view.controls):
        says.append("Control networks were fitted by soft IoU only, so here they show their accuracy.")
    if view.published and view.fitting != "soft-iou":
        says.append("The thesis prints soft IoU only.")
    return " ".join(says)


def caveats(study: StudyTables) -> None:
    """What the thesis claims and what is measured, and why the points are not independent."""
    thesis = study.levels[study.levels.series == "iterative-reset"]
    again = study_again.sentence(study)
    st.markdown(
        f"- {_claim(thesis)}\n"
        + (f"- {again}\n" if again else "")
        + f"- The levels descend from each other: {thesis.level.nunique()} points are not {thesis.level.nunique()}"
        f" independent networks.\n- {_peak(study)}\n- Grad-CAM++ is unstable before a ReLU, where the activations are"
        " negative: part of what moves here is the method. After the ReLU, and with Grad-CAM at either layer,"
        " Pearson without the empty heatmaps is positive for all three seeds (5,000 embedded digits, networks"
        " trained on 55,000 images).\n- A **collapsed** level has no path of kept weights from input to output; its"
        " accuracy is one class's share and its map is empty."
    )


def _claim(thesis: DataFrame, claimed: float = 0.98) -> str:
    """The thesis' claim beside what is measured at the level nearest to that sparsity, if the study
    went so far.
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
    """Where soft IoU is highest, beside the thesis' course."""
    mean = study.mean_series()
    peak = mean.loc[mean.overlap.idxmax()]
    return (
        f"The thesis' soft IoU starts lower and peaks, at about {PUBLISHED['highest_soft_iou']},"
        f" {PUBLISHED['highest_soft_iou_where']}; ours is {mean.overlap.iloc[0]:.3f} at level 0 and highest at level"
        f" {peak.level}, {peak.overlap:.3f}."
    )


def _listed(values: object) -> str:
    return ", ".join(map(str, values))  # type: ignore[call-overload]
