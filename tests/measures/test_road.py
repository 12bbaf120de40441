"""ROAD equals its slow twin: the system of all removed pixels, solved directly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as made

from core.base.draws import torch_generator
from core.measures import road
from tests.measures.test_faithfulness import CHANNELS, IMAGES, NAMES, SIDE, one, predict
from tests.reference import faithfulness as slow

NOISE = road.NOISE * torch.randn(CHANNELS, SIDE, SIDE, generator=torch_generator("road")).numpy()
maps = made.arrays(np.float32, (4, SIDE, SIDE), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@settings(deadline=None, max_examples=20)
@given(maps)
def test_road_is_that_of_the_twin(values: np.ndarray) -> None:
    for measure, most in ((road.road_most, True), (road.road_least, False)):
        found = measure(IMAGES, torch.from_numpy(values), NAMES, predict)
        wanted = [slow.road(IMAGES[i].numpy(), values[i], int(NAMES[i]), one, NOISE, most) for i in range(4)]
        assert found.tolist() == pytest.approx(wanted, abs=2e-5, nan_ok=True)


@settings(deadline=None, max_examples=20)
@given(made.arrays(np.bool_, (9, 14)))
def test_what_is_filled_in_lies_between_what_is_left(removed: np.ndarray) -> None:
    image = torch.rand(1, 2, 9, 14, generator=torch.Generator().manual_seed(5))
    filled = road.imputed(image, torch.from_numpy(removed)[None])[0]
    if removed.all():
        assert not filled.any()
        return
    left = image[0][:, ~torch.from_numpy(removed)]
    assert torch.equal(filled[:, ~torch.from_numpy(removed)], left)
    assert (filled >= left.amin(1)[:, None, None] - 1e-4).all()
    assert (filled <= left.amax(1)[:, None, None] + 1e-4).all()
    assert np.abs(filled.numpy() - slow.imputed(image[0].numpy(), removed)).max() < 1e-4


def test_a_large_hole_in_a_photograph_is_filled_as_by_a_direct_solution() -> None:
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(6))
    removed = torch.zeros(1, 40, 40, dtype=torch.bool)
    removed[:, 2:37, 3:] = True
    wanted = slow.imputed(image[0].numpy(), removed[0].numpy())
    assert np.abs(road.imputed(image, removed)[0].numpy() - wanted).max() < 1e-4


@pytest.mark.parametrize("value", [0.0, 0.5, math.nan])
def test_a_map_without_order_has_no_road(value: float) -> None:
    awkward, hot = torch.full((SIDE, SIDE), value), torch.zeros(SIDE, SIDE)
    hot[2, 3] = 1
    for measure in (road.road_most, road.road_least):
        first, second = measure(IMAGES[:2], torch.stack([awkward, hot]), NAMES[:2], predict)
        assert math.isnan(first)
        assert math.isfinite(second)


def test_the_batch_does_not_matter() -> None:
    values = torch.rand(4, SIDE, SIDE, generator=torch.Generator().manual_seed(7))
    whole = road.road_most(IMAGES, values, NAMES, predict)
    alone = [road.road_most(IMAGES[i : i + 1], values[i : i + 1], NAMES[i : i + 1], predict)[0] for i in range(4)]
    assert whole.tolist() == pytest.approx([float(each) for each in alone], abs=1e-5)


def test_what_is_filled_in_is_that_of_pytorch_grad_cam() -> None:
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer

    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(8))
    kept = torch.rand(24, 24, generator=torch.Generator().manual_seed(9)) > 0.6
    theirs = NoisyLinearImputer(noise=0.0)(image[0].clone(), kept.float())
    assert float((road.imputed(image, ~kept[None])[0] - theirs).abs().max()) < 1e-4
