"""Maps in another frame, cell by cell: the mean over its area, 0 where nothing was seen."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


def cell_of(frame: Box, size: Sequence[int], row: int, column: int) -> Box:
    """The area of one cell of a frame with `size` (H, W) cells."""
    width, height = (frame[2] - frame[0]) / size[1], (frame[3] - frame[1]) / size[0]
    left, top = frame[0] + column * width, frame[1] + row * height
    return left, top, left + width, top + height


def area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def shared(one: Box, other: Box) -> float:
    """The area that two boxes have in common."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    return area((left, top, min(one[2], other[2]), min(one[3], other[3])))


def resampled(values: Sequence[Sequence[float]], own: Box, frame: Box, size: tuple[int, int]) -> list[list[float]]:
    """A map of the frame `own` in the cells of another frame."""
    shape = len(values), len(values[0])
    found = []
    for row in range(size[0]):
        found.append([])
        for column in range(size[1]):
            cell = cell_of(frame, size, row, column)
            total = 0.0
            for y in range(shape[0]):
                for x in range(shape[1]):
                    total += values[y][x] * shared(cell, cell_of(own, shape, y, x))
            found[-1].append(total / area(cell))
    return found


def seen_by_one(one: Box, other: Box, source_px: tuple[int, int]) -> float:
    """The share of the pixels of a photograph in only one of two frames, of those in any; frames
    with whole numbers.
    """
    inside = [
        [box[0] <= x < box[2] and box[1] <= y < box[3] for box in (one, other)]
        for y in range(source_px[0])
        for x in range(source_px[1])
    ]
    seen = [pair for pair in inside if any(pair)]
    return sum(not all(pair) for pair in seen) / len(seen) if seen else 0.0
