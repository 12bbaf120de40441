"""Rows of maps with one linked point, drawn in the browser: no round trip for a read-out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.figures import maps as pictures
from core.figures.sheets import Row
from core.figures.strips import Tile, read_out

HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "linked_maps",
    html='<div class="rows"></div>',
    css=(HERE / "linked.css").read_text(encoding="utf-8"),
    js=(HERE / "linked.js").read_text(encoding="utf-8"),
)


def maps(rows: Sequence[Row], key: str, linked: bool, signed: bool) -> None:
    """Draws the rows.

    Args:
        linked: all rows show the same image, so a point in one is a point in all; else a point
            stays in its row.
        signed: values run from -1 to 1 (differences), those of a dense map still from 0 to 1.
    """
    data = {
        "rows": [
            {"title": row.title, "tiles": [_tile(tile, position) for position, tile in enumerate(row.tiles)]}
            for row in rows
        ],
        "linked": linked,
        "signed": signed,
    }
    _draw(data=data, key=key)


def _tile(tile: Tile, position: int) -> dict[str, object]:
    values = None if tile.values is None else read_out(tile.values) | {"plain": position <= 1}
    return {
        "title": tile.title,
        "src": pictures.data_url(pictures.jpeg(tile.picture)),
        "alt": tile.alt,
        "lines": list(filter(None, tile.lines)),
        "values": values,
    }
