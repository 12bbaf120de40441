"""Small pictures of which one is chosen: by a click, a touch, or Tab and the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "thumbs",
    html='<div class="thumbs" role="radiogroup"></div>',
    css=(HERE / "thumbs.css").read_text(encoding="utf-8"),
    js=(HERE / "thumbs.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Thumb:
    """One picture. value: what choosing it means. url: its address. alt: in words."""

    value: str
    url: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Pictures in rows. label: in words, what is chosen. chosen: value of the framed one. columns:
    a row. locked: for looking only.
    """

    label: str
    thumbs: Sequence[Thumb]
    chosen: str
    columns: int
    locked: bool = False


def draw(sheet: Sheet, choose: Callable[[str], None]) -> None:
    """Draws the pictures. choose: called with the value of another one that a person picks, before
    the page runs again.
    """
    key = f"_thumbs_{sheet.label}"

    def picked() -> None:
        value = st.session_state[key].get("picked")
        if value is not None:
            choose(str(value))

    data = vars(sheet) | {"thumbs": [vars(thumb) for thumb in sheet.thumbs]}
    _draw(data=data, key=key, on_picked_change=picked)
