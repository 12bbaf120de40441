"""Settings: what Sparsight keeps in memory on this machine, and its limits."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.base.numbers import MEGABYTE, size
from core.base.plugins import loaded
from pages.parts.common import access, engine, link, plugins
from pages.parts.common.markdown import message, plain
from pages.parts.settings import teacher

LEAST_MB = 16


def main() -> None:
    link.open_page(dict)
    st.title("Settings")
    teacher.section()
    st.header("Memory", anchor=False)
    _memory()
    st.header("Limits", anchor=False)
    if access.offers(access.LIMITS, teacher.how_to_unlock()):
        _limits()
    if loaded():
        st.header("Plugins", anchor=False)
        _plugins()


def _memory() -> None:
    st.caption(
        f"Networks and results are cached on **{engine.engine().device_name}** and in RAM, so that previous views"
        " return immediately. When a limit is reached, the least recently used entries are dropped and computed again"
        " when needed."
    )
    parts = engine.engine().parts()
    st.table(
        {
            "cache": [part.name for part in parts],
            "in use": [size(part.bytes) for part in parts],
            "limit": [size(part.budget_bytes) for part in parts],
            "entries": [f"{part.entries:,}" for part in parts],
            "cache hits": [f"{part.hits:,} of {part.hits + part.misses:,}" for part in parts],
        }
    )
    for note in dict.fromkeys(note for part in parts for note in part.notes):
        st.caption(f":material/info: {message(note)}")


def _limits() -> None:
    store = engine.engine().store
    first, second, third = st.columns(3, vertical_alignment="bottom")
    device = first.number_input(
        "Networks on the device (MB)", LEAST_MB, 1_000_000, store.budgets.device_bytes // MEGABYTE, key="_device_mb"
    )
    ram = second.number_input(
        "Dense weights in RAM (MB)", LEAST_MB, 1_000_000, store.budgets.ram_bytes // MEGABYTE, key="_ram_mb"
    )
    if third.button("Apply", icon=":material/check:", width="stretch"):
        access.require(access.LIMITS)
        store.allow(replace(store.budgets, device_bytes=device * MEGABYTE, ram_bytes=ram * MEGABYTE))
        st.rerun()
    st.caption(
        "The limits apply to all users of this server until it restarts. The defaults are shares of the memory that is"
        " free at startup; `SPARSIGHT_DEVICE_BYTES` and `SPARSIGHT_RAM_BYTES` override them."
    )


def _plugins() -> None:
    """Lists what the plugins of this server registered, and what is wrong with one."""
    plugins.problems()
    for plugin in loaded():
        if plugin.error is None:
            st.markdown(f"**{plain(plugin.path.name)}**: {plain(', '.join(plugin.names)) or 'registers nothing'}")
