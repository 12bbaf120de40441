"""What the views of the lessons are made of: pictures in a row, figures, and words for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from core.figures import maps
from core.results import Heatmap
from pages.parts.common import engine, present, widgets
from pages.parts.lessons.facts import CONTROLS

OPACITY = 0.65
NARROWEST_PX = 120


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture with its title, its words for those who do not see it, and a line below."""

    title: str
    image: Image.Image
    alt: str
    below: str = ""


def over(side: Heatmap, title: str, below: str = "", alt: str = "") -> Shown:
    """A heatmap over its digit."""
    clean = engine.engine().picture(side.image).clean
    words = alt or f"{title}: heatmap of {side.cam.method} for class {side.target_class}"
    return Shown(title=title, image=maps.overlay(side, clean, OPACITY), alt=words, below=below)


def row(shown: Sequence[Shown]) -> None:
    """Pictures of one size side by side."""
    grid = st.grid(max(2, len(shown)), min_column_width=NARROWEST_PX, gap="small")
    for one in shown:
        with grid.cell().container(gap="xsmall"):
            st.markdown(f"**{one.title}**")
            st.image(maps.data_url(maps.png(one.image)), width="stretch", alt=one.alt)
            if one.below:
                st.markdown(one.below)


def chart(figure: go.Figure, alt: str) -> None:
    """A figure, larger when it is shown to a room."""
    st.plotly_chart(present.figure(figure), config={"displayModeBar": False}, alt=alt)


def digit_choice(label: str = "Try another digit") -> str:
    return widgets.choice(label, "example", CONTROLS)


def slider(label: str, name: str, **options: Any) -> float:
    """The slider to try."""
    return widgets.number(label, name, CONTROLS, **options)


def share(value: float) -> str:
    """A sparsity of the grid as it stands on the slider."""
    return f"{value * 100:.0f} %"


def certain(side: Heatmap, index: int | None) -> str:
    """Probability of a class in words that are true for the very small ones too."""
    value = side.prediction.of(index)
    if value is None:
        return "undefined"
    return f"{value:.2f}" if value >= 0.005 else "less than 0.01"
