"""A button that copies the address of the view, also on unencrypted pages, where browsers offer no
clipboard.
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
    """Draws the button. copied: its label after the link is copied."""
    _draw(data={"label": "Copy link", "copied": copied}, key="_copy_link", width="content")
