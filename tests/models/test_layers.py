"""Target layers of a network, found in one pass."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.models.building import skeleton
from core.models.layers import last_layer, target_layers
from core.models.zoo import MODELS, named
from core.saliency import capture, own_class
from tests.models.networks import PHOTO_CARDS, images, untrained


class Block(nn.Module):
    """A block whose activation runs twice, as ResNet's does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.second(self.relu(self.first(x))) + x)


def small() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            trunk=nn.Sequential(nn.Conv2d(3, 3, 3, stride=2), Block()),
            drop=nn.Dropout(),
            pool=nn.MaxPool2d(2),
            mean=nn.AdaptiveAvgPool2d(1),
            head=nn.Conv2d(3, 5, 1),
            flat=nn.Flatten(),
        )
    )


def test_names_sizes_and_strides() -> None:
    layers = target_layers(skeleton(small), (3, 33, 65))
    assert [(layer.name, layer.channels, layer.height, layer.width, layer.passes_on) for layer in layers] == [
        ("trunk.0", 3, 16, 32, False),
        ("trunk.1.first", 3, 16, 32, False),
        ("trunk.1.second", 3, 16, 32, False),
        ("trunk", 3, 16, 32, False),  # the block and what is around it answer the same maps
        ("pool", 3, 8, 16, True),
    ]
    assert layers[0].stride_px == pytest.approx(33 / 16)
    assert layers[0].text == "trunk.0, 3 maps of 16 x 32"
    assert last_layer(layers) == "trunk"
    assert last_layer(target_layers(skeleton(lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 2))), (3, 2, 2))) == ""


def test_a_network_with_values_has_the_same_layers_and_is_left_as_it_was() -> None:
    network = small().eval()
    before = {name: len(module._forward_hooks) for name, module in network.named_modules()}
    assert target_layers(network, (3, 33, 65)) == target_layers(skeleton(small), (3, 33, 65))
    assert {name: len(module._forward_hooks) for name, module in network.named_modules()} == before


@pytest.mark.parametrize("name", [*PHOTO_CARDS, "thesis-cnn"])
def test_the_layers_of_a_card_are_made_once_and_hold_the_target_layer(name: str) -> None:
    found = named(name)
    assert found.layers is found.layers
    assert found.target_layer in [layer.name for layer in found.layers]
    assert len({layer.name for layer in found.layers}) == len(found.layers) > 1


@pytest.mark.parametrize("name", ["efficientnet-lite0", "googlenet", "resnet18", "shufflenet_v2_x1_0", "convnext_tiny"])
def test_a_map_can_be_made_at_every_layer_that_is_listed(name: str) -> None:
    network, found = untrained(name), named(name)
    for layer in found.layers[:: max(1, len(found.layers) // 5)]:
        captured = capture(network, layer.name, images(1), own_class)
        assert captured.activations.shape[1] == layer.channels


def test_layers_without_maps_are_not_listed_and_are_refused() -> None:
    found, network = MODELS["resnet18"].value, untrained("resnet18")
    assert {"fc", "avgpool", "layer1.0.relu"}.isdisjoint(layer.name for layer in found.layers)
    for name in ("fc", "layer1.0.relu"):
        with pytest.raises(BadSpec):
            capture(network, name, images(1), own_class)


def test_nothing_is_computed_on_the_way() -> None:
    assert all(values.is_meta for values in named("vgg16")._skeleton.parameters())
    assert torch.equal(images(1), images(2)[:1])
