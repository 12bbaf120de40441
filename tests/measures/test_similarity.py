"""Similarity of two maps, against scipy and scikit-image, and its blindness for scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.measures import MEASURES, pearson, spearman, ssim
from core.measures.similarity import WINDOW

SIMILARITIES = [name for name, entry in MEASURES.items() if entry.facts["group"] == "similarity"]


def two_batches(side: int = 14) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    a = torch.rand(8, side, side)
    b = (a + torch.rand(8, side, side) * torch.linspace(0, 3, 8)[:, None, None]).clamp(0, 1)
    return a / a.amax((1, 2), keepdim=True), b / b.amax((1, 2), keepdim=True)


def test_correlations_equal_scipy() -> None:
    from scipy import stats

    a, b = two_batches()
    a, b = (a * 8).round() / 8, (b * 8).round() / 8  # ties
    for ours, theirs in ((pearson, stats.pearsonr), (spearman, stats.spearmanr)):
        expected = [theirs(x.ravel(), y.ravel()).statistic for x, y in zip(a.numpy(), b.numpy(), strict=True)]
        np.testing.assert_allclose(ours(a, b), expected, atol=1e-6)


@pytest.mark.parametrize("side", [7, 11, 28])
def test_ssim_equals_scikit_image(side: int) -> None:
    from skimage.metrics import structural_similarity

    a, b = two_batches(side)
    expected = [structural_similarity(x, y, data_range=1) for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    np.testing.assert_allclose(ssim(a, b), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(WINDOW - 1, 20), (20, WINDOW - 1), (1, 1)])
def test_ssim_needs_room_for_its_window(shape: tuple[int, int]) -> None:
    assert torch.isnan(ssim(torch.rand(2, *shape), torch.rand(2, *shape))).all()


@pytest.mark.parametrize("name", SIMILARITIES)
@pytest.mark.parametrize("factor", [2.0**-100, 0.25, 2.0**20])
def test_the_scale_of_a_raw_map_does_not_matter(name: str, factor: float) -> None:
    a, b = two_batches()
    measure = MEASURES[name].value
    torch.testing.assert_close(measure(a * factor, b), measure(a, b), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_it_does_not_matter_which_map_comes_first(name: str) -> None:
    a, b = two_batches()
    measure = MEASURES[name].value
    torch.testing.assert_close(measure(a, b), measure(b, a), atol=1e-6, rtol=1e-6)


def test_opposite_patterns() -> None:
    a, _ = two_batches()
    torch.testing.assert_close(pearson(a, 1 - a), -torch.ones(8))
    torch.testing.assert_close(spearman(a, 1 - a), -torch.ones(8))


def test_spearman_sees_only_the_order() -> None:
    a, _ = two_batches()
    torch.testing.assert_close(spearman(a, a**5), torch.ones(8))
    assert (pearson(a, a**5) < 0.95).all()
