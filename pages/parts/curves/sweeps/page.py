"""A sweep in Curves: one finding a tab."""

from __future__ import annotations

import streamlit as st

from core.base.numbers import counted
from core.jobs.jobs import Job
from core.sweeps.curves import complete
from pages.parts.common import present, sweep_data, sweep_job
from pages.parts.common.job_list import AT_WORK
from pages.parts.common.markdown import plain
from pages.parts.common.sweep_data import Opened
from pages.parts.common.widgets import Known, tabs
from pages.parts.curves.sweeps import breaks, curve, forgotten, spot, view

NOTHING = "No network of this sweep is done yet"
IN_PART = "Some answers are here, but no network of this sweep has all of them yet"
TABS = {"curve": curve.section, "spot": spot.section, "breaks": breaks.section, "forgotten": forgotten.section}


def page(name: str, known: Known) -> None:
    """Draws the whole page of a sweep."""
    opened = sweep_data.opened(name)
    if not present.on():
        st.markdown(f"**{plain(opened.title)}**")
    asked = view.controls(opened, known)
    job = sweep_job.find(opened.spec)
    tab, content = tabs("finding", known)
    with content:
        whole = sweep_data.read(opened)
        if not present.on():
            _left(opened, job, complete(opened.spec, whole), IN_PART if whole else NOTHING)
        if whole:
            TABS[tab](asked, known)
    if not present.on():
        sweep_job.watch(job, grows=True)


def _left(opened: Opened, job: Job | None, done: int, nothing: str) -> None:
    """Says how many networks are done, and how to get the others. nothing: said if none is."""
    if done == opened.spec.networks:
        return
    known = f"{done:,} of {counted(opened.spec.networks, 'network')} are done" if done else nothing
    if job is not None and job.state in AT_WORK:
        st.info(f"{known}. The sweep is running; its figures grow with each network.", icon=":material/info:")
        return
    if job is not None and job.state != "done":
        st.info(f"{known}. The sweep was stopped: **Resume** below goes on from there.", icon=":material/info:")
        return
    command = f"python -m core sweep run {opened.name}"
    st.info(f"{known}. Start it here, or run `{command}`; what is known is shown.", icon=":material/info:")
    sweep_job.start_button(opened.spec, opened.title)
    sweep_job.cost(opened.spec)
