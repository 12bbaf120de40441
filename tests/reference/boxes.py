"""The box around the largest bright region, pixel by pixel; its overlap with a box, on a fine
raster.
"""

from __future__ import annotations

import numpy as np


def bright_box(heatmap: np.ndarray, share: float = 0.2) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the largest region of at least share x maximum, found by flooding from
    every pixel in turn.
    """
    todo = {(int(y), int(x)) for y, x in zip(*np.nonzero(heatmap >= share * heatmap.max()), strict=True)}
    best: list[tuple[int, int]] = []
    for start in sorted(todo):
        region, edge = [], [start] if start in todo else []
        while edge:
            y, x = edge.pop()
            if (y, x) in todo:
                todo.remove((y, x))
                region.append((y, x))
                edge += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        if len(region) > len(best):
            best = region
    ys, xs = zip(*best, strict=True)
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def raster(box: tuple[float, ...], side: int, fine: int) -> np.ndarray:
    """Which points of a raster, `fine` to a pixel, lie in the box."""
    points = (np.arange(side * fine) + 0.5) / fine
    return ((points >= box[1]) & (points < box[3]))[:, None] & ((points >= box[0]) & (points < box[2]))[None]


def box_iou(a: tuple[float, ...], b: tuple[float, ...], side: int, fine: int = 10) -> float:
    one, other = raster(a, side, fine), raster(b, side, fine)
    return float((one & other).sum() / (one | other).sum())
