"""A collapsed group of controls in the sidebar: its title and one line with the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@contextmanager
def group(title: str, icon: str) -> Iterator[Callable[[str], None]]:
    """Puts the controls into the group; yields a function that writes their settings (Markdown)."""
    with st.container(gap=None):
        controls = st.expander(f"**{title}**", icon=icon)
        line = st.empty()
    with controls:
        yield lambda settings: _state(line, settings)


def _state(line: DeltaGenerator, settings: str) -> None:
    line.caption(settings)
