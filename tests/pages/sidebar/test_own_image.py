"""A person's own image, good and bad, through the page."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.made import spot
from tests.pages.conftest import OpenPage, pictures_at, words


def png(values: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray((values * 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A small PNG that says it has 3.6 thousand million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


def upload(explore: OpenPage, content: bytes, name: str = "mine.png"):
    app = explore(source="own")
    app.file_uploader(key="upload").upload(name, content, "image/png")
    return app.run()


def test_the_page_asks_for_an_image_first(explore: OpenPage) -> None:
    app = explore(source="own")
    assert not app.exception
    assert "Upload or paste an image" in app.info[0].value


def test_an_own_image_is_compared_and_is_not_in_the_link(explore: OpenPage) -> None:
    app = upload(explore, png(spot(10, 12)))
    assert not app.exception
    assert not app.error
    assert pictures_at(app) == {"70.0086% sparsity"}
    assert "your own image" in words(app)
    assert "Links do not contain" in words(app)
    assert set(app.query_params) == {"source", "model", "cam", "layer"}
    assert "my-image.png" in app.code[0].value


def test_an_own_image_has_no_label(explore: OpenPage) -> None:
    app = upload(explore, png(spot(10, 12)))
    app.selectbox(key="target").set_value("label").run()
    assert not app.exception
    assert not app.error
    assert "has no label" in words(app)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.png"),
        (b"not an image at all", "text.png"),
        (png(spot(3, 3))[:60], "broken.png"),
        (bomb(), "bomb.png"),
        (b"%PDF-1.7 ...", "paper.png"),
        (bytes(10_200_000), "huge.png"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_files_are_explained(explore: OpenPage, content: bytes, name: str) -> None:
    app = upload(explore, content, name)
    assert not app.exception
    assert app.error[0].value
    assert "Traceback" not in words(app)
    assert "Upload or paste an image" in app.info[0].value  # and one can go on


@pytest.mark.long
@pytest.mark.parametrize(
    "values",
    [np.zeros((28, 28)), np.ones((28, 28)), np.ones((1, 1)), np.zeros((1, 1)), np.full((300, 200), 0.5)],
    ids=["black", "white", "1x1 white", "1x1 black", "grey"],
)
def test_images_without_ink_are_shown_as_such(explore: OpenPage, values: np.ndarray) -> None:
    app = upload(explore, png(values))
    assert not app.exception
    assert "An unexpected error occurred" not in words(app)
    assert app.error or pictures_at(app) == {"70.0086% sparsity"}
