"""Contract of every criterion x granularity x scope: exact counts, nesting, ties, repeatability,
buffers.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from core.models.small import ThesisCNN, initialise
from core.pruning import CRITERIA
from core.pruning.groups import conv_groups
from core.pruning.index import PruningIndex
from core.pruning.mask import count_layers, full_mask
from core.pruning.scores import Evidence
from core.specs import GRANULARITIES, SCOPES, PruningSpec
from tests.pruning.small import FIXED, evidence, small, small_weights
from tests.reference.pruning import apply_mask, groups_of, pattern_groups, rounded_half_up

PRUNABLE = ("conv1.weight", "conv2.weight", "fc.weight")


def thesis_weights(seed: int = 0) -> dict[str, Tensor]:
    state = initialise(ThesisCNN(), seed).state_dict()
    return {name: state[name] for name in PRUNABLE}


def index_of(criterion: str, granularity: str, scope: str, weights: dict[str, Tensor] | None = None) -> PruningIndex:
    pruning = PruningSpec.one_shot(None if ":" in granularity else 0.5, scope, criterion, granularity=granularity)
    return PruningIndex.of(pruning, evidence(granularity, weights))


def removed_groups(mask: dict[str, Tensor], granularity: str) -> dict[str, int]:
    """Groups that are gone, counted weight by weight; a group is gone as a whole or not at all."""
    counts = {}
    for name, kept in mask.items():
        fates = [
            {bool(kept[place]) for place in group}
            for group in groups_of(tuple(kept.shape), granularity, conv_groups(small()).get(name, 1))
        ]
        assert all(len(fate) == 1 for fate in fates)
        counts[name] = sum(fate == {False} for fate in fates)
    return counts


def total_groups(granularity: str) -> dict[str, int]:
    return {
        name: len(groups_of(tuple(values.shape), granularity, conv_groups(small()).get(name, 1)))
        for name, values in small_weights().items()
    }


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("granularity", FIXED)
@pytest.mark.parametrize("criterion", CRITERIA)
class TestEveryPruning:
    """A pruner removes exactly what was asked, whole groups, is repeatable, and its masks nest."""

    @pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.895, 1.0])
    def test_exact_count_of_whole_groups(self, criterion: str, granularity: str, scope: str, sparsity: float) -> None:
        gone, total = (
            removed_groups(index_of(criterion, granularity, scope).mask(sparsity), granularity),
            total_groups(granularity),
        )
        if scope == "global":
            assert sum(gone.values()) == rounded_half_up(str(sparsity), sum(total.values()))
        else:
            assert gone == {name: rounded_half_up(str(sparsity), count) for name, count in total.items()}

    def test_exact_count_when_all_weights_tie(self, criterion: str, granularity: str, scope: str) -> None:
        equal = {name: torch.ones_like(values) for name, values in small_weights().items()}
        gone = removed_groups(index_of(criterion, granularity, scope, equal).mask(0.25), granularity)
        if scope == "global":
            assert sum(gone.values()) == rounded_half_up("0.25", sum(total_groups(granularity).values()))
        else:
            assert gone == {name: rounded_half_up("0.25", count) for name, count in total_groups(granularity).items()}

    def test_masks_nest_and_repeat(self, criterion: str, granularity: str, scope: str) -> None:
        index, again = (index_of(criterion, granularity, scope) for _ in range(2))
        masks = [index.mask(sparsity) for sparsity in (0.1, 0.2, 0.5, 0.504, 0.9, 0.99)]
        for looser, tighter in pairwise(masks):
            assert all(bool((looser[name] | ~tighter[name]).all()) for name in looser)
        assert all(torch.equal(kept, again.mask(0.5)[name]) for name, kept in masks[2].items())

    def test_buffers_hold_the_masked_weights(self, criterion: str, granularity: str, scope: str) -> None:
        weights = small_weights()
        index = index_of(criterion, granularity, scope, weights)
        state = weights | {"fc.bias": torch.ones(5)}
        out = {name: torch.full_like(values, 7.0) for name, values in state.items()}
        for sparsity in (0.9, 0.3, 1.0, 0.0):  # one buffer, used again and again
            index.write(sparsity, (), state, out)
            expected = apply_mask(state, index.mask(sparsity))
            assert all(torch.equal(out[name], expected[name]) for name in state)
        # The originals are untouched.
        assert all(torch.equal(weights[name], values) for name, values in small_weights().items())


@pytest.mark.parametrize("granularity", [*GRANULARITIES, "1:4", "5:7"])
def test_what_goes_in_a_layer_is_counted(granularity: str) -> None:
    index = index_of("magnitude", granularity, "global")
    for sparsity in (0.0, 0.37, 1.0):
        mask = index.mask(sparsity)
        assert index.removed(sparsity) == {name: int((~kept).sum()) for name, kept in mask.items()}


def with_zeros() -> dict[str, Tensor]:
    """Two of three weights are zero, a filter and an input channel altogether; of one layer one
    weight, and of another none.
    """
    generator = torch.Generator().manual_seed(3)
    weights = {
        name: values * (torch.rand(values.shape, generator=generator) > 0.66)
        for name, values in small_weights().items()
    }
    weights |= {name: small_weights()[name] for name in ("grouped.weight", "pointwise.weight")}
    weights["plain.weight"][2], weights["fc.weight"][:, 7], weights["grouped.weight"][1, 1, 1, 1] = 0, 0, 0
    return weights


@pytest.mark.parametrize("criterion", CRITERIA)
def test_what_is_left_is_counted_without_zeros(criterion: str) -> None:
    weights = with_zeros()
    for granularity in (*GRANULARITIES, "5:7"):
        for scope in SCOPES:
            index = index_of(criterion, granularity, scope, weights)
            for sparsity in (0.0, 0.1, 0.5, 0.7, 0.9, 1.0):
                left = {name: kept & (weights[name] != 0) for name, kept in index.mask(sparsity).items()}
                assert index.left(sparsity) == {name: int(values.sum()) for name, values in left.items()}
                stays = all(bool(values.flatten(1).any(1).all()) for values in left.values())
                assert stays or not index.every_row_stays(sparsity)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("pattern", ["2:4", "1:4", "3:5", "7:11"])
class TestPatterns:
    def test_each_block_loses_its_lowest(self, criterion: str, pattern: str) -> None:
        n, m = map(int, pattern.split(":"))
        mask = index_of(criterion, pattern, "global").mask(0.5)
        scores = CRITERIA[criterion].value(evidence(pattern))
        for name, kept in mask.items():
            in_blocks = 0
            for block in pattern_groups(tuple(kept.shape), m):
                order = sorted(
                    range(m), key=lambda place, block=block, name=name: (float(scores[name][block[place]]), place)
                )
                assert [bool(kept[block[place]]) for place in order] == [False] * (m - n) + [True] * n
                in_blocks += m
            assert int((~kept).sum()) == in_blocks // m * (m - n)  # what is left over in a row stays untouched

    def test_buffers_hold_the_masked_weights(self, criterion: str, pattern: str) -> None:
        weights = small_weights()
        index = index_of(criterion, pattern, "global", weights)
        out = {name: torch.empty_like(values) for name, values in weights.items()}
        index.write(0.5, (), weights, out)
        assert all(torch.equal(out[name], values) for name, values in apply_mask(weights, index.mask(0.5)).items())


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (3, 5), (7, 11)])
def test_of_equal_weights_the_first_go(n: int, m: int) -> None:
    kept = index_of("magnitude", f"{n}:{m}", "layer", {"fc.weight": torch.full((2, 3 * m + 1), -2.0)}).mask(0.5)[
        "fc.weight"
    ]
    assert kept.tolist() == [([False] * (m - n) + [True] * n) * 3 + [True]] * 2


def test_magnitude_removes_the_smallest_weights() -> None:
    weights = thesis_weights()
    mask = PruningIndex.of(PruningSpec.one_shot(0.5), Evidence(weights)).mask(0.5)
    gone = max(float(values[~mask[name]].abs().max()) for name, values in weights.items() if not mask[name].all())
    left = min(float(values[mask[name]].abs().min()) for name, values in weights.items() if mask[name].any())
    assert gone <= left


def test_random_depends_on_its_seed_and_not_on_the_weights() -> None:
    draw = CRITERIA["random"].value
    first, other_seed, other_weights = (
        draw(Evidence(thesis_weights(model), "kernel", seed))["conv2.weight"]
        for model, seed in ((0, 1), (0, 2), (5, 1))
    )
    assert not torch.equal(first, other_seed)
    assert torch.equal(first, other_weights)


def test_apply_and_count() -> None:
    state = initialise(ThesisCNN(), 0).state_dict()
    mask = PruningIndex({name: state[name].abs() for name in PRUNABLE}).mask(0.75)
    pruned = apply_mask(state, mask)
    assert sum(int((pruned[name] != 0).sum()) for name in PRUNABLE) == 581
    assert torch.equal(pruned["conv1.bias"], state["conv1.bias"])
    kinds = dict.fromkeys(PRUNABLE, "conv")
    counts = [(layer.name, layer.kept, layer.total, layer.already_zero) for layer in count_layers(pruned, mask, kinds)]
    assert counts == [
        (name, int(mask[name].sum()), total, 0) for name, total in zip(PRUNABLE, (36, 288, 2000), strict=True)
    ]
    for everything in (full_mask(state, PRUNABLE), {}):
        again = count_layers(pruned, everything, kinds)
        assert [(layer.kept, layer.removed) for layer in again] == [(kept, 0) for _, kept, _, _ in counts]


def test_infinite_weights_go_when_they_are_masked() -> None:
    pruned = apply_mask({"w": torch.tensor([torch.inf, -1.0])}, {"w": torch.tensor([False, False])})["w"]
    assert torch.equal(pruned, torch.zeros(2))
    assert not torch.signbit(pruned).any()
