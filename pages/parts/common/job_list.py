"""Jobs of this app's cache folder on pages: started, seen, paused, stopped, resumed and deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.base.progress import Pace
from core.jobs.jobs import STATES, Facts, Job, Jobs
from pages.parts.common import access, engine, frame
from pages.parts.common.markdown import message, plain

REFRESH_S = 2.0
AT_WORK = ("running", "pausing", "paused", "stopping")
# All other states are red.
COLOURS = {
    "running": "violet",
    "pausing": "orange",
    "paused": "orange",
    "stopping": "orange",
    "stopped": "gray",
    "done": "green",
}
TITLE = 160  # maximum characters of a displayed title or file name


def jobs() -> Jobs:
    """Returns all jobs of this app's cache folder."""
    return Jobs(engine.engine().folder)


def of_kind(wanted: Callable[[str], bool]) -> list[Job]:
    """Returns the jobs of some kinds, newest first."""
    return [job for job in jobs().all() if wanted(job.kind)]


def damaged(wanted: Callable[[str], bool], action: str) -> None:
    """Draws what is wrong with damaged jobs of some kinds, and a button that deletes each.

    Args:
        wanted: tells a kind, with which the id of a job begins. action: what the server must allow.
    """
    for name, error in jobs().damaged().items():
        if wanted(name.rpartition("-")[0]):
            st.warning(message(access.without_paths(str(error))), icon=":material/warning:")
            if not access.locked():
                key, args = f"_Delete_{name}", (jobs().delete, name, action)
                st.button(
                    "Delete damaged job", key=key, icon=":material/delete:", type="tertiary", on_click=_tried, args=args
                )


def begin(asked: tuple[str, Mapping[str, Any], str], action: str, said: str) -> None:
    """Starts a job, or resumes the one with the same arguments.

    Args:
        asked: kind, arguments, title. action: what the server must allow. said: once it is started.
    """
    with frame.explained():
        access.require(action)
        jobs().start(*asked)
        st.toast(said, icon=":material/check:")


def head(job: Job, action: str, deleting: tuple[str, str]) -> None:
    """Draws title, state, buttons and error of a job.

    Args:
        action: what the server must allow for its buttons. deleting: the question before the job is
            deleted, and the button's label.
    """
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        badge = f":{COLOURS.get(job.state, 'red')}-badge[{job.state}]"
        st.markdown(f"**{plain(job.title, TITLE)}** {badge} {STATES[job.state]}", width="content")
        if not access.locked():
            _buttons(job, action, deleting)
    if job.error:
        st.error(message(access.without_paths(job.error)), icon=":material/error:")


def progress(job: Job, part: Callable[[Facts], tuple[float, float]], text: str) -> None:
    """Draws how far a job is, and the remaining time while it is at work.

    Args:
        part: of a line of the job, what is done and of how much; a total of 0 says nothing.
    """
    done, total = part(job.last)
    done = max(done, min(total, int(done) + _within(job)))
    left = _left(job, part) if job.state == "running" else ""
    st.progress(min(1.0, done / total) if total else 0.0, ", ".join(filter(None, (text, left))))


def _left(job: Job, part: Callable[[Facts], tuple[float, float]]) -> str:
    """Returns the remaining time in words, by the lines since the job was begun or resumed."""
    pace = Pace(now=job.begun)
    for line in jobs().progress(job.id):
        if part(line)[1] and line.get("at", 0) >= job.begun:
            pace.advance(*part(line), now=line["at"])
    done, total = part(job.last)
    if total and job.within.get("at", 0) >= job.begun:
        pace.advance(max(done, min(total, int(done) + _within(job))), total, now=job.within["at"])
    return pace.left_text


def _within(job: Job) -> float:
    """Returns how much of the step at work is done, 0 to 1."""
    return min(1.0, job.within["done"] / job.within["total"]) if job.within else 0.0


def log(job: Job) -> None:
    """Draws the output of a process that failed."""
    if job.state in ("failed", "died") and not access.locked() and (text := jobs().log(job.id)):
        with st.expander("Process output"):
            st.code(text, language=None, wrap_lines=True)


def _buttons(job: Job, action: str, deleting: tuple[str, str]) -> None:
    doing: dict[str, tuple[str, Any]] = {}
    if job.state == "running":
        doing = {"Pause": (":material/pause:", jobs().pause), "Stop": (":material/stop:", jobs().stop)}
    elif job.state in ("pausing", "paused"):
        doing = {"Continue": (":material/play_arrow:", jobs().unpause), "Stop": (":material/stop:", jobs().stop)}
    elif job.state in ("stopped", "died", "failed"):
        doing = {"Resume": (":material/play_arrow:", jobs().resume)}
    with st.container(horizontal=True, width="content", gap="xsmall"):
        for label, (icon, call) in doing.items():
            key, args = f"_{label}_{job.id}", (call, job.id, action)
            st.button(label, key=key, icon=icon, type="tertiary", on_click=_tried, args=args)
        if job.state not in AT_WORK:
            with st.popover("Delete", icon=":material/delete:", type="tertiary"):
                st.markdown(deleting[0])
                st.button(
                    deleting[1],
                    key=f"_Delete_{job.id}",
                    type="primary",
                    on_click=_tried,
                    args=(jobs().delete, job.id, action),
                )


def _tried(call: Any, name: str, action: str) -> None:
    with frame.explained():
        access.require(action)
        call(name)
