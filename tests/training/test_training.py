"""The training loop equals its slow definition, seed by seed; masks hold; schedules follow
OpenLTH.
"""

from __future__ import annotations

import pytest
import torch

from core.data.datasets import LabelledImages
from core.engine.engine import Engine
from core.models.small import StackedThesisCNN, ThesisCNN, initialise
from core.pruning.index import PruningIndex
from core.specs import TrainSpec
from core.training.loop import EpochDone
from core.training.schedules import next_level_mask
from core.training.stacked import Start, train
from tests.reference.training import forward, train_one

PRUNABLE = ("conv1.weight", "conv2.weight", "fc.weight")
RECIPE = TrainSpec(rates=((0.01, 1), (0.001, 1)), batch_size=64)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def few(engine: Engine) -> LabelledImages:
    return engine.gallery().part(torch.arange(0, 5000, 25))  # 200 digits, so that the last batch is smaller


def masked_start(seeds: tuple[int, ...], sparsity: float = 0.6) -> Start:
    states = [dict(initialise(ThesisCNN(), seed).state_dict()) for seed in seeds]
    masks = [PruningIndex({name: state[name].abs() for name in PRUNABLE}, "global").mask(sparsity) for state in states]
    return Start(seeds, "level-01", states, masks)


def trained(start: Start, data: LabelledImages) -> list[dict[str, torch.Tensor]]:
    return list(train(start, data, RECIPE, CPU))[-1]


def test_stacked_forward_equals_single_networks() -> None:
    states = [dict(initialise(ThesisCNN(), seed).state_dict()) for seed in (1, 2, 3)]
    images = torch.rand(5, 3, 28, 28)
    stacked = StackedThesisCNN(states)(images)
    for place, state in enumerate(states):
        assert torch.allclose(stacked[place], forward(state, images[:, place : place + 1]), atol=1e-5)
        single = ThesisCNN()
        single.load_state_dict(state)
        assert torch.allclose(stacked[place], single(images[:, place : place + 1]), atol=1e-5)


def test_stacked_states_round_trip() -> None:
    states = [dict(initialise(ThesisCNN(), seed).state_dict()) for seed in (1, 2)]
    assert all(
        torch.equal(back[name], state[name])
        for back, state in zip(StackedThesisCNN(states).states(), states, strict=True)
        for name in state
    )


def test_training_equals_the_slow_definition(few: LabelledImages) -> None:
    start = masked_start((333, 334, 335))
    for place, result in enumerate(trained(start, few)):
        slow = train_one(start.states[place], start.masks[place], few, RECIPE, start.seeds[place], start.name)
        for name, values in slow.items():
            assert torch.allclose(result[name].double(), values, atol=2e-5), name


def test_a_seed_does_not_depend_on_the_seeds_beside_it(few: LabelledImages) -> None:
    together, alone = trained(masked_start((333, 334, 335)), few)[1], trained(masked_start((334,)), few)[0]
    assert all(torch.allclose(together[name], alone[name], atol=1e-5) for name in together)


def test_training_is_repeatable_to_the_bit(few: LabelledImages) -> None:
    first, second = trained(masked_start((333,)), few)[0], trained(masked_start((333,)), few)[0]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_pruned_weights_stay_exactly_zero(few: LabelledImages) -> None:
    start = masked_start((333, 334))
    for state, mask in zip(trained(start, few), start.masks, strict=True):
        assert all(bool((state[name][~kept] == 0).all()) for name, kept in mask.items())
        assert all(int((state[name] != 0).sum()) == int(kept.sum()) for name, kept in mask.items())


def test_progress_is_told_epoch_by_epoch(few: LabelledImages) -> None:
    steps = [step for step in train(masked_start((333, 334)), few, RECIPE, CPU) if isinstance(step, EpochDone)]
    assert [(step.epoch, step.epochs, len(step.losses)) for step in steps] == [(1, 2, 2), (2, 2, 2)]
    assert all(0 < loss < 10 for step in steps for loss in step.losses)


def test_initial_weights_are_kaiming_normal() -> None:
    weight = torch.cat([initialise(ThesisCNN(), seed).fc.weight.detach().flatten() for seed in range(20)])
    assert abs(float(weight.std()) - (2 / 200) ** 0.5) < 0.002
    bias = torch.cat([initialise(ThesisCNN(), seed).fc.bias.detach() for seed in range(50)])
    assert float(bias.abs().max()) <= 200**-0.5


def test_next_level_prunes_only_living_weights() -> None:
    state = initialise(ThesisCNN(), 0).state_dict()
    mask = {name: torch.ones_like(state[name], dtype=torch.bool) for name in PRUNABLE}
    for expected in (1858, 1485, 1187):
        tighter = next_level_mask(state, mask)
        assert all(bool((mask[name] | ~tighter[name]).all()) for name in mask)
        assert sum(int(kept.sum()) for kept in tighter.values()) == expected
        mask = tighter
