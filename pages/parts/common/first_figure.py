"""A still of a session's first figure, until plotly draws it.

A new browser needs seconds to fetch and read plotly's script, but none for a picture. Later figures
need no still: the script is there.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager

import plotly.graph_objects as go
import streamlit as st

from core.figures.maps import data_url
from pages.parts.common import present
from pages.parts.common.state import state

WIDTHS = {"wide": 880, "narrow": 358}  # in pixels: beside the sidebar of a laptop, on a phone
# The still lies over the place of the figure, which is kept free, and goes as soon as plotly has
# drawn. Browsers that do not know :has never show it.
STYLE = """<style>
.st-key-drawn-{name} {{ position: relative; min-height: {height}px; }}
.st-key-drawn-{name} .first-figure {{ display: none; position: absolute; top: 0; left: 0; width: 100%;
  height: {height}px; object-fit: contain; object-position: left top; }}
.st-key-drawn-{name}:not(:has(.js-plotly-plot .gtitle)) .wide {{ display: block; }}
@media (max-width: 640px) {{
  .st-key-drawn-{name}:not(:has(.js-plotly-plot .gtitle)) .wide {{ display: none; }}
  .st-key-drawn-{name}:not(:has(.js-plotly-plot .gtitle)) .narrow {{ display: block; }}
}}
</style>"""


@contextmanager
def place(figure: go.Figure, name: str, alt: str) -> Iterator[None]:
    """Gives the chart of a figure its place, with a still if it is the session's first one.

    The still is drawn after the chart, so that nothing waits for it.

    Args:
        name: of the figure, one word. alt: alternative text.
    """
    mine = state()
    with st.container(key=f"drawn-{name}", gap=None):
        above = st.empty()
        yield
        if not (mine.has_figure or present.on()) and (stills := _stills(figure, present.theme("textColor"))):
            above.html(_html(stills, figure.layout.height or 400, name, alt))
    mine.has_figure = True


def _html(stills: dict[str, str], height: int, name: str, alt: str) -> str:
    pictures = (
        f'<img class="first-figure {size}" src="{url}" alt="{html.escape(alt)}">' for size, url in stills.items()
    )
    return "".join((STYLE.format(name=name, height=height), *pictures))


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs={go.Figure: lambda figure: figure.to_json()})
def _stills(figure: go.Figure, ink: str) -> dict[str, str]:
    """Returns the addresses of a figure's stills by size; none if it has a part that stills do not
    draw.
    """
    from core.figures.stills import Paper, Unknown, still

    try:
        return {
            size: data_url(still(figure, Paper(width=px, ink=ink, ground="none")).encode())
            for size, px in WIDTHS.items()
        }
    except Unknown:
        return {}
