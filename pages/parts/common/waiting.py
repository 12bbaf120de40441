"""How a page waits for work in the background: quick answers come without a word, slow ones with
their progress and a button to stop them.

`wait` holds the page up, in small steps, and in each it reads the session's state: there Streamlit
lets a newer run take over, and sends nothing. (A Streamlit call in each step would keep a browser
so busy that it never finishes loading the page.) `follow` lets the page go on and looks at the work
now and then, for work that begins with a click. Streamlit finishes a run before it runs a fragment
again, so a fragment that waits could not be stopped: only `follow` makes one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.common.background import Task, Work, background
from pages.parts.common.frame import guarded
from pages.parts.common.state import state

# A quick answer takes less than the first; a page looks at its work every so often, and a fragment.
PATIENCE_S, STEP_S, LOOK_S = 0.5, 0.05, 0.4
REST_S = 0.12  # so long a slider rests before numbers that take a while follow it


def wait(work: Work, place: DeltaGenerator, follows_slider: bool = False) -> Task:
    """The task, finished, or stopped: then `succeeded` is False, and a note with a button that
    continues it is at the place. Raises what the work raises.
    """
    mine, task = state().waiting, background().find(work)
    mine.visited.add(work.place)
    if task and task.succeeded:
        return task
    if mine.stopped.get(work.place) == work.question:
        _stopped(work, task, place)
        return task or Task(state().owner)
    with place:
        note = st.empty()
    if follows_slider:
        _rest(REST_S)
    while not (task := _watched(work, note)).succeeded:
        if task.error:
            raise task.error
        _rest(STEP_S)  # it was stopped by nobody here: ask again
    note.empty()
    return task


def _watched(work: Work, note: DeltaGenerator) -> Task:
    """Asks, and waits until the work ends."""
    task, begun, bar, drawn = ask(work), time.monotonic(), None, -1
    while not task.ended(STEP_S / 10 if time.monotonic() - begun < STEP_S else STEP_S):
        state()
        if time.monotonic() - begun < PATIENCE_S:
            continue
        if bar is None:
            with note.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                bar = st.empty()
                _stop_button(work, task)
        if drawn != task.done:
            drawn = task.done
            with bar:
                _progress(work, task)
    return task


def _stop_button(work: Work, task: Task) -> None:
    st.button("Stop", key=f"_stop_{id(task)}", icon=":material/stop:", on_click=stop, args=(work, task))


def _rest(seconds: float) -> None:
    time.sleep(seconds)
    state()


def _progress(work: Work, task: Task) -> None:
    if task.total:
        text = f"{work.what}: {work.progress(task.done, task.total)}"
        st.progress(min(1.0, task.done / task.total), text, width=320)
    else:
        st.caption(f":material/hourglass_top: {work.what} …", width="content")


def _stopped(work: Work, task: Task | None, place: DeltaGenerator) -> None:
    done = f" after {work.progress(task.done, task.total)}" if task and task.done else ""
    with place.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/stop_circle: Stopped{done}.", width="content")
        st.button("Continue", key=f"_continue_{work.place}", icon=":material/play_arrow:", on_click=go_on, args=(work,))


def ask(work: Work) -> Task:
    """Starts the work, or joins who waits for it; what this session asked before at the same place
    is left.
    """
    mine, found = state().waiting, background().find(work)
    mine.stopped.pop(work.place, None)
    before = mine.tasks.pop(work.place, None)
    if before and before is not found:
        before.leave(state().owner)
    task = background().ask(work, state().owner)
    if not work.stays:
        mine.tasks[work.place] = task
    return task


def go_on(work: Work) -> None:
    """What the other button does."""
    ask(work)


def stop(work: Work, task: Task) -> None:
    """What the button does."""
    state().waiting.stopped[work.place] = work.question
    task.leave(state().owner)


def is_stopped(work: Work) -> bool:
    """Whether this person stopped this very question."""
    return state().waiting.stopped.get(work.place) == work.question


def follow(work: Work, label: str, draw: Callable[[Sequence[Any]], None], begun: bool = False) -> None:
    """Draws a button with this label, then progress and Stop while the work goes on, and the
    results so far. begun: no button is needed, unless it was stopped.
    """
    state().waiting.visited.add(work.place)
    task = background().find(work)
    if begun and not is_stopped(work) and not (task and (task.succeeded or task.error)):
        task = ask(work)
        task.ended(PATIENCE_S)  # a quick answer needs no second look
    by_itself = task is not None and task.at_work and not is_stopped(work)
    st.fragment(_look, run_every=LOOK_S if by_itself else None)(work, label, draw, by_itself)


@guarded
def _look(work: Work, label: str, draw: Callable[[Sequence[Any]], None], by_itself: bool) -> None:
    """by_itself: whether this is called again and again."""
    task = background().find(work)
    at_work = task is not None and task.at_work and not is_stopped(work)
    if at_work != by_itself:
        st.rerun()
    if task and at_work:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _progress(work, task)
            _stop_button(work, task)
    elif not (task and task.succeeded):
        left = f", {work.progress(task.done, task.total)} done" if task and task.results else ""
        st.button(label + left, key=f"_start_{work.place}", icon=":material/play_arrow:", on_click=go_on, args=(work,))
    if task and task.results:
        draw(task.results[:])
    if task and task.error:
        error, task.error = task.error, None  # shown once
        raise error
