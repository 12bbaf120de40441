"""Figures of Curves with their download buttons, the strip of one digit, and the exports."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.figures import maps
from core.figures.study_text import Shown
from core.protocols.lukkien.protocol import CAM
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import engine, present, reports, story
from pages.parts.common.background import Work
from pages.parts.common.network_links import digit, explore_link
from pages.parts.common.waiting import wait
from pages.parts.common.widgets import segments, whole
from pages.parts.curves.study_view import CARD, PARAMETERS, View

if TYPE_CHECKING:
    from core.report import Report


def strip() -> None:
    """Draws one digit's heatmap at every level of an included network, with links to Explore."""
    st.header("One digit over all levels", anchor=False)
    left, right, _ = st.columns([1, 1, 1], gap="medium")
    with left:
        row = whole("Embedded digit", "image", PARAMETERS, help="Row of the 5,000 embedded digits.")
    with right:
        seed = int(segments("Model seed", "seed", PARAMETERS))
    st.caption(
        "The class that each included network (trained on 55,000 images) predicts, and its heatmap. Each link opens"
        " Explore at that level in a new tab."
    )
    grid = st.grid(9, min_column_width=90, gap="small")
    image = digit(row, noise=True)
    for level, url, says in level_pictures(row, seed):
        with grid.cell().container(gap="xsmall"):
            st.image(url, width="stretch", alt=f"Heatmap of digit {row} at level {level}; the network says {says}")
            variant = VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.at_level(level))
            st.markdown(f"[Level {level}]({explore_link(variant, CAM, image=image)}): **{says}**")


def level_pictures(row: int, seed: int) -> list[tuple[int, str, str]]:
    """Returns (level, picture URL, predicted class) of one digit at every level, or at those that
    were done when it was stopped. The target is each network's own class, as in the thesis.
    """
    levels = range((CARD.levels or 0) + 1)
    variants = tuple(VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.at_level(level)) for level in levels)

    def steps(done: int) -> Iterator[tuple[int, str, str]]:
        answers = engine.engine().follow(variants[done:], ImageRef(name=str(row)), CAM)
        for level, answer in enumerate(answers, start=done):
            picture = maps.overlay(answer.pruned, answer.picture.clean, 0.65, 140)
            url = maps.data_url(maps.jpeg(picture))
            yield level, url, story.class_name(answer.pruned, answer.pruned.prediction.top)

    work = Work(
        place="strip",
        key=("strip", row, seed),
        stamp=" ".join(map(engine.stamp, variants)),
        what="Levels",
        run=lambda task: task.collect(steps, len(variants)),
    )
    return wait(work, st.empty()).results


def take_along(study: StudyTables, view: View) -> None:
    """Draws the exports: the tables behind the figures, the code of the first figure, and an
    exercise from this view.
    """
    st.subheader("Export")
    with st.container(horizontal=True):
        for name in ("levels", "mean", "correlations", "correlations_usable", "paired"):
            table = getattr(study, name)
            st.download_button(
                f"{name}.csv",
                partial(table.to_csv, index=False),
                f"{name}.csv",
                "text/csv",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
            )
    shown = view.shown
    # in a popover, so that the browser loads the syntax highlighting only when it is opened
    with st.container(horizontal=True):
        reports.button(lambda: _report(study, shown), "thesis")
        with st.popover("Code", icon=":material/code:", type="tertiary"):
            st.markdown("A notebook cell that draws the first figure:")
            st.code(
                "from core import Engine, load_study, study_plots\n\n"
                f'study = load_study(Engine().roots, "{view.study[0]}", "{view.study[1]}")\n'
                f"study_plots.curves(study, {view.axis!r}, {view.controls!r}, published={view.published},"
                f" fitting={view.fitting!r})",
                language="python",
                wrap_lines=True,
            )
        with st.popover("Exercise", icon=":material/school:", type="tertiary"):
            present.exercise(tuple(PARAMETERS))


def _report(study: StudyTables, shown: Shown) -> Report:
    from core.report.lukkien import of_study

    return of_study(engine.engine(), study, shown)
