"""Retrain: what comes back after pruning? Series of networks are trained here, in processes of
their own.
"""

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
        "Without retraining, a network for photographs loses most of its right answers when half of its weights go."
        " Here it is pruned and **trained again, level by level**. Every level is kept, and can be opened in Explore"
        " and Compare as soon as it is trained."
    )
    if not present.on() and access.offers(access.TRAINING):
        with st.expander("A new run", icon=":material/add:", expanded=not runs.jobs().all()):
            if asked := form.form():
                runs.begin(asked)
    st.header("Runs", anchor=False)
    st.caption(
        "A run is a process of its own. It continues when this page is closed and when the app restarts, and the"
        " pages stay quick meanwhile."
    )
    runs.running()
    st.header("Trained networks", anchor=False)
    runs.trained()
