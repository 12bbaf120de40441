"""Presentation mode and exercises: the parameters of an address that every page has.

present=1            large type and figures, fewer controls
hide=cam,target      these controls are not drawn; their values in the address apply
lock=schedule        these controls are drawn but cannot be changed
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from pages.parts.common.state import state

_bare: ContextVar[bool] = ContextVar("bare", default=False)  # whether controls are not drawn
STILL = {"displayModeBar": False}  # of a chart without buttons
FIGURE_SCALE = 1.1
TYPE_PX = 20  # of figures
TITLE_SIGNS = 32  # characters of a title line that fit on a phone
# Streamlit has no font-size setting for a single view (theme.baseFontSize applies to the whole
# server). All its sizes are multiples of the root font size, so the first rule scales everything.
# The other rules remove empty space, so that pictures and answer fit on one screen, and scale the
# text of figures as far as their margins allow (except legends, which plotly measures itself).
STYLE = """<style>
html { font-size: clamp(16px, 1.6vw, 40px) !important; }
[data-testid="stHeader"] { height: 2.5rem; min-height: 0; }
[data-testid="stMainBlockContainer"] { padding-top: 3rem; }
[data-testid="stMainBlockContainer"] [data-testid="stVerticalBlock"] { gap: 0.6rem; }
[data-testid="stPlotlyChart"] text:not(.legendtext) { font-size: min(1rem, 24px) !important; }
</style>"""


def theme(option: str) -> str:
    """Returns a colour of the current theme."""
    return str(st.get_option(f"theme.{st.context.theme.type or 'light'}.{option}"))


def on() -> bool:
    """Whether the view is in presentation mode."""
    return st.query_params.get("present") == "1"


def hidden(name: str, label: str = "") -> bool:
    """Whether this control is hidden by an exercise.

    Every control calls this with its label before it is drawn, so that `exercise` can list it.
    """
    if label:
        state().controls[name] = label
    return _bare.get() or name in _names("hide")


@contextmanager
def without_controls() -> Iterator[dict[str, str]]:
    """Draws no control inside: each keeps its value, and neither the address nor an exercise learns
    of it. Yields the labels by parameter.
    """
    mine, token = state(), _bare.set(True)
    address, controls = mine.address, mine.controls
    mine.address, mine.controls = {}, {}
    try:
        yield mine.controls
    finally:
        mine.address, mine.controls = address, controls
        _bare.reset(token)


def locked(name: str) -> bool:
    """Whether this control is locked by an exercise."""
    return name in _names("lock")


def _names(kind: str) -> list[str]:
    return [part.strip() for part in st.query_params.get(kind, "").split(",")]


def style() -> None:
    """Enlarges text in presentation mode."""
    if on():
        st.html(STYLE)


def switch() -> None:
    """Draws the button that starts or ends presentation mode."""
    if on():
        st.button(
            "End presenting",
            key="_present",
            icon=":material/close_fullscreen:",
            type="tertiary",
            on_click=_set,
            args=(None,),
        )
    else:
        st.button(
            "Present",
            key="_present",
            icon=":material/co_present:",
            type="tertiary",
            on_click=_set,
            args=("1",),
            help="Large type and figures, fewer controls, for a projector. Adds present=1 to the address.",
        )


def _set(value: str | None) -> None:
    if value:
        st.query_params["present"] = value
    elif "present" in st.query_params:
        del st.query_params["present"]


def keep_place(file: str, query: dict[str, str]) -> None:
    """Stores the position on a page, so that links to it lead back there."""
    state().places[file] = query


def carried(file: str) -> dict[str, str]:
    """Returns the parameters that a link to a page carries."""
    return state().places.get(file, {}) | ({"present": "1"} if on() else {})


def figure(made: Any) -> Any:
    """Adapts a plotly figure to the view: text in the page's colour and, in presentation mode,
    large text and a wrapped title.
    """
    colour = theme("textColor")  # Streamlit's own grey is too pale for small type
    made.update_layout(font_color=colour)
    made.update_xaxes(tickfont_color=colour, title_font_color=colour)
    made.update_yaxes(tickfont_color=colour, title_font_color=colour)
    made.for_each_annotation(lambda note: note.update(font_color=colour))
    if not on():
        return made
    more = _title(made)
    made.update_layout(
        height=round((made.layout.height or 300) * FIGURE_SCALE) + more, font_size=TYPE_PX, margin_t=88 + more
    )
    made.update_layout(legend_font_size=TYPE_PX)
    made.update_xaxes(tickfont_size=TYPE_PX, title_font_size=TYPE_PX, tickangle=None)
    made.update_yaxes(tickfont_size=TYPE_PX, title_font_size=TYPE_PX)
    made.for_each_annotation(lambda note: note.update(font_size=TYPE_PX))
    for trace in made.data:
        if trace.type == "scatter" and trace.line.width:
            trace.line.width *= 1.6
        elif trace.type == "bar":
            trace.textfont.size = TYPE_PX
    return made


def _title(made: Any) -> int:
    """Wraps a long title, unless it has line breaks already; returns the extra height in pixels."""
    made.update_layout(title_font_size=TYPE_PX, title_xref="container")
    if "<br>" in made.layout.title.text:
        return 0
    lines = textwrap.wrap(re.sub(r"\([^)]*\)", _unbroken, made.layout.title.text), TITLE_SIGNS)
    more = 26 * (len(lines) - 1)  # plotly puts further lines above the first one
    made.update_layout(title_text="<br>".join(lines), title_pad_t=6 + more)
    return more


def _unbroken(part: re.Match[str]) -> str:
    return part[0].replace(" ", "\u00a0")


def exercise(names: tuple[str, ...]) -> None:
    """Draws a form that creates a link with hidden or locked controls. names: the controls of this
    page.
    """
    labels = {name: label for name, label in state().controls.items() if name in names}

    def control(name: str) -> str:
        return f"{labels[name]} ({name})"

    st.markdown("**Create an exercise from this view**")
    st.caption(
        "A link that opens this view with fewer controls. *Hidden* controls are not shown, *locked* controls are shown"
        " but cannot be changed; both keep their current values. Not secure enough for an exam: anyone can edit the"
        " address."
    )
    hide = st.multiselect("Hide", list(labels), key="_hide", placeholder="choose controls", format_func=control)
    lock = st.multiselect(
        "Lock",
        [name for name in labels if name not in hide],
        key="_lock",
        placeholder="choose controls",
        format_func=control,
    )
    room = st.checkbox("For a projector: large type, few controls", key="_room")
    if hide or lock or room:
        st.markdown("Copy this link and give it to your class:")
        st.code(link(hide, lock, room), language=None, wrap_lines=True)
    else:
        st.caption("Choose at least one control to create the link.")


def link(hide: list[str], lock: list[str], room: bool) -> str:
    """Returns the address of this view with an exercise."""
    parts = {name: text for name, text in st.query_params.to_dict().items() if name not in ("hide", "lock", "present")}
    parts |= {name: ",".join(names) for name, names in (("hide", hide), ("lock", lock)) if names}
    parts |= {"present": "1"} if room else {}
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(parts, safe=',')}"
