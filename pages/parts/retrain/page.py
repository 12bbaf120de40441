"""Retrain: trains series of pruned networks in separate processes."""

from __future__ import annotations

import streamlit as st

from pages.parts.common import access, link, present
from pages.parts.retrain import form, runs
from pages.parts.sidebar import model


def main() -> None:
    model.look_again()
    link.open_page(dict)
    st.title("Retrain")
    st.markdown(
        "Without retraining, a network for photographs loses most of its accuracy when half of its weights are removed."
        " Here it is pruned and **retrained level by level**. Every level is kept and can be opened in Explore and"
        " Compare as soon as it is trained."
    )
    if not present.on() and access.offers(access.TRAINING):
        with st.expander("New run", icon=":material/add:", expanded=not runs.all_runs()):
            if asked := form.form():
                runs.begin(asked)
    st.header("Runs", anchor=False)
    st.caption(
        "Each run is a separate process. It continues when this page is closed or the app restarts, and does not slow"
        " down the pages."
    )
    runs.running()
    st.header("Trained networks", anchor=False)
    runs.trained()
