"""Collapse: whether a path of kept weights joins input and output."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.small import ThesisCNN
from core.pruning.mask import full_mask, is_collapsed
from tests.reference.pruning import has_path, random_mask

PRUNABLE = ("conv1.weight", "conv2.weight", "fc.weight")


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
