"""Widgets over the parameters of the address: same names, defaults and ranges, bound to it.

Hidden and locked as the address says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.common import present
from pages.parts.common.address import PARAMETERS
from pages.parts.common.parameters import Choice, Number, Parameter, Several, Stated

# The address follows the widget; the value outlives a visit to another page.
BOUND: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
Known = Mapping[str, Parameter]


def choice(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> str:
    """A select box over a parameter's names."""
    entry = _choice(name, known)
    if present.hidden(name, label):
        return asked(name, known)
    if isinstance(entry, Stated):
        return _stated(label, name, entry, **options)
    return st.selectbox(label, entry.names, index=entry.names.index(entry.default), key=name, **_bound(name), **options)


def _stated(label: str, name: str, entry: Stated, **options: Any) -> str:
    """A select box that the address states whatever is chosen: without a default of its own,
    Streamlit leaves nothing out.

    Streamlit marks the label of such a box as required, so the label stands above it. The box is
    empty only in the run after the browser went back to an address that leaves it out;
    `address.settle` ends that run.
    """
    shown = options.pop("label_visibility", "visible")
    with st.container(gap="xxsmall"):
        if shown == "visible":
            st.markdown(f":small[{label}]", help=options.pop("help", None))
        value = st.selectbox(
            label,
            entry.names,
            index=None,
            required=True,
            label_visibility="collapsed",
            key=name,
            **_bound(name),
            **options,
        )
    return entry.usual if value is None else value


def segments(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> str:
    """The same as buttons side by side, for few names."""
    entry = _choice(name, known)
    if present.hidden(name, label):
        return asked(name, known)
    return st.segmented_control(
        label, entry.names, default=entry.default, required=True, key=name, width="stretch", **_bound(name), **options
    )


def several(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> tuple[str, ...]:
    """A field for any number of names."""
    entry = known[name]
    assert isinstance(entry, Several)
    if present.hidden(name, label):
        return tuple(text for text in st.query_params.get_all(name) if not entry.problem(text))
    return tuple(st.multiselect(label, entry.names, default=list(entry.default), key=name, **_bound(name), **options))


def steps(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> str:
    """The same as a slider, for names that are in an order."""
    entry = _choice(name, known)
    if present.hidden(name, label):
        return asked(name, known)
    return st.select_slider(label, entry.names, entry.default, key=name, **_bound(name), **options)


def number(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> float:
    """A slider over a parameter's range."""
    entry = _number(name, known)
    if present.hidden(name, label):
        return amount(name, known)
    return st.slider(label, entry.low, entry.high, entry.default, entry.step, key=name, **_bound(name), **options)


def whole(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> int:
    """A field for a whole number."""
    entry = _number(name, known)
    if present.hidden(name, label):
        return int(amount(name, known))
    low, high, default = int(entry.low), int(entry.high), int(entry.default)
    return int(st.number_input(label, low, high, default, key=name, **_bound(name), **options))


def toggle(label: str, name: str, known: Known = PARAMETERS, **options: Any) -> bool:
    """A switch for a parameter whose names are true and false."""
    entry = _choice(name, known)
    if present.hidden(name, label):
        return asked(name, known) == "true"
    return st.toggle(label, value=entry.default == "true", key=name, **_bound(name), **options)


def asked(name: str, known: Known = PARAMETERS) -> str:
    """What the address says without a widget, or the default where that cannot be used."""
    entry = _choice(name, known)
    text = st.query_params.get(name, entry.default)
    text = text.lower() if entry.default in ("true", "false") else text
    return entry.default if entry.problem(text) else text


def amount(name: str, known: Known = PARAMETERS) -> float:
    """The same for a number."""
    entry = _number(name, known)
    text = st.query_params.get(name, "")
    value = entry.default if entry.problem(text) else float(text)
    return int(value) if isinstance(entry.step, int) else float(value)


def _bound(name: str) -> dict[str, Any]:
    return BOUND | {"disabled": present.locked(name)}


def _choice(name: str, known: Known) -> Choice:
    entry = known[name]
    assert isinstance(entry, Choice)
    return entry


def _number(name: str, known: Known) -> Number:
    entry = known[name]
    assert isinstance(entry, Number)
    return entry
