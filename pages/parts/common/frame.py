"""The frame of every page: page settings, links between pages, and error messages."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

import streamlit as st

from core.base.errors import SparsightError
from core.base.ram import shortage
from pages.parts.common import access, first_figure, present
from pages.parts.common import link as address_link
from pages.parts.common.counters import counters
from pages.parts.common.markdown import message
from pages.parts.common.state import state

P = ParamSpec("P")
_log = logging.getLogger(__name__)

# A local file: an icon given by name would be fetched from the internet.
ICON = str(Path(__file__).parent / "icon.png")
# (file, name, icon): the one list of pages
PAGES = (
    ("app.py", "Home", ":material/home:"),
    ("pages/explore.py", "Explore", ":material/search:"),
    ("pages/compare.py", "Compare", ":material/view_column:"),
    ("pages/decide.py", "Decide", ":material/fact_check:"),
    ("pages/curves.py", "Curves", ":material/show_chart:"),
    ("pages/units.py", "Units", ":material/scatter_plot:"),
    ("pages/study.py", "Study", ":material/groups:"),
    ("pages/my_networks.py", "My networks", ":material/upload_file:"),
    ("pages/retrain.py", "Retrain", ":material/model_training:"),
    ("pages/lessons.py", "Lessons", ":material/school:"),
    ("pages/settings.py", "Settings", ":material/settings:"),
)

# Gives text a contrast of at least 4.5, which Streamlit's captions, selected segments, tabs and
# slider values lack, and every control a visible focus. Touch screens show no keyboard shortcuts.
STYLE = """<style>
[data-testid="stCaptionContainer"] { opacity: 0.85 !important; }
:is([data-selected="true"], [aria-selected="true"]) p, [data-testid="stSliderThumbValue"] { color: %s !important; }
button kbd { color: inherit !important; opacity: 1 !important; }
:is(#stMain, a, button, summary, input, textarea, [role], [tabindex]):focus-visible {
  outline: 2px solid; outline-offset: 2px;
}
@media (pointer: coarse) { button kbd { display: none !important; } }
</style>"""


@contextmanager
def page(name: str) -> Iterator[None]:
    """Runs a page inside its frame: settings, links and readable errors."""
    with counters.pages.timed():
        yield from _framed(name)


def _framed(name: str) -> Iterator[None]:
    mine = state()
    mine.is_new, mine.page = mine.page != name, name
    mine.waiting.visited.clear()
    mine.address.clear()
    mine.opened.clear()
    mine.late_chart = mine.say_replaced = None
    if mine.is_new:
        mine.drawn.clear()
        mine.waiting.leave_unseen(mine.owner)
    st.set_page_config(
        page_title=f"{name} · Sparsight",
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state="collapsed" if present.on() else "auto",
    )
    _turn_away()
    st.html(STYLE % present.theme("textColor"))
    present.style()
    with st.sidebar:
        _links()
    with explained():
        yield
    address_link.write(whole=True)
    first_figure.finish()
    mine.waiting.leave_unseen(mine.owner)


def _turn_away() -> None:
    """Stops a page that this server must not show: a last check for ways to start the server that
    bypass `serving`.
    """
    host = st.context.headers.get("Host")
    if host is None:  # no server: a test runs the page
        return
    try:
        access.check_exposure(access.address())
    except SparsightError as error:
        show(error)
        st.stop()
    if not access.allows_host(host, access.address()):
        st.error(message(access.foreign_host(access.address())), icon=":material/error:")
        st.stop()


def link(file: str, label: str, icon: str, view: Mapping[str, str | list[str]] | None = None) -> None:
    """Draws a link to a view of a page, by default its last one; keeps presenting on."""
    st.page_link(file, label=label, icon=icon, query_params={**present.carried(file), **(view or {})} or None)


def _links() -> None:
    with st.grid(2, min_column_width=90, gap="xsmall"):
        for file, name, icon in PAGES:  # no tooltip: it would cover neighbouring links
            link(file, name, icon)
    with st.container(gap=None):
        present.switch()
        address_link.one_entry_a_place()


@contextmanager
def explained() -> Iterator[None]:
    """Shows a SparsightError as it is, and any other error as a general message with collapsed
    details.
    """
    try:
        yield
    except SparsightError as error:
        show(error)
    except Exception as error:  # last resort; Streamlit's control flow exceptions do not derive from Exception
        if short := shortage(error):
            show(short)
            return
        _log.exception("unexpected error on a page")
        st.error(
            "**An unexpected error occurred.** Your settings are not lost: change one of them or reload the page.",
            icon=":material/error:",
        )
        if access.locked():
            st.caption("The person who runs this server can find the details in its log.")
            return
        with st.expander("Details for a bug report"):
            st.code("".join(traceback.format_exception(error)), language=None, wrap_lines=True)


def show(error: SparsightError) -> None:
    """Shows what is wrong, what is allowed and what to do next."""
    wrong, *more = (message(access.without_paths(text)) for text in (error.wrong, error.allowed, error.next_step))
    st.error("  \n".join(line for line in (f"**{wrong}**", *more) if line), icon=":material/error:")


def guarded(call: Callable[P, None]) -> Callable[P, None]:
    """Decorates fragments, which run again outside `page`, with the same error handling."""

    @functools.wraps(call)
    def safe(*args: P.args, **kwargs: P.kwargs) -> None:
        with explained(), first_figure.in_fragment():
            call(*args, **kwargs)

    return safe
