"""The view that a person takes along from page to page, where the next page is opened without an
address of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.parts.common import history
from pages.parts.common.parameters import Stated, said
from pages.parts.common.state import state
from pages.parts.common.widgets import Known


def remember(known: Known) -> None:
    """Notes the view, after its widgets, for the next page.

    Streamlit carries over only what a person has touched, not what a link said.
    """
    now = {name: st.session_state[name] for name in known if name in st.session_state}
    view = state().view
    view.values = view.values | now if view.values.get("model") == now.get("model") else now


def bring_back(known: Callable[[], Known]) -> None:
    """A page that is opened without parameters shows the view of the page before, and its address
    says so at once.

    Where the address has parameters, or is one that Back or Forward has restored, it alone says
    what is shown.
    known: the parameters of this page, for the model that is asked for.
    """
    if not state().is_new:
        return
    if history.navigated() or set(st.query_params) - {"present"}:
        _forget(known())
        return
    view = state().view.values
    if not view:
        return
    st.session_state["model"] = view["model"]
    stated: dict[str, Any] = {}
    for name, parameter in known().items():
        if name in view:
            # Where it is there too: else the new page's widget begins with its default.
            st.session_state[name] = view[name]
            if isinstance(parameter, Stated) or said(view[name]) != said(parameter.default):
                stated[name] = said(view[name])
    if stated:
        st.query_params.from_dict(stated | st.query_params.to_dict())


def _forget(known: Known) -> None:
    """Takes back what was chosen before: what the address does not name is as in a new session."""
    state().view.model = None
    for name in known:
        if name in st.session_state:
            del st.session_state[name]
