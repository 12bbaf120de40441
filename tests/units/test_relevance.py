"""Relevance and ablation equal whole passes, one unit at a time."""

from __future__ import annotations

import pytest
import torch

from core.data.batches import Batch
from core.models.zoo import named
from core.saliency.capture import find_layer
from core.units.layers import unit_layers
from core.units.relevance import ablate, chosen_units, relevance, remembered
from tests.reference import units as reference

NAMES = ("thesis-cnn", "squeezenet1_1", "resnet18", "googlenet")


def made(name: str, images: int = 3) -> tuple[torch.nn.Module, torch.Tensor]:
    card = named(name)
    torch.manual_seed(0)
    network = card.build().eval().requires_grad_(False)
    side = 28 if card.reads_digits else 64
    return network, torch.rand(images, card.input.channels, side, side)


def batches(images: torch.Tensor) -> list[Batch]:
    rows = torch.arange(len(images))
    return [Batch(rows[part], images[part], torch.zeros(len(part))) for part in rows.split(2)]


@pytest.mark.parametrize("name", NAMES)
def test_relevance_is_gradient_times_activation(name: str) -> None:
    network, images = made(name)
    layers = unit_layers(named(name))
    found, count = relevance(network, batches(images), layers)
    assert count == 3
    for layer in (layers[0], layers[len(layers) // 2], layers[-1]):
        for unit in (0, layer.units - 1):
            expected = reference.relevance(network, images, find_layer(network, layer.read), unit)
            assert float(found[layer.name][unit]) == pytest.approx(expected, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_going_on_from_a_layer_equals_a_whole_pass(name: str) -> None:
    network, images = made(name)
    layers = unit_layers(named(name))
    forwards = {module: module.forward for module in network.modules()}
    for layer in (layers[0], layers[len(layers) // 2], layers[-1]):
        module = find_layer(network, layer.read)
        with torch.no_grad(), remembered(network, layer.read, images) as (logits, maps, again):
            assert torch.equal(logits, network(images))
            for unit in (0, layer.units - 1):
                changed = maps.clone()
                changed[:, unit] = 0
                torch.testing.assert_close(again(changed), reference.without_unit(network, images, module, unit))
            torch.testing.assert_close(again(maps.clone()), logits)
    assert all(module.forward == forward for module, forward in forwards.items())
    assert not any(module._forward_hooks for module in network.modules())


def test_ablation_says_what_a_unit_is_worth() -> None:
    network, images = made("thesis-cnn", 6)
    layer = unit_layers(named("thesis-cnn"))[-1]
    found = ablate(network, batches(images), layer, torch.arange(layer.units))
    assert found.images == 6
    with torch.no_grad():
        before = network(images).softmax(1)
    own = before.argmax(1)
    for unit in range(layer.units):
        after = reference.without_unit(network, images, find_layer(network, layer.read), unit).softmax(1)
        fall = (before - after).gather(1, own[:, None]).mean()
        assert float(found.drop[unit]) == pytest.approx(float(fall), abs=1e-6)
        assert float(found.changed[unit]) == pytest.approx(float((after.argmax(1) != own).float().mean()))
    mean = ablate(network, batches(images), layer, torch.arange(layer.units), "mean")
    assert not torch.allclose(mean.drop, found.drop)


def test_of_large_layers_a_seeded_choice_is_ablated() -> None:
    layer = unit_layers(named("squeezenet1_1"))[-1]
    chosen = chosen_units(layer, 0, most=128)
    assert len(set(chosen.tolist())) == 128
    assert torch.equal(chosen, chosen_units(layer, 0))
    assert not torch.equal(chosen, chosen_units(layer, 1))
    assert len(chosen_units(unit_layers(named("thesis-cnn"))[0], 0)) == 4
