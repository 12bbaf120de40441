"""Marks beside the photographs of made_sets: PNG masks and COCO files."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from PIL import Image

from tests.data.made_sets import BOX, SIZE, jpeg, photograph

CORNERS = [12, 8, 36, 8, 36, 28, 12, 28]  # of BOX, as a polygon
PHOTOS = {
    "cat/1.jpg": jpeg(photograph(0)),
    "cat/2.jpg": jpeg(photograph(1)),
    "dog/3.jpg": jpeg(photograph(102)),
}
MARKED = np.zeros(SIZE[::-1], bool)
MARKED[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True


def png(pixels: np.ndarray | Image.Image) -> bytes:
    """The content of a PNG file; booleans become 0 and 255."""
    file = io.BytesIO()
    if isinstance(pixels, np.ndarray):
        pixels = Image.fromarray(pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels)
    pixels.save(file, "PNG")
    return file.getvalue()


def turned(size: tuple[int, int] = SIZE) -> bytes:
    """A photograph that is upright in this size, and lies on its side in its file."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    photograph(0, size[::-1], (8, 24, 28, 48)).save(file, "JPEG", exif=exif)
    return file.getvalue()


def instance(image: int = 1, category: int = 1, segmentation: Any = (CORNERS,), **more: Any) -> dict[str, Any]:
    segmentation = list(segmentation) if isinstance(segmentation, tuple) else segmentation
    return {"image_id": image, "category_id": category, "segmentation": segmentation, **more}


def coco(*annotations: dict[str, Any], names: tuple[str, ...] = tuple(PHOTOS), **more: Any) -> bytes:
    """A COCO file: images 1, 2, 3 with these names, categories 1 cat, 2 dog and 3 sofa."""
    width, height = SIZE
    images = [{"id": row, "file_name": name, "width": width, "height": height} for row, name in enumerate(names, 1)]
    categories = [{"id": row, "name": name} for row, name in enumerate(("cat", "dog", "sofa"), 1)]
    numbered = [{"id": 100 + row, **annotation} for row, annotation in enumerate(annotations)]
    return json.dumps({"images": images, "annotations": numbered, "categories": categories} | more).encode()


def colours(ids: np.ndarray) -> bytes:
    """A PNG file whose colours are these numbers of segments, as COCO's panoptic files have it."""
    return png(np.stack([ids & 255, ids >> 8 & 255, ids >> 16], -1).astype(np.uint8))
