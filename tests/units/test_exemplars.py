"""Exemplars equal a sort of all activations, whatever the batches; ties are seeded and counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from core.base.draws import torch_generator
from core.base.errors import BadSpec, UnknownName
from core.data.batches import Batch
from core.models.zoo import named
from core.saliency.capture import find_layer
from core.units import exemplars
from core.units.exemplars import Search, find_exemplars
from core.units.layers import UnitLayer, unit_layers
from tests.reference import units as reference


class Channels(nn.Module):
    """A network whose units are the channels of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, groups=3, bias=False)
        nn.init.ones_(self.conv.weight)

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images).mean(dim=(2, 3))


LAYER = UnitLayer(name="conv", read="conv", units=3)


def batches(values: Tensor, size: int) -> Iterator[Batch]:
    """Images (n, 3, 2, 2) whose channels have these means, (n, 3)."""
    rows = torch.arange(len(values)) * 2  # every second image of a data set
    for part in torch.arange(len(values)).split(size):
        yield Batch(rows[part], values[part][..., None, None].expand(-1, -1, 2, 2), torch.zeros(len(part)))


@given(
    values=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=8, max_size=40),
    size=st.integers(1, 9),
    merged=st.integers(1, 12),
    depth=st.integers(1, 8),
)
def test_they_are_the_ends_of_a_sorted_list(values: list[tuple[int, ...]], size: int, merged: int, depth: int) -> None:
    table = torch.tensor(values, dtype=torch.float32)
    order = torch.randperm(len(table), generator=torch_generator("exemplars", 5)).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exemplars, "MERGED", merged)
        found = find_exemplars(
            Channels().eval(), batches(table, size), (LAYER,), Search(images=len(table), depth=depth, seed=5)
        )
    assert found.rows.tolist() == [2 * place for place in range(len(table))]
    one = found.exemplars["conv"]
    for unit in range(3):
        strong, weak, strong_ties, weak_ties = reference.extremes(table[:, unit].tolist(), order, depth)
        assert one.strongest[unit].tolist() == strong
        assert one.weakest[unit].tolist() == weak
        assert one.strongest_values[unit].tolist() == table[strong, unit].tolist()
        assert one.weakest_values[unit].tolist() == table[weak, unit].tolist()
        assert (int(one.strongest_ties[unit]), int(one.weakest_ties[unit])) == (strong_ties, weak_ties)
        assert bool(one.dead[unit]) == (len(set(table[:, unit].tolist())) == 1)


def test_a_unit_with_an_activation_that_is_not_finite_counts_as_dead() -> None:
    table = torch.rand(10, 3)
    table[4, 1] = torch.nan
    table[5, 2] = torch.inf
    found = find_exemplars(Channels().eval(), batches(table, 3), (LAYER,), Search(images=10, depth=2))
    assert found.exemplars["conv"].dead.tolist() == [False, True, True]


def test_after_the_relu_negative_maps_are_zero() -> None:
    table = torch.tensor([[-1.0, -2.0, 3.0], [-3.0, 1.0, 2.0]])
    found = find_exemplars(Channels().eval(), batches(table, 2), (LAYER,), Search(images=2, depth=1, after_relu=True))
    assert found.exemplars["conv"].dead.tolist() == [True, False, False]


@pytest.mark.parametrize("name", ["thesis-cnn", "squeezenet1_1", "efficientnet-lite0", "googlenet", "resnet18"])
def test_units_are_read_before_the_relu(name: str) -> None:
    """After the batch normalisation of a convolution if there is one."""
    card = named(name)
    network = card.build().eval()
    layers = unit_layers(card)
    assert [layer.name + ".weight" for layer in layers if layer.name + ".weight" not in card.kinds] == []
    for layer in layers:
        conv, read = find_layer(network, layer.name), find_layer(network, layer.read)
        assert isinstance(conv, nn.Conv2d)
        assert layer.units == conv.out_channels
        assert read is conv or isinstance(read, nn.BatchNorm2d)
    normalised = any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert all((layer.read != layer.name) == normalised for layer in layers)


def test_layers_without_units_are_refused() -> None:
    with pytest.raises(UnknownName, match="conv2"):
        unit_layers(named("thesis-cnn"), ("conv3",))
    with pytest.raises(UnknownName, match="conv1"):
        unit_layers(named("thesis-cnn"), ("fc",))


def test_layers_are_named_by_patterns_in_the_order_in_which_they_run() -> None:
    card = named("squeezenet1_1")
    found = [layer.name for layer in unit_layers(card, ("features.1[02].expand3x3", "features.[47].expand3x3"))]
    assert found == [f"features.{place}.expand3x3" for place in (4, 7, 10, 12)]
    assert unit_layers(card, ("*",)) == unit_layers(card)
    with pytest.raises(UnknownName, match="expand5x5"):
        unit_layers(card, ("features.*.expand5x5",))


def test_a_convolution_that_runs_twice_is_refused_or_left_out() -> None:
    from dataclasses import replace

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last, self.fc = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 2, 3), nn.Linear(2, 10)

        def forward(self, images: Tensor) -> Tensor:
            return self.fc(self.last(self.conv(self.conv(images))).mean(dim=(2, 3)))

    card = replace(named("thesis-cnn"), build=Twice)
    assert [layer.name for layer in unit_layers(card)] == ["last"]
    assert [layer.name for layer in unit_layers(card, ("*",))] == ["last"]
    with pytest.raises(BadSpec, match="runs more than once"):
        unit_layers(card, ("conv",))
