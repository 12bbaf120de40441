"""Decide: which of several networks to ship, on these images."""

from __future__ import annotations

import streamlit as st

from core.base.numbers import counted
from core.sweeps.candidates import Decision, measure_candidates
from pages.parts.common import engine, link, present
from pages.parts.common.background import Work
from pages.parts.common.waiting import follow
from pages.parts.decide import add, results, view
from pages.parts.decide.view import Asked
from pages.parts.sidebar import downloads, model

WHAT_FOR = (
    "Networks answer on the same images, beside a reference. The cheapest one that surely stays within your limits is"
    " recommended; what these images cannot tell is said, with the number of images that could."
)


def main() -> None:
    model.look_again()
    link.open_page(view.parameters)
    if not present.on():
        st.title("Decide")
        st.markdown(WHAT_FOR)
    with st.container(border=not present.on()):
        asked = view.controls()
        if not present.on():
            add.section(asked.model)
        limits, cost = view.limits()
    link.write()
    question = _question(asked)
    if question is None:
        return
    follow(_work(question), _label(question), lambda answers: results.draw(answers[0], limits, cost))


def _question(asked: Asked) -> Decision | None:
    """Returns the question; None, with what is missing on the page, if it cannot be asked yet."""
    for variant in (asked.reference, *asked.candidates):
        if not downloads.is_there(variant.model):
            downloads.offer(variant.model)
            return None
    if asked.data is None:
        st.info("Choose images in the sidebar.", icon=":material/image:")
        return None
    inputs = engine.engine().inputs(asked.data, asked.model)
    images = asked.images if asked.images and asked.images < len(inputs) else None
    return Decision(
        candidates=asked.candidates, reference=asked.reference, data=asked.data, images=images, cam=asked.cam
    )


def _label(question: Decision) -> str:
    inputs = engine.engine().inputs(question.data, question.reference.model)
    images = counted(question.images or len(inputs), "image")
    return f"Measure {counted(len(question.candidates), 'candidate')} on {images}"


def _work(question: Decision) -> Work:
    def progress(done: int, total: int) -> str:
        if done < total:
            return f"{done:,} of {total:,} images, all networks together"
        return "all images; now counting and timing"

    return Work(
        place="decide",
        key=("decide", question),
        stamp=" ".join(engine.stamp(each, question.data) for each in question.networks),
        what="Answers",
        run=lambda task: measure_candidates(engine.engine(), question, engine.engine().folder, task.advance),
        progress=progress,
    )
