"""A group of controls in the sidebar, folded: its title, and below it one line that states what is
set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@contextmanager
def group(title: str, icon: str) -> Iterator[Callable[[str], None]]:
    """Puts the controls into the group; yields what states their settings, in Markdown."""
    with st.container(gap=None):
        controls = st.expander(f"**{title}**", icon=icon)
        line = st.empty()
    with controls:
        yield lambda settings: _state(line, settings)


def _state(line: DeltaGenerator, settings: str) -> None:
    line.caption(settings)
