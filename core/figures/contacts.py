"""Contact sheets: small pictures of several images in one row."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from core.figures import maps
from core.results.images import Picture

SIDE_PX, GAP_PX = 72, 4


def row(pictures: Sequence[Picture], side_px: int = SIDE_PX) -> Image.Image:
    """Draw images beside each other, each fitted into a square."""
    sheet = Image.new("RGBA", (max(1, len(pictures) * (side_px + GAP_PX) - GAP_PX), side_px), (0, 0, 0, 0))
    for place, picture in enumerate(pictures):
        drawn = maps.plain(picture.clean, side_px).convert("RGBA")
        offset = ((side_px - drawn.width) // 2, (side_px - drawn.height) // 2)
        sheet.paste(drawn, (place * (side_px + GAP_PX) + offset[0], offset[1]))
    return sheet
