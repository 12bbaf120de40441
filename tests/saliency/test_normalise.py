"""Heatmaps: the library's scaling, and maps without evidence that stay visible as such."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.results import MAP_STATES
from core.saliency import normalise
from core.saliency.normalise import STATES
from tests.reference import saliency as slow

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))
VALUES = st.floats(-100, 100, width=32) | st.sampled_from([0.0, float("nan"), float("inf"), -float("inf")])
SIZES = [(28, 28), (11, 11), (40, 17), (5, 8)]


def test_states_are_those_of_results() -> None:
    assert set(STATES) == set(MAP_STATES)


@pytest.mark.parametrize("size", SIZES)
def test_equals_the_slow_definition(size: tuple[int, int]) -> None:
    maps = torch.rand(3, 11, 9) ** 3
    heatmaps, states = normalise(maps, size)
    assert states == ["ok"] * 3
    for ours, one in zip(heatmaps, maps, strict=True):
        np.testing.assert_allclose(ours, slow.heatmap(one.numpy(), *size), atol=2e-6)


@pytest.mark.parametrize("size", SIZES)
def test_equals_pytorch_grad_cam(size: tuple[int, int]) -> None:
    from pytorch_grad_cam.utils.image import scale_cam_image

    maps = torch.rand(4, 11, 9) * torch.tensor([1e-6, 1e-3, 1.0, 1e4])[:, None, None]
    theirs = scale_cam_image(scale_cam_image(maps.numpy(), size[::-1]))
    np.testing.assert_allclose(normalise(maps, size)[0], theirs, atol=2e-6)


@settings(max_examples=150, deadline=None)
@given(values=SHAPES.flatmap(lambda shape: arrays(np.float32, shape, elements=VALUES)))
def test_any_map_gives_a_heatmap_and_its_state(values: np.ndarray) -> None:
    heatmaps, states = normalise(torch.from_numpy(values), (8, 7))
    assert heatmaps.shape == (len(values), 8, 7)
    assert torch.isfinite(heatmaps).all()
    assert heatmaps.min() >= 0
    assert heatmaps.max() <= 1
    for one, heatmap, state in zip(values, heatmaps, states, strict=True):
        assert (state == "invalid") == (not np.isfinite(one).all())
        assert (state == "empty") == (not one.any())
        if state != "ok":
            assert not heatmap.any()
        elif state == "ok":
            assert one.max() > one.min()


def test_one_bad_map_does_not_touch_its_neighbours() -> None:
    good = torch.rand(11, 11)
    batch = torch.stack([good, torch.zeros(11, 11), good * torch.nan, torch.full((11, 11), 3.0), good])
    heatmaps, states = normalise(batch, (28, 28))
    assert states == ["ok", "empty", "invalid", "constant", "ok"]
    assert torch.equal(heatmaps[0], heatmaps[4])
    assert torch.equal(heatmaps[:1], normalise(good[None], (28, 28))[0])
    assert not heatmaps[1:4].any()


def test_rounding_is_not_evidence() -> None:
    nearly = torch.full((1, 5, 5), 0.3)
    nearly[0, 2, 2] += 6e-8
    assert nearly.amax() > nearly.amin()
    assert normalise(nearly, (9, 9))[1] == ["constant"]


def test_no_maps_at_all() -> None:
    heatmaps, states = normalise(torch.zeros(0, 11, 11), (28, 28))
    assert heatmaps.shape == (0, 28, 28)
    assert states == []


def test_leaves_its_input_alone() -> None:
    maps = torch.rand(2, 4, 4)
    before = maps.clone()
    normalise(maps, torch.Size((4, 4)))
    assert torch.equal(maps, before)
