"""A matrix of maps, rows by amounts, with one linked point. Drawn in the browser, so that reading a
value needs no round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.figures import maps as pictures
from core.figures.strips import Tile, read_out
from pages.parts.common.component import component

_draw = component(Path(__file__).parent, '<div class="matrix"></div>')
NARROWEST_PX = {False: 92, True: 150}  # of a tile, normally and in presentation mode: eight fit side by side


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the matrix.

    input, dense: None if the row above shows the same. cells: one per column, None if the row does
    not have the amount.
    """

    title: str
    input: Tile | None
    dense: Tile | None
    cells: Sequence[Tile | None]


def draw(heads: Sequence[str], rows: Sequence[Row], *, linked: bool, signed: bool, large: bool) -> None:
    """Draws the matrix.

    Args:
        heads: titles of the columns.
        linked: a point in one map marks all maps; otherwise only those of its row.
        signed: cells range from -1 to 1 (differences); a dense map still ranges from 0 to 1.
        large: for presentation mode.
    """
    data = {
        "heads": list(heads),
        "rows": [
            {
                "title": row.title,
                "input": row.input and _tile(row.input, "", signed=False),
                "dense": row.dense and _tile(row.dense, "", signed=False),
                "cells": [
                    tile and _tile(tile, head, signed=signed) for head, tile in zip(heads, row.cells, strict=True)
                ],
            }
            for row in rows
        ],
        "linked": linked,
        "narrowest": f"{NARROWEST_PX[large]}px",
    }
    _draw(data=data, key="matrix")


def _tile(tile: Tile, head: str, signed: bool) -> dict[str, object]:
    """head: title of the column, not repeated in the tile."""
    return {
        "title": tile.title,
        "src": pictures.data_url(pictures.jpeg(tile.picture)),
        "alt": tile.alt,
        "lines": [line for line in ("" if not head or tile.title == head else tile.title, *tile.lines) if line],
        "likeness": tile.likeness,
        "values": None if tile.values is None else read_out(tile.values) | {"signed": signed},
    }
