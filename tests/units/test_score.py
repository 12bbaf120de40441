"""The score equals its definition, and is what it must be for units that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.base.errors import BadSpec
from core.units.score import (
    REFERENCES,
    TASKS,
    Tasks,
    bootstrap,
    confidence,
    depth_of,
    differences,
    draw_tasks,
    right,
    tasks_of,
)
from tests.reference import units as reference

TRUE_MEAN = 0.5955  # of a clipped normal of deviation 0.2 around a Beta(6, 4), by integration


def vectors_of(images: int, size: int = 16, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(images, size, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=1)


def ranked(units: int, images: int, depth: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    orders = torch.stack([torch.randperm(images, generator=generator) for _ in range(units)])
    return orders[:, :depth], orders[:, -depth:].flip(1)


def scored(strongest: torch.Tensor, weakest: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    return differences(draw_tasks(strongest, weakest, 0), vectors)


def test_differences_are_those_of_the_definition() -> None:
    vectors = vectors_of(120)
    strongest, weakest = ranked(3, 120, depth_of(5))
    tasks = draw_tasks(strongest, weakest, "here")
    found = differences(tasks, vectors)
    for unit in range(3):
        for task in range(5):
            expected = reference.difference(
                tasks.strong[unit, task].tolist(),
                tasks.weak[unit, task].tolist(),
                int(tasks.strong_query[unit, task]),
                int(tasks.weak_query[unit, task]),
                lambda one, other: float(vectors[one] @ vectors[other]),
            )
            assert float(found[unit, task]) == pytest.approx(expected, abs=1e-5)
        assert float(confidence(found[unit]).mean()) == pytest.approx(reference.score(found[unit].tolist()), abs=1e-6)


def test_tasks_use_each_image_once_and_the_bins_as_published() -> None:
    strongest, weakest = ranked(4, 400, depth_of(TASKS))
    tasks = draw_tasks(strongest, weakest, 1)
    for ranks, shown, asked in ((strongest, tasks.strong, tasks.strong_query), (weakest, tasks.weak, tasks.weak_query)):
        for unit in range(4):
            rank = {int(image): place for place, image in enumerate(ranks[unit])}
            assert sorted([*shown[unit].flatten().tolist(), *asked[unit].tolist()]) == sorted(ranks[unit].tolist())
            for task in range(TASKS):
                assert [rank[int(image)] // TASKS for image in shown[unit, task]] == list(range(REFERENCES))
            assert {rank[int(image)] for image in asked[unit]} == set(range(180, 200))
    again = draw_tasks(strongest, weakest, 1)
    assert torch.equal(tasks.strong, again.strong)
    assert not torch.equal(tasks.strong, draw_tasks(strongest, weakest, 2).strong)
    assert not torch.equal(tasks.strong[0].argsort(), tasks.strong[1].argsort())


def test_a_unit_that_sees_one_class_is_certain_and_one_that_sees_noise_is_not() -> None:
    """Images of two kinds with opposite embeddings: a unit for one of them is always right."""
    images = 800
    kinds = torch.zeros(images, dtype=torch.bool)
    kinds[torch.randperm(images, generator=torch.Generator().manual_seed(3))[:400]] = True
    vectors = torch.where(kinds[:, None], torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.0]))
    mine, others = kinds.nonzero()[:, 0], (~kinds).nonzero()[:, 0]
    one = scored(mine[None, :200], others[None, :200], vectors)
    assert right(one).mean() == 1
    assert confidence(one).mean() > 0.99999
    noise = scored(*ranked(300, images, 200, seed=4), vectors_of(images, 64))
    assert float(right(noise).mean()) == pytest.approx(0.5, abs=0.02)
    assert float(confidence(noise).mean()) == pytest.approx(0.5, abs=0.02)


def test_images_that_are_all_alike_are_ties() -> None:
    alike = vectors_of(1).expand(400, -1).contiguous()
    found = scored(*ranked(2, 400, 200), alike)
    assert (right(found) == 0.5).all()
    assert confidence(found).numpy() == pytest.approx(0.5, abs=1e-5)


def test_the_temperature_divides() -> None:
    """Multiplied, it would keep every score between .345 and .655."""
    assert float(confidence(torch.tensor(0.16))) == pytest.approx(1 / (1 + np.exp(-1)))
    assert float(confidence(torch.tensor(-4.0))) < 1e-6


def test_few_images_give_fewer_tasks_and_too_few_are_refused() -> None:
    assert [tasks_of(images) for images in (20, 39, 40, 100, 399, 400, 9_103)] == [1, 1, 2, 5, 19, 20, 20]
    with pytest.raises(BadSpec, match="19 images are too few"):
        tasks_of(19)


def test_two_draws_of_the_tasks_agree_within_their_intervals() -> None:
    """Units that see something of the first coordinate."""
    vectors = vectors_of(1000, 8)
    generator = torch.Generator().manual_seed(9)
    seen = vectors[:, :1].T + 0.3 * torch.randn(40, 1000, generator=generator)
    order = seen.argsort(dim=1, descending=True)
    means, bounds = [], []
    for seed in (0, 1):
        sure = confidence(differences(draw_tasks(order[:, :200], order[:, -200:].flip(1), seed), vectors)).numpy()
        means.append(sure.mean())
        bounds.append(bootstrap(sure, seed, resamples=300))
    assert means[0] > 0.6
    assert bounds[0][0] <= means[1] <= bounds[0][1]
    assert bounds[1][0] <= means[0] <= bounds[1][1]


@pytest.mark.long
@pytest.mark.parametrize("units", [12, 100])
def test_the_interval_covers_the_mean_of_a_population_of_units(units: int) -> None:
    """200 simulated layers, whose units differ and whose tasks scatter around their unit."""
    generator, covered = np.random.default_rng(7), 0
    for simulation in range(200):
        means = generator.beta(6, 4, size=(units, 1))  # of the units; the population's is 0.6
        sure = np.clip(generator.normal(means, 0.2, size=(units, TASKS)), 0, 1)
        low, high = bootstrap(sure, simulation, resamples=300)
        covered += low <= TRUE_MEAN <= high
    assert 0.9 <= covered / 200 <= 1.0


def test_the_interval_of_nothing_is_undefined() -> None:
    assert np.isnan(bootstrap(np.empty((0, 20)), 0)).all()


def test_a_task_may_stand_alone() -> None:
    tasks = Tasks(
        strong=torch.zeros(1, 1, REFERENCES, dtype=torch.int64),
        weak=torch.ones(1, 1, REFERENCES, dtype=torch.int64),
        strong_query=torch.tensor([[0]]),
        weak_query=torch.tensor([[1]]),
    )
    vectors = torch.eye(2)
    assert differences(tasks, vectors).tolist() == [[2.0]]
