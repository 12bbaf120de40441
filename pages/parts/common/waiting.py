"""How a page waits for background work: quick answers appear directly, slow ones show progress and
a Stop button.

`wait` blocks the page in small steps. Each step reads the session's state, because there Streamlit
lets a newer run take over without sending anything. (A Streamlit call in each step would keep the
browser so busy that it never finishes loading the page.) `follow` lets the page continue and polls
the work, for work that starts with a click. Streamlit finishes a run before it runs a fragment
again, so a waiting fragment could not be stopped: only `follow` creates one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.jobs.control import Stopped
from pages.parts.common import access
from pages.parts.common.background import Task, Work, background
from pages.parts.common.frame import guarded
from pages.parts.common.line import in_words
from pages.parts.common.state import state

# Time until progress is shown; polling intervals of a page, of a fragment, and of a fragment on a
# server for many, where thirty that look twice a second would keep a processor busy.
PATIENCE_S, STEP_S, LOOK_S, SHARED_LOOK_S = 0.5, 0.05, 0.4, 2.0
WIDTH_PX = 400  # of a progress bar with its text
REST_S = 0.12  # a slider must rest this long before slow numbers are computed


def wait(work: Work, place: DeltaGenerator, follows_slider: bool = False) -> Task:
    """Waits for the work and raises its errors.

    Returns:
        The finished task. If it was stopped, `succeeded` is False, and `place` shows a note with a
        Continue button.
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
    with nullcontext() if work.slow else background().ahead():
        while not (task := _watched(work, note)).succeeded:
            if task.error:
                raise task.error
            _rest(STEP_S)  # stopped by another session: ask again
    note.empty()
    return task


def needed(work: Work) -> Task:
    """Waits for work without which nothing can be drawn here. Raises Stopped, and its errors."""
    task = wait(work, st.empty())
    if not task.succeeded:
        raise Stopped("Stopped.", "What is finished is kept.", "Continue goes on from there.")
    return task


def _watched(work: Work, note: DeltaGenerator) -> Task:
    """Starts or joins the work and waits until it ends."""
    task, begun, bar = ask(work), time.monotonic(), None
    drawn: tuple[int, int | None] = (-1, None)
    while not task.ended(STEP_S / 10 if time.monotonic() - begun < STEP_S else STEP_S):
        state()
        if time.monotonic() - begun < PATIENCE_S:
            continue
        if bar is None:
            with note.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                bar = st.empty()
                _stop_button(work, task)
        now = task.done, _ahead(task)
        if drawn != now:
            drawn = now
            with bar:
                _progress(work, task)
    return task


def _stop_button(work: Work, task: Task) -> None:
    st.button("Stop", key=f"_stop_{id(task)}", icon=":material/stop:", on_click=stop, args=(work, task))


def _rest(seconds: float) -> None:
    time.sleep(seconds)
    state()


def _ahead(task: Task) -> int | None:
    """Returns how many questions come before this one in the queue; None if it does not wait."""
    return background().line.ahead_of(task.turn) if task.turn else None


def _progress(work: Work, task: Task) -> None:
    if (ahead := _ahead(task)) is not None:
        st.caption(f":material/hourglass_empty: {work.what}: {in_words(ahead)}.", width="content")
    elif task.total:
        parts = (f"{work.what}: {work.progress(task.done, task.total)}", task.pace.left_text)
        st.progress(min(1.0, task.done / task.total), ", ".join(filter(None, parts)), width=WIDTH_PX)
    else:
        st.caption(f":material/hourglass_top: {work.what} …", width="content")


def _stopped(work: Work, task: Task | None, place: DeltaGenerator) -> None:
    done = f" after {work.progress(task.done, task.total)}" if task and task.done else ""
    with place.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/stop_circle: Stopped{done}.", width="content")
        st.button("Continue", key=f"_continue_{work.place}", icon=":material/play_arrow:", on_click=go_on, args=(work,))


def ask(work: Work) -> Task:
    """Starts or joins the work; leaves earlier work of this session at the same place."""
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
    """Callback of the Continue button."""
    ask(work)


def stop(work: Work, task: Task) -> None:
    """Callback of the Stop button."""
    state().waiting.stopped[work.place] = work.question
    task.leave(state().owner)


def is_stopped(work: Work) -> bool:
    """Whether this session stopped this question."""
    return state().waiting.stopped.get(work.place) == work.question


def follow(work: Work, label: str, draw: Callable[[Sequence[Any]], None], begun: bool = False) -> None:
    """Draws a button with this label, then progress, Stop and the results so far. begun: starts
    without the button, unless it was stopped before.
    """
    state().waiting.visited.add(work.place)
    task = background().find(work)
    if begun and not is_stopped(work) and not (task and (task.succeeded or task.error)):
        seen = task is not None
        task = ask(work)
        if not seen:
            task.ended(PATIENCE_S)  # a quick answer needs no polling
    by_itself = task is not None and task.at_work and not is_stopped(work)
    every_s = LOOK_S if access.limits() is None else SHARED_LOOK_S
    st.fragment(_look, run_every=every_s if by_itself else None)(work, label, draw, by_itself)


@guarded
def _look(work: Work, label: str, draw: Callable[[Sequence[Any]], None], by_itself: bool) -> None:
    """by_itself: whether this is called periodically."""
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
