"""The button that saves what a page shows as a report: one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from pages.parts.common import link

if TYPE_CHECKING:
    from core.report import Report

HELP = "One HTML file with figures, sentences, tables and where they come from. It opens offline, and prints (5 MB)."


def button(make: Callable[[], Report], name: str) -> None:
    """Draws the button. The report is made on a click.

    Args:
        make: returns the report; it runs outside the page, so it may not draw. name: of the file.
    """

    def content() -> bytes:
        from core.report import to_html

        return to_html(make()).encode()

    st.download_button(
        "Report",
        content,
        f"sparsight-{name}.html",
        "text/html",
        key=f"_report-{name}",
        icon=":material/lab_profile:",
        type="tertiary",
        on_click="ignore",
        help=HELP,
    )


def address(page: str) -> str:
    """Returns the address of the view, as the command line reads it."""
    return f"{page}?{urlencode(link.query(), doseq=True)}"
