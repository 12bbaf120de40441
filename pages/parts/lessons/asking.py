"""The question of a step: choices, a second try, and the answer."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.parts.common import present
from pages.parts.common.state import state
from pages.parts.lessons.lesson import Place, Told

TRIES_FROM = 3  # choices: with two of them, a second try would be the answer
AGAIN = "**Not quite.** You have a second try."


@dataclass(frozen=True)
class Chosen:
    """The choice, and the correct answer at that time, which a control may change later.

    None: the answer was shown without a choice.
    """

    choice: int | None = None
    right: int | None = None


def ask(told: Told, at: Place) -> None:
    """Draws the question: after a first wrong choice a hint, and after the second choice the
    answer.
    """
    chosen, missed = chosen_at(at), _missed(told, at)
    st.markdown(f"**{told.question}**")
    for place, choice in enumerate(told.choices):
        marked = chosen is not None and place == told.right
        is_wrong = missed is not None and place == missed.choice
        st.button(
            choice,
            key=f"_choice_{place}",
            width="stretch",
            shortcut=str(place + 1),
            icon=_mark(place, told.right, chosen) if chosen or not is_wrong else ":material/cancel:",
            type="primary" if marked else "secondary",
            disabled=is_wrong and chosen is None,
            on_click=_choose,
            args=(at, Chosen(place, told.right), len(told.choices)),
        )
    if chosen is None:
        if missed:
            _second_try(told, at)
        return
    right = _judged(told.right, chosen) and chosen.choice == told.right
    said = "" if not _judged(told.right, chosen) else "**Correct.** " if right else "**Not quite.** "
    (st.success if right else st.info)(said + told.why, icon=":material/lightbulb:")


def show_answer(at: Place) -> None:
    """Callback: shows the answer without a choice."""
    state().lessons.answers[at] = Chosen()


def chosen_at(at: Place) -> Chosen | None:
    """Returns what was chosen; None while the answer is kept back."""
    return state().lessons.answers.get(at)


def _second_try(told: Told, at: Place) -> None:
    st.info(f"{AGAIN} {told.hint}".strip(), icon=":material/replay:")
    if not present.on():  # there, the button below the view shows it
        st.button(
            "Show the answer",
            key="_give_up",
            icon=":material/visibility:",
            type="tertiary",
            on_click=show_answer,
            args=(at,),
        )


def _missed(told: Told, at: Place) -> Chosen | None:
    """Returns the first choice if it was wrong; None if a control has changed the answer since."""
    missed: Chosen | None = state().lessons.missed.get(at)
    return missed if missed and _judged(told.right, missed) else None


def _choose(at: Place, chosen: Chosen, choices: int) -> None:
    """Callback of a choice."""
    mine = state().lessons
    before = mine.missed.get(at)
    is_first = before is None or before.right != chosen.right
    if at not in mine.answers and is_first and choices >= TRIES_FROM and chosen.choice != chosen.right:
        mine.missed[at] = chosen
    else:
        mine.answers[at] = chosen


def _judged(right: int, chosen: Chosen) -> bool:
    """Whether the choice is for the current question: if a control has changed the answer since,
    the choice is not judged.
    """
    return chosen.choice is not None and chosen.right == right


def _mark(place: int, right: int, chosen: Chosen | None) -> str:
    if chosen and place == right:
        return ":material/check_circle:"
    if chosen and place == chosen.choice and _judged(right, chosen):
        return ":material/cancel:"
    return ":material/radio_button_unchecked:"
