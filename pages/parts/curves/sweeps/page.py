"""A sweep in Curves: one finding a tab."""

from __future__ import annotations

import streamlit as st

from pages.parts.common import present, sweep_data, sweep_job
from pages.parts.common.markdown import plain
from pages.parts.common.widgets import Known, tabs
from pages.parts.curves.sweeps import breaks, curve, forgotten, spot, view
from pages.parts.curves.sweeps.view import View

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
        if not sweep_data.read(opened):
            _not_done(asked)
        else:
            TABS[tab](asked, known)
    if not present.on():
        sweep_job.watch(job, grows=True)


def _not_done(asked: View) -> None:
    opened = asked.opened
    st.info(
        f"No network of this sweep is done yet. Start it here, or run `python -m core sweep run {plain(opened.name)}`.",
        icon=":material/info:",
    )
    sweep_job.start_button(opened.spec, opened.title)
    sweep_job.cost(opened.spec)
