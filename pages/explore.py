"""Explore: where does the network look, dense and pruned? One image, one slider."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, DataSpec, ImageRef, VariantSpec, export
from core.results import Comparison
from core.saliency import CAMS
from pages.shared import address, cached, details, frame, present, shown, sidebar, story

Question = tuple[VariantSpec, ImageRef, CamSpec]


def main() -> None:
    address.check()
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    stage = None
    if present.on():
        headline, stage = st.container(), st.container()
    view = sidebar.view(stage)
    if view.image is None:
        head.title("Explore")
        if view.trouble:
            frame.show(view.trouble)
        st.info("Upload or paste an image of a digit in the sidebar, or choose **digits** there.", icon=":material/upload:")
        return
    question = (view.variant, view.image, view.cam)
    if not _worth_the_wait(question):
        head.title("Explore")
        return
    answer = cached.comparison(*question)
    first_screen(answer, view.opacity, head, headline if stage else None)
    data = DataSpec(noise=view.image.noise)
    slow = st.container()
    if not present.on():
        details.expanders(question)
    with slow:  # drawn last, shown first
        details.accuracy_section(question, data)


def first_screen(answer: Comparison, opacity: float, head: DeltaGenerator, headline: DeltaGenerator | None) -> None:
    """Everything that follows the slider at once. headline: where the sentence stands, when it is shown to a room."""
    if headline is None:
        with head:
            st.title("Explore", width="content")
            _take_along(answer, opacity)
    (headline or st).header(story.headline(answer), anchor=False)
    shown.four_pictures(answer, opacity)
    if answer.picture.notes:
        st.caption(f":material/auto_fix_high: {' '.join(answer.picture.notes)}")
    for warning in story.warnings(answer):
        st.warning(warning, icon=":material/warning:")
    shown.score_cards(answer)


def _take_along(answer: Comparison, opacity: float) -> None:
    pruned = answer.pruned
    with st.container(horizontal=True, width="content", gap="xsmall"):
        with st.popover("Share", icon=":material/link:", type="tertiary"):
            st.markdown("The address bar holds this view: copy it from there.")
            if pruned.image.source == "own":
                st.markdown("**Your own image is not part of the link.** Whoever opens it is asked for an image.")
            present.exercise(tuple(address.PARAMETERS))
        with st.popover("Show code", icon=":material/code:", type="tertiary"):
            st.markdown("A notebook cell that makes this view again:")
            st.code(export.code_for(pruned.variant, pruned.image, pruned.cam, opacity), language="python", wrap_lines=True)
        st.download_button(
            "Download",
            lambda: export.bundle(answer, opacity),
            "sparsight-view.zip",
            "application/zip",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
            help="Pictures, raw maps (npz) and provenance (JSON).",
        )


def _worth_the_wait(question: Question) -> bool:
    """True for methods that answer at once; slow ones wait for a click, and show that they work."""
    entry = CAMS[question[2].method]
    if entry.facts["cost"] == "one pass":
        return True
    done: set[str] = st.session_state.setdefault("_computed", set())
    key = "|".join(spec.key for spec in question)
    if key in done:
        return True
    place = st.empty()
    with place.container():
        st.info(
            f"**{entry.title}** passes the image through the network many times, so it does not follow the slider.",
            icon=":material/hourglass:",
        )
        clicked = st.button("Compute", type="primary", icon=":material/play_arrow:")
    if clicked:
        place.empty()
        with st.spinner(f"{entry.title} at work ..."):
            cached.comparison(*question)
        done.add(key)
    return clicked


with frame.page("Explore"):
    main()
