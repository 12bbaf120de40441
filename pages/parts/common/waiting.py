"""Waiting for an answer that takes a while: at once where it is quick, with progress and a way to
stop where it is not.

The work goes on in a thread of this session, one question at a time. The page waits in small steps
with a Streamlit call in each: there a slider that has moved on takes over at once, and a question
that nobody waits for any more is not begun. What is already on the screen stays until the page goes
on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

T = TypeVar("T")
QUIET_S, STOP_S, STEP_S = 0.5, 3.0, 0.05


def wait(place: DeltaGenerator, key: str, what: str, work: Callable[[], T]) -> T | None:
    """The answer of `work`, or None after Stop. Raises what it raises.

    Args:
        place: an empty container for progress. key: of the question; the same question is asked
            once. what: it does, in words.
    """
    if st.session_state.get("_stopped") == key:
        return None
    future = _asked(key, work)
    with place:
        note, pulse = st.empty(), st.empty()
    begun, stopping = time.monotonic(), False
    while not future.done():
        passed = time.monotonic() - begun
        pulse.empty()  # always at this place: anywhere else it would push away what is on the screen
        if passed >= QUIET_S and not stopping:
            stopping = _told(note, what, passed, key)
        time.sleep(STEP_S if passed > STEP_S else STEP_S / 10)
    note.empty()
    st.session_state.pop("_asked", None)
    return future.result()


def stopped() -> None:
    """Forgets that a question was stopped: it may be asked again."""
    st.session_state.pop("_stopped", None)


def _asked(key: str, work: Callable[[], T]) -> Future[T]:
    """The question at work; one that waits behind another and is no longer wanted goes."""
    before: tuple[str, Future[T]] | None = st.session_state.get("_asked")
    if before and before[0] == key and not before[1].cancelled():
        return before[1]
    if before:
        before[1].cancel()
    if "_worker" not in st.session_state:
        st.session_state["_worker"] = ThreadPoolExecutor(max_workers=1, thread_name_prefix="asked")
    future: Future[T] = st.session_state["_worker"].submit(work)
    st.session_state["_asked"] = key, future
    return future


def _told(note: DeltaGenerator, what: str, passed: float, key: str) -> bool:
    """Progress, and from STOP_S on a button. Returns whether the button is drawn."""
    if passed < STOP_S:
        note.caption(f":material/hourglass_top: {what}, {passed:.1f} s", width="content")
        return False
    with note.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.caption(f":material/hourglass_top: {what} ...", width="content")
        st.button("Stop", key="_stop_asked", icon=":material/stop:", on_click=_stop, args=(key,))
    return True


def _stop(key: str) -> None:
    st.session_state["_stopped"] = key
