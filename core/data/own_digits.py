"""Prepare an uploaded image as a network trained on MNIST expects it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.data.images import read_image

Array = NDArray[np.float32]

DIGIT_PX, INK_PX = 28, 20  # MNIST: 28 x 28 pixels, the longer side of the ink fills 20
WORKING_PX = 1024  # larger images are shrunk first: the ink is scaled to 20 pixels anyway
LEAST_CONTRAST = 0.1  # of the range from black to white; a photograph of blank paper has less
FAINTEST = 0.05  # of the contrast; JPEG leaves ripples of that size around ink
LEAST_SPECK = 0.02  # of the largest connected piece of ink; smaller pieces are dust


def prepare_digit(data: bytes) -> tuple[Array, tuple[str, ...]]:
    """Prepare an uploaded image as an MNIST-type network expects it: bright ink on exactly 0.

    The recipe is that of MNIST itself: the ink's box is scaled so that its longer side has 20
    pixels and placed by whole pixels so that its centre of mass is in the middle of 28 x 28. The
    background counts as bright if the median of the border belongs to the brighter of the two
    classes of Otsu's threshold. Uneven light is corrected first by subtracting a quadratic surface
    through the border. Then the background is set to exactly 0: everything no brighter than its
    median plus three (robust) standard deviations, or plus 5 % of the contrast. A 28 x 28 image on
    black is not changed.

    Args:
        data: the content of an image file.
    Returns:
        (28, 28) float32 in [0, 1], all zero if no ink was found; and notes on the steps, in order.
    Raises:
        BadImage: as `read_image`.
    Source:
        LeCun, Cortes, Burges: the MNIST database (1998); Otsu (1979) for the threshold.
    """
    return digit_of(*read_image(data))


def digit_of(picture: Image.Image, notes: tuple[str, ...] = ()) -> tuple[Array, tuple[str, ...]]:
    """Prepare an image that has been read. notes: earlier steps."""
    image = picture.convert("L")
    image.thumbnail((WORKING_PX, WORKING_PX), Image.Resampling.BOX)
    grey: Array = np.asarray(image, dtype=np.float32) / np.float32(255)
    if grey.min() == grey.max():
        return _nothing(notes, "the image has only one colour")
    if grey.shape == (DIGIT_PX, DIGIT_PX) and np.median(grey[_border(grey)]) == 0:
        return grey, (*notes, "Not changed: 28 x 28 pixels on black.")
    grey, uneven = _evened(grey)
    if uneven:
        notes += ("Corrected uneven light.",)
    threshold = _otsu(grey)
    if np.median(grey[_border(grey)]) > threshold:
        grey, threshold = np.float32(1) - grey, 1 - threshold
        notes += ("Inverted: dark ink on a light background.",)
    ink = _ink(grey, threshold)
    if ink is None:
        return _nothing(notes, "the image has too little contrast")
    notes += ("Set the background to black.",)
    return _centred(_scaled(ink)), (*notes, "Scaled the ink to 20 pixels and centred it by its mass, as MNIST does.")


def _nothing(notes: tuple[str, ...], why: str) -> tuple[Array, tuple[str, ...]]:
    return np.zeros((DIGIT_PX, DIGIT_PX), np.float32), (*notes, f"Found no ink: {why}.")


def _border(grey: Array) -> NDArray[np.bool_]:
    """Return the mask of the border: 2 % of the shorter side wide, but at least one pixel."""
    edge = np.ones(grey.shape, bool)
    width = max(1, min(grey.shape) // 50)
    edge[width:-width, width:-width] = False
    return edge


def _spread(values: Array) -> tuple[float, float]:
    """Return the median and a standard deviation from the median deviation, which a tail of ink
    does not affect.
    """
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))


def _evened(grey: Array) -> tuple[Array, bool]:
    """Remove gradual changes of light, estimated at the border; also return whether they were
    significant.
    """
    level, spread = _spread(grey[_border(grey)])
    if spread == 0:  # a drawing: its background is even and is not changed
        return grey, False
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in grey.shape)
    y, x = np.meshgrid(y, x, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    paper = _border(grey) & (np.abs(grey - level) <= 3 * spread)  # ink may touch the border
    surface = terms @ np.linalg.lstsq(terms[paper], grey[paper], rcond=None)[0] - np.float32(level)
    return (grey - surface).clip(0, 1), bool(np.ptp(surface) > LEAST_CONTRAST)


def _otsu(grey: Array) -> float:
    """Return the threshold that splits the values into two classes of minimal variance; the upper
    class lies above it.
    """
    counts = np.bincount(np.rint(grey * 255).astype(np.int64).ravel(), minlength=256).astype(np.float64)
    below = counts.cumsum()[:-1]
    total, values = counts.sum(), (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (values[-1] * below / total - values[:-1]) ** 2 / (below * (total - below))
    between = np.nan_to_num(between, posinf=0.0)
    # The maximum is flat if no values lie between the classes: use its middle.
    best = np.flatnonzero(np.isclose(between, between.max()))
    return (float(best.mean()) + 0.5) / 255


def _ink(grey: Array, threshold: float) -> Array | None:
    """Return bright ink in [0, 1] on exactly 0, without dust; None if it barely differs from the
    background.
    """
    upper = grey > threshold
    background, bright = grey[~upper], grey[upper]
    if not bright.size or not background.size or bright.mean() - background.mean() < LEAST_CONTRAST:
        return None
    level, spread = _spread(background)
    top = max(float(np.quantile(bright, 0.9)), threshold + 1e-3)
    floor = min(level + max(3 * spread, FAINTEST * (top - level)), threshold)
    ink = ((grey - floor) / (top - floor)).clip(0, 1)
    pieces, count = ndimage.label(ink > 0, structure=np.ones((3, 3)))
    weights = ndimage.sum_labels(ink, pieces, np.arange(count + 1))
    weights[0] = 0  # the background
    return np.where((weights >= LEAST_SPECK * weights.max())[pieces], ink, 0).astype(np.float32)


def _scaled(ink: Array) -> Array:
    """Crop the ink and scale its longer side to 20 pixels.

    Bilinear: sharper filters overshoot and would not keep 0 at 0.
    """
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * INK_PX / max(box.shape))) for side in box.shape)
    small = np.asarray(Image.fromarray(box).resize((width, height), Image.Resampling.BILINEAR))
    return (small / small.max()).clip(0, 1).astype(np.float32)  # a thin pen in a large image would become faint


def _centred(small: Array) -> Array:
    """Place the ink in 28 x 28 pixels with its centre of mass in the middle, as near as whole
    pixels allow without cropping ink.
    """
    digit = np.zeros((DIGIT_PX, DIGIT_PX), np.float32)
    starts = []
    for axis, side in enumerate(small.shape):
        mass = small.sum(1 - axis)
        centre = float((mass * np.arange(side)).sum() / mass.sum())
        starts.append(int(np.clip(round(DIGIT_PX / 2 - centre), 0, DIGIT_PX - side)))
    digit[starts[0] : starts[0] + small.shape[0], starts[1] : starts[1] + small.shape[1]] = small
    return digit
