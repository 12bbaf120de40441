"""A still of a session's first figure, until plotly draws it.

A new browser needs seconds to fetch and read plotly's script, and shows nothing else meanwhile; a
picture takes none of that. So the first chart comes after the rest of the page, and a picture of it
before. Later figures need no still: the script is there.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.figures.maps import data_url
from pages.parts.common import present
from pages.parts.common.state import state

WIDTHS = {"wide": 820, "narrow": 358}  # in pixels: beside the sidebar of a laptop, on a phone
_at_once: ContextVar[bool] = ContextVar("at_once", default=False)
REST_S = 0.3  # in which the browser draws the rest of the page
# The still lies over the place of the figure, which is kept free, and goes as soon as plotly has
# drawn. Browsers that do not know :has never show it.
STYLE = """<style>
.st-key-drawn-{name} {{ position: relative; min-height: {height}px; }}
.st-key-drawn-{name} [data-testid="stSkeleton"] {{ visibility: hidden; }}
.st-key-drawn-{name} .first-figure {{ display: none; position: absolute; top: 0; left: 0; width: 100%;
  height: {height}px; object-fit: contain; object-position: left top; }}
.st-key-drawn-{name}:not(:has(.js-plotly-plot .gtitle)) .wide {{ display: block; }}
@media (max-width: 640px) {{
  .st-key-drawn-{name}:not(:has(.js-plotly-plot .gtitle)) .wide {{ display: none; }}
  .st-key-drawn-{name}:not(:has(.js-plotly-plot .gtitle)) .narrow {{ display: block; }}
}}
</style>"""


def draw(figure: go.Figure, name: str, alt: str, chart: Callable[[], object]) -> None:
    """Draws the chart of a figure; instead of a session's first one its still, and `finish` then
    draws the chart.

    Args:
        name: of the figure, one word. alt: alternative text. chart: draws the chart.
    """
    mine = state()
    stills = {} if mine.has_figure or present.on() or _at_once.get() else _stills(figure, present.theme("textColor"))
    with st.container(key=f"drawn-{name}", gap=None):
        above, place = st.empty(), st.container(gap=None)
        with place:
            if stills:
                above.html(_html(stills, figure.layout.height or 400, name, alt))
                mine.late_chart = lambda: _drawn_in(place, chart)
            else:
                chart()
    mine.has_figure = True


def _drawn_in(place: DeltaGenerator, chart: Callable[[], object]) -> None:
    with place:
        chart()


@contextmanager
def in_fragment() -> Iterator[None]:
    """Draws every chart inside at once: a fragment runs again without the rest of the page."""
    token = _at_once.set(True)
    try:
        yield
    finally:
        _at_once.reset(token)


def finish() -> None:
    """Draws the chart in the place of a still; called when the rest of the page is drawn."""
    mine = state()
    if mine.late_chart is not None:
        chart, mine.late_chart = mine.late_chart, None
        time.sleep(REST_S)
        chart()


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
