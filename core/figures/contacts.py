"""Contact sheets: small pictures of several images beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import NDArray
from PIL import Image

from core.figures import maps
from core.results.images import Picture

SIDE_PX, GAP_PX = 72, 4
OPACITY = 0.6  # of a map over its image


def sheet(
    pictures: Sequence[Picture], columns: int, values: Sequence[NDArray] | None = None, side_px: int = SIDE_PX
) -> Image.Image:
    """Draw images in rows of so many, each fitted into a square.

    Args:
        values: a map (h, w) in [0, 1] to lay over each image.
    """
    rows, columns = -(-len(pictures) // columns), max(1, min(columns, len(pictures)))
    step = side_px + GAP_PX
    whole = Image.new("RGBA", (columns * step - GAP_PX, max(1, rows * step - GAP_PX)), (0, 0, 0, 0))
    for place, picture in enumerate(pictures):
        image = picture.clean
        drawn = maps.laid_over(values[place], image, OPACITY, side_px) if values else maps.plain(image, side_px)
        left, top = place % columns * step, place // columns * step
        centred = (left + (side_px - drawn.width) // 2, top + (side_px - drawn.height) // 2)
        whole.paste(drawn.convert("RGBA"), centred)
    return whole
