"""Collapse: whether a path of kept weights joins input and output, in every kind of CNN."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.models.small import ThesisCNN
from core.models.zoo import MODELS
from core.pruning.mask import full_mask, is_collapsed
from core.pruning.paths import image_arrives
from tests.reference.paths import Graph
from tests.reference.pruning import has_path, random_mask

PRUNABLE = ("conv1.weight", "conv2.weight", "fc.weight")
INPUT = (2, 4, 4)


class ChannelNorm(nn.LayerNorm):
    """A layer norm over channels, as ConvNeXt has it."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class OwnSwish(torch.autograd.Function):
    """An activation with a derivative of its own, and none in forward mode."""

    @staticmethod
    def forward(context: object, values: Tensor) -> Tensor:
        return values * values.sigmoid()


class Swish(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return OwnSwish.apply(values)


class Mixed(nn.Module):
    """A shortcut, a gate (squeeze and excitation), a concatenation, norms, a scale of a block,
    several activations.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.norm, self.swish = nn.BatchNorm2d(3), Swish()
        self.deep = nn.Conv2d(3, 3, 3, padding=1, groups=3)
        self.squeeze, self.excite, self.gate = nn.Conv2d(3, 2, 1), nn.Conv2d(2, 3, 1), nn.Sigmoid()
        self.scale = nn.Parameter(torch.full((3, 1, 1), 1e-6))
        self.branch = nn.Conv2d(3, 2, 1)
        self.channels = ChannelNorm(5)
        self.last = nn.Conv2d(5, 2, 4)
        self.fc = nn.Linear(2, 3)

    def forward(self, images: Tensor) -> Tensor:
        first = self.swish(self.norm(self.stem(images)))
        deep = F.relu6(self.deep(first))
        gate = self.gate(self.excite(F.silu(self.squeeze(deep.mean((2, 3), keepdim=True)))))
        joined = first + self.scale * (deep * gate)
        beside = self.channels(torch.cat([joined, F.relu(self.branch(deep), inplace=True)], 1))
        return self.fc(F.gelu(self.last(beside)).flatten(1))


def mixed_arrives(mask: dict[str, Tensor]) -> bool:
    graph = Graph()
    graph.image("image", INPUT)
    graph.conv("image", "first", mask["stem.weight"], padding=1)
    graph.conv("first", "deep", mask["deep.weight"], padding=1, groups=3)
    graph.pooled("deep", "mean")
    graph.conv("mean", "squeezed", mask["squeeze.weight"])
    graph.conv("squeezed", "gate", mask["excite.weight"])
    graph.same(("deep", "gate"), "gated")
    graph.same(("first", "gated"), "joined")
    graph.conv("deep", "branch", mask["branch.weight"])
    graph.beside(("joined", "branch"), "beside")
    graph.over_channels("beside", "normed")
    graph.conv("normed", "last", mask["last.weight"])
    graph.linear("last", "out", mask["fc.weight"])
    return graph.arrives("image", "out")


def masks_of(network: nn.Module, seed: int, density: float) -> dict[str, Tensor]:
    layers = [
        (name, module.weight.shape)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    return {
        f"{name}.weight": random_mask(tuple(shape), density, seed + place) for place, (name, shape) in enumerate(layers)
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.002, 0.01, 0.05, 0.3]))
def test_the_thesis_cnn_equals_the_slow_definition(seed: int, density: float) -> None:
    network = ThesisCNN()
    mask = {
        name: random_mask(tuple(network.get_parameter(name).shape), density, seed + place)
        for place, name in enumerate(PRUNABLE)
    }
    assert is_collapsed(network, mask, (1, 28, 28)) is not has_path(*mask.values())


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.03, 0.1, 0.2, 0.4]))
def test_shortcuts_gates_and_concatenations_equal_the_slow_definition(seed: int, density: float) -> None:
    network = Mixed().eval()
    mask = masks_of(network, seed, density)
    assert image_arrives(network, mask, INPUT) is mixed_arrives(mask)


@pytest.mark.parametrize(
    ("emptied", "collapsed"),
    [
        (["deep.weight"], False),  # the shortcut leads around
        (["excite.weight"], False),  # a dead gate is a constant, not zero
        (["stem.weight"], True),
        (["last.weight"], True),
        (["fc.weight"], True),
        ([], False),
    ],
)
def test_what_one_layer_is_worth(emptied: list[str], collapsed: bool) -> None:
    network = Mixed().eval()
    mask = masks_of(network, 0, 1.1)
    mask |= {name: torch.zeros_like(mask[name]) for name in emptied}
    assert is_collapsed(network, mask, INPUT) is collapsed is not mixed_arrives(mask)


def test_dense_is_not_collapsed_and_nothing_is() -> None:
    network = ThesisCNN()
    everything = full_mask(network.state_dict(), PRUNABLE)
    assert not is_collapsed(network, everything, (1, 28, 28))
    assert is_collapsed(network, {name: torch.zeros_like(kept) for name, kept in everything.items()}, (1, 28, 28))


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm([4, 6, 6])])
def test_norms_over_several_values(norm: nn.Module) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), norm, nn.Conv2d(4, 2, 1)).eval()
    first, last = torch.zeros(4, 1, 3, 3, dtype=torch.bool), torch.zeros(2, 4, 1, 1, dtype=torch.bool)
    first[0, 0, 1, 1] = last[0, 1] = True  # channel 0 is heard, channel 1 is read: they meet where the norm joins them
    assert is_collapsed(network, {"0.weight": first, "2.weight": last}, (1, 8, 8)) is isinstance(
        norm, nn.InstanceNorm2d
    )


def test_the_network_stays_as_it_was_and_threads_may_ask_together() -> None:
    network = Mixed().eval()
    before, masks = copy.deepcopy(network.state_dict()), [masks_of(network, seed, 0.15) for seed in range(12)]
    alone = [is_collapsed(network, mask, INPUT) for mask in masks]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda mask: is_collapsed(network, mask, INPUT), masks)) == alone
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert all("forward" not in module.__dict__ for module in network.modules())
    assert {True, False} == set(alone)


@pytest.mark.parametrize(
    "name",
    ["efficientnet-lite0", "googlenet", "densenet121", "mobilenet_v3_large", "shufflenet_v2_x1_0", "convnext_tiny"],
)
def test_networks_of_every_family_from_their_shapes_alone(name: str) -> None:
    card = MODELS[name].value
    mask = {weight: torch.ones(card.shapes[weight], dtype=torch.bool) for weight in card.prunable}
    size = (3, 64, 64) if name != "googlenet" else (3, 96, 96)
    assert image_arrives(card.skeleton, mask, size)
    for weight in (card.prunable[0], card.classifier):
        assert is_collapsed(card.skeleton, mask | {weight: torch.zeros_like(mask[weight])}, size)
