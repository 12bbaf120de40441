"""What goes with a whole filter, and that its channel is then exactly zero."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.models.zoo import MODELS
from core.pruning.companions import companion_masks, companions
from core.pruning.index import PruningIndex
from core.pruning.scores import Evidence
from core.specs import PruningSpec
from tests.reference.pruning import apply_mask


class Net(nn.Module):
    """A BatchNorm straight after a convolution, one after an activation, one that two convolutions
    share, and none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.second, self.late_norm = nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4)
        self.shared_norm, self.third = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        h = self.first_norm(self.first(images)).relu()
        h = self.late_norm(self.second(h).relu())
        h = self.shared_norm(self.third(self.shared_norm(self.third(h)))).relu()
        return self.fc(h.mean((2, 3)))


def test_who_goes_with_whom() -> None:
    network = Net().eval()
    assert companions(network, torch.rand(1, 3, 8, 8)) == {
        "first.weight": ("first.bias", "first_norm.weight", "first_norm.bias"),
        "second.weight": (),
        "third.weight": ("third.bias", "shared_norm.weight", "shared_norm.bias"),
        "fc.weight": ("fc.bias",),
    }
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in network.modules())


def test_hooks_are_gone_after_an_error() -> None:
    network = Net().eval()
    with pytest.raises(RuntimeError):
        companions(network, torch.rand(1, 5, 8, 8))
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in network.modules())


def test_a_removed_filter_makes_a_channel_that_is_exactly_zero() -> None:
    network, generator = Net().eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in (*network.parameters(), network.first_norm.running_mean):
            values.normal_(generator=generator)
    state = network.state_dict()
    weights = {name: state[name] for name in ("first.weight", "second.weight", "third.weight")}
    mask = PruningIndex.of(PruningSpec.one_shot(0.5, granularity="filter"), Evidence(weights, "filter")).mask(0.5)
    mask |= companion_masks(mask, companions(network, torch.rand(1, 3, 8, 8)))
    network.load_state_dict(apply_mask(state, mask))
    made: list[Tensor] = []
    network.first_norm.register_forward_hook(lambda module, inputs, output: made.append(output))
    network(torch.rand(2, 3, 8, 8))
    gone = ~mask["first.bias"]
    assert gone.any()
    assert not made[0][:, gone].any()
    assert made[0][:, ~gone].any()
    assert "fc.bias" not in mask  # its weights have no mask


@pytest.mark.parametrize(
    ("name", "norms"), [("efficientnet-lite0", 49), ("vgg16_bn", 13), ("resnet18", 20), ("vgg16", 0)]
)
def test_real_networks_from_their_shapes_alone(name: str, norms: int) -> None:
    card = MODELS[name].value
    found = companions(card.skeleton, torch.empty(1, 3, 64, 64, device="meta"))
    assert set(found) == set(card.prunable)
    named = [part for parts in found.values() for part in parts]
    assert len(named) == len(set(named))
    biases = sum(f"{weight.removesuffix('weight')}bias" in card.shapes for weight in card.prunable)
    assert len(named) == biases + 2 * norms
