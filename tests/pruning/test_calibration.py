"""Gradients and input norms equal plain definitions, and the network is left as it was."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.base.errors import BadSpec, UnknownName
from core.pruning.calibration import calibrate
from tests.pruning.small import small, small_images, small_weights

LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("labelled", [True, False])
def test_gradients_are_those_of_the_mean_loss(labelled: bool) -> None:
    found = calibrate(small(), small_weights(), small_images(), LABELS if labelled else None, batch_size=4)
    twin = copy.deepcopy(small()).requires_grad_(True)
    logits = twin(small_images())
    F.cross_entropy(logits, LABELS if labelled else logits.argmax(1)).backward()
    for name, gradient in found.gradients.items():
        assert torch.allclose(gradient, twin.get_parameter(name).grad, atol=1e-6)


def test_input_norms_are_those_of_every_channel() -> None:
    found, network = calibrate(small(), small_weights(), small_images(), batch_size=4), small()
    heard = {"plain.weight": small_images()}
    heard["depthwise.weight"] = network.plain(small_images()).relu()
    heard["grouped.weight"] = network.depthwise(heard["depthwise.weight"]).relu()
    heard["pointwise.weight"] = network.grouped(heard["grouped.weight"]).relu()
    heard["fc.weight"] = F.adaptive_avg_pool2d(network.pointwise(heard["pointwise.weight"]).relu(), 2).flatten(1)
    for name, values in heard.items():
        expected = [float(values[:, channel].norm()) for channel in range(values.shape[1])]
        assert found.input_norms[name].tolist() == pytest.approx(expected, rel=1e-4)
    assert found.images == 6
    assert found.bytes == 4 * sum(
        values.numel() for part in (found.gradients, found.input_norms) for values in part.values()
    )


def test_a_linear_layer_over_places_has_a_norm_for_each_feature() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.fc(images.flatten(2).transpose(1, 2)).mean(1)  # (N, places, channels)

    images = torch.rand(4, 3, 5, 5)
    found = calibrate(Tokens().eval(), ["fc.weight"], images)
    assert found.input_norms["fc.weight"].tolist() == pytest.approx(
        [float(images[:, channel].norm()) for channel in range(3)], rel=1e-5
    )


def test_a_layer_used_twice_hears_both_and_an_unused_one_nothing() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return self.fc(self.fc(features))

    network, features = Twice().eval(), torch.rand(5, 4)
    found = calibrate(network, ["fc.weight", "unused.weight"], features)
    both = torch.cat([features, network.fc(features)]).detach()
    assert found.input_norms["fc.weight"].tolist() == pytest.approx(both.norm(dim=0).tolist(), rel=1e-5)
    assert not found.input_norms["unused.weight"].any()
    assert not found.gradients["unused.weight"].any()


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 2, 3, 4, 99])])  # 99: no such class, an error on the way
def test_the_network_is_left_as_it_was(labels: torch.Tensor | None) -> None:
    network = copy.deepcopy(small())
    network.fc.requires_grad_(True)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    if labels is None:
        calibrate(network, small_weights(), small_images())
    else:
        with pytest.raises(IndexError):
            calibrate(network, small_weights(), small_images(), labels)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in network.modules())
    assert all(values.grad is None for values in network.parameters())
    assert [name for name, values in network.named_parameters() if values.requires_grad] == ["fc.weight", "fc.bias"]
    assert not network.training
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_no_images_and_unknown_layers_are_said() -> None:
    with pytest.raises(BadSpec, match="no images"):
        calibrate(small(), small_weights(), small_images()[:0])
    with pytest.raises(UnknownName, match=r"Did you mean 'plain\.weight'"):
        calibrate(small(), ["plane.weight"], small_images())
