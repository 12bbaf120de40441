"""Faithfulness equals its slow twin, also for maps that have no order, ties or one hot cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as made
from torch import Tensor

from core.measures import faithfulness
from tests.reference import faithfulness as slow

SIDE, CHANNELS, CLASSES = 6, 2, 3
WEIGHTS = torch.randn(CLASSES, CHANNELS * SIDE * SIDE, generator=torch.Generator().manual_seed(0))
IMAGES = torch.randn(4, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
NAMES = torch.tensor([0, 2, 1, 0])


def predict(images: Tensor) -> Tensor:
    return torch.tanh(images.flatten(1) @ WEIGHTS.T / 4)


def one(image: np.ndarray) -> np.ndarray:
    return predict(torch.from_numpy(image.astype(np.float32))[None])[0].numpy()


maps = made.arrays(np.float32, (4, SIDE, SIDE), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@settings(deadline=None, max_examples=30)
@given(maps, st.sampled_from([1, 3, 20, 50]))
def test_areas_are_those_of_the_twin(values: np.ndarray, steps: int) -> None:
    tensor = torch.from_numpy(values)
    soft = faithfulness.blurred(IMAGES)
    for found, starts, ends in (
        (faithfulness.deletion(IMAGES, tensor, NAMES, predict, steps), IMAGES, torch.zeros_like(IMAGES)),
        (faithfulness.insertion(IMAGES, tensor, NAMES, predict, steps), soft, IMAGES),
    ):
        wanted = [slow.area(starts[i].numpy(), ends[i].numpy(), values[i], int(NAMES[i]), one, steps) for i in range(4)]
        assert found.tolist() == pytest.approx(wanted, abs=2e-6, nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(maps)
def test_drop_and_increase_are_those_of_the_twin(values: np.ndarray) -> None:
    tensor = torch.from_numpy(values)
    drops = faithfulness.average_drop(IMAGES, tensor, NAMES, predict)
    rises = faithfulness.increase(IMAGES, tensor, NAMES, predict)
    for i in range(4):
        if values[i].min() == values[i].max():
            assert math.isnan(drops[i])
            assert math.isnan(rises[i])
            continue
        drop = slow.average_drop(IMAGES[i].numpy(), values[i], int(NAMES[i]), one)
        assert float(drops[i]) == pytest.approx(drop, abs=2e-6)
        assert float(rises[i]) in (0.0, 1.0)
        assert not (rises[i] == 1 and drop > 1e-6)


@pytest.mark.parametrize("value", [0.0, 0.5, math.nan])
def test_a_map_without_order_has_no_faithfulness(value: float) -> None:
    awkward, hot = torch.full((SIDE, SIDE), value), torch.zeros(SIDE, SIDE)
    hot[2, 3] = 1
    values = torch.stack([awkward, hot])
    for measure in (faithfulness.deletion, faithfulness.insertion, faithfulness.average_drop, faithfulness.increase):
        first, second = measure(IMAGES[:2], values, NAMES[:2], predict)
        assert math.isnan(first)
        assert math.isfinite(second)


def test_a_map_that_marks_the_evidence_is_more_faithful_than_its_opposite() -> None:
    """Class 0 is the brightness of the upper half."""

    def upper(images: Tensor) -> Tensor:
        return torch.stack([images[:, :, : SIDE // 2].flatten(1).sum(1), torch.zeros(len(images))], 1)

    image, right = torch.ones(1, 1, SIDE, SIDE), torch.zeros(1, SIDE, SIDE)
    right[:, : SIDE // 2] = 1
    name = torch.tensor([0])
    assert faithfulness.deletion(image, right, name, upper) < faithfulness.deletion(image, 1 - right, name, upper)
    assert faithfulness.average_drop(image, right, name, upper) == 0
    assert faithfulness.average_drop(image, 1 - right, name, upper) > 0.4


@pytest.mark.parametrize("shape", [(1, 1, 6, 6), (2, 3, 28, 20), (1, 3, 9, 64)])
def test_the_blur_is_that_of_the_twin(shape: tuple[int, ...]) -> None:
    images = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    wanted = np.stack([slow.blurred(image.astype(np.float64)) for image in images.numpy()])
    assert np.abs(faithfulness.blurred(images).numpy() - wanted).max() < 1e-5
