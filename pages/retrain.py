"""Retrain: what comes back after pruning? Series of networks are trained here, in processes of
their own.
"""

from __future__ import annotations

import streamlit as st

from pages.shared import access, address, frame, networks, present, retrain_form, retrain_view


def main() -> None:
    networks.look_again()
    address.check({})
    st.title("Retrain")
    st.markdown(
        "Without retraining, a network for photographs loses most of its right answers when half of its weights go."
        " Here it is pruned and **trained again, level by level**. Every level is kept, and can be opened in Explore"
        " and Compare as soon as it is trained."
    )
    if not present.on() and access.offers(access.TRAINING):
        with st.expander("A new run", icon=":material/add:", expanded=not retrain_view.jobs().all()):
            if asked := retrain_form.form():
                retrain_view.begin(asked)
    st.subheader("Runs")
    st.caption(
        "A run is a process of its own: it goes on when this page is closed and when the app starts anew. Pages go"
        " first."
    )
    retrain_view.running()
    st.subheader("Trained networks")
    retrain_view.trained()


with frame.page("Retrain"):
    main()
