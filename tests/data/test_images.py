"""A person's own image: every kind of file, and a digit that ends where MNIST would put it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage

from core.data.images import read_image
from core.data.own_digits import prepare_digit

INVERTED = "Inverted: dark ink on a light background."
ROTATED = "Rotated as recorded by the camera."
ON_WHITE = "Placed the transparent image on white."


def packed(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seven(
    size: tuple[int, int] = (300, 240), at: tuple[int, int] = (150, 40), height: int = 120, width: int = 14
) -> Image.Image:
    """A 7, white on black, its top left at `at`."""
    image = Image.new("L", size)
    x, y = at
    points = [(x, y), (x + height // 2, y), (x + height // 6, y + height)]
    ImageDraw.Draw(image).line(points, fill=255, width=width, joint="curve")
    return image


def negative(image: Image.Image) -> Image.Image:
    return image.point(lambda value: 255 - value)


def assert_digit(digit: np.ndarray) -> None:
    """As MNIST has it: range, ink on exactly 0, longer side 20 pixels, mass in the middle."""
    assert digit.shape == (28, 28)
    assert digit.dtype == np.float32
    assert digit.min() == 0
    assert 0.9 < digit.max() <= 1
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert (digit == 0).mean() > 0.5
    for axis in (0, 1):
        assert abs((digit.sum(1 - axis) * np.arange(28)).sum() / digit.sum() - 14) <= 0.5


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Soft IoU of the two, both a little blurred: the box of the ink and its place are rounded to
    whole pixels.
    """
    a, b = (ndimage.uniform_filter(digit, 3) for digit in (a, b))
    return float(np.minimum(a, b).sum() / np.maximum(a, b).sum()) > 0.7


SEVEN = prepare_digit(packed(seven()))[0]


def test_a_drawn_seven_stands_as_in_mnist():
    assert_digit(SEVEN)
    bar, foot = SEVEN[4:8].sum(1).max(), SEVEN[20:24].sum(1).max()
    assert bar > 1.5 * foot  # upright: the bar is at the top


@pytest.mark.parametrize("at", [(10, 10), (200, 90), (100, 50)])
@pytest.mark.parametrize("height", [40, 120])
@pytest.mark.parametrize("dark", [False, True])
def test_place_size_and_sign_do_not_matter(at, height, dark):
    image = seven(at=at, height=height, width=max(4, height // 9))
    digit, notes = prepare_digit(packed(negative(image) if dark else image))
    assert_digit(digit)
    assert alike(digit, SEVEN)
    assert (INVERTED in notes) == dark


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_formats_and_modes(kind, mode):
    image = negative(seven()).convert(mode)
    if kind == "JPEG" and mode == "P":
        image = image.convert("RGB")
    digit, notes = prepare_digit(packed(image, kind))
    assert_digit(digit)
    assert alike(digit, SEVEN)
    assert notes[0] == INVERTED


def sixteen_bit(image: Image.Image) -> bytes:
    return packed(Image.fromarray(np.asarray(image).astype(np.uint16) * 257))


def see_through(image: Image.Image, mode: str) -> bytes:
    """Black ink on nothing; what is under the transparency is black too, and must not be seen."""
    ink = Image.new("L", image.size, 0)
    result = Image.merge("LA", [ink, image])
    return packed(result if mode == "LA" else result.convert("RGBA"))


def see_through_palette(image: Image.Image) -> bytes:
    indexed = Image.new("P", image.size)
    indexed.putpalette([0, 0, 0, 0, 0, 0])
    indexed.paste(1, mask=image.convert("1"))
    return packed(indexed, transparency=0)


def test_sixteen_bits_and_cmyk():
    for data in (sixteen_bit(negative(seven())), packed(negative(seven()).convert("RGB").convert("CMYK"), "JPEG")):
        digit, notes = prepare_digit(data)
        assert_digit(digit)
        assert alike(digit, SEVEN)
        assert notes[0] == INVERTED


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 257 * 10, 257 * 200, 65535]], np.uint16)
    assert np.asarray(read_image(packed(Image.fromarray(values)))[0])[0, :, 0].tolist() == [0, 10, 200, 255]


SEE_THROUGH = {
    "LA": see_through(seven(), "LA"),
    "RGBA": see_through(seven(), "RGBA"),
    "P": see_through_palette(seven()),
}


@pytest.mark.parametrize("data", SEE_THROUGH.values(), ids=SEE_THROUGH)
def test_transparency_is_laid_on_white(data):
    digit, notes = prepare_digit(data)
    assert alike(digit, SEVEN)
    assert notes[:2] == (ON_WHITE, INVERTED)
    picture, _ = read_image(data)
    assert picture.mode == "RGB"
    assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_an_alpha_channel_that_hides_nothing_is_not_mentioned():
    assert ON_WHITE not in prepare_digit(packed(seven().convert("RGBA")))[1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_was_turned(kind, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what the camera did; PIL's numbers of the transpositions
    image = negative(seven())
    stored = image.transpose(Image.Transpose(undo[orientation])) if orientation in undo else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, notes = read_image(packed(stored, kind, exif=exif))
    assert picture.size == image.size
    assert notes == ((ROTATED,) if orientation > 1 else ())
    assert alike(prepare_digit(packed(stored, kind, exif=exif))[0], SEVEN)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_damaged_exif_data_do_not_matter(exif):
    assert read_image(packed(seven(), "JPEG", exif=exif))[1] == ()


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_of_an_animation_the_first_picture_counts(kind):
    data = packed(seven().convert("RGB"), kind, save_all=True, append_images=[negative(seven()).convert("RGB")])
    digit, notes = prepare_digit(data)
    assert notes[0] == "Used the first of several images in the file."
    assert alike(digit, SEVEN)
    assert INVERTED not in notes


def test_mnist_images_are_taken_as_they_are():
    pixels = np.zeros((28, 28), np.uint8)
    pixels[3:9, 2:20] = np.arange(108).reshape(6, 18)  # neither centred nor of MNIST's size
    digit, notes = prepare_digit(packed(Image.fromarray(pixels)))
    assert np.array_equal(digit, pixels.astype(np.float32) / np.float32(255))
    assert len(notes) == 1


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (5, 500), (400, 300)])
@pytest.mark.parametrize("value", [0, 90, 255])
def test_one_colour_is_nothing_and_no_error(size, value):
    digit, notes = prepare_digit(packed(Image.new("L", size, value)))
    assert not digit.any()
    assert digit.shape == (28, 28)
    assert digit.dtype == np.float32
    assert notes == ("Found no ink: the image has only one colour.",)


def test_blank_paper_is_nothing():
    grain = np.random.default_rng(0).normal(200, 4, (200, 200)).clip(0, 255).astype(np.uint8)
    digit, notes = prepare_digit(packed(Image.fromarray(grain)))
    assert not digit.any()
    assert notes[-1].startswith("Found no ink")


def photograph(image: Image.Image) -> Image.Image:
    """Ink on paper in slanting light, with grain and a speck of dust."""
    ink = np.asarray(image, float) / 255
    ink[5:8, 5:8] = 1.0
    y, x = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]]
    light = 0.35 + 0.5 * (x / ink.shape[1]) * (0.5 + 0.5 * y / ink.shape[0])
    grain = np.random.default_rng(1).normal(0, 0.02, ink.shape)
    return Image.fromarray(((light * (1 - 0.75 * ink) + grain) * 255).clip(0, 255).astype(np.uint8))


def test_a_photograph_in_uneven_light():
    digit, notes = prepare_digit(packed(photograph(seven()), "JPEG", quality=80))
    assert_digit(digit)
    assert alike(digit, SEVEN)
    assert notes[:2] == ("Corrected uneven light.", INVERTED)


def test_a_thin_pen_in_a_large_picture_is_not_faint():
    digit, _ = prepare_digit(packed(negative(seven((3000, 2400), (1200, 300), 1800, 12))))
    assert_digit(digit)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32), st.sampled_from([2, 256]))
def test_any_picture_gives_a_sound_input(height, width, seed, levels):
    pixels = np.random.default_rng(seed).integers(0, levels, (height, width)) * (255 // (levels - 1))
    digit, notes = prepare_digit(packed(Image.fromarray(pixels.astype(np.uint8))))
    assert digit.shape == (28, 28)
    assert digit.dtype == np.float32
    assert np.isfinite(digit).all()
    assert digit.min() >= 0
    assert digit.max() <= 1
    assert notes
