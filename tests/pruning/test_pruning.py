"""Which weights go: exact counts, nesting, ties, OpenLTH's rule, collapse. Contract tests run over every criterion."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.small import ThesisCNN, initialise
from core.protocols.lukkien import WEIGHTS_LEFT
from core.pruning import CRITERIA
from core.pruning.index import PruningIndex
from core.pruning.mask import apply_mask, count_layers, full_mask, is_collapsed
from core.pruning.select import count_to_remove, openlth_threshold_mask
from core.specs import SCOPES
from tests.reference.pruning import has_path, openlth_step, random_mask, remove_lowest, rounded_half_up

PRUNABLE = ("conv1.weight", "conv2.weight", "fc.weight")
# few different values, so that ties are common
tied_scores = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=40)
sparsities = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)


def thesis_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    state = initialise(ThesisCNN(), seed).state_dict()
    return {name: state[name] for name in PRUNABLE}


def total_kept(mask: dict[str, torch.Tensor]) -> int:
    return sum(int(kept.sum()) for kept in mask.values())


@given(sparsities, st.integers(0, 10_000))
def test_count_is_rounded_exactly(sparsity: float, total: int) -> None:
    assert count_to_remove(sparsity, total) == rounded_half_up(f"{sparsity:.6f}", total)


@given(tied_scores, sparsities)
def test_index_equals_the_slow_definition(scores: list[float], sparsity: float) -> None:
    half = len(scores) // 2 or 1
    layers = {"a": torch.tensor(scores[:half]), "b": torch.tensor(scores[half:])}
    mask = PruningIndex({name: values for name, values in layers.items() if len(values)}, "global").mask(sparsity)
    kept = [bool(k) for values in mask.values() for k in values]
    assert kept == remove_lowest(scores, count_to_remove(sparsity, len(scores)))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.booleans()), min_size=1, max_size=40))
def test_openlth_rule_equals_the_slow_definition(pairs: list[tuple[float, bool]]) -> None:
    scores, alive = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    kept = openlth_threshold_mask(torch.tensor(scores), torch.tensor(alive))
    assert kept.tolist() == openlth_step(scores, alive)


def test_openlth_rule_leaves_the_thesis_counts() -> None:
    scores = torch.rand(2324, generator=torch.Generator().manual_seed(0))
    alive, left = torch.ones(2324, dtype=torch.bool), [2324]
    for _ in range(25):
        alive = openlth_threshold_mask(scores, alive)
        left.append(int(alive.sum()))
    assert tuple(left) == WEIGHTS_LEFT


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("criterion", CRITERIA)
class TestEveryCriterion:
    """Contract: a pruner removes exactly what was asked, is repeatable, and its masks nest."""

    def index(self, criterion: str, scope: str, weights: dict[str, torch.Tensor] | None = None) -> PruningIndex:
        return PruningIndex(CRITERIA[criterion].value(weights or thesis_weights(), 7), scope)

    @pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.3, 0.5, 0.895, 0.984375, 1.0])
    def test_exact_count(self, criterion: str, scope: str, sparsity: float) -> None:
        mask = self.index(criterion, scope).mask(sparsity)
        if scope == "global":
            assert 2324 - total_kept(mask) == rounded_half_up(str(sparsity), 2324)
        else:
            assert [k.numel() - int(k.sum()) for k in mask.values()] == [rounded_half_up(str(sparsity), n) for n in (36, 288, 2000)]

    @pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.9])
    def test_exact_count_when_all_weights_tie(self, criterion: str, scope: str, sparsity: float) -> None:
        equal = {name: torch.ones_like(values) for name, values in thesis_weights().items()}
        mask = self.index(criterion, scope, equal).mask(sparsity)
        expected = 2324 - rounded_half_up(str(sparsity), 2324)
        assert abs(total_kept(mask) - expected) <= (0 if scope == "global" else 1)  # per layer each rounds for itself

    def test_repeatable(self, criterion: str, scope: str) -> None:
        first, second = (self.index(criterion, scope).mask(0.6) for _ in range(2))
        assert all(torch.equal(first[name], second[name]) for name in PRUNABLE)

    def test_masks_nest(self, criterion: str, scope: str) -> None:
        index = self.index(criterion, scope)
        for low, high in [(0.1, 0.2), (0.5, 0.500431), (0.9, 0.99)]:
            looser, tighter = index.mask(low), index.mask(high)
            assert all(bool((looser[name] | ~tighter[name]).all()) for name in PRUNABLE)

    def test_weights_are_not_changed(self, criterion: str, scope: str) -> None:
        weights = thesis_weights()
        self.index(criterion, scope, weights).mask(0.5)
        assert all(torch.equal(weights[name], values) for name, values in thesis_weights().items())


def test_magnitude_removes_the_smallest_weights() -> None:
    weights = thesis_weights()
    mask = PruningIndex(CRITERIA["magnitude"].value(weights, 0), "global").mask(0.5)
    gone = max(float(values[~mask[name]].abs().max()) for name, values in weights.items() if not mask[name].all())
    left = min(float(values[mask[name]].abs().min()) for name, values in weights.items() if mask[name].any())
    assert gone <= left


def test_random_depends_on_its_seed_and_not_on_the_weights() -> None:
    draw = CRITERIA["random"].value
    assert not torch.equal(draw(thesis_weights(), 1)["fc.weight"], draw(thesis_weights(), 2)["fc.weight"])
    assert torch.equal(draw(thesis_weights(0), 1)["fc.weight"], draw(thesis_weights(5), 1)["fc.weight"])


def test_apply_and_count() -> None:
    state = initialise(ThesisCNN(), 0).state_dict()
    mask = PruningIndex({name: state[name].abs() for name in PRUNABLE}, "global").mask(0.75)
    pruned = apply_mask(state, mask)
    assert sum(int((pruned[name] != 0).sum()) for name in PRUNABLE) == total_kept(mask)
    assert torch.equal(pruned["conv1.bias"], state["conv1.bias"])
    assert [(layer.name, layer.total) for layer in count_layers(mask)] == [("conv1.weight", 36), ("conv2.weight", 288), ("fc.weight", 2000)]
    assert count_layers(full_mask(state, PRUNABLE))[2].kept == 2000


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.002, 0.01, 0.05, 0.3]))
def test_collapse_equals_the_slow_definition(seed: int, density: float) -> None:
    network = ThesisCNN()
    mask = {name: random_mask(tuple(network.get_parameter(name).shape), density, seed + place) for place, name in enumerate(PRUNABLE)}
    assert is_collapsed(network, mask, (1, 28, 28)) is not has_path(*mask.values())


def test_dense_is_not_collapsed_and_nothing_is() -> None:
    network = ThesisCNN()
    everything = full_mask(network.state_dict(), PRUNABLE)
    assert not is_collapsed(network, everything, (1, 28, 28))
    assert is_collapsed(network, {name: torch.zeros_like(kept) for name, kept in everything.items()}, (1, 28, 28))
