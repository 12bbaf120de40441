"""Thumbnails to choose from by a click, a touch, or Tab and the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.parts.common.component import component

_draw = component(Path(__file__).parent, '<div class="thumbs" role="radiogroup"></div>')


@dataclass(frozen=True)
class Thumb:
    """One thumbnail. value: passed on when chosen. url: of the image. alt: alternative text."""

    value: str
    url: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Thumbnails in rows. label: names the choice. chosen: value of the framed one. columns: per
    row. locked: the choice cannot be changed.
    """

    label: str
    thumbs: Sequence[Thumb]
    chosen: str
    columns: int
    locked: bool = False


def draw(sheet: Sheet, choose: Callable[[str], None]) -> None:
    """Draws the thumbnails. choose: called with the value of a newly chosen one, before the page
    runs again.
    """
    key = f"_thumbs_{sheet.label}"

    def picked() -> None:
        value = st.session_state[key].get("picked")
        if value is not None:
            choose(str(value))

    data = vars(sheet) | {"thumbs": [vars(thumb) for thumb in sheet.thumbs]}
    _draw(data=data, key=key, on_picked_change=picked)
