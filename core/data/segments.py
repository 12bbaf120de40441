"""Segments of COCO annotations: polygons and run-length encodings (RLE), as masks.

An annotation file is untrusted: what a segment claims is checked before memory is taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.images import MAX_PIXELS

Size = tuple[int, int]  # width, height
Counts = NDArray[np.int64]  # pixels of each run down the columns: background, object, background, ...
MAX_NUMBERS = 1_000_000  # numbers or characters of one polygon or encoding
MAX_OUTLINE_PX = 2_000_000  # length of all polygons in one photograph
SLACK_PX = 1  # by which tools that annotate exceed the photograph
FIRST, BITS, MORE, SIGN, LONGEST = 48, 5, 32, 16, 7  # of COCO's characters: six bits each, from "0" on


class BadSegment(Exception):
    """What is wrong with a segment."""


@dataclass(frozen=True, eq=False)
class Outline:
    """Polygons of one object, each as x, y, x, y, ... in pixels."""

    polygons: tuple[NDArray[np.float64], ...]

    @property
    def content(self) -> bytes:
        return b"".join(b"polygon" + corners.tobytes() for corners in self.polygons)

    @property
    def corners(self) -> list[NDArray[np.float64]]:
        return [polygon.reshape(-1, 2) for polygon in self.polygons]

    @property
    def length_px(self) -> float:
        """The longer side of each edge, summed: filling takes time and memory in proportion."""
        return float(sum(np.abs(xy - np.roll(xy, 1, 0)).max(1).sum() for xy in self.corners))

    def check(self, size: Size) -> None:
        """Raise BadSegment if it cannot belong to a photograph of this size."""
        if any((xy < -SLACK_PX).any() or (xy > np.add(size, SLACK_PX)).any() for xy in self.corners):
            raise BadSegment(f"reaches beyond its photograph of {size[0]} x {size[1]} pixels")

    def runs(self, size: Size) -> list[Counts]:
        """Return the runs of each polygon, as COCO's own library fills it."""
        from pycocotools import mask  # imported here: most folders have no polygons

        filled = mask.frPyObjects([polygon.tolist() for polygon in self.polygons], size[1], size[0])
        return [decode_counts(each["counts"]) for each in filled]


@dataclass(frozen=True, eq=False)
class RunLengths:
    """One object as run lengths, for photographs of one size. code: as COCO compresses them, or
    the numbers.
    """

    size: Size
    code: bytes | Counts

    @property
    def content(self) -> bytes:
        return b"runs" + (self.code if isinstance(self.code, bytes) else self.code.tobytes())

    @property
    def length_px(self) -> float:
        return 0.0

    @property
    def counts(self) -> Counts:
        return decode_counts(self.code) if isinstance(self.code, bytes) else self.code

    def check(self, size: Size) -> None:
        """Raise BadSegment if it does not belong to a photograph of this size."""
        if self.size != size:
            raise BadSegment(f"is encoded for {self.size[0]} x {self.size[1]} pixels, not for {size[0]} x {size[1]}")

    def runs(self, size: Size) -> list[Counts]:
        return [self.counts]


Segment = Outline | RunLengths


def parse_segment(value: Any) -> Segment | None:
    """Return the segment of an annotation, None if it has none. Raises BadSegment."""
    if value is None or value == []:
        return None
    if isinstance(value, list):
        return Outline(tuple(map(_polygon, value)))
    if isinstance(value, dict):
        return _run_lengths(value)
    raise BadSegment("has a segmentation that is neither polygons nor run lengths")


def _polygon(value: Any) -> NDArray[np.float64]:
    if not isinstance(value, list):
        raise BadSegment("has a segmentation that is not a list of polygons")
    if not 6 <= len(value) <= MAX_NUMBERS or len(value) % 2:
        raise BadSegment(f"has a polygon of {len(value)} numbers: it needs x and y of at least three corners")
    try:
        corners = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadSegment("has a coordinate that is no number") from error
    if corners.ndim != 1 or not np.isfinite(corners).all():
        raise BadSegment("has a coordinate that is no finite number")
    return corners


def _run_lengths(value: dict[str, Any]) -> RunLengths:
    size, counts = value.get("size"), value.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        raise BadSegment("has run lengths without the size of the photograph")
    if size[0] * size[1] > MAX_PIXELS:
        raise BadSegment("has run lengths of far too many pixels")
    if not isinstance(counts, list | str) or len(counts) > MAX_NUMBERS:
        raise BadSegment(f"has run lengths that are neither text nor a list of at most {MAX_NUMBERS:,}")
    if isinstance(counts, list):
        if not all(type(count) is int and 0 <= count <= MAX_PIXELS for count in counts):
            raise BadSegment("has a run that is no whole number from 0 on")
        code: bytes | Counts = np.array(counts, np.int64)
    elif counts.isascii():
        code = counts.encode()
    else:
        raise BadSegment("has damaged run lengths")
    found = RunLengths((size[1], size[0]), code)
    _check_counts(found.counts, size[0] * size[1])
    return found


def _check_counts(counts: Counts, pixels: int) -> None:
    if counts.size and (counts.min() < 0 or counts.max() > pixels):
        raise BadSegment("has a run that is negative or longer than its photograph")
    if counts.sum() != pixels:
        raise BadSegment(f"has runs of {counts.sum():,} pixels in total instead of {pixels:,}")


def decode_counts(code: bytes) -> Counts:
    """Decode run lengths as COCO compresses them: numbers of five bits a character, the lowest
    first; from the fourth on, the difference to the run before the last. Raises BadSegment.
    """
    values = np.frombuffer(code, np.uint8).astype(np.int64) - FIRST
    if not values.size:
        return values
    ends = np.flatnonzero(values & MORE == 0)
    if values.min() < 0 or values.max() >= 2 * MORE or not ends.size or ends[-1] != values.size - 1:
        raise BadSegment("has damaged run lengths")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > LONGEST:
        raise BadSegment("has damaged run lengths")
    places = np.arange(values.size) - np.repeat(starts, lengths)
    counts = np.add.reduceat((values & (MORE - 1)) << BITS * places, starts)
    counts[values[ends] & SIGN > 0] -= (1 << BITS * lengths)[values[ends] & SIGN > 0]
    for first in (1, 2):
        counts[first::2] = np.cumsum(counts[first::2])
    return counts


def union(runs: Sequence[Counts], size: Size) -> NDArray[np.bool_]:
    """Return the pixels (height, width) that lie in any of these objects."""
    width, height = size
    steps = np.zeros(width * height + 1, np.int32)
    for counts in runs:
        ends = np.cumsum(counts)
        stops = ends[1::2]
        np.add.at(steps, ends[::2][: len(stops)], 1)
        np.add.at(steps, stops, -1)
    inside = np.cumsum(steps, out=steps)[:-1] > 0
    return np.ascontiguousarray(inside.reshape(width, height).T)
