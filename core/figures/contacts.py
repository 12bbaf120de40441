"""Contact sheets: small pictures of several images beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from core.figures import maps
from core.results.images import Picture

SIDE_PX, GAP_PX = 72, 4


def sheet(pictures: Sequence[Picture], columns: int, side_px: int = SIDE_PX) -> Image.Image:
    """Draw images in rows of so many, each fitted into a square."""
    rows, columns = -(-len(pictures) // columns), max(1, min(columns, len(pictures)))
    step = side_px + GAP_PX
    whole = Image.new("RGBA", (columns * step - GAP_PX, max(1, rows * step - GAP_PX)), (0, 0, 0, 0))
    for place, picture in enumerate(pictures):
        drawn = maps.plain(picture.clean, side_px).convert("RGBA")
        corner = (place % columns * step, place // columns * step)
        whole.paste(drawn, (corner[0] + (side_px - drawn.width) // 2, corner[1] + (side_px - drawn.height) // 2))
    return whole
