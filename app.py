"""The door: what this tool answers, what it runs on, and where to go. It computes nothing."""

from __future__ import annotations

import streamlit as st

from pages.shared import cached, frame

with frame.page("Home"):
    st.title("Sparsight")
    st.header("Does a pruned network still look at the same things?")
    st.markdown(
        "Pruning removes most of a neural network's weights, often without changing its answers. "
        "Sparsight shows whether the *evidence* for those answers stays the same: it puts the heatmaps of the dense and the pruned network "
        "side by side and measures how far they agree. Everything is computed live, on real trained networks and real digits."
    )
    for file, name, icon, answer in frame.PAGES[1:]:
        st.page_link(file, label=f"**{name}**: {answer}", icon=icon)
    st.space("small")
    st.subheader("In use on this machine")
    st.markdown(f"Device: **{cached.engine().device_name}**")
    megabyte = 1024**2
    parts = cached.engine().parts()
    st.table(
        {
            "memory": [part.name for part in parts],
            "in use": [f"{part.bytes / megabyte:.1f} MB" for part in parts],
            "at most": [f"{part.budget_bytes / megabyte:,.0f} MB" for part in parts],
            "entries": [f"{part.entries:,}" for part in parts],
            "found there": [f"{part.hits:,} of {part.hits + part.misses:,}" for part in parts],
        }
    )
    st.caption("What was used longest ago goes first when a limit is reached; then it is computed again when needed.")
