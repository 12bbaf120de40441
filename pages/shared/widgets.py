"""Widgets over the parameters of the address: same names, defaults and ranges, bound to it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared.address import PARAMETERS, Choice, Number

# The address follows the widget; the value outlives a visit to another page.
BOUND: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def choice(label: str, name: str, **options: Any) -> str:
    """A select box over a parameter's names."""
    known = PARAMETERS[name]
    assert isinstance(known, Choice)
    return st.selectbox(label, known.names, index=known.names.index(known.default), key=name, **BOUND, **options)


def segments(label: str, name: str, **options: Any) -> str:
    """The same as buttons side by side, for few names."""
    known = PARAMETERS[name]
    assert isinstance(known, Choice)
    return st.segmented_control(label, known.names, default=known.default, required=True, key=name, width="stretch", **BOUND, **options)


def number(label: str, name: str, **options: Any) -> float:
    """A slider over a parameter's range."""
    known = PARAMETERS[name]
    assert isinstance(known, Number)
    return st.slider(label, known.low, known.high, known.default, known.step, key=name, **BOUND, **options)
