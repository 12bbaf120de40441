"""Results -> pictures: the input, overlays, the signed difference and their colour bars, as PIL images or encoded bytes.

All pictures of a row share their size and their scale: sequential maps go from 0 to 1, signed ones from -1 to 1.
Pixels of a digit keep their edges (nearest neighbour), a map is drawn smooth, from its (H, W) values.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.results import Comparison, Heatmap

Rgb = NDArray[np.uint8]  # (H, W, 3)
SIDE_PX = 392  # 14 screen pixels a digit pixel; sharp at twice the size that a page shows
SHARPEST_JPEG = 92
GHOST = 0.35  # how much of the image shows through a signed map


def colour_table(anchors: Sequence[str]) -> Rgb:
    """(256, 3): colours between evenly spaced anchors "#rrggbb", linear in between."""
    known = np.array([[int(anchor[i : i + 2], 16) for i in (1, 3, 5)] for anchor in anchors], dtype=float)
    at, steps = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, 256)
    return np.stack([np.interp(steps, at, known[:, channel]) for channel in range(3)], axis=1).round().astype(np.uint8)


# Perceptually even and readable by the colour-blind: magma and cividis (matplotlib's, public domain, ten points of each).
COLOURS: dict[str, Rgb] = {
    "magma": colour_table(("#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf")),
    "cividis": colour_table(("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")),
    # Signed: purple, black at zero, orange. Dark in the middle, because "no difference" is as black as "no evidence" beside it.
    "signed": colour_table(("#d8c9ff", "#a17bf0", "#6338b8", "#2c1459", "#000004", "#4f2002", "#a34d00", "#ee8a1d", "#ffdca8")),
}


def colour(values: NDArray, table: str) -> Rgb:
    """Values in [0, 1], any shape, as colours; what lies outside is cut off."""
    return COLOURS[table][(np.clip(values, 0, 1) * 255).round().astype(np.uint8)]


def grey(values: NDArray, side_px: int = SIDE_PX) -> Image.Image:
    """An image (H, W) in [0, 1] in grey, pixels kept sharp."""
    small = Image.fromarray((np.clip(values, 0, 1) * 255).round().astype(np.uint8))
    return small.resize((side_px, side_px), Image.Resampling.NEAREST)


def overlay(side: Heatmap, image: NDArray, opacity: float, side_px: int = SIDE_PX) -> Image.Image:
    """The heatmap over the grey image (H, W) in [0, 1].

    Args:
        opacity: share of the heatmap in the picture, 0 to 1, the same everywhere: the colours of the bar can be found again.
    """
    return _blend(colour(_smooth(side.map, side_px), "magma"), image, opacity, side_px)


def difference(answer: Comparison, side_px: int = SIDE_PX) -> Image.Image:
    """Dense minus pruned, purple where the pruned map is stronger, orange where the dense one is; the image faintly below."""
    signed = colour(_smooth(answer.difference, side_px) / 2 + 0.5, "signed")
    ghost = np.asarray(grey(answer.picture.clean, side_px), dtype=float)[..., None] * GHOST
    return Image.fromarray(np.maximum(signed, ghost.astype(np.uint8)))


def cells(side: Heatmap, side_px: int = SIDE_PX) -> Image.Image:
    """The raw map, one square a cell of the target layer; a map that is not usable stays black."""
    top = side.saliency.max()
    values = np.clip(side.saliency, 0, None) / top if side.state == "ok" and top > 0 else np.zeros_like(side.saliency)
    return Image.fromarray(colour(values, "magma")).resize((side_px, side_px), Image.Resampling.NEAREST)


def highlighted(side: Heatmap, image: NDArray, threshold: float, side_px: int = SIDE_PX) -> Image.Image:
    """The grey image with the pixels whose map value is at or above the threshold tinted; nothing where the map is not usable."""
    chosen = (side.map >= threshold) & (side.state == "ok")
    tint = np.where(chosen[..., None], COLOURS["magma"][160], np.uint8(0))
    below = np.repeat((np.clip(image, 0, 1) * 255)[..., None], 3, axis=2)
    mixed = np.where(chosen[..., None], 0.65 * tint + 0.35 * below, below)
    return Image.fromarray(mixed.round().astype(np.uint8)).resize((side_px, side_px), Image.Resampling.NEAREST)


def colour_bar(table: str, width_px: int = SIDE_PX, height_px: int = 12) -> Image.Image:
    """A slim bar from the lowest to the highest value of a colour table."""
    return Image.fromarray(np.repeat(colour(np.linspace(0, 1, width_px), table)[None], height_px, axis=0))


def sheet(images: Sequence[NDArray], columns: int, chosen: int | None = None, cell_px: int = 56, gap_px: int = 6) -> Image.Image:
    """Small grey images (H, W) in [0, 1] side by side, on transparent ground; the chosen one gets a frame.

    Args:
        columns: pictures a row. chosen: position of the framed one.
    """
    step, rows = cell_px + gap_px, -(-len(images) // columns)
    page = Image.new("RGBA", (columns * step + gap_px, rows * step + gap_px), (0, 0, 0, 0))
    for position, values in enumerate(images):
        left, top = gap_px + position % columns * step, gap_px + position // columns * step
        if position == chosen:
            page.paste((*COLOURS["magma"][205], 255), (left - gap_px, top - gap_px, left + cell_px + gap_px, top + cell_px + gap_px))
        page.paste(grey(values, cell_px).convert("RGBA"), (left, top))
    return page


def jpeg(picture: Image.Image) -> bytes:
    """For the screen: a tenth of a PNG's size for smooth maps, colours at full resolution."""
    return _encoded(picture, "JPEG", quality=SHARPEST_JPEG, subsampling=0)


def png(picture: Image.Image) -> bytes:
    """Without loss."""
    return _encoded(picture, "PNG", optimize=False)


def data_url(content: bytes) -> str:
    """A picture as an address of its own, so that a page needs no second request for it."""
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _smooth(values: NDArray, side_px: int) -> NDArray:
    """(H, W) floats enlarged to (side_px, side_px)."""
    enlarged = Image.fromarray(np.asarray(values, dtype=np.float32)).resize((side_px, side_px), Image.Resampling.BICUBIC)
    return np.asarray(enlarged)


def _blend(top: Rgb, image: NDArray, opacity: float, side_px: int) -> Image.Image:
    below = np.asarray(grey(image, side_px), dtype=np.float32)[..., None]
    return Image.fromarray((top * np.float32(opacity) + below * np.float32(1 - opacity)).round().astype(np.uint8))


def _encoded(picture: Image.Image, kind: str, **options: int | bool) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()
