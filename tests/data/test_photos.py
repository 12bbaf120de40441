"""Photographs at a network's size: as torchvision's transforms make them, and masks and boxes move
with them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from core.data.gallery import gallery_image
from core.data.photos import Placement, boxes_mask, fit_photo
from core.models.cards import InputRule

MODES = {"bilinear": v2.InterpolationMode.BILINEAR, "bicubic": v2.InterpolationMode.BICUBIC}
RULES = [
    (256, (224, 224)),
    (232, (224, 224)),
    (None, (224, 224)),
    (64, (64, 64)),
    (40, (96, 64)),
    (None, (60, 91)),
    (256, (255, 255)),
]


def torchvision_transforms(resize_px: int | None, size: tuple[int, int], interpolation: str) -> v2.Compose:
    resize = v2.Resize(resize_px or list(size), MODES[interpolation], antialias=True)
    return v2.Compose([resize, v2.CenterCrop(size)])


@pytest.mark.parametrize("interpolation", MODES)
@pytest.mark.parametrize(("resize_px", "size"), RULES)
def test_equals_torchvision(resize_px: int | None, size: tuple[int, int], interpolation: str) -> None:
    rule = InputRule(size_px=size, resize_px=resize_px, interpolation=interpolation)
    for photo in (
        gallery_image("cat"),
        gallery_image("astronaut"),
        gallery_image("cat").transpose(Image.Transpose.ROTATE_90),
    ):
        made, transforms = fit_photo(photo, rule), torchvision_transforms(resize_px, size, interpolation)
        assert made.shape == (*size, 3)
        assert np.array_equal(made, np.asarray(transforms(photo)))  # torchvision's way for pictures
        tensor = v2.functional.pil_to_tensor(photo)
        if interpolation == "bilinear":  # bicubic overshoots, and is cut off at different moments
            tensor = v2.functional.to_dtype(tensor, torch.float32, scale=True)
            assert np.abs(made / 255 - transforms(tensor).permute(1, 2, 0).numpy()).max() <= 1 / 255 + 1e-6
        else:
            away = np.abs(made.astype(int) - transforms(tensor).permute(1, 2, 0).numpy())
            assert away.max() <= 2
            assert (away <= 1).mean() > 0.999


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 70), st.integers(1, 50), st.integers(1, 50))
def test_sizes_equal_torchvision(width: int, height: int, resize_px: int, wide: int, high: int) -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))
    made = fit_photo(photo, InputRule(size_px=(high, wide), resize_px=resize_px))
    assert np.array_equal(made, np.asarray(torchvision_transforms(resize_px, (high, wide), "bilinear")(photo)))


def test_a_grey_network_gets_one_channel() -> None:
    made = fit_photo(gallery_image("coffee"), InputRule(size_px=(32, 48), resize_px=50, mean=(0.0,), std=(1.0,)))
    assert made.shape == (32, 48)
    assert made.dtype == np.uint8


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_boxes_land_where_their_pixels_land(data: st.DataObject) -> None:
    """A bright box painted into the source is bright inside the moved box and dark outside, the
    blur of the edge aside.
    """
    width, height = data.draw(st.integers(40, 300), "width"), data.draw(st.integers(40, 300), "height")
    x0, y0 = data.draw(st.integers(0, width - 20)), data.draw(st.integers(0, height - 20))
    box = (x0, y0, data.draw(st.integers(x0 + 15, width)), data.draw(st.integers(y0 + 15, height)))
    rule = InputRule(size_px=(64, 56), resize_px=data.draw(st.sampled_from([None, 64, 80])))
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 255
    placement = Placement.of((width, height), rule)
    mask = boxes_mask(placement.boxes([box]), rule.size_px)
    bright = fit_photo(Image.fromarray(pixels), rule)[..., 0] / 255
    sure = (bright == 0) | (bright == 1)
    assert sure.mean() > 0.5
    assert np.array_equal(mask[sure], bright[sure])
    assert np.array_equal(placement.mask(pixels[..., 0] > 0)[sure], bright[sure])


def test_a_box_that_is_cut_away_is_left_out() -> None:
    placement = Placement.of((300, 100), InputRule(size_px=(100, 100), resize_px=100))  # the middle: 100 to 200
    assert placement.boxes([(0, 0, 90, 100), (90, 10, 150, 60)]) == ((0.0, 10.0, 50.0, 60.0),)


def test_boxes_are_a_union() -> None:
    mask = boxes_mask([(0, 0, 2, 2), (1, 1, 3, 3), (2.6, 0, 4, 1)], (4, 4))
    assert mask.tolist() == [[1, 1, 0, 1], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert not boxes_mask([], (4, 4)).any()
