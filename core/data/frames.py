"""Maps of one photograph by networks that see different parts of it, in one frame.

A frame is the part of the photograph that a network sees, in pixels of the photograph. A map is
constant within each of its cells, so a map in another frame or of other cells is an exact mean over
areas. What lies outside a frame is not seen: it counts as no evidence, 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.data.photos import Box
from core.results import Array, frozen_array


def resampled(values: Array, own: Box, frame: Box, size: tuple[int, int]) -> Array:
    """Return a map (h, w) of the frame `own` in another frame, with `size` (H, W) cells: each is
    the mean of the map over the area of the cell.
    """
    down = _shares(values.shape[0], (own[1], own[3]), size[0], (frame[1], frame[3]))
    across = _shares(values.shape[1], (own[0], own[2]), size[1], (frame[0], frame[2]))
    return frozen_array((down @ values.astype(np.float64) @ across.T).astype(np.float32))


def seen_by_one(one: Box, other: Box, source_px: tuple[int, int]) -> float:
    """Return the share of the photograph's area that only one frame holds, of the area that at
    least one holds. source_px: (height, width) of the photograph.
    """
    height, width = source_px
    one, other, both = (_clipped(box, (0, 0, width, height)) for box in (one, other, _clipped(one, other)))
    shared = _area(both)
    whole = _area(one) + _area(other) - shared
    return 1 - shared / whole if whole else 0.0


def _shares(cells: int, own: tuple[float, float], to_cells: int, frame: tuple[float, float]) -> NDArray[np.float64]:
    """Return the share of each new cell's length that lies in each old cell, (to_cells, cells)."""
    edges, to = np.linspace(*own, cells + 1), np.linspace(*frame, to_cells + 1)
    shared = np.minimum(edges[1:], to[1:, None]) - np.maximum(edges[:-1], to[:-1, None])
    return shared.clip(min=0) / np.diff(to)[:, None]


def _clipped(box: Box, by: Box) -> Box:
    left, top = max(box[0], by[0]), max(box[1], by[1])
    return left, top, max(left, min(box[2], by[2])), max(top, min(box[3], by[3]))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
