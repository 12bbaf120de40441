"""The operator's plugins: `streamlit run app.py -- --plugins FILES`, or SPARSIGHT_PLUGINS. Visitors
cannot name any.

The package loads them before any page reads a registry, so that select boxes list what they
register.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import streamlit as st

from core.base.plugins import load, loaded
from core.base.settings import Settings
from pages.parts.common import access
from pages.parts.common.markdown import message

OPTION = "--plugins"


def settings() -> Settings:
    """Returns the settings of this server: those of the environment, and its option.

    Raises BadSpec.
    """
    return Settings.from_environment().override({"plugins": named(sys.argv)}, lambda name: OPTION)


def named(words: Sequence[str]) -> str:
    """Returns the value of the option on the command line; "" if it is not there."""
    for place, word in enumerate(words):
        if word == OPTION:
            return "".join(words[place + 1 : place + 2])
        if word.startswith(f"{OPTION}="):
            return word.removeprefix(f"{OPTION}=")
    return ""


def load_all() -> None:
    """Loads the plugins; prints what is wrong with one. The server starts without it."""
    for plugin in load(settings().plugins):
        if plugin.error is not None:
            print(f"Sparsight: {plugin.error}", file=sys.stderr, flush=True)


def problems() -> None:
    """Draws a warning for each plugin that could not be loaded; visitors of a locked server see no
    details.
    """
    for error in (plugin.error for plugin in loaded()):
        if error is None:
            continue
        if access.locked():
            st.caption(":material/extension_off: A plugin of this server could not be loaded. Its log says why.")
            return
        lines = (f"**{message(error.wrong)}**", message(error.allowed), message(error.next_step))
        st.warning("  \n".join(lines), icon=":material/extension_off:")
