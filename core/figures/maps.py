"""Draw results as pictures: the input, overlays, the signed difference and their colour bars, as
PIL images or encoded bytes.

All pictures of a row share their size and their scale: sequential maps go from 0 to 1, signed ones
from -1 to 1. Digits are enlarged with sharp pixels (nearest neighbour); a photograph keeps its
network's size and is scaled smoothly if another size is requested. A map is drawn smoothly from its
(H, W) values.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.results import Comparison, Heatmap
from core.results.images import LUMINANCE

Rgb = NDArray[np.uint8]  # (H, W, 3)
SIDE_PX = 392  # 14 screen pixels per digit pixel; sharp at twice the size that a page shows
DIGIT_PX = 64  # up to this side, single pixels are visible
SHARPEST_JPEG = 92
GHOST = 0.35  # visible share of the image below a signed map


def colour_table(anchors: Sequence[str]) -> Rgb:
    """Return colours (256, 3), interpolated linearly between evenly spaced anchors "#rrggbb"."""
    known = np.array([[int(anchor[i : i + 2], 16) for i in (1, 3, 5)] for anchor in anchors], dtype=float)
    at, steps = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, 256)
    return np.stack([np.interp(steps, at, known[:, channel]) for channel in range(3)], axis=1).round().astype(np.uint8)


# Perceptually uniform and readable by the colour-blind: magma and cividis (matplotlib's, public
# domain, ten points of each).
COLOURS: dict[str, Rgb] = {
    "magma": colour_table(
        ("#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf")
    ),
    "cividis": colour_table(
        ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")
    ),
    # Signed: purple, black at zero, orange. Dark in the middle, because "no difference" is as black
    # as "no evidence" beside it.
    "signed": colour_table(
        ("#d8c9ff", "#a17bf0", "#6338b8", "#2c1459", "#000004", "#4f2002", "#a34d00", "#ee8a1d", "#ffdca8")
    ),
}


def colour(values: NDArray, table: str) -> Rgb:
    """Map values in [0, 1] of any shape to colours; values outside are clipped."""
    return COLOURS[table][(np.clip(values, 0, 1) * 255).round().astype(np.uint8)]


def plain(image: NDArray, side_px: int | None = None) -> Image.Image:
    """Draw an image (H, W) in grey or (H, W, 3) in colour, in [0, 1]. side_px: of the longer side;
    default: see `size_of`.
    """
    small = Image.fromarray((np.clip(image, 0, 1) * 255).round().astype(np.uint8))
    return small.resize(size_of(image, side_px), _filter(image))


def grey(image: NDArray, side_px: int | None = None) -> Image.Image:
    """Draw the image in grey, the background of overlays."""
    return plain(image if image.ndim == 2 else image @ LUMINANCE, side_px)


def size_of(image: NDArray, side_px: int | None = None) -> tuple[int, int]:
    """Return (width, height) of pictures of an image (H, W, ...): its longer side is `side_px`; by
    default SIDE_PX for a digit, the original size for a photograph.
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    side_px = side_px or (SIDE_PX if longer <= DIGIT_PX else longer)
    return max(1, round(width * side_px / longer)), max(1, round(height * side_px / longer))


def overlay(side: Heatmap, image: NDArray, opacity: float, side_px: int | None = None) -> Image.Image:
    """Draw the heatmap over the grey image (H, W) or (H, W, 3) in [0, 1].

    Args:
        opacity: share of the heatmap in the picture, 0 to 1, the same everywhere, so that colours
            match the bar.
    """
    return laid_over(side.map, image, opacity, side_px)


def laid_over(values: NDArray, image: NDArray, opacity: float, side_px: int | None = None) -> Image.Image:
    """Draw a map of any size with values in [0, 1] over the grey image. Args: as `overlay`."""
    top = colour(_smooth(values, size_of(image, side_px)), "magma")
    below = np.asarray(grey(image, side_px), dtype=np.float32)[..., None]
    return Image.fromarray((top * np.float32(opacity) + below * np.float32(1 - opacity)).round().astype(np.uint8))


def difference(answer: Comparison, side_px: int | None = None) -> Image.Image:
    """Draw reference minus network, purple where the network's map is stronger, orange where the
    reference's is, with the image faintly below.
    """
    clean = answer.picture.clean
    signed = colour(_smooth(answer.difference, size_of(clean, side_px)) / 2 + 0.5, "signed")
    ghost = np.asarray(grey(clean, side_px), dtype=np.float32)[..., None] * np.float32(GHOST)
    return Image.fromarray(np.maximum(signed, ghost.astype(np.uint8)))


def outlined(picture: Image.Image, truth: NDArray) -> Image.Image:
    """Draw the border of the true object into the picture: white beside black, so that it is
    visible on every background.

    Args:
        truth: (H, W) in [0, 1]; pixels of at least 0.5 belong to the object.
    """
    mask = Image.fromarray(((truth >= 0.5) * 255).astype(np.uint8)).resize(picture.size, Image.Resampling.NEAREST)
    inside = np.asarray(mask) > 0
    pixels = np.array(picture.convert("RGB"))
    width = max(1, max(picture.size) // 200)
    pixels[_grown(inside, width) & ~inside] = 0
    pixels[inside & _grown(~inside, width)] = 255
    return Image.fromarray(pixels)


def _grown(mask: NDArray, by: int) -> NDArray:
    """Grow a mask by some pixels in the four directions, without wrapping around the edge."""
    for _ in range(by):
        wide = np.pad(mask, 1)
        mask = mask | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return mask


def cells(side: Heatmap, side_px: int = SIDE_PX) -> Image.Image:
    """Draw the raw map, one square per cell of the target layer; an unusable map is black."""
    top = side.saliency.max()
    values = np.clip(side.saliency, 0, None) / top if side.usable and top > 0 else np.zeros_like(side.saliency)
    return Image.fromarray(colour(values, "magma")).resize((side_px, side_px), Image.Resampling.NEAREST)


def highlighted(side: Heatmap, image: NDArray, threshold: float, side_px: int | None = None) -> Image.Image:
    """Draw the grey image and tint pixels whose map value is at or above the threshold; none if the
    map is not usable.
    """
    chosen = (side.map >= threshold) & side.usable
    tint = np.where(chosen[..., None], COLOURS["magma"][160], np.uint8(0))
    ground = image if image.ndim == 2 else image @ LUMINANCE
    below = np.repeat((np.clip(ground, 0, 1) * 255)[..., None], 3, axis=2)
    mixed = np.where(chosen[..., None], 0.65 * tint + 0.35 * below, below)
    return Image.fromarray(mixed.round().astype(np.uint8)).resize(size_of(image, side_px), _filter(image))


def colour_bar(table: str, width_px: int = SIDE_PX, height_px: int = 12) -> Image.Image:
    """Draw a slim bar from the lowest to the highest value of a colour table."""
    return Image.fromarray(np.repeat(colour(np.linspace(0, 1, width_px), table)[None], height_px, axis=0))


def thumbnail(photo: Image.Image, side_px: int) -> Image.Image:
    """Return the middle of a photograph as a small square."""
    return ImageOps.fit(photo.convert("RGB"), (side_px, side_px), Image.Resampling.BICUBIC)


def jpeg(picture: Image.Image, quality: int = SHARPEST_JPEG) -> bytes:
    """Encode for the screen: a tenth of a PNG's size for smooth maps, with full colour
    resolution.
    """
    return _encoded(picture, "JPEG", quality=quality, subsampling=0)


def png(picture: Image.Image) -> bytes:
    """Encode without loss."""
    return _encoded(picture, "PNG", optimize=False)


def data_url(content: bytes) -> str:
    """Return the picture as a data URL, so that a page needs no second request for it."""
    kind = "png" if content.startswith(b"\x89PNG") else "svg+xml" if content.startswith(b"<svg") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _filter(image: NDArray) -> Image.Resampling:
    return Image.Resampling.NEAREST if max(image.shape[:2]) <= DIGIT_PX else Image.Resampling.BICUBIC


def _smooth(values: NDArray, size: tuple[int, int]) -> NDArray:
    """Scale (H, W) floats to (width, height)."""
    scaled = Image.fromarray(np.asarray(values, dtype=np.float32))
    return np.asarray(scaled if scaled.size == size else scaled.resize(size, Image.Resampling.BICUBIC))


def _encoded(picture: Image.Image, kind: str, **options: int | bool) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()
