"""Explore: where the dense and the pruned network look, for one image and one sparsity slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, DataSpec, ImageRef, VariantSpec
from core.data.classes import class_index
from core.data.gallery import GALLERY
from core.figures import export
from core.results import Comparison
from core.saliency import CAMS
from pages.parts.common import address, copy_link, engine, frame, link, pictures, present, reports, story
from pages.parts.common.markdown import message, plain
from pages.parts.common.state import state
from pages.parts.common.waiting import wait
from pages.parts.explore import photos, sections, typical
from pages.parts.explore.costs import cost_panel
from pages.parts.explore.floor import floor_of, mark
from pages.parts.sidebar import downloads, model, photo_sets, sidebar
from pages.parts.sidebar.amount import counted

if TYPE_CHECKING:
    from core.report import Report

Question = tuple[VariantSpec, ImageRef, CamSpec, VariantSpec | None]
UNSURE = 0.01  # a best probability at most this much above guessing's
FEW_CLASSES = 20  # a note names the classes of networks with at most this many
# The slider stays visible while the page scrolls, and the first curve fits on one screen with the
# pictures. On a phone, headline, slider and heatmaps fit; input and difference follow below.
STYLE = """<style>
[data-testid="stHeader"] { height: 2.5rem; min-height: 0; }
[data-testid="stMainBlockContainer"] { padding-top: 3rem; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.6rem; }
.st-key-headline h2 { padding: 0 0 1rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-stage) {
  position: sticky; top: 2.5rem; z-index: 100; background: %s; padding-top: 0.5rem;
}
@media (max-width: 640px) {
  .st-key-head { min-height: 5.75rem; }
  .st-key-head h1 { display: none; }
  .st-key-headline h2 { font-size: 1.05rem; line-height: 1.3; }
  .st-key-pictures [data-testid="stGridCell"]:nth-child(1) { order: 2; }
  .st-key-pictures [data-testid="stGridCell"]:nth-child(4) { order: 3; }
}
</style>"""


def main() -> None:
    st.html(STYLE % present.theme("backgroundColor"))
    model.look_again()  # the address may name a new network
    link.open_page(address.known, address.start)
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="head")
    with head:
        if not present.on():
            st.title("Explore", width="content")
        progress = st.container(width="content")
    headline, stage, counts = pictures.room("headline"), st.container(key="stage"), st.container()
    place = pictures.room("pictures")
    view = sidebar.view(stage, counts)
    for needed in (view.model, *([view.reference.model] if view.reference else [])):
        if not downloads.is_there(needed):
            downloads.offer(needed)
            return
    if view.image is None:
        _without_image(view)
        return
    question = (view.variant, view.image, view.cam, view.reference)
    if not _worth_the_wait(question):
        return
    answer = _answer(question, progress)
    if answer is None:
        return
    counted(view.counts, answer.mask)
    if not present.on():
        with head:
            if photo_sets.offers_export(answer.pruned.image.source):
                _actions(answer, view.opacity)
    with st.container(gap="small"):  # remarks come and go; what follows stays at its place
        first_screen(answer, view, headline, place)
    if answer.mask.variant != view.variant:
        return  # stopped: the previous view stays
    _below(answer)


def _below(answer: Comparison) -> None:
    """Draws what follows below the pictures; slow sections are drawn last."""
    variant, image, _ = answer.question
    slow = st.container()
    costs = None if present.on() else sections.expanders(answer)
    with slow:
        if engine.card(variant.model).reads_digits:
            sections.accuracy_section(answer, DataSpec(noise=image.noise))
        else:
            photos.photo_section(answer)
    if costs:
        with costs:
            cost_panel(variant)


def _without_image(view: sidebar.View) -> None:
    if view.trouble:
        frame.show(view.trouble)
    digits = engine.card(view.model).reads_digits
    of, other = ("an image of a digit", "Digits") if digits else ("a photograph", "Gallery")
    st.info(
        f"Upload or paste {of} under **Image** in the sidebar, or choose **{other}** there.", icon=":material/upload:"
    )


def _answer(question: Question, progress: DeltaGenerator) -> Comparison | None:
    """Returns the comparison; after Stop, the previous one if there is any."""
    view = state().view
    answer: Comparison | None = wait(engine.compare(question), progress).answer
    if answer is not None:
        view.shown, view.dense_class = question, answer.reference_class
    elif view.shown:
        st.caption(":material/history: The pictures below still show the previous view.")
        answer = engine.comparison(*view.shown)
    return answer


def first_screen(answer: Comparison, view: sidebar.View, headline: DeltaGenerator, place: DeltaGenerator) -> None:
    """Draws everything that follows the slider immediately.

    Args:
        headline, place: containers of the sentence and of the pictures.
    """
    floor = floor_of(answer)
    headline.header(story.headline(answer, floor), anchor=False)
    spread = typical.spread(answer) if engine.is_quick(answer.pruned.cam) else ""
    pictures.four_pictures(answer, view.drawn, place, (spread, mark(floor)))
    if few := _few_classes(answer):
        st.caption(f":material/info: {few}")
    for note in _how_compared(answer):
        st.caption(f":material/compare_arrows: {message(note)}")
    if unsure := _unsure(answer):
        st.caption(f":material/help: {unsure}")
    if answer.picture.notes:
        st.caption(f":material/auto_fix_high: {message(' '.join(answer.picture.notes))}")
    for warning in story.warnings(answer):
        st.warning(warning, icon=":material/warning:")


def _few_classes(answer: Comparison) -> str:
    """Returns the note that a network with few classes always answers one of them."""
    classes = answer.pruned.prediction.classes
    if len(classes) > FEW_CLASSES or engine.card(answer.mask.variant.model).reads_digits:
        return ""
    text = f"This network knows only {len(classes)} classes and always answers one of them:"
    text += f" {', '.join(map(plain, classes))}."
    labelled = any(class_index(entry.value.subject, classes) is not None for entry in GALLERY.values())
    if not labelled and answer.picture.image.source == "gallery":
        text += " No photograph in the gallery is labelled with any of them; choose another source under **Image**."
    return text


def _how_compared(answer: Comparison) -> list[str]:
    """Returns remarks on how two networks are compared; those on each network stand beside it."""
    of_one = {note for side in (answer.reference, answer.pruned) for note in engine.card(side.variant.model).notes}
    return [note for note in answer.notes if note not in of_one]


def _unsure(answer: Comparison) -> str:
    """Returns a remark on an own network that is hardly surer than guessing before it is pruned."""
    known = engine.catalogue()
    for side in (answer.reference, answer.pruned):
        model, best = side.variant.model, side.prediction.best(1)
        is_own = model.name in known and "own" in known[model.name].facts
        chance = 1 / len(engine.card(model).classes)
        if is_own and best and not side.variant.pruning.sparsity and best[0][1] < chance + UNSURE:
            return (
                f"{plain(known.title(model))} is hardly surer than guessing here: its best class has a probability of"
                f" {best[0][1]:.2g}. If other photographs give the same, check its input: size, crop, order of"
                " channels, values, mean and deviation."
            )
    return ""


def _actions(answer: Comparison, opacity: float) -> None:
    pruned = answer.pruned
    with st.container(key="actions", horizontal=True, width="content", gap="xsmall", vertical_alignment="center"):
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            disabled=len(state().view.past) < 2,
            on_click=link.undo,
            help="Reverts the last change.",
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=lambda: link.show(address.start()),
            help="Returns to the initial view of Explore. Undo restores the current view.",
        )
        own = pruned.image.source == "own"
        copy_link.draw("Link copied, without your own image" if own else "Link copied")
        with st.popover("Exercise", icon=":material/school:", type="tertiary"):
            if own:
                st.markdown("**Links do not contain your own image.** Whoever opens one is asked to upload an image.")
            present.exercise(tuple(address.PARAMETERS))
        with st.popover("Code", icon=":material/code:", type="tertiary"):
            st.markdown("A notebook cell that reproduces this view:")
            st.code(export.code_for(*answer.question, opacity, *answer.against), language="python", wrap_lines=True)
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
        here = "" if own else reports.address("explore")
        reports.button(lambda: _report(answer, opacity, here), "view")


def _report(answer: Comparison, opacity: float, here: str) -> Report:
    """here: the address of the view; empty for an own image, which no address holds."""
    from core.report import of_view

    return of_view(engine.engine(), answer, opacity, here)


def _worth_the_wait(question: Question) -> bool:
    """Returns True for fast methods; slow methods wait for a click first."""
    entry = CAMS[question[2].method]
    if engine.is_quick(question[2]):
        return True
    done = state().clicked.heatmaps
    key = "|".join(spec.key for spec in question if spec)
    if key not in done:
        place = st.empty()
        with place.container():
            st.info(
                f"**{entry.title}** needs many passes through the network, so it does not follow the slider.",
                icon=":material/hourglass:",
            )
            if not st.button("Compute", type="primary", icon=":material/play_arrow:"):
                return False
        place.empty()
        done.add(key)
    return True
