"""A button that copies the address of the view, also where the browser has no clipboard for pages
that are not encrypted.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "copy_link",
    html='<button type="button"></button>',
    css=(HERE / "copy_link.css").read_text(encoding="utf-8"),
    js=(HERE / "copy_link.js").read_text(encoding="utf-8"),
)


def draw(copied: str) -> None:
    """Draws the button. copied: what it says once the link is copied."""
    _draw(data={"label": "Copy link", "copied": copied}, key="_copy_link", width="content")
