"""Lessons: six lessons for a class, with a live view and a question at every step."""

from __future__ import annotations

import streamlit as st

from pages.parts.common import link
from pages.parts.common.parameters import Choice, Number
from pages.parts.common.state import state
from pages.parts.lessons import breaks, correlation, gains, maps, pruning, units
from pages.parts.lessons import frame as lesson_frame
from pages.parts.lessons.facts import CONTROLS
from pages.parts.lessons.lesson import Place

LESSONS = (maps.LESSON, pruning.LESSON, correlation.LESSON, units.LESSON, gains.LESSON, breaks.LESSON)


def parameters(lesson: int) -> dict[str, Choice | Number]:
    """Returns the parameters of this page; the last step depends on the lesson."""
    return {"lesson": Number(1, 1, len(LESSONS)), "step": Number(1, 1, len(LESSONS[lesson - 1].steps))} | CONTROLS


def position() -> Place:
    """Returns lesson and step from the address, by default the last ones of this session.

    Reports invalid values and uses the first lesson or step instead.
    """
    query = st.query_params
    asked = query.get("lesson", "1")
    lesson = 1 if Number(1, 1, len(LESSONS)).problem(asked) else int(asked)
    link.open_page(lambda: parameters(lesson))
    if not {"lesson", "step"} & set(query):
        return (1, 1) if link.came_by_history() else state().lessons.at
    return lesson, int(parameters(lesson)["step"].parse(query.get_all("step")))


def main() -> None:
    lesson_frame.draw(LESSONS, position())
