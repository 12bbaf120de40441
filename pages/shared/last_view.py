"""The view that a person takes along from page to page, where the next page is opened without an address of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.shared.kinds import Stated, said
from pages.shared.widgets import Known


def remember(known: Known) -> None:
    """Notes the view, after its widgets, for the next page. Streamlit carries over only what a person has touched, not what a link said."""
    now = {name: st.session_state[name] for name in known if name in st.session_state}
    before = st.session_state.get("_view", {})
    st.session_state["_view"] = before | now if before.get("model") == now.get("model") else now


def bring_back(known: Callable[[], Known]) -> None:
    """A page that one comes to without an address of its own shows the view of the page before, and its address says so at once.

    known: the parameters of this page, for the model that is asked for.
    """
    view = st.session_state.get("_view")
    if not view or not st.session_state.get("_new_page") or set(st.query_params) - {"present"}:
        return
    st.session_state["model"] = view["model"]
    stated: dict[str, Any] = {}
    for name, parameter in known().items():
        if name in view:
            st.session_state[name] = view[name]  # where it is there too: else the new page's widget begins with its default
            if isinstance(parameter, Stated) or said(view[name]) != said(parameter.default):
                stated[name] = said(view[name])
    if stated:
        st.query_params.from_dict(stated | st.query_params.to_dict())
