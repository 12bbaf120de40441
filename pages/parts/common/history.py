"""The browser's history: one action makes at most one entry, and Back and Forward show the view
that the entry's address names.

Streamlit 1.67 does neither where widgets of two pages are bound to the address under the same key.
Two pages suffice to show it, each with `st.slider("Amount", 0, 10, key="amount",
bind="query-params")` and a link to the other one:

1. When the other page is opened, the server first removes the parameters of the page that is left
from the address, and the browser
   keeps that as an entry of its own. Back then leads to an address that nobody has seen, without
   any parameter.
2. On Back, the server removes every parameter from the restored address to which a widget of the
page that is left is bound, so
   the page shows defaults instead.

`one_entry_an_action` mends the first and `restore` the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

# A click or a key makes one entry, or changes the current one where a widget writes its value there
# (replaceState). What Streamlit adds on its own takes the place of the current entry.
SCRIPT = """<script>
if (!window.oneEntryAnAction) {
  window.oneEntryAnAction = true;
  let acted = false;
  for (const kind of ["click", "keydown"]) addEventListener(kind, () => { acted = true }, true);
  addEventListener("popstate", () => { acted = false }, true);
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  history.pushState = (...entry) => { (acted ? push : replace)(...entry); acted = false };
  history.replaceState = (...entry) => { replace(...entry); acted = false };
}
</script>"""


def one_entry_an_action() -> None:
    """Keeps Streamlit from adding entries on its own; once in each tab."""
    st.html(SCRIPT, unsafe_allow_javascript=True)


def navigated() -> bool:
    """Whether a person came here with Back or Forward: then the address alone says what is
    shown.
    """
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def restore() -> None:
    """Gives the address of a page that was opened with Back or Forward the parameters again that
    the server removed.
    """
    context = get_script_run_ctx()
    if context is None or not context.is_history_navigation:
        return
    start_from(parse_qs(context.query_string, keep_blank_values=True))  # as the browser has it


def start_from(query: Mapping[str, list[str]]) -> None:
    """Makes this the address of a page that was just opened, and what its widgets begin with."""
    st.query_params.from_dict(query)
    context = get_script_run_ctx()
    if context is not None:
        with context.session_state.query_params() as parameters:
            parameters.set_initial_query_params_from_current()
