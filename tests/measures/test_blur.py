"""A blurred heatmap is the heatmap of the slow definition, scaled again; an unusable one stays as
it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from core.base.errors import BadSpec
from core.measures.blur import blurred, soft_iou_of
from core.results import frozen_array
from tests.made import SIDE, Made


def side(values: np.ndarray, state: str = "ok"):
    return replace(Made().build().pruned, map=frozen_array(values), state=state)


def test_blur_is_a_gaussian_scaled_to_one() -> None:
    values = np.random.default_rng(0).random((SIDE, SIDE))
    expected = gaussian_filter(values, 1.5, mode="mirror", radius=5)
    expected = (expected - expected.min()) / np.ptp(expected)
    assert np.allclose(blurred(side(values), 1.5).map, expected, atol=1e-5)


def test_no_blur_and_no_map_stay() -> None:
    sharp, empty = side(np.eye(SIDE)), side(np.zeros((SIDE, SIDE)), "empty")
    assert blurred(sharp, 0) is sharp
    assert blurred(empty, 2) is empty


@pytest.mark.parametrize("sigma", [-1, 9, float("nan"), float("inf")])
def test_a_blur_outside_is_refused(sigma: float) -> None:
    with pytest.raises(BadSpec):
        blurred(side(np.eye(SIDE)), sigma)


def test_soft_iou_of_two_maps() -> None:
    one, zero = np.eye(4, dtype=np.float32), np.zeros((4, 4), dtype=np.float32)
    assert soft_iou_of(one, one) == 1
    assert soft_iou_of(one, zero) == 0
    assert soft_iou_of(zero, zero) is None
    assert soft_iou_of(one, one / 2) == pytest.approx(0.5)
