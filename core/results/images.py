"""An image ready for a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.base.brief import brief
from core.base.stamps import Stamp
from core.results.arrays import Array
from core.specs import ImageRef

TRUTHS: dict[str, str] = {
    "ink": "the ink of the digit, with its grey values",
    "mask": "the object, marked pixel by pixel by people",
    "boxes": "the boxes that people drew around the object",
    "": "unknown: nobody marked the object in this image",
}
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, as PIL's mode L


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """An image ready for a network, at the network's own size.

    clean: (H, W) grey or (H, W, 3) colour in [0, 1]; seen: the same with background noise, as the
    network receives it (before standardisation). truth: (H, W) in [0, 1], where the object is;
    truth_kind: a key of TRUTHS.
    label: the true class as an index into the network's classes, None if it is unknown or not a
    class of this network.
    source_px: (height, width) of the photograph itself; frame: the part of it that the network
    sees, (x0, y0, x1, y1) in its pixels. None for digits, which every network sees as they are.
    stamp: of the files it was read from; "" for images that never change.
    """

    image: ImageRef
    clean: Array
    seen: Array
    label: int | None
    truth: Array | None = None
    truth_kind: str = ""
    title: str = ""  # of a photograph
    credit: str = ""  # who made it, under which licence
    notes: tuple[str, ...] = ()  # how an uploaded image was prepared, in sentences
    source_px: tuple[int, int] | None = None
    frame: tuple[float, float, float, float] | None = None
    stamp: Stamp = ""

    @property
    def grey(self) -> Array:
        """The image in grey, (H, W) in [0, 1]: the background of overlays."""
        return self.clean if self.clean.ndim == 2 else self.clean @ LUMINANCE
