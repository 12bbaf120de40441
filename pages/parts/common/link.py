"""The address of a page: read when the page is opened, written after its widgets.

Values in the address are put into the session, where the widgets find them. In the other direction,
every widget notes its part of the address (`widgets`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.parts.common.address_problems import say_problems, usable
from pages.parts.common.parameters import Parameter
from pages.parts.common.state import state

MOST_UNDONE = 100  # changes
MOST_DEEP = 4  # parameters that depend on one another
ALWAYS = ("present", "hide", "lock")  # parameters that no widget writes
UNSURE = {"": [""]}  # unlike any address
Known = Mapping[str, Parameter]

# Streamlit adds an entry to the browser's history whenever the address changes. This script keeps
# only entries for another page, another lesson step and presenting, and only after a click or a
# key, so that Back does not lead through every position of a slider.
SCRIPT = """<script>
if (!window.oneEntryAPlace) {
  window.oneEntryAPlace = true;
  let acted = false;
  for (const kind of ["click", "keydown"]) addEventListener(kind, () => { acted = true }, true);
  addEventListener("popstate", () => { acted = false }, true);
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const place = (address) => {
    const url = new URL(address ?? "", location.href), part = (name) => url.searchParams.get(name) ?? "";
    return [url.pathname, part("lesson"), part("step"), part("present")].join();
  };
  history.pushState = (...entry) => {
    const another = acted && place(entry[2]) !== place(location.href);
    (another ? push : replace)(...entry);
    if (another) acted = false;
  };
}
</script>"""


def one_entry_a_place() -> None:
    """Keeps Streamlit from adding history entries; takes effect once per tab."""
    st.html(SCRIPT, unsafe_allow_javascript=True)


def came_by_history() -> bool:
    """Whether the page was reached with Back or Forward: then only the address determines the
    view.
    """
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def query() -> dict[str, list[str]]:
    """Returns the parameters of the address that widgets write."""
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in ALWAYS}


def open_page(known: Callable[[], Known], start: Callable[[], dict[str, Any]] | None = None) -> None:
    """Sets the widgets from the address when a page is opened or reached by Back or Forward, and
    reports unusable parts.

    A page that is opened without parameters returns to its last state in this session.

    Args:
        known: the parameters of this page for the requested network.
        start: the initial view of pages that show an image; they share one view. None for other
            pages.
    """
    place = st.empty()  # also without a warning: what follows would move in the next run, and lose the focus
    if not (state().is_new or came_by_history()):
        return
    state().view.past, state().sent = [], None
    asked, always = query(), _always()
    if asked or set(always) - {"present"} or came_by_history():
        _take(asked, known)
    else:
        left = state().values.get(state().page, {})
        if start:
            left = left | (state().view.values or start())
            st.session_state["model"] = left["model"]
        st.session_state.update({name: left.get(name, entry.parse(())) for name, entry in known().items()})
    state().say_replaced = say_problems(place, asked | always, known())
    for name, text in usable(always, known()).items():
        if text:
            st.query_params[name] = text
        elif name in st.query_params:
            del st.query_params[name]


def _take(asked: Mapping[str, list[str]], known: Callable[[], Known]) -> None:
    """Sets the parameters from the address, and all others to their defaults.

    Repeated, because parameters and their allowed values depend on other values: a network has
    weights, and weights have seeds.
    """
    state().view.model = None
    for name in known():
        st.session_state.pop(name, None)
    for _ in range(MOST_DEEP):
        st.session_state.update({name: entry.parse(asked.get(name, ())) for name, entry in known().items()})


def write(whole: bool = False) -> None:
    """Writes the address from what the widgets have noted so far.

    Args:
        whole: all widgets have been drawn; removes parameters that none of them noted.
    """
    mine = state()
    noted = mine.address
    if whole:
        mine.values[mine.page] = {name: st.session_state[name] for name in noted if name in st.session_state}
        if mine.say_replaced:
            mine.say_replaced(noted)
    before = {name: st.query_params.get_all(name) for name in st.query_params}
    after = {name: texts for name, texts in before.items() if name in ALWAYS or not (whole or name in noted)}
    after |= {name: text if isinstance(text, list) else [text] for name, text in noted.items() if text}
    # A run that was quickly followed by this one may have sent an address that the browser had not
    # received when it asked, or may have ended before it could send its own.
    if after != before or mine.sent not in (None, after):
        mine.sent = UNSURE
        st.query_params.from_dict(after)
        mine.sent = after


def remember(known: Known) -> None:
    """Stores the view for `undo` and for the next page; called after the widgets."""
    now = {name: st.session_state[name] for name in known if name in st.session_state}
    view = state().view
    view.values = view.values | now if view.values.get("model") == now.get("model") else now
    if not view.past or view.past[-1] != now:
        view.past = [*view.past[-MOST_UNDONE:], now]


def undo() -> None:
    """Reverts the last change. For callbacks."""
    past = state().view.past
    if len(past) > 1:
        past.pop()
        show(past[-1])


def show(values: Mapping[str, Any]) -> None:
    """Sets the widgets to these values and all others to their defaults. For callbacks."""
    view = state().view
    for name in view.values:
        st.session_state.pop(name, None)
    st.session_state.update(values)
    view.values, view.model = dict(values), values.get("model")


def _always() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in ALWAYS if name in st.query_params}
