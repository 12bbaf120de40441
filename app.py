"""The door: what this tool answers, what it runs on, and where to go."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import CamSpec, ImageRef, PruningSpec, VariantSpec
from core.base.text import MEGABYTE, size
from pages.parts.common import access, frame, present, serving
from pages.parts.common.markdown import message

LEAST_MB = 16


def main() -> None:
    st.title("Sparsight")
    st.header("Does a pruned network still look at the same things?")
    st.markdown(
        "Pruning removes most of a neural network's weights, often without changing its answers. Sparsight shows"
        " whether the *evidence* for those answers stays the same: it puts the heatmaps of the dense and the pruned"
        " network side by side and measures how far they agree. Everything is computed live, on handwritten digits and"
        " on photographs."
    )
    for file, name, icon, answer in frame.PAGES[1:]:
        with st.container(gap="xxsmall"):
            frame.link(file, f"**{name}**", icon)
            st.caption(answer)  # a link's own words do not wrap on a phone
    with frame.explained():
        st.subheader("An example")
        _example()
    if present.on():
        return
    with frame.explained():
        st.subheader("In use on this machine")
        _memory()


def _example() -> None:
    # Here, as in all functions: the server imports this file before its caches exist.
    from core.models.zoo import default_model
    from pages.parts.common import engine as cached
    from pages.parts.common import pictures
    from pages.parts.common.address import START, START_MODEL

    variant = VariantSpec(model=default_model(START_MODEL), pruning=PruningSpec.one_shot(0.3))
    pictures.example(cached.comparison(variant, ImageRef(source="gallery", name=str(START["photo"])), CamSpec()))


def _memory() -> None:
    from pages.parts.common import engine as cached

    parts = cached.engine().parts()
    st.table(
        {
            f"memory ({cached.engine().device_name})": [part.name for part in parts],
            "in use": [size(part.bytes) for part in parts],
            "at most": [size(part.budget_bytes) for part in parts],
            "entries": [f"{part.entries:,}" for part in parts],
            "found there": [f"{part.hits:,} of {part.hits + part.misses:,}" for part in parts],
        }
    )
    for note in dict.fromkeys(note for part in parts for note in part.notes):
        st.caption(f":material/info: {message(note)}")
    st.caption("What was used longest ago goes first when a limit is reached, and is computed again when it is needed.")
    with st.expander("Limits", icon=":material/tune:"):
        if access.offers(access.LIMITS):
            _limits()


def _limits() -> None:
    """For everybody who uses this server, until it is started anew."""
    from pages.parts.common import engine as cached

    store = cached.engine().store
    first, second, third = st.columns(3, vertical_alignment="bottom")
    device = first.number_input(
        "Networks on the device, MB", LEAST_MB, 1_000_000, store.budgets.device_bytes // MEGABYTE, key="_device_mb"
    )
    ram = second.number_input(
        "Dense weights in RAM, MB", LEAST_MB, 1_000_000, store.budgets.ram_bytes // MEGABYTE, key="_ram_mb"
    )
    if third.button("Apply", icon=":material/check:", width="stretch"):
        access.require(access.LIMITS)
        store.allow(replace(store.budgets, device_bytes=device * MEGABYTE, ram_bytes=ram * MEGABYTE))
        st.rerun()
    st.caption(
        "They hold for everybody who uses this server, until it is started anew. Usual limits are shares of the memory"
        " that was free at the start; `SPARSIGHT_DEVICE_BYTES` and `SPARSIGHT_RAM_BYTES` set others."
    )


if __name__ == "__main__":
    with frame.page("Home"):
        main()
else:  # `streamlit run` imports this file for the server itself
    app = st.App(__file__, middleware=serving.checks())
