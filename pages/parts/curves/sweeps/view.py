"""The view of a sweep: its parameters and controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import SparsightError
from core.data.datasets import truth_of
from core.evaluation.columns import COLUMNS
from core.figures.plots.sweeps import AXES
from core.figures.wording import of_truth
from core.results import SAME_FROM
from core.stats.calibration import NAME as CALIBRATION
from core.sweeps.curves import ANSWERED, Asked
from core.sweeps.read import LABEL, measure_title
from core.sweeps.spec import SweepSpec
from core.sweeps.spots import TOLERANCE
from pages.parts.common import engine, sweep_data
from pages.parts.common.parameters import Choice, Number, Parameter
from pages.parts.common.sweep_data import Opened
from pages.parts.common.widgets import Known, choice, segments, toggle
from pages.parts.curves.sweeps import asking

PREFIX = "sweep."  # of the names of sweeps beside those of the papers
NEW = "new-sweep"
EVERY = "all"
TABS = {
    "curve": "Curves",
    "spot": "How far can one go?",
    "breaks": "What breaks first?",
    "forgotten": "What is forgotten?",
}
SHORT = {
    "sparsity": "Sparsity",
    "level": "Level",
    "density": "Density (log)",
    "ratio": "Compression ratio, all parameters (log)",
    "conv": "Compression rate, convolutions (log)",
    "multiply-adds": "Multiply-adds (log)",
    "time": "Time, measured here",
}
assert SHORT.keys() == AXES.keys()
LINES = (
    "What the curves are to be compared with: the reference, the share of right answers by chance, and how much dense"
    " networks of different seeds agree, where it is known."
)
MINUS = "Each image's value minus the reference's of the same image: the interval is of the paired difference."


@dataclass(frozen=True, kw_only=True)
class View:
    """The settings of the controls. measure, axis: of the curve. lines: whether control lines are
    drawn.
    """

    opened: Opened
    measure: str
    axis: str
    asked: Asked
    lines: bool

    @property
    def truth(self) -> str:
        return truth_of(self.opened.spec.data.name)


def choices() -> dict[str, str]:
    """Returns the sweeps that can be chosen, and what people read for them."""
    found = {PREFIX + name: f"{'Own sweep' if one.is_own else 'Sweep'}: {one.title}" for name, one in _known()}
    return found | {NEW: "New sweep …"}


def _known() -> Iterator[tuple[str, Any]]:
    yield from sweep_data.known().items()


def parameters(name: str) -> dict[str, Parameter]:
    """Returns the parameters of a sweep; those of none if its file cannot be read, which is said
    where it is drawn.
    """
    try:
        opened = sweep_data.opened(name)
        labels = sweep_data.labels(name)
    except (KeyError, SparsightError):
        return {}
    spec = opened.spec
    measures = tuple(measure for measure in spec.measures if measure != LABEL)
    measures += (CALIBRATION,) if {"right", "confidence"} <= set(measures) else ()
    truth = truth_of(spec.data.name)
    titles = {measure: of_truth(measure_title(measure), truth) for measure in measures}
    axes = tuple(axis for axis in AXES if axis != "level" or any(each.level for each in spec.prunings))
    explained = tuple(measure for measure in measures if measure in COLUMNS and measure != "right") or measures
    return {
        "finding": Choice("curve", tuple(TABS), titles=TABS),
        "value": Choice("right" if "right" in measures else measures[0], measures, titles=titles),
        "beside": Choice(_explanation(explained), explained, titles=titles),
        "versus": Choice("sparsity", axes, titles=SHORT),
        "label": Choice(EVERY, (EVERY, *map(str, labels)), titles={EVERY: "All classes"} | _classes(spec, labels)),
        "answered": Choice("all", tuple(ANSWERED) if "right" in measures else ("all",), titles=ANSWERED),
        "minus": Choice("false", ("true", "false")),
        "lines": Choice("true", ("true", "false")),
        "lower": Number(100 * TOLERANCE, 0.0, 20.0, 0.5),  # percentage points
        "alike": Number(SAME_FROM, 0.0, 1.0, 0.05),
        "point": Choice("", ("", *networks(spec)), titles=networks(spec)),
        **asking.parameters(opened),
    }


def _explanation(measures: tuple[str, ...]) -> str:
    """Returns the measure of heatmaps that is drawn against accuracy at first."""
    usual = ("soft-iou", "pearson", "insertion", "energy-inside")
    return next((name for name in usual if name in measures), measures[0])


def _classes(spec: SweepSpec, labels: tuple[int, ...]) -> dict[str, str]:
    names = engine.card(spec.models[0]).classes
    return {str(label): names[label] if 0 <= label < len(names) else "no class of the network" for label in labels}


def networks(spec: SweepSpec) -> dict[str, str]:
    """Returns what people read for the networks of a sweep, by key."""
    from core.figures.networks import pruning_text

    several = len(spec.models) > 1
    catalogue = engine.catalogue()
    return {
        variant.key: pruning_text(variant.pruning)
        + (f"; {catalogue.title(variant.model)}, seed {variant.model.seed}" if several else "")
        for model in spec.models
        for variant in spec.variants(model)
    }


def controls(opened: Opened, known: Known) -> View:
    """Draws the sidebar."""
    with st.sidebar:
        st.subheader("Images", anchor=False)
        label = choice("Class", "label", known)
        answered = "all"
        if len(known["answered"].names) > 1:  # type: ignore[union-attr]
            answered = segments("Answers", "answered", known, help="Each network: the images that it answers so.")
        st.subheader("Figures", anchor=False)
        measure = choice("Measure", "value", known)
        if measure in COLUMNS:
            st.caption(of_truth(COLUMNS[measure].summary, truth_of(opened.spec.data.name)))
        axis = choice("Horizontal axis", "versus", known)
        difference = toggle("Minus the reference", "minus", known, help=MINUS)
        lines = toggle("Lines to compare with", "lines", known, help=LINES)
    asked = Asked(label=None if label == EVERY else int(label), answered=answered, difference=difference)
    return View(opened=opened, measure=measure, axis=axis, asked=asked, lines=lines)
