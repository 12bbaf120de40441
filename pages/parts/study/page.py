"""Study: ask people which heatmap is more reasonable, and what is in a picture."""

from __future__ import annotations

import streamlit as st

from core.base.errors import SparsightError
from pages.parts.common import frame, link, present
from pages.parts.common.parameters import Choice, Parameter
from pages.parts.common.widgets import choice, tabs
from pages.parts.study import create, data, preview, result, run, studies

SECTIONS = {"run": run.section, "result": result.section, "preview": preview.section, "data": data.section}
NEW = ""


def main() -> None:
    link.open_page(parameters)
    if not present.on():
        st.title("Study")
    name = _chosen()
    create.progress()
    if name == NEW:
        st.markdown(
            "Do people find the explanations of a pruned network as reasonable as those of the dense one? Prepare a "
            "study, let people open a link on their phones, and watch the answers come in."
        )
        create.section()
        return
    try:
        study = studies.opened(name)
    except SparsightError as error:
        frame.show(error)
        return
    tab, content = tabs("show", parameters())
    with content:
        SECTIONS[tab](study)


def parameters() -> dict[str, Parameter]:
    """Returns the parameters of the address: a study on this machine, and what of it is shown."""
    names = studies.all_names()
    titles = {NEW: "New study"} | {name: name for name in names}
    first = studies.first_name()
    return {
        "study_name": Choice(first, (*names, NEW), titles=titles),
        "show": Choice("run", tuple(studies.PARTS), titles=studies.PARTS),
    }


def _chosen() -> str:
    known = parameters()
    if not studies.all_names():
        return NEW
    with st.sidebar if present.on() else st.container():
        return choice("Study", "study_name", known)
