"""Figures with their download buttons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.figures.plots import lukkien as plots_study
from pages.parts.common import first_figure, present

# The camera button, which would cover a title: SAVE presses it.
UNSEEN = {"color": "rgba(0,0,0,0)", "activecolor": "rgba(0,0,0,0)", "bgcolor": "rgba(0,0,0,0)"}
# The font of saved pictures: they cannot embed the page's own font, so they are laid out again in
# one that every machine has.
FONT = "Arial, Helvetica, sans-serif"
# Plotly draws in the browser and exports there too: these buttons set format and font, then press
# the figure's own camera button.
SAVE = st.components.v2.component(
    "save_figure",
    html="""<span>Save as</span><button value="svg">SVG</button><button value="png">PNG</button>""",
    css="""
    :host { display: block } div { display: contents }
    span, button { font: 0.875rem var(--st-font); color: var(--st-text-color); white-space: nowrap }
    span { opacity: 0.7 }
    button { background: none; border: 0; border-radius: 0.5rem; padding: 0.35rem 0.5rem; cursor: pointer }
    button:hover { color: var(--st-primary-color) }
    button:focus-visible { outline: 2px solid var(--st-primary-color) }
    """,
    js="""
    export default function ({ parentElement, data }) {
      for (const button of parentElement.querySelectorAll("button")) {
        button.setAttribute("aria-label", `Save ${data.name} as ${button.value.toUpperCase()}`);
        button.onclick = () => {
          const plot = document.querySelector(`.st-key-figure-${data.name} .js-plotly-plot`);
          if (!plot) return;
          const options = plot._context.toImageButtonOptions, usual = options.format, layout = plot.layout;
          options.format = button.value;
          const saved = (font) => ({ ...font, family: data.font });
          plot.layout = { ...layout, font: saved(layout.font) };
          for (const part of ["title", "legend"]) {
            plot.layout[part] = { ...layout[part], font: saved(layout[part]?.font) };
          }
          plot.querySelector(".modebar-btn").click();
          options.format = usual;
          plot.layout = layout;
        };
      }
    }
    """,
)


def chart(figure: go.Figure, name: str, alt: str, opens: Callable[[Any], None] | None = None) -> None:
    """Draws a figure with buttons that save it: SVG and PNG as on the screen, and interactive HTML
    for offline use.

    Args:
        name: name of the files, one word.
        alt: alternative text.
        opens: called with the custom data of a point that is clicked.
    """

    def clicked() -> None:
        points = st.session_state[f"chosen-{name}"].selection.points
        if points and opens:
            data = points[0]["customdata"]
            opens([*data.values()] if isinstance(data, dict) else [*data])

    chosen: Any = {"key": f"chosen-{name}", "on_select": clicked, "selection_mode": "points"} if opens else {}
    options = {"format": "png", "scale": 2, "filename": f"sparsight-{name}"}
    shown = present.figure(go.Figure(figure)).update_layout(modebar=UNSEEN)
    chart = partial(
        st.plotly_chart,
        shown,
        width="stretch",
        alt=alt,
        config={"displaylogo": False, "toImageButtonOptions": options, "modeBarButtons": [["toImage"]]},
        **chosen,
    )
    with st.container(key=f"figure-{name}", gap=None):
        first_figure.draw(shown, name, alt, chart)
        if not present.on():
            _save(figure, name)


def _save(figure: go.Figure, name: str) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        SAVE(key=f"save-{name}", data={"name": name, "font": FONT}, width="content", height="content")
        st.download_button(
            "HTML",
            lambda: plots_study.offline_page(figure, f"sparsight-{name}"),
            f"sparsight-{name}.html",
            "text/html",
            key=f"html-{name}",
            type="tertiary",
            on_click="ignore",
            help="Interactive, in a single file that works offline (5 MB).",
        )
