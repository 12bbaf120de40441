"""The frame of a lesson: one step with its question, answer and navigation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.jobs.control import Stopped
from pages.parts.common import present
from pages.parts.common.frame import explained
from pages.parts.common.state import state
from pages.parts.lessons import handout
from pages.parts.lessons.asking import ask, chosen_at, show_answer
from pages.parts.lessons.facts import CONTROLS
from pages.parts.lessons.lesson import Lesson, Place, Stage

FILE = "pages/lessons.py"
CHOICE = "lesson_choice"  # key of the widget


def draw(lessons: Sequence[Lesson], at: Place) -> None:
    """Draws one step: text, then the live view with its controls beside the question; on a phone
    one below the other.
    """
    lesson = lessons[at[0] - 1]
    step = lesson.steps[at[1] - 1]
    keep(at)
    share = _head(lessons, at)
    made = share.container(width="content") if share else None
    st.header(step.title, anchor=False)
    text = st.container()
    left, right = st.columns([3, 2], gap="large")
    with left:
        controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
        view = st.container()
    with explained(), suppress(Stopped):  # a note with Continue stands where the step waited
        told = step.show(Stage(controls=controls, view=view, answered=chosen_at(at) is not None))
        text.markdown(told.text)
        with right:
            ask(told, at)
        if share:
            with share.popover("Share", icon=":material/link:", type="tertiary"):
                st.markdown("Copy the address of this step from the address bar.")
                present.exercise(tuple(CONTROLS))
    _foot(lessons, at)
    if made:
        handout.section(made, lesson, at[0])


def _head(lessons: Sequence[Lesson], at: Place) -> DeltaGenerator | None:
    """Draws title, position and arrows; returns the container of the Share button, None in
    presentation mode.
    """
    lesson, share = lessons[at[0] - 1], None
    if not present.on():
        head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        head.title("Lessons", width="content")
        share = head.container(horizontal=True, width="content", vertical_alignment="center", gap="small")
        _lesson_choice(lessons, at)
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"{lesson.title} · **step {at[1]} of {len(lesson.steps)}**", width="content")
            with st.container(horizontal=True, width="content", gap="xsmall"):
                _buttons(lessons, at, ("arrow", "Left", "Right"))
        st.progress(at[1] / len(lesson.steps))
    return share


def _lesson_choice(lessons: Sequence[Lesson], at: Place) -> None:
    st.session_state[CHOICE] = at[0]
    st.segmented_control(
        "Lesson",
        range(1, len(lessons) + 1),
        key=CHOICE,
        required=True,
        label_visibility="collapsed",
        format_func=lambda number: f"{number} · {lessons[number - 1].short}",
        on_change=lambda: go((st.session_state[CHOICE], 1)),
    )


def _foot(lessons: Sequence[Lesson], at: Place) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        _buttons(lessons, at, ("page", "PageUp", "PageDown"))


def _buttons(lessons: Sequence[Lesson], at: Place, look: tuple[str, str, str]) -> None:
    """Draws Back and Next. look: name of the pair and its two shortcut keys; a clicker sends Page
    Up and Page Down.
    """
    name, back_key, next_key = look
    small = name == "arrow"
    st.button(
        "Back",
        key=f"_{name}_back",
        icon=None if small else ":material/arrow_back:",
        shortcut=back_key,
        disabled=at == (1, 1),
        type="tertiary" if small else "secondary",
        on_click=go,
        args=(before(lessons, at),),
    )
    waits = present.on() and chosen_at(at) is None
    after = following(lessons, at)
    icon = ":material/visibility:" if waits else None if small else ":material/arrow_forward:"
    label = "Show the answer" if waits else "Next lesson" if after[0] != at[0] else "Next"
    st.button(
        label,
        key=f"_{name}_next",
        icon=icon,
        shortcut=next_key,
        type="tertiary" if small else "primary",
        disabled=after == at and not waits,
        on_click=show_answer if waits else go,
        args=(at,) if waits else (after,),
    )


def before(lessons: Sequence[Lesson], at: Place) -> Place:
    """Returns the previous step, across lessons."""
    if at[1] > 1:
        return at[0], at[1] - 1
    return (at[0] - 1, len(lessons[at[0] - 2].steps)) if at[0] > 1 else at


def following(lessons: Sequence[Lesson], at: Place) -> Place:
    """Returns the next step, across lessons."""
    if at[1] < len(lessons[at[0] - 1].steps):
        return at[0], at[1] + 1
    return (at[0] + 1, 1) if at[0] < len(lessons) else at


def go(at: Place) -> None:
    """Moves to a step by setting the address."""
    st.query_params["lesson"], st.query_params["step"] = str(at[0]), str(at[1])


def keep(at: Place) -> None:
    """Stores the position for a return from another page."""
    state().lessons.at = at
    state().address |= {"lesson": str(at[0]), "step": str(at[1])}
    present.keep_place(FILE, {"lesson": str(at[0]), "step": str(at[1])})
