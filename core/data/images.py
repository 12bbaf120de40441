"""Image files: from the bytes of a file to an image.

Files are untrusted: the format is detected from the content and the size from the header, before
anything is decoded.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.base.errors import BadImage

MAX_BYTES = 10_000_000
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MAX_BYTES_TEXT = f"{MAX_BYTES // 1_000_000} MB"
MAX_PIXELS_TEXT = f"{MAX_PIXELS // 1_000_000} megapixels"
LIMITS_TEXT = f"It must be a PNG, JPEG, WebP or BMP file of at most {MAX_BYTES_TEXT} and {MAX_PIXELS_TEXT}."

# Limits of stored images, for the shorter side and all pixels: no network needs more.
KEPT_PX, KEPT_PIXELS = (1024, 4_000_000)
# The proportion of a photograph; a line of pixels would be scaled to gigabytes.
MAX_PROPORTION = 100
NOTES = "notes"  # the key of an image's info under which the remarks on it travel
ROTATED = "Rotated as recorded by the camera."
_ORIENTATION = 0x0112  # the EXIF tag of the camera's orientation

DEPTHS = (8, 10, 12, 14, 16)  # bits of a grey value in use, in a file with 16

# (offset, bytes, kind of file): common other files, which are refused by name
_FOREIGN = (
    (0, b"%PDF", "a PDF document"),
    (0, b"GIF8", "a GIF"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture, as phones make them"),
    (4, b"ftypmif1", "a HEIC picture, as phones make them"),
    (4, b"ftyp", "a video"),
)


def read_image(data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """Read the image in a file, upright, in 8-bit RGB, transparency on white; the first one if
    there are several.

    Args:
        data: the content of a PNG, JPEG, WebP or BMP file.
    Returns:
        the image, and notes on how it was prepared.
    Raises:
        BadImage: too large (MAX_BYTES, MAX_PIXELS, checked from the header without decoding),
        damaged, or of another format.
    """
    image = open_image(data)
    notes: list[str] = []
    try:
        if getattr(image, "n_frames", 1) > 1:
            notes.append("Used the first of several images in the file.")
        image.load()
        turned = _upright(image)
        if turned is not image:
            notes.append(ROTATED)
        picture, remark = _rgb(turned)
    except Exception as error:  # untrusted bytes: Pillow's decoders raise almost any exception class
        raise BadImage(
            "The image is damaged or incomplete: it cannot be decoded.",
            LIMITS_TEXT,
            "Open it in an image program, save it as PNG and choose it again.",
        ) from error
    return picture, (*notes, *remark)


def bounded(picture: Image.Image) -> Image.Image:
    """Shrink an image for storage: its shorter side to at most KEPT_PX, and KEPT_PIXELS in
    total.
    """
    width, height = picture.size
    scale = min(KEPT_PX / min(width, height), (KEPT_PIXELS / (width * height)) ** 0.5)
    if scale >= 1:
        return picture
    return picture.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.BICUBIC)


def open_image(data: bytes) -> Image.Image:
    """Open the image and check its size from the header, without decoding it. Raises BadImage."""
    if not data:
        raise BadImage("The file is empty.", LIMITS_TEXT, "Choose another file.")
    if len(data) > MAX_BYTES:
        raise BadImage(
            f"The file has {len(data) / 1e6:.1f} MB.", LIMITS_TEXT, "Shrink the image, then choose it again."
        )
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:  # a warning, if warnings are errors
        raise _too_many_pixels("far too many") from error
    except Exception as error:  # as above
        if str(error).startswith("Decompressed data too large"):  # Pillow's bound for text and profiles
            raise BadImage(
                "The PNG file holds a colour profile or text of more than 1 MB, which is not read.",
                "The pixels of the image may be fine.",
                "Save it without the profile and metadata, then choose it again.",
            ) from error
        raise BadImage(
            f"The file is {_kind(data)}.", LIMITS_TEXT, "Save the image as PNG, then choose it again."
        ) from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(f"{image.width} x {image.height}")
    if max(image.size) > MAX_PROPORTION * min(image.size):
        raise BadImage(
            f"The image has {image.width} x {image.height} pixels: it is a line, not a picture.",
            f"The longer side may be at most {MAX_PROPORTION} times the shorter one.",
            "Cut out the part that shows the object, then choose it again.",
        )
    return image


def _too_many_pixels(pixels: str) -> BadImage:
    return BadImage(f"The image has {pixels} pixels.", LIMITS_TEXT, "Shrink the image, then choose it again.")


def _kind(data: bytes) -> str:
    """Describe a file of an unsupported kind."""
    for start, mark, kind in _FOREIGN:
        if data[start : start + len(mark)] == mark:
            return f"{kind}, which is not supported"
    if b"<svg" in data[:4096].lower():
        return "an SVG drawing, which is not supported"
    return "not an image, or its beginning is damaged"


def turns_aside(image: Image.Image) -> bool:
    """Return whether the image's EXIF data exchange its width and height."""
    try:
        return image.getexif().get(_ORIENTATION, 1) in range(5, 9)
    except Exception:  # damaged EXIF data in a valid image
        return False


def _upright(image: Image.Image) -> Image.Image:
    """Rotate the image by its EXIF data; return the same object if nothing is to do or the data are
    invalid.
    """
    try:
        if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
            return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data in a valid image
        return image
    return image


def _rgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert any mode to 8-bit RGB, and return remarks on what was changed."""
    if image.mode.startswith("I"):  # 16 bits per pixel; Pillow's own conversion clips in some versions
        return _of_16_bits(np.asarray(image).astype(np.int64).clip(0, 65535))
    if not image.has_transparency_data:
        return image.convert("RGB"), ()
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    lowest = rgba.getchannel("A").getextrema()[0]
    note = ("Placed the transparent image on white.",) if lowest < 255 else ()  # type: ignore[operator]
    return Image.alpha_composite(white, rgba).convert("RGB"), note


def _of_16_bits(values: NDArray[np.int64]) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert values of up to 16 bits. Cameras and scanners store fewer: the bits in use are
    stretched.
    """
    used = next(bits for bits in DEPTHS if values.max() < 1 << bits)
    grey = Image.fromarray((values * 255 // ((1 << used) - 1)).astype(np.uint8)).convert("RGB")
    return grey, () if used == DEPTHS[-1] else (f"Stretched, because the values take {used} of 16 bits.",)
