"""Play against the machine: ten of its tasks, answered by a person."""

from __future__ import annotations

import streamlit as st

from core.base.draws import entropy
from core.base.numbers import percent
from core.stats.intervals import wilson
from core.units.embeddings import QUICK, SIMILARITIES
from core.units.machine import MachineTask
from pages.parts.common import unit_data
from pages.parts.common.state import state
from pages.parts.common.waiting import wait
from pages.parts.units import one_unit, view
from pages.parts.units.view import View

TASKS = 10
WIDTH_PX = 136  # of a picture that is asked about; two fit beside the exemplars


def section(asked: View) -> None:
    """Draws one task after the other, then the result."""
    if not view.has_images(asked):
        st.info(
            "The images of this study are not on this machine, so there is nothing to look at.", icon=":material/info:"
        )
        return
    units = unit_data.of_layer(asked.opened, asked.layer)
    living = units[(units.network == asked.variant.key) & ~units.dead].unit.tolist()
    if not living:
        st.info("All units of this layer are dead. Choose a lower level.", icon=":material/info:")
        return
    number = living[entropy("play", asked.variant.key, asked.layer) % len(living)]
    # The tasks are the same by every judge; embedding all images first would take a minute.
    judge = asked.similarity if unit_data.study(asked.opened).is_embedded(asked.similarity) else QUICK[0]
    work = wait(one_unit.tasks(asked, number, judge), st.empty())
    if not work.succeeded:
        return
    tasks = work.answer[:TASKS]
    game = (asked.study, asked.variant.key, asked.layer, judge, asked.opened.stamp)
    answers = state().play.setdefault(game, [])
    st.markdown(f"These images excite **unit {number} of {asked.layer}** strongly and weakly, nine of each.")
    if len(answers) < len(tasks):
        _task(tasks[len(answers)], asked, answers, len(tasks))
    else:
        _result(tasks, answers, game)


def _task(task: MachineTask, asked: View, answers: list[bool], count: int) -> None:
    st.progress(len(answers) / count, f"Task {len(answers) + 1} of {count}")
    left, right, asking = st.columns([4, 4, 6], gap="medium")
    left.markdown("**strongly**")
    left.image(one_unit.sheet(task.strong, asked, 3), alt="Nine images that excite the unit strongly")
    right.markdown("**weakly**")
    right.image(one_unit.sheet(task.weak, asked, 3), alt="Nine images that excite the unit weakly")
    strong_first = entropy("play-side", task.strong_query, task.weak_query) % 2 == 0
    shown = (task.strong_query, task.weak_query) if strong_first else (task.weak_query, task.strong_query)
    asking.markdown("**Which of these two excites it more?**")
    with asking.container(horizontal=True, gap="small"):
        for place, image in enumerate(shown):
            with st.container(width=WIDTH_PX):
                st.image(one_unit.sheet((image,), asked), width=WIDTH_PX, alt=f"Image {'AB'[place]}")
                st.button(
                    f"Image {'AB'[place]}",
                    key=f"play-{len(answers)}-{place}",
                    on_click=answers.append,
                    args=(image == task.strong_query,),
                    width="stretch",
                )


def _result(tasks: tuple[MachineTask, ...], answers: list[bool], game: tuple[str, ...]) -> None:
    mine, machines = sum(answers), sum(task.right is True for task in tasks)
    low, high = wilson(mine, len(answers))
    with st.container(horizontal=True):
        st.metric("You", f"{mine} of {len(answers)}")
        st.metric("The machine", f"{machines} of {len(tasks)}")
    st.caption(f"The machine judges by: {SIMILARITIES[game[3]].summary}")
    st.markdown(
        f"Chance is {len(answers) / 2:g}. With {len(answers)} answers your share lies between {percent(low)} and"
        f" {percent(high)} (Wilson, 95 %)."
    )
    st.button("Play again", on_click=_again, args=(game,))


def _again(game: tuple[str, ...]) -> None:
    state().play.pop(game, None)
