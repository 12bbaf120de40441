"""Scale and crop a photograph to a network's size, and the marks in it likewise.

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
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels; x1 and y1 are exclusive


@dataclass(frozen=True)
class Placement:
    """Geometry of an image: it is scaled to `scaled`, then cropped to size `cut` from (left, top).

    All (width, height) in pixels. Areas outside the image are black.
    """

    source: tuple[int, int]
    scaled: tuple[int, int]
    left: int
    top: int
    cut: tuple[int, int]

    @classmethod
    def of(cls, source: tuple[int, int], rule: InputRule) -> Placement:
        """Compute the placement. Args: source: (width, height) of the image. rule: of the
        network.
        """
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

    @property
    def in_source(self) -> Box:
        """The part of the image that the network sees, in pixels of the image; it may reach beyond
        the image.
        """
        across, down = (self.source[axis] / self.scaled[axis] for axis in (0, 1))
        return (
            self.left * across,
            self.top * down,
            (self.left + self.cut[0]) * across,
            (self.top + self.cut[1]) * down,
        )

    def picture(self, image: Image.Image, interpolation: str) -> Image.Image:
        """Scale and crop the image."""
        return image.resize(self.scaled, FILTERS[interpolation]).crop(self.frame)

    def mask(self, marked: NDArray[np.bool_]) -> Array:
        """Transform a mask (height, width) of the source: 1 where at least half of a pixel is
        marked, else 0; (H, W) float32.
        """
        grey = (
            Image.fromarray(marked.astype(np.uint8) * 255)
            .resize(self.scaled, Image.Resampling.BILINEAR)
            .crop(self.frame)
        )
        return (np.asarray(grey) >= 128).astype(np.float32)

    def boxes(self, boxes: Sequence[Box]) -> tuple[Box, ...]:
        """Transform boxes of the source and clip them at the border; boxes entirely outside are
        dropped.
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
    """Return the first pixel of a centre crop; negative if the image is too small."""
    return round((side - wanted) / 2) if side >= wanted else -((wanted - side) // 2)


def fit_photo(image: Image.Image, rule: InputRule) -> NDArray[np.uint8]:
    """Prepare a photograph as a network of this rule receives it, before standardisation.

    Args:
        image: 8-bit RGB, or grey.
    Returns:
        (H, W, 3) uint8; (H, W) for a network of grey images.
    """
    mode = "L" if rule.channels == 1 else "RGB"
    converted = image if image.mode == mode else image.convert(mode)
    return np.asarray(Placement.of(image.size, rule).picture(converted, rule.interpolation))


def boxes_mask(boxes: Sequence[Box], size_px: tuple[int, int]) -> Array:
    """Return 1 where a pixel's centre lies in any of the boxes, else 0: (H, W) float32. size_px:
    (height, width).
    """
    mask = np.zeros(size_px, np.float32)
    for x0, y0, x1, y1 in boxes:
        left, top, right, bottom = (int(np.ceil(edge - 0.5)) for edge in (x0, y0, x1, y1))
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    return mask
