"""A photograph as a network gets it, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.gallery import gallery_image
from core.data.photos import fit_photo
from core.data.preview import preview
from core.models.cards import InputRule


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_channels_are_shown_in_the_networks_order(order: str) -> None:
    rule = InputRule(size_px=(40, 60), mean=(0.0,) * 3, std=(1.0,) * 3, channel_order=order, value_range=(0.0, 255.0))
    seen, pixels = preview("coffee", rule), fit_photo(gallery_image("coffee"), rule).astype(float)
    low, high = pixels.min(), pixels.max()
    expected = np.round((pixels[..., :: -1 if order == "BGR" else 1] - low) / (high - low) * 255)
    assert np.abs(seen.picture.astype(float) - expected).max() <= 1
    assert f"3 x 40 x 60, channels in the order {', '.join(order)}; values from {low:.2f} to {high:.2f}" in seen.text


def test_grey_images_and_a_fourth_channel() -> None:
    grey = preview("coffee", InputRule(size_px=(40, 60), mean=(0.5,), std=(0.5,)))
    assert grey.picture.shape == (40, 60)
    assert "1 x 40 x 60, channels grey" in grey.text
    four = preview("coffee", InputRule(size_px=(40, 60), mean=(0.0,) * 4, std=(1.0,) * 4))
    assert four.picture.shape == (40, 60, 3)
    assert "R, G, B, A" in four.text
    assert four.text.endswith("1.00.")
