"""Physical removal: equal outputs, exactly the channels that cannot matter, and honest words about
those that stay.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_small, resnext50_32x4d, shufflenet_v2_x1_0

from core.models.small import ThesisCNN
from core.models.zoo import MODELS
from core.pruning.coupling import CannotRemove
from core.pruning.reach import SUMS, fixed_inputs, silent_inputs
from core.pruning.structured import physical
from tests.models.networks import without_large
from tests.reference.structured import alive_channels

UNFOLLOWED = {"shufflenet_v2_x1_0"}  # Torch-Pruning 1.6.1 stumbles over its shuffles
CHAIN = ("conv1", "conv2", "fc")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights that let images through to the answer, and BatchNorm values as after
    training.
    """
    draw = generator(seed)
    network.requires_grad_(False)
    for name, values in network.named_parameters():
        if values.ndim > 1 and not name.endswith("layer_scale"):
            spread = (6 / values[0].numel()) ** 0.5
            values.uniform_(-spread, spread, generator=draw)
        else:
            low, high = (-0.3, 0.3) if name.endswith("bias") else (0.5, 1.5)
            values.uniform_(low, high, generator=draw)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 1.5, generator=draw)
            module.running_mean.uniform_(-0.3, 0.3, generator=draw)
    return network.eval()


def prune_filters(network: nn.Module, shares: tuple[float, ...], seed: int = 1) -> nn.Module:
    """Whole filters go, with their bias and BatchNorm values, in every layer but the last; the
    shares take turns.
    """
    draw, layers = generator(seed), [module for module in network.modules() if isinstance(module, SUMS)]
    norms: dict[nn.Module, nn.Module] = {}
    before: nn.Module | None = None
    for module in network.modules():
        if isinstance(module, SUMS):
            before = module
        elif isinstance(module, nn.BatchNorm2d) and before is not None and module.num_features == len(before.weight):
            norms[before] = module
    for place, layer in enumerate(layers[:-1]):
        rows = torch.randperm(len(layer.weight), generator=draw)[: int(shares[place % len(shares)] * len(layer.weight))]
        for module in filter(None, (layer, norms.get(layer))):
            for values in (module.weight, module.bias):
                if values is not None:
                    values.data[rows] = 0
    return network


def prune_weights(network: nn.Module, sparsity: float, seed: int = 1) -> nn.Module:
    """Single weights go at random; biases and BatchNorm stay, as in unstructured pruning."""
    draw = generator(seed)
    for module in network.modules():
        if isinstance(module, SUMS):
            module.weight.data *= torch.rand(module.weight.shape, generator=draw) >= sparsity
    return network


def images(channels: int, side: int, count: int = 2) -> Tensor:
    return torch.rand(count, channels, side, side, generator=generator(5))


def assert_same_answers(network: nn.Module, small: nn.Module, inputs: Tensor) -> None:
    with torch.no_grad():
        expected, found = network(inputs), small(inputs)
    assert float((expected[0] - expected[1]).abs().max()) > 0, "an answer that never changes proves nothing"
    assert float((found - expected).abs().max()) <= 1e-4 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize("name", without_large(MODELS))
def test_pruned_filters_are_really_gone_and_answers_stay(name: str) -> None:
    found = MODELS[name].value
    network = prune_filters(lively(found.blank()), (0.3, 0.6))
    channels, height, _ = found.input_shape
    inputs = images(channels, min(height, 64))
    if name in UNFOLLOWED:
        with pytest.raises(CannotRemove):
            physical(network, inputs)
        return
    small, report = physical(network, inputs)
    assert_same_answers(network, small, inputs * 0.7)
    assert report.parameters_before == found.parameters
    assert report.parameters_after == sum(values.numel() for values in small.parameters()) < found.parameters
    assert report.removed_channels > 0
    assert not any(values.requires_grad for values in small.parameters())


@pytest.mark.parametrize(("name", "sparsity"), [("thesis-cnn", 0.93), ("efficientnet-lite0", 0.9)])
def test_single_weights_that_empty_channels_are_turned_into_smaller_layers(name: str, sparsity: float) -> None:
    found = MODELS[name].value
    network = prune_weights(lively(found.blank()), sparsity)
    channels, height, _ = found.input_shape
    inputs = images(channels, min(height, 64))
    small, report = physical(network, inputs)
    assert_same_answers(network, small, inputs * 0.7)
    assert report.removed_channels > 0
    assert report.parameters_after < report.parameters_before


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.95, 0.99, 1.0]), st.booleans())
def test_exactly_the_channels_without_a_path_go(seed: int, sparsity: float, biases: bool) -> None:
    network = prune_weights(lively(ThesisCNN(), seed), sparsity, seed)
    if not biases:
        network.conv1.bias.zero_(), network.conv2.bias.zero_()
    alive = alive_channels(network, CHAIN, cells=25)
    inputs = images(1, 28)
    small, _ = physical(network, inputs)
    widths = [len(small.get_submodule(name).weight) for name in CHAIN]
    assert widths == [max(1, len(channels)) for channels in alive]
    with torch.no_grad():
        assert torch.allclose(small(inputs), network(inputs), atol=1e-5)


def test_a_dense_network_stays_as_it_is() -> None:
    network = lively(ThesisCNN())
    small, report = physical(network, images(1, 28))
    assert (report.layers, report.staying, report.removed_channels) == ((), (), 0)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), small.parameters(), strict=True))


def test_the_network_itself_is_not_touched() -> None:
    network = prune_filters(lively(ThesisCNN()), (0.5,))
    before = {name: values.clone() for name, values in network.state_dict().items()}
    physical(network, images(1, 28))
    assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())
    assert not any(values.requires_grad for values in network.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_layer_that_is_all_empty_keeps_one_channel_and_says_so() -> None:
    network = lively(ThesisCNN())
    network.conv2.weight.zero_(), network.conv2.bias.zero_()
    small, report = physical(network, images(1, 28))
    assert [len(small.conv1.weight), len(small.conv2.weight), small.fc.in_features] == [1, 1, 25]
    assert ("conv2.weight", 1) in {(kept.name, kept.channels) for kept in report.staying}
    assert any("at least one channel" in kept.reason for kept in report.staying)


class Gated(nn.Module):
    """A channel that is zero still opens its gate: sigmoid(0) = 0.5."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.enter, self.gate = nn.Conv2d(3, 6, 3, bias=False), nn.Conv2d(6, 6, 1, bias=False)
        self.leave = nn.Conv2d(6, 4, 3, padding=padding, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.leave(torch.sigmoid(self.gate(torch.relu(self.enter(inputs))))).mean((2, 3))


@pytest.mark.parametrize("padding", [0, 1])
def test_a_constant_goes_into_the_next_bias_but_not_across_a_padded_border(padding: int) -> None:
    network = lively(Gated(padding))
    network.gate.weight[2] = 0
    network.enter.weight[4] = 0
    small, report = physical(network, images(3, 16))
    assert len(small.enter.weight) == 5
    assert len(small.gate.weight) == 5 + padding
    assert [(kept.name, kept.channels) for kept in report.staying] == [("gate.weight", 1)] * padding
    assert (small.leave.bias is None) == bool(padding)
    assert_same_answers(network, small, images(3, 16))


class Weighed(nn.Module):
    """What is zero stays zero whatever it is multiplied with; another constant does not stay
    one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.weigh, self.leave = nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3), nn.Conv2d(6, 4, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.leave(self.enter(inputs) * torch.sigmoid(self.weigh(inputs))).mean((2, 3))


def test_a_constant_times_something_is_no_constant() -> None:
    network = lively(Weighed())
    network.enter.weight[[1, 3]] = 0
    network.enter.bias.fill_(0.5)
    network.enter.bias[1] = 0
    small, report = physical(network, images(3, 16))
    assert [len(small.enter.weight), len(small.weigh.weight)] == [5, 5]
    assert "multiplied" in report.staying[0].reason
    assert_same_answers(network, small, images(3, 16))


def test_squeeze_and_excitation_shrinks_with_the_channels_it_weighs() -> None:
    network = prune_filters(lively(mobilenet_v3_small()), (0.4,))
    small, _ = physical(network, images(3, 64))
    gate = network.get_submodule("features.4.block.2"), small.get_submodule("features.4.block.2")
    assert gate[1].fc1.in_channels == gate[1].fc2.out_channels < gate[0].fc1.in_channels
    assert_same_answers(network, small, images(3, 64))


def test_grouped_convolutions_are_left_alone_with_a_reason() -> None:
    network = prune_filters(lively(resnext50_32x4d()), (0.5,))
    small, report = physical(network, images(3, 64))
    assert any("grouped convolution" in kept.reason for kept in report.staying)
    assert {name for name, old in network.named_modules() if getattr(old, "groups", 1) > 1} == {
        name for name, new in small.named_modules() if getattr(new, "groups", 1) > 1
    }
    assert_same_answers(network, small, images(3, 64))


def test_a_network_that_cannot_be_followed_is_refused_by_name() -> None:
    with pytest.raises(CannotRemove, match="ShuffleNetV2"):
        physical(lively(shufflenet_v2_x1_0()), images(3, 64))


class Averaged(nn.Module):
    """The mean over channels changes when an empty one leaves: no graph says so, only the answers
    do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Conv2d(3, 6, 3, bias=False), nn.Linear(6, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        h = torch.relu(self.enter(inputs))
        return self.leave((h * h.mean(1, keepdim=True)).mean((2, 3)))


def test_other_answers_are_never_handed_out() -> None:
    network = lively(Averaged())
    network.enter.weight[:3] = 0
    with pytest.raises(CannotRemove, match="differ"):
        physical(network, images(3, 16))


class Narrowing(nn.Module):
    """One number of all channels: the graph believes that they are still six."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Conv2d(3, 6, 3, bias=False), nn.Linear(1, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.leave(torch.relu(self.enter(inputs)).mean((2, 3)).mean(1, keepdim=True))


def test_a_graph_that_does_not_fit_the_network_is_refused() -> None:
    network = lively(Narrowing())
    network.enter.weight[:3] = 0
    with pytest.raises(CannotRemove, match="do not match"):
        physical(network, images(3, 16))


def test_silent_inputs_are_silent_for_every_image() -> None:
    network = prune_filters(lively(mobilenet_v3_small()), (0.5,))
    seen: dict[str, Tensor] = {}

    def watch(name: str):
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].transpose(-1 if isinstance(module, nn.Linear) else 1, 0)
            seen[name] = values.flatten(1).abs().amax(1)

        return hook

    for name, module in network.named_modules():
        if isinstance(module, SUMS):
            module.register_forward_pre_hook(watch(name))
    silent = silent_inputs(network, images(3, 64))
    with torch.no_grad():
        network(images(3, 64, count=4) * 4 - 2)
    assert sum(int(zero.sum()) for zero in silent.values()) > 50
    assert all(float(seen[name][zero].sum()) == 0 for name, zero in silent.items())


def test_fixed_inputs_are_what_every_image_gives() -> None:
    network = prune_weights(lively(mobilenet_v3_small()), 0.97)
    fixed = fixed_inputs(network, images(3, 64))
    seen: dict[str, list[Tensor]] = {name: [] for name in fixed}

    def watch(name: str):
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen[name].append(inputs[0].transpose(-1 if isinstance(module, nn.Linear) else 1, 0).flatten(1))

        return hook

    for name in fixed:
        network.get_submodule(name).register_forward_pre_hook(watch(name))
    with torch.no_grad():
        for scale in (1.0, -3.0):
            network(images(3, 64, count=1) * scale)
    known = {name: ~values.isnan() for name, values in fixed.items()}
    assert sum(int(values.sum()) for values in known.values()) > 1000
    for name, values in fixed.items():
        for found in seen[name]:
            assert torch.allclose(found[known[name]], values[known[name]], atol=1e-6), name
