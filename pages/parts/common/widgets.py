"""Widgets for the parameters of the address, with the same names, defaults and ranges.

A widget's value lives in the session under the parameter's name. `link.open_page` sets it from the
address, and `link.write` writes the address from what the widgets have noted.

Streamlit's own binding to the address (`bind`) is not used: it writes display names, and an address
holds ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.common import present
from pages.parts.common.address import PARAMETERS
from pages.parts.common.parameters import Choice, Number, Parameter, Several, Stated, said
from pages.parts.common.state import state

Known = Mapping[str, Parameter]


def choice(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> str:
    """Draws a select box over a parameter's names."""
    entry = _choice(name, known)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.selectbox(label, entry.names, format_func=entry.title, **_of(name), **options)
    return str(_noted(name, entry, value))


def segments(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> str:
    """Draws a segmented control over a few names."""
    entry = _choice(name, known)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.segmented_control(
            label, entry.names, required=True, format_func=entry.title, **{"width": "stretch"} | _of(name) | options
        )
    return str(_noted(name, entry, value))


def tabs(name: str, known: Known) -> tuple[str, DeltaGenerator]:
    """Draws tabs over a parameter's names.

    Returns:
        The name and container of the open tab; only that one needs content.
    """
    entry, key = _choice(name, known), f"_tab_{name}"
    by_title = {entry.title(each): each for each in entry.names}
    value = _prepared("Tab", name, entry)
    st.session_state[key] = entry.title(value)

    def opened() -> None:
        st.session_state[name] = by_title[st.session_state[key]]

    found = st.tabs(list(by_title), key=key, on_change=opened)
    return str(_noted(name, entry, value)), found[entry.names.index(value)]


def several(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> tuple[str, ...]:
    """Draws a multiselect for any number of names."""
    entry = known[name]
    assert isinstance(entry, Several)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.multiselect(label, entry.names, format_func=entry.title, **_of(name), **options)
    return tuple(_noted(name, entry, value))


def steps(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> str:
    """Draws a slider over ordered names."""
    entry = _choice(name, known)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.select_slider(label, entry.names, format_func=entry.title, **_of(name), **options)
    return str(_noted(name, entry, value))


def number(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> float:
    """Draws a slider over a parameter's range."""
    entry = _number(name, known)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.slider(label, entry.low, entry.high, step=entry.step, **_of(name), **options)
    return float(_noted(name, entry, value))


def whole(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> int:
    """Draws a field for a whole number."""
    entry = _number(name, known)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.number_input(label, int(entry.low), int(entry.high), step=1, **_of(name), **options)
    return int(_noted(name, entry, value))


def toggle(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> bool:
    """Draws a toggle for a parameter whose names are true and false."""
    entry = _choice(name, known)
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.toggle(label, **_of(name), **options)
    return bool(_noted(name, entry, value))


def text(label: str, name: str, known: Known, **options: Any) -> str:
    """Draws a field for one line of text."""
    entry = known[name]
    value = _prepared(label, name, entry)
    if not present.hidden(name):
        value = st.text_input(label, **_of(name), **options)
    return str(_noted(name, entry, value))


def current(name: str, known: Known = PARAMETERS) -> Any:
    """Returns a parameter's value, whether its widget is drawn or not."""
    entry = known[name]
    value = st.session_state.get(name)
    return value if entry.allows(value) else entry.parse(())


def _prepared(label: str, name: str, entry: Parameter) -> Any:
    """Prepares the widget's value before it is drawn; replaces a value that is not allowed.

    A page's widget has its own value when it is drawn first: a browser may still send that of the
    same parameter on another page.
    """
    present.hidden(name, label)
    value = current(name, {name: entry})
    if name not in state().drawn or name not in st.session_state or not entry.allows(st.session_state[name]):
        st.session_state[name] = value
    return value


def _of(name: str) -> dict[str, Any]:
    """Returns the options of all widgets: their values survive visits to other pages."""
    return {"key": name, "persist_state": "session", "disabled": present.locked(name)}


def _noted(name: str, entry: Parameter, value: Any) -> Any:
    """Notes a widget's part of the address: nothing if its value is the default."""
    spoken = said(value)
    stated = isinstance(entry, Stated) or spoken != said(entry.parse(()))
    state().address[name] = spoken if stated else None
    state().drawn.add(name)
    return value


def _choice(name: str, known: Known) -> Choice:
    entry = known[name]
    assert isinstance(entry, Choice)
    return entry


def _number(name: str, known: Known) -> Number:
    entry = known[name]
    assert isinstance(entry, Number)
    return entry
