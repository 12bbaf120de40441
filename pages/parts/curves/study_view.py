"""Curves of the thesis: parameters, controls, and the sentences around the figures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.figures.plots import lukkien as plots_study
from core.figures.study_text import Shown
from core.measures.fitting import FITTINGS
from core.models.zoo import MODELS
from core.protocols.lukkien.images import SERIES
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import titles
from pages.parts.common.parameters import Choice, Number, Parameter
from pages.parts.common.widgets import choice, segments, toggle

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

    @property
    def shown(self) -> Shown:
        """What the sentences below the first figure depend on."""
        return Shown(axis=self.axis, fitting=self.fitting, controls=self.controls, published=self.published)


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
