"""Images of strangers: bombs, truncated and damaged files, and files that are no images.

Nothing but BadImage comes out.
"""

from __future__ import annotations

import contextlib
import io
import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from core.base.errors import BadImage
from core.data import images
from core.data.own_digits import prepare_digit


def packed(kind: str, size: tuple[int, int] = (300, 240)) -> bytes:
    """A file with a dark stroke on grainy paper: grain keeps the file long enough to be
    truncated.
    """
    grain = np.random.default_rng(0).normal(200, 5, size[::-1]).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(grain)
    ImageDraw.Draw(image).line([(size[0] // 3, 5), (size[0] // 2, size[1] - 5)], fill=20, width=max(2, size[0] // 20))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has very many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def refusal(data: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        prepare_digit(data)
    error = caught.value
    assert error.wrong
    assert error.next_step
    assert error.allowed == images.LIMITS_TEXT
    return error.wrong


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (12_000, 8_000), (8_000, 5_001), (40_000_001, 1)])
@pytest.mark.filterwarnings("ignore:Image size")
def test_a_bomb_is_refused_before_it_is_decoded(width, height, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("was decoded"))
    start = time.perf_counter()
    assert "pixels" in refusal(bomb(width, height))
    assert time.perf_counter() - start < 1


@pytest.mark.filterwarnings("ignore:Image size")
def test_other_bombs_are_refused_too():
    webp = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (16_382).to_bytes(3, "little") * 2
    webp = b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp
    bmp = bytearray(packed("BMP"))
    bmp[18:26] = struct.pack("<ii", 30_000, 5_000)
    assert refusal(webp)
    assert "30000 x 5000" in refusal(bytes(bmp))


def test_the_largest_allowed_picture_passes_the_size_check():
    assert "decoded" in refusal(bomb(8_000, 5_000))  # allowed by its size, but its data are too short


def test_too_many_bytes():
    assert "11.0 MB" in refusal(packed("PNG") + bytes(11_000_000))[:40]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_truncated_files(kind):
    data = packed(kind)
    for share in (0.02, 0.3, 0.6, 0.9):
        assert refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"hello", "not an image"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"PK\x03\x04....", "ZIP"),
        (packed("GIF"), "GIF"),
        (packed("TIFF"), "TIFF"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_refused_by_name(data, word):
    assert word in refusal(data)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF\0\0\0\0WEBPVP8 "]),
    st.binary(max_size=300),
)
@example(b"\xff\xd8\xff", b"")
def test_random_bytes_raise_nothing_else(start, rest):
    with contextlib.suppress(BadImage):
        assert prepare_digit(start + rest) is not None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP"]), st.data())
@pytest.mark.filterwarnings("ignore:Image size")
def test_damaged_pictures_raise_nothing_else(kind, data):
    content = bytearray(packed(kind, (40, 30)))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadImage):
        assert np.isfinite(prepare_digit(bytes(content))[0]).all()
