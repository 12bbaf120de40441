"""Components of the pages' own: markup, style sheet and script in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


def component(folder: Path, html: str) -> Any:
    """Registers the component in a folder; its files and its name are those of the folder."""
    css, js = ((folder / f"{folder.name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component(folder.name, html=html, css=css, js=js)
