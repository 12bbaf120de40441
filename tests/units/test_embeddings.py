"""Similarities of images: vectors whose dot products say what a judge says, and judges that are not
there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from core.base.errors import MissingData
from core.units.embeddings import LONG, SIMILARITIES, fewest, of_distance
from core.units.score import depth_of, differences, draw_tasks
from tests.reference import units as reference

CPU = torch.device("cpu")


def distance(one: Sequence[Tensor], other: Sequence[Tensor], weights: Sequence[Tensor]) -> float:
    """LPIPS by its definition: maps of unit length, squared differences, weighted, mean over
    cells.
    """
    whole = 0.0
    for a, b, weight in zip(one, other, weights, strict=True):
        difference = a / a.norm(dim=0, keepdim=True) - b / b.norm(dim=0, keepdim=True)
        whole += float((difference**2 * weight[:, None, None]).sum(0).mean())
    return whole


@given(seed=some.integers(0, 10_000), layers=some.integers(1, 3))
def test_tasks_are_answered_as_the_distance_says(seed: int, layers: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    sizes = [(3 + place, 4 - place) for place in range(layers)]  # channels, side
    maps = [torch.rand(40, channels, side, side, generator=generator) for channels, side in sizes]
    weights = [torch.rand(channels, generator=generator) for channels, _ in sizes]
    orders = torch.stack([torch.randperm(40, generator=generator) for _ in range(2)])
    tasks = draw_tasks(orders[:, : depth_of(2)], orders[:, -depth_of(2) :], seed)
    found = differences(tasks, of_distance(maps, weights))
    for unit in range(2):
        for task in range(2):
            expected = reference.difference(
                tasks.strong[unit, task].tolist(),
                tasks.weak[unit, task].tolist(),
                int(tasks.strong_query[unit, task]),
                int(tasks.weak_query[unit, task]),
                lambda a, b: -distance([each[a] for each in maps], [each[b] for each in maps], weights),
            )
            assert float(found[unit, task]) == pytest.approx(expected, abs=1e-5)


def test_long_vectors_are_shortened_and_keep_their_dot_products() -> None:
    long = torch.rand(30, LONG + 1, generator=torch.Generator().manual_seed(0)) - 0.5
    short = fewest(long)
    assert short.shape == (30, 30)
    torch.testing.assert_close(short @ short.T, long @ long.T, atol=1e-3, rtol=1e-5)
    assert fewest(long[:, :LONG]).shape == (30, LONG)


@pytest.mark.parametrize("name", ["dreamsim", "lpips"])
def test_a_judge_that_is_not_installed_says_so(name: str) -> None:
    if importlib.util.find_spec(name) is not None:
        pytest.skip(f"{name} is installed")
    with pytest.raises(MissingData, match=f"pip install {name}"):
        SIMILARITIES[name].value(CPU)


def test_a_judge_without_its_weights_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is there, its download fails as it does offline."""
    package = pytest.importorskip("lpips")

    def offline(**options: object) -> None:
        raise OSError("no connection")

    monkeypatch.setattr(package, "LPIPS", offline)
    with pytest.raises(MissingData, match="weights of LPIPS could not be downloaded"):
        SIMILARITIES["lpips"].value(CPU)


def test_lpips_is_the_packages_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a random AlexNet, whose download is not needed."""
    package = pytest.importorskip("lpips")
    torch.manual_seed(0)
    network = package.LPIPS(net="alex", pnet_rand=True, verbose=False)
    monkeypatch.setattr(package, "LPIPS", lambda **options: network)
    images = torch.rand(6, 3, 128, 128)
    with torch.no_grad():
        vectors = SIMILARITIES["lpips"].value(CPU)(images)
        small = torch.nn.functional.adaptive_avg_pool2d(images, 64)
        wanted = torch.stack([network(small, small[place : place + 1], normalize=True).flatten() for place in range(6)])
    norms = (vectors**2).sum(1) / 2
    torch.testing.assert_close(norms[:, None] + norms[None] - vectors @ vectors.T, wanted, atol=1e-5, rtol=1e-4)
