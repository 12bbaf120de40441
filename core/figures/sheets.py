"""Rows of tiles as one figure: PNG to show, SVG to edit. Text remains text in the SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

from core.figures import maps
from core.figures.strips import Tile

GAP_PX, LINE_PX, TYPE_PX = 12, 18, 13
INK, PAPER, QUIET = "#1b1b1f", "#ffffff", "#55555f"


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """A row of a sheet: its title, and its tiles, all of one size."""

    title: str
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class _Text:
    x: int
    y: int  # of the upper edge
    text: str
    colour: str


def png(rows: Sequence[Row], caption: str = "") -> bytes:
    """Draw the sheet as PNG. caption: a line below, e.g. the meaning of the colours."""
    size, texts, places = _laid_out(rows, caption)
    page = Image.new("RGB", size, PAPER)
    for left, upper, tile in places:
        page.paste(tile.picture.convert("RGB"), (left, upper))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(TYPE_PX)
    for text in texts:
        draw.text((text.x, text.y), text.text, fill=text.colour, font=font)
    return maps.png(page)


def svg(rows: Sequence[Row], caption: str = "") -> str:
    """Draw the sheet as SVG with embedded pictures, each with its alternative text."""
    (width, height), texts, places = _laid_out(rows, caption)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="{TYPE_PX}">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    for left, upper, tile in places:
        side = f'width="{tile.picture.width}" height="{tile.picture.height}"'
        url = maps.data_url(maps.png(tile.picture))
        parts.append(f'<image x="{left}" y="{upper}" {side} href="{url}"><title>{escape(tile.alt)}</title></image>')
    parts += [f'<text x="{t.x}" y="{t.y + TYPE_PX}" fill="{t.colour}">{escape(t.text)}</text>' for t in texts]
    return "\n".join([*parts, "</svg>\n"])


def _laid_out(rows: Sequence[Row], caption: str) -> tuple[tuple[int, int], list[_Text], list[tuple[int, int, Tile]]]:
    """Return the size of the page, its texts, and the position of each tile's picture."""
    texts: list[_Text] = []
    places: list[tuple[int, int, Tile]] = []
    upper, width = GAP_PX, 0
    for row in rows:
        texts.append(_Text(GAP_PX, upper, row.title, INK))
        upper += LINE_PX + 4
        for column, tile in enumerate(row.tiles):
            left = GAP_PX + column * (tile.picture.width + GAP_PX)
            fitting = max(8, tile.picture.width // (TYPE_PX // 2))  # characters that fit below a picture
            texts.append(_Text(left, upper, _cut(tile.title, fitting), INK))
            places.append((left, upper + LINE_PX, tile))
            below = upper + LINE_PX + tile.picture.height + 4
            texts += [_Text(left, below + i * LINE_PX, _cut(line, fitting), QUIET) for i, line in enumerate(tile.lines)]
            width = max(width, left + tile.picture.width + GAP_PX)
        lines = max((len(tile.lines) for tile in row.tiles), default=0)
        height = max((tile.picture.height for tile in row.tiles), default=0)
        upper += LINE_PX + height + 4 + lines * LINE_PX + GAP_PX
    if caption:
        texts.append(_Text(GAP_PX, upper, caption, QUIET))
        upper += LINE_PX + GAP_PX
    return (max(width, 2 * GAP_PX + 7 * len(caption)), upper), texts, places


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
