"""The sections below Explore's pictures. They never delay the pictures: most are fragments that run
on their own.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, DataSpec, ImageRef, VariantSpec
from core.base.errors import SparsightError
from core.base.numbers import MINUS, change, interval, score
from core.engine.precision import rounding
from core.figures import maps
from core.figures.names import at_start, names, network
from core.measures import MEASURES
from core.results import Comparison, MaskReport, Scores
from pages.parts.common import access, engine, link, pictures, present, story
from pages.parts.common.frame import guarded
from pages.parts.common.markdown import message, plain
from pages.parts.common.widgets import number
from pages.parts.explore import layer_scan, layers, sweep, typical

Question = tuple[VariantSpec, ImageRef, CamSpec]
FIGURE_PX = 276
BLOB = (
    "The centre blob is a round spot in the middle of the picture. A score that it also gets says nothing about a "
    "network: many objects stand in the middle."
)


@guarded
def accuracy_section(answer: Comparison, data: DataSpec) -> None:
    """Draws accuracy at this sparsity, its curve, and the kept weights; what is known immediately
    comes first.
    """
    variant = answer.pruned.variant
    mask = answer.mask
    left, right = st.columns([3, 2], gap="medium")
    with left:
        curve = figure_place()
        numbers = st.empty()
    with right:
        kept(mask)
    if _accuracy(numbers, variant, data):
        _curve(curve, answer, data, mask)


def figure_place() -> DeltaGenerator:
    """Returns a container with the final height of a curve, so that nothing below it jumps."""
    return st.container() if present.on() else st.container(height=FIGURE_PX, border=False)


def kept(mask: MaskReport) -> None:
    """Draws how many weights are left."""
    pictures.metric(
        "Kept weights",
        f"{mask.kept:,}",
        f"{MINUS}{mask.removed:,}" if mask.removed else "0",
        f"from {mask.kept + mask.removed:,}",
    )
    already = (
        f"{mask.already_zero:,} of the {mask.total:,} prunable weights were zero before this pruning. "
        if mask.already_zero
        else ""
    )
    st.caption(f"{already}{mask.parameters_left:,} parameters are left, including {_others(mask)}.")


def _others(mask: MaskReport) -> str:
    """Says how many of the other parameters, those that are not pruned directly, are left."""
    biases = all(
        name.endswith("bias")
        for name in set(engine.card(mask.variant.model).shapes) - {layer.name for layer in mask.layers}
    )
    never = ", weights that are never pruned" if engine.card(mask.variant.model).unprunable else ""
    others = "biases" if biases else f"others (biases, norms, excluded layers{never})"
    rest = [
        f"{mask.removed_others:,} were removed with whole filters" if mask.removed_others else "",
        f"{mask.zero_others:,} {'was' if mask.zero_others == 1 else 'were'} zero already" if mask.zero_others else "",
    ]
    if not any(rest):
        return f"{mask.other_parameters:,} {others}{', which are never pruned' if biases else ''}"
    left = mask.other_parameters - mask.removed_others - mask.zero_others
    return f"{left:,} of {mask.other_parameters:,} {others}; {' and '.join(filter(None, rest))}"


def _accuracy(place: DeltaGenerator, variant: VariantSpec, data: DataSpec) -> bool:
    """Draws the accuracy; returns False if its computation was stopped."""
    title = "Accuracy, " + ("with noise" if data.noise else "without noise")
    with place.container():
        pictures.metric(title, "…", "…", "counting")
        counting = st.container()
    try:
        dense = engine.accuracy(variant.dense, data, counting)
        found = dense and engine.accuracy(variant, data, counting)
    except SparsightError:
        place.empty()  # nothing is counted any more
        raise
    if dense is None or found is None:
        return False
    points = f"{change((found.fraction - dense.fraction) * 100, 1)} points"
    with place.container():
        pictures.metric(
            title,
            story.percent(found.fraction),
            points,
            f"from {story.percent(dense.fraction)}",
        )
        counts = f"{found.correct:,} of {found.total:,} embedded digits are classified correctly"
        counts += f"; {interval(found.low, found.high)}."
        st.caption(" ".join((counts, *(message(access.without_paths(note)) for note in found.notes))))
    return True


def _curve(place: DeltaGenerator, answer: Comparison, data: DataSpec, mask: MaskReport) -> None:
    from core.figures.plots import base as plots

    variant, image, cam = answer.question
    question = variant, image, cam, answer.against[0]
    accuracies = engine.accuracy_curve(variant, data, place)
    overlaps = engine.overlap_curve(question, place) if engine.is_quick(cam) else ()
    if accuracies is None or overlaps is None:
        return
    figure = plots.series_curve(accuracies, overlaps, mask, len(engine.engine().gallery()))
    place.plotly_chart(
        present.figure(figure),
        config=present.STILL,
        key="series",
        alt=f"Accuracy and soft IoU over sparsity, marker at {mask.sparsity:.1%}",
    )


def expanders(answer: Comparison) -> DeltaGenerator | None:
    """Draws the expanders; closed ones compute and send nothing.

    Returns:
        The container of the costs, which are drawn last; None while it is closed.
    """
    _all_scores(answer)
    _predictions(answer)
    _typical(answer)
    if answer.picture.truth is not None:
        _threshold(answer)
    _plan(answer)
    _sensitivity(answer)
    _sweep(answer)
    costs = _cost(answer)
    _rounding(answer)
    with st.expander("What do these words mean?", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{word}**: {meaning}" for word, meaning in story.WORDS.items()))
    return costs


@st.fragment
@guarded
def _rounding(answer: Comparison) -> None:
    """Offers to measure the effect of a precision other than float32.

    Measured on a click, because it needs a second engine.
    """
    precision = engine.engine().store.precision
    if precision == "float32":
        return
    with st.expander(f"Computed in {precision}", icon=":material/decimal_decrease:"):
        st.markdown("Networks compute at reduced precision here, which is faster on a GPU but adds rounding errors.")
        if st.button("Measure the effect on this view", key="_rounding"):
            st.info(rounding(engine.engine(), answer.pruned).text, icon=":material/straighten:")


@st.fragment
@guarded
def _threshold(answer: Comparison) -> None:
    opened = st.expander(
        "IoU over the threshold",
        icon=":material/contrast:",
        key="open_threshold",
        on_change="rerun",
        expanded="threshold" in st.query_params,
    )
    if not opened.open:
        return
    from core.figures.plots import base as plots

    with opened:
        threshold = number(
            "Threshold",
            "threshold",
            help="Pixels of a heatmap at or above it count as highlighted.",
        )
        link.write()
        left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
        left.plotly_chart(
            present.figure(plots.threshold_curve(answer, threshold)),
            config=present.STILL,
            key="thresholds",
            alt=f"IoU over the threshold, marker at {threshold:.2f}",
        )
        with right:
            grid = st.grid(2, min_column_width=110)
            titles = names(answer).titles
            for name, side, curve in (
                (plain(titles[0]), answer.reference, answer.curve_reference),
                (titles[1], answer.pruned, answer.curve_pruned),
            ):
                with grid.cell():
                    picture = maps.highlighted(side, answer.picture.clean, threshold)
                    st.image(
                        maps.data_url(maps.png(picture)),
                        width="stretch",
                        alt=f"{name}: pixels at or above {threshold:.2f}",
                    )
                    value = curve[round(threshold * (len(curve) - 1))]
                    st.markdown(f"{name}: IoU **{score(value, 3)}**")


@st.fragment
@guarded
def _predictions(answer: Comparison) -> None:
    opened = st.expander(
        "Predictions of both networks", icon=":material/bar_chart:", key="open_predictions", on_change="rerun"
    )
    if opened.open:
        from core.figures.plots import base as plots

        for side in (answer.reference, answer.pruned):
            if not side.prediction.answered:
                who = plain(at_start(network(answer, side)))
                opened.caption(f"{who} predicts no class: its outputs overflow.")
        figure = plots.probabilities(answer, engine.card(answer.pruned.variant.model).classes)
        opened.plotly_chart(
            present.figure(figure),
            config=present.STILL,
            key="probabilities",
            alt=f"Class probabilities of {answer.reference_name} and {network(answer, answer.pruned)}",
        )


@st.fragment
@guarded
def _plan(answer: Comparison) -> None:
    opened = st.expander("Layer by layer", icon=":material/layers:", key="open_plan", on_change="rerun")
    if opened.open:
        with opened:
            layers.layer_plan(answer.mask)


def _typical(answer: Comparison) -> None:
    """Not a fragment: `follow` makes one itself."""
    if not engine.is_quick(answer.pruned.cam):
        return
    opened = st.expander(
        "How typical is this image?", icon=":material/scatter_plot:", key="open_typical", on_change="rerun"
    )
    if opened.open:
        with opened:
            typical.section(answer)


def _sensitivity(answer: Comparison) -> None:
    """Not a fragment: the scan makes one itself."""
    opened = st.expander(
        "One layer at a time", icon=":material/troubleshoot:", key="open_sensitivity", on_change="rerun"
    )
    if opened.open:
        with opened:
            layer_scan.scan(answer)


def _sweep(answer: Comparison) -> None:
    """Not a fragment: it waits for the answers of a sweep."""
    opened = st.expander(
        "Sweep: this view over a data set",
        icon=":material/grid_on:",
        key="open_sweep",
        on_change="rerun",
        expanded="sweep" in st.query_params,
    )
    if opened.open:
        with opened:
            sweep.section(answer)


def _cost(answer: Comparison) -> DeltaGenerator | None:
    """Not a fragment: work that a fragment waits for cannot be stopped."""
    opened = st.expander("Cost and sizes", icon=":material/scale:", key="open_cost", on_change="rerun")
    if not opened.open:
        return None
    with opened:
        st.table(_cost_rows(engine.report(answer.pruned.variant.dense), answer.mask))
        return st.container()


def _cost_rows(dense: MaskReport, pruned: MaskReport) -> dict[str, list[str]]:
    def column(mask: MaskReport) -> list[str]:
        whole = mask.total + mask.other_parameters
        return [
            f"{mask.kept:,} of {mask.total:,}",
            f"{mask.parameters_left:,} of {whole:,}",
            story.percent(mask.sparsity),
            story.percent(mask.density),
            f"{mask.compression_ratio:.3g}×",
            "yes" if mask.collapsed else "no",
        ]

    names = [
        "Kept prunable weights",
        "Remaining parameters",
        "Sparsity",
        "Density",
        "Compression ratio (all parameters)",
        "Collapsed",
    ]
    return {"": names, "dense": column(dense), "pruned": column(pruned)}


@st.fragment
@guarded
def _all_scores(answer: Comparison) -> None:
    opened = st.expander("All scores", icon=":material/table_rows:", key="open_scores", on_change="rerun")
    if opened.open:
        with opened:
            pictures.score_cards(answer)
            st.table(_score_rows(answer))
            if answer.picture.truth_kind:
                st.caption(BLOB)
            if any(score is None for scores in _groups(answer).values() for score in scores[-1].values.values()):
                st.caption(f"– stands for undefined. {story.undefined(answer)}")


def _groups(answer: Comparison) -> dict[str, tuple[Scores, ...]]:
    return {
        "overlap": (answer.overlap_blob, answer.overlap_reference, answer.overlap_pruned),
        "similarity": (answer.similarity,),
        "map": (answer.statistics_reference, answer.statistics_pruned),
    }


def _score_rows(answer: Comparison) -> dict[str, list[str]]:
    called = names(answer)
    rows: dict[str, list[str]] = {"score": [], called.reference: [], called.own: [], "centre blob": [], "meaning": []}
    kind = answer.picture.truth_kind
    for scores in _groups(answer).values():
        for name in scores[-1].values:
            rows["score"].append(story.of_truth(MEASURES[name].title, kind))
            rows["centre blob"].append(score(scores[-3][name], 3) if len(scores) == 3 else "")
            rows[called.reference].append(score(scores[-2][name], 3) if len(scores) > 1 else "")
            rows[called.own].append(score(scores[-1][name], 3))
            rows["meaning"].append(story.of_truth(MEASURES[name].summary, kind))
    return rows
