"""Multiply-adds and zeros, against counts by hand and the figures that torchvision prints."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from core.measures.multiply_adds import multiply_adds, zeros
from core.models.small import ThesisCNN
from core.models.zoo import MODELS

KNOWN_GIGA = {"googlenet": 1.498, "resnet18": 1.814, "vgg16": 15.47}  # from the model tables of torchvision
# Groups, depthwise, linear layers on pixels.
MORE = ("alexnet", "densenet121", "mobilenet_v3_large", "regnet_y_400mf", "convnext_tiny")


def loops(layer: nn.Conv2d, inputs: Tensor) -> tuple[int, int]:
    """All multiplications of one image, one by one, and those by a weight that is not zero.

    Padding is multiplied too.
    """
    _, _, height, width = inputs.shape
    (kernel, _), (stride, _), (padding, _) = layer.kernel_size, layer.stride, layer.padding
    count = left = 0
    for _row in range(0, height + 2 * padding - kernel + 1, stride):
        for _column in range(0, width + 2 * padding - kernel + 1, stride):
            for out in range(layer.out_channels):
                for weight in layer.weight[out].flatten().tolist():
                    count += 1
                    left += weight != 0
    return count, left


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_multiplications_are_those_of_the_loops(groups: int) -> None:
    layer = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=groups)
    layer.weight.data[::2] = 0
    inputs = torch.rand(3, 4, 9, 7)
    found = multiply_adds(nn.Sequential(layer), inputs)["0"]
    assert (found.all, found.left) == loops(layer, inputs)
    assert found.left * 2 == found.all


def test_the_thesis_network_by_hand() -> None:
    found = multiply_adds(ThesisCNN(), torch.rand(2, 1, 28, 28))
    assert {name: layer.all for name, layer in found.items()} == {
        "conv1": 26 * 26 * 4 * 9,
        "conv2": 11 * 11 * 8 * 4 * 9,
        "fc": 2000,
    }


@pytest.mark.parametrize("name", [*KNOWN_GIGA, *MORE])
def test_known_networks_cost_what_their_tables_say(name: str) -> None:
    network = MODELS[name].value.blank().eval()
    total = sum(layer.all for layer in multiply_adds(network, torch.zeros(1, 3, 224, 224)).values())
    printed = get_model_weights(name).IMAGENET1K_V1.meta["_ops"]
    assert total / 1e9 == pytest.approx(printed, abs=0.0006)
    assert name not in KNOWN_GIGA or printed == pytest.approx(KNOWN_GIGA[name], abs=0.005)


def test_a_layer_used_twice_counts_twice_and_nothing_stays_behind() -> None:
    shared = nn.Linear(5, 5)
    network = nn.Sequential(shared, nn.ReLU(), shared)
    assert multiply_adds(network, torch.rand(2, 5))["0"].all == 50
    assert not shared._forward_hooks


def test_zeros_are_counted_over_parameters_of_every_sort() -> None:
    network = ThesisCNN()
    for values in network.parameters():
        values.data.fill_(1)
    network.conv1.weight.data[0] = 0
    network.fc.bias.data[:3] = 0
    assert zeros(network) == 12
