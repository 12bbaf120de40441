"""Building blocks of the lessons' views: rows of pictures, figures, and formatted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from core.figures import maps
from core.figures.notebook.view import Panel
from core.report.document import Drawn, Pictures, Text
from core.results import Heatmap
from core.saliency import CAMS
from pages.parts.common import engine, present, widgets
from pages.parts.lessons import paper
from pages.parts.lessons.facts import CONTROLS

OPACITY = 0.65
NARROWEST_PX = 120


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture with its title, alternative text, and a line below."""

    title: str
    image: Image.Image
    alt: str
    below: str = ""


def over(side: Heatmap, title: str, below: str = "", alt: str = "") -> Shown:
    """Returns a heatmap over its digit."""
    clean = engine.engine().picture(side.image).clean
    words = alt or f"{title}: {CAMS[side.cam.method].title} heatmap for class {side.target_class}"
    return Shown(title=title, image=maps.overlay(side, clean, OPACITY), alt=words, below=below)


def row(shown: Sequence[Shown]) -> None:
    """Draws pictures of one size side by side."""
    if (sheet := paper.sheet()) is not None:
        sheet.append(Pictures(panels=tuple(map(_panel, shown))))
        return
    grid = st.grid(max(2, len(shown)), min_column_width=NARROWEST_PX, gap="small")
    for one in shown:
        with grid.cell().container(gap="xsmall"):
            st.markdown(f"**{one.title}**")
            st.image(maps.data_url(maps.png(one.image)), width="stretch", alt=one.alt)
            if one.below:
                st.markdown(one.below)


def chart(figure: go.Figure, alt: str) -> None:
    """Draws a figure, larger in presentation mode."""
    if (sheet := paper.sheet()) is not None:
        sheet.append(Drawn(figure=figure, alt=alt))
        return
    st.plotly_chart(present.figure(figure), config={"displayModeBar": False}, alt=alt)


def note(text: str) -> None:
    """Draws a sentence beside a figure."""
    if (sheet := paper.sheet()) is not None:
        sheet.append(Text(text=text))
    else:
        st.markdown(text)


def metric(label: str, value: str) -> None:
    """Draws a number in large type."""
    if paper.sheet() is not None:
        note(f"{label}: **{value}**")
    else:
        st.metric(label, value)


def digit_choice(label: str = "Try another digit") -> str:
    return widgets.choice(label, "example", CONTROLS)


def slider(label: str, name: str, **options: Any) -> float:
    """Draws the slider of a step."""
    return widgets.number(label, name, CONTROLS, **options)


def _panel(one: Shown) -> Panel:
    below = (one.below,) if one.below else ()
    return Panel(title=one.title, url=maps.data_url(maps.png(one.image)), alt=one.alt, lines=below)


def share(value: float) -> str:
    """Formats a sparsity of the grid as on the slider."""
    return f"{value * 100:.0f} %"


def certain(side: Heatmap, index: int | None) -> str:
    """Formats the probability of a class; very small ones as "less than 0.01"."""
    value = side.prediction.of(index)
    if value is None:
        return "undefined"
    return f"{value:.2f}" if value >= 0.005 else "less than 0.01"
