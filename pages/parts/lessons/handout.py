"""The handout of a lesson: its steps on paper, before they are answered, and the answers at the
end.
"""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.jobs.control import Stopped
from core.report.handout import Exercise, Handout, to_html
from pages.parts.common import present, widgets
from pages.parts.common.frame import explained
from pages.parts.common.parameters import Choice, said
from pages.parts.common.state import state
from pages.parts.lessons import paper
from pages.parts.lessons.facts import CONTROLS
from pages.parts.lessons.lesson import Lesson, Stage, Step

WHAT = "The questions with their pictures as they are set now, space for answers, and the answers on the last page."


def section(place: DeltaGenerator, lesson: Lesson, number: int) -> None:
    """Draws the button that makes the handout, then its progress, then the button that saves it; of
    settings that have changed since, the first button again.
    """
    mine, asked = state().lessons, _settings(number)
    if mine.wanted == asked and (not mine.handout or mine.handout[0] != asked):
        with place:
            slot = st.empty()
        with explained():
            try:
                mine.handout = (asked, to_html(_handout(lesson, slot)))
            except Stopped:  # a note with Continue stands there
                return
        slot.empty()
    with place:
        if mine.handout and mine.handout[0] == asked:
            st.download_button(
                "Save the handout",
                mine.handout[1],
                f"lesson-{number}.html",
                "text/html",
                key="_handout_saved",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
                help="One HTML file: open it in a browser and print it, or send it.",
            )
        else:
            st.button(
                "Handout",
                key="_handout",
                icon=":material/print:",
                type="tertiary",
                on_click=_want,
                args=(asked,),
                help=WHAT,
            )


def _want(asked: Hashable) -> None:
    """Callback of the first button."""
    state().lessons.wanted = asked


def _settings(number: int) -> Hashable:
    """Returns the lesson and the values of all controls."""
    return number, tuple(widgets.current(name, CONTROLS) for name in CONTROLS)


def _handout(lesson: Lesson, slot: DeltaGenerator) -> Handout:
    """Raises Stopped."""
    steps = list(enumerate(lesson.steps, 1))
    found = []
    for number, step in steps:
        with slot.container():
            st.caption(f":material/hourglass_top: Step {number} of {len(steps)} …", width="content")
            found.append(_exercise(step))
    return Handout(title=lesson.title, exercises=tuple(found))


def _exercise(step: Step) -> Exercise:
    """Returns a step before it is answered. Raises Stopped."""
    place = st.container()
    with paper.opened() as sheet, present.without_controls() as labels:
        told = step.show(Stage(controls=place, view=place, answered=False))
        settings = tuple((label, _value(name)) for name, label in labels.items())
        shown = tuple(sheet)
        if not told.why:  # the step works it out for whoever has answered only
            told = step.show(Stage(controls=place, view=place, answered=True))
    return Exercise(
        title=step.title,
        text=told.text,
        blocks=shown,
        question=told.question,
        choices=told.choices,
        right=told.right,
        why=told.why,
        settings=settings,
    )


def _value(name: str) -> str:
    """Returns the value of a control as people read it."""
    entry, value = CONTROLS[name], widgets.current(name, CONTROLS)
    if isinstance(entry, Choice) and not entry.is_switch:
        return entry.title(value)
    return {"true": "on", "false": "off"}.get(text := str(said(value)), text)
