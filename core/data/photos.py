"""A photograph at a network's own size, and what people marked in it, moved the same way.

Sizes and rounding are those of torchvision's Resize and CenterCrop; both use Pillow's antialiased
scaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.models.cards import InputRule
from core.results import Array

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels; x1 and y1 are where the box ends


@dataclass(frozen=True)
class Placement:
    """Where the pixels of a picture go: it is scaled to `scaled`, then the part from (left, top) on
    of size `cut` is taken.

    All (width, height) in pixels. What the cut takes from outside the picture is black.
    """

    source: tuple[int, int]
    scaled: tuple[int, int]
    left: int
    top: int
    cut: tuple[int, int]

    @classmethod
    def of(cls, source: tuple[int, int], rule: InputRule) -> Placement:
        """Args: source: (width, height) of the picture. rule: of the network."""
        height, width = rule.size_px
        if rule.resize_px is None:
            return cls(source, (width, height), 0, 0, (width, height))
        short, long = sorted(source)
        longer = max(rule.resize_px, int(rule.resize_px * long / short))
        scaled = (rule.resize_px, longer) if source[0] <= source[1] else (longer, rule.resize_px)
        return cls(source, scaled, _start(scaled[0], width), _start(scaled[1], height), (width, height))

    @property
    def frame(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.left + self.cut[0], self.top + self.cut[1]

    def picture(self, image: Image.Image, interpolation: str) -> Image.Image:
        """The picture itself, moved."""
        return image.resize(self.scaled, FILTERS[interpolation]).crop(self.frame)

    def mask(self, marked: NDArray[np.bool_]) -> Array:
        """A mask (height, width) of the source: 1 where at least half of a pixel is marked, else 0;
        (H, W) float32.
        """
        grey = (
            Image.fromarray(marked.astype(np.uint8) * 255)
            .resize(self.scaled, Image.Resampling.BILINEAR)
            .crop(self.frame)
        )
        return (np.asarray(grey) >= 128).astype(np.float32)

    def boxes(self, boxes: Sequence[Box]) -> tuple[Box, ...]:
        """Boxes of the source, moved and cut off at the border; those that are cut away altogether
        are left out.
        """
        scale = [self.scaled[axis] / self.source[axis] for axis in (0, 1)] * 2
        shift = (self.left, self.top) * 2
        most = self.cut * 2
        moved = (
            tuple(
                min(max(value * k - by, 0.0), float(end))
                for value, k, by, end in zip(box, scale, shift, most, strict=True)
            )
            for box in boxes
        )
        return tuple(box for box in moved if box[2] > box[0] and box[3] > box[1])  # type: ignore[misc]


def _start(side: int, wanted: int) -> int:
    """First pixel of a cut from the middle; negative where the picture is too small."""
    return round((side - wanted) / 2) if side >= wanted else -((wanted - side) // 2)


def fit_photo(image: Image.Image, rule: InputRule) -> NDArray[np.uint8]:
    """A photograph as a network of this rule gets it, before mean and standard deviation.

    Args:
        image: 8-bit RGB, or grey.
    Returns:
        (H, W, 3) uint8; (H, W) for a grey network.
    """
    mode = "RGB" if rule.channels == 3 else "L"
    converted = image if image.mode == mode else image.convert(mode)
    return np.asarray(Placement.of(image.size, rule).picture(converted, rule.interpolation))


def boxes_mask(boxes: Sequence[Box], size_px: tuple[int, int]) -> Array:
    """1 where a pixel's centre lies in any of the boxes, else 0: (H, W) float32. size_px: (height,
    width).
    """
    mask = np.zeros(size_px, np.float32)
    for x0, y0, x1, y1 in boxes:
        left, top, right, bottom = (int(np.ceil(edge - 0.5)) for edge in (x0, y0, x1, y1))
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    return mask
