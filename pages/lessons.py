"""Lessons: three stories for a class, a step at a time, each with a live view and a question before
its answer.
"""

from __future__ import annotations

import streamlit as st

from pages.shared import address, frame, history, lesson_correlation, lesson_frame, lesson_maps, lesson_pruning
from pages.shared.address import Choice, Number
from pages.shared.lesson_facts import CONTROLS
from pages.shared.lesson_frame import Place

LESSONS = (lesson_maps.LESSON, lesson_pruning.LESSON, lesson_correlation.LESSON)


def parameters(lesson: int) -> dict[str, Choice | Number]:
    """What this page's address may say; the last step depends on the lesson."""
    return {"lesson": Number(1, 1, len(LESSONS)), "step": Number(1, 1, len(LESSONS[lesson - 1].steps))} | CONTROLS


def position() -> Place:
    """Lesson and step from the address; without one, where this session was.

    What cannot be used is said, and the first taken.
    """
    query = st.query_params
    if not {"lesson", "step"} & set(query):
        address.check(parameters(1))
        return (1, 1) if history.navigated() else st.session_state.get(lesson_frame.PLACE, (1, 1))
    asked = query.get("lesson", "1")
    lesson = 1 if Number(1, 1, len(LESSONS)).problem(asked) else int(asked)
    address.check(parameters(lesson))  # takes out what cannot be used
    return lesson, int(query.get("step", "1"))


with frame.page("Lessons"):
    lesson_frame.draw(LESSONS, position())
