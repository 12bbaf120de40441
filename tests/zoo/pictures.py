"""Image files."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from core.base.errors import BadImage
from core.data.images import read_image
from tests.data.made_sets import jpeg, photograph
from tests.zoo.case import Case


def read(content: bytes, value: int | None = None) -> Sequence[str]:
    """Return the remarks on an image, whose brightest value is `value`."""
    image, notes = read_image(content)
    assert image.mode == "RGB"
    assert value is None or np.asarray(image).max() == value
    return notes


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey(most: int) -> bytes:
    """A ramp of 16-bit values up to `most`."""
    return saved(Image.fromarray(np.linspace(0, most, 64 * 48).round().astype(np.uint16).reshape(48, 64)))


def line(width: int, height: int) -> bytes:
    """A PNG of these proportions, written without holding its pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (width + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(photograph(0), "JPEG", exif=exif)


def clear() -> bytes:
    return saved(Image.new("RGBA", (60, 40), (0, 0, 0, 0)))


def asked(make: Callable[[], bytes], value: int | None = None) -> Callable[[Path], Sequence[str]]:
    return lambda folder: read(make(), value)


def refused(what: str, make: Callable[[], bytes], says: str) -> Case:
    return Case(what, "Refused with the reason.", asked(make), says, BadImage)


CASES = (
    Case("A 16-bit PNG", "Read.", asked(lambda: grey(65535), 255)),
    Case(
        "A 16-bit PNG whose values take 12 bits",
        "Stretched, and said.",
        asked(lambda: grey(4095), 255),
        "Stretched, because the values take 12 of 16 bits.",
    ),
    Case("A photograph that the camera turned", "Turned upright, and said.", asked(rotated), "Rotated as recorded"),
    Case("A transparent image", "Placed on white, and said.", asked(clear, 255), "on white"),
    Case(
        "A palette, grey, CMYK or 1-bit image",
        "Read.",
        lambda folder: [
            note
            for mode in ("P", "L", "CMYK", "1")
            for note in read(saved(photograph(0).convert(mode), "PNG" if mode != "CMYK" else "JPEG"))
        ],
    ),
    refused("1 x 10,000 pixels", lambda: line(1, 10_000), "1 x 10000 pixels: it is a line"),
    refused("100,000 x 1 pixels", lambda: line(100_000, 1), "100000 x 1 pixels: it is a line"),
    Case("A panorama of 10 x 1", "Read.", asked(lambda: line(1000, 100))),
    refused(
        "A colour profile of more than 1 MB",
        lambda: saved(photograph(0), icc_profile=np.random.default_rng(0).bytes(1_500_000)),
        "colour profile or text of more than 1 MB",
    ),
    refused("Half of a JPEG", lambda: jpeg(photograph(0, (600, 400)))[:20_000], "damaged or incomplete"),
    refused("A GIF", lambda: saved(photograph(0), "GIF"), "a GIF, which is not supported"),
    refused("A TIFF", lambda: saved(photograph(0), "TIFF"), "a TIFF, which is not supported"),
    refused("A HEIC photograph", lambda: b"\0\0\0\x18ftypheic" + bytes(40), "a HEIC picture"),
    refused("A drawing (SVG)", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    refused("An empty file", lambda: b"", "The file is empty"),
    refused("An image of 80 megapixels", lambda: line(10_000, 8_000), "The image has 10000 x 8000 pixels"),
)
