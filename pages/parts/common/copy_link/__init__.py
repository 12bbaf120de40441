"""A button that copies the address of the view, also on unencrypted pages, where browsers offer no
clipboard.
"""

from __future__ import annotations

from pathlib import Path

from pages.parts.common.component import component

_draw = component(Path(__file__).parent, '<button type="button"></button>')


def draw(copied: str) -> None:
    """Draws the button. copied: its label after the link is copied."""
    _draw(data={"label": "Copy link", "copied": copied}, key="_copy_link", width="content")
