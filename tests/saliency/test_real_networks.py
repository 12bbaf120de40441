"""Heatmaps of the networks people use, against pytorch-grad-cam, and activations that work in
place.
"""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.heatmap import library_cam
from core.models.building import blank
from core.models.torchvision_cnns import KNOWN, not_in_place
from core.models.zoo import named
from core.saliency import capture, normalise, own_class, saliency_maps
from core.saliency.external import NATIVE
from tests.models.networks import PHOTO_CARDS, SIDE_PX, images, untrained, without_large
from tests.saliency.networks import state_of

METHODS = {"GradCAM": "grad-cam", "GradCAMPlusPlus": "grad-cam++"}
assert METHODS.items() <= NATIVE.items()


def as_torchvision_makes_it(name: str, weights: dict[str, Tensor]) -> nn.Module:
    """The network with its activations in place, as a person gets it."""
    from torchvision.models import get_model

    extra = {"aux_logits": False, "init_weights": False, "transform_input": True} if name == "googlenet" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        network = blank(lambda: get_model(name, weights=None, **extra)) if name in KNOWN else named(name).blank()
    network.load_state_dict(weights)
    return network.eval()


def alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Correlation above 0.9999, or both the same everywhere."""
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return np.ptp(ours) == np.ptp(theirs) == 0
    return np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.9999


@pytest.mark.parametrize("name", without_large(PHOTO_CARDS))
def test_equals_the_library_on_every_card(name: str) -> None:
    network, layer = untrained(name), named(name).target_layer
    theirs = not_in_place(as_torchvision_makes_it(name, network.state_dict()))
    with torch.no_grad():
        assert torch.equal(network(images()), theirs(images()))
    if name == "densenet121":
        theirs = copy.deepcopy(network).requires_grad_()  # torchvision's has no layer after the last ReLU
    for class_name, method in METHODS.items():
        maps, states = normalise(saliency_maps(network, images(), method, layer, own_class).maps, (SIDE_PX, SIDE_PX))
        with library_cam(class_name, theirs, layer) as cam:
            expected = cam(images(), None)
        assert all(alike(a, b) for a, b in zip(maps.numpy(), expected, strict=True)), (method, states)
        assert method != "grad-cam" or "ok" in states  # something was compared


# Where an activation or a sum works in place on the layer's answer: a module (VGG), a function
# (DenseNet, GoogLeNet), += (ResNet).
IN_PLACE = {
    "vgg16_bn": "features.41",
    "densenet121": "features.norm5",
    "googlenet": "inception5b.branch1.bn",
    "resnet18": "layer4.1.bn2",
    "mobilenet_v2": "features.18.1",
    "mobilenet_v3_large": "features.16.1",
    "efficientnet_b0": "features.8.1",
}


@pytest.mark.parametrize(
    ("name", "layer"),
    [pytest.param(*at, marks=pytest.mark.long) if at[0] == "vgg16_bn" else at for at in IN_PLACE.items()],
)
def test_a_map_is_made_of_the_layers_true_answer(name: str, layer: str) -> None:
    """Activations as the layer answers them when nothing follows, and gradients of a network in
    which nothing works in place.
    """
    network = untrained(name)
    original = as_torchvision_makes_it(name, network.state_dict()).requires_grad_(False)
    before = state_of(original)
    for model in (network, original):
        captured = capture(model, layer, images(1), own_class)
        true = answer_of(model, layer, images(1))
        assert torch.equal(captured.activations, true)
        assert (captured.activations < 0).any()
        torch.testing.assert_close(captured.gradients, gradients_of(model, layer, images(1)))
    assert state_of(original) == before


class Reached(Exception):
    pass


def answer_of(model: nn.Module, layer: str, seen: Tensor) -> Tensor:
    """What the layer answers, taken before anything after it runs."""
    kept: list[Tensor] = []

    def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
        kept.append(output.clone())
        raise Reached

    handle = model.get_submodule(layer).register_forward_hook(hook)
    with torch.no_grad(), pytest.raises(Reached):
        model(seen)
    handle.remove()
    return kept[0]


def gradients_of(model: nn.Module, layer: str, seen: Tensor) -> Tensor:
    """By adding zeros that ask for a gradient to the layer's answer: the definition, whatever
    happens to the answer afterwards.
    """
    zeros = torch.zeros_like(answer_of(model, layer, seen)).requires_grad_()
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: output + zeros)
    logits = model(seen)
    handle.remove()
    return torch.autograd.grad(logits.max(), zeros)[0]


class Chain(nn.Module):
    """A convolution, one of the activations that can work in place, a linear layer."""

    def __init__(self, activation: nn.Module | None) -> None:
        super().__init__()
        self.conv, self.activation, self.head = nn.Conv2d(3, 4, 3), activation, nn.Linear(4, 5)

    def forward(self, seen: Tensor) -> Tensor:
        h = self.conv(seen)
        h = F.relu(h, inplace=True) if self.activation is None else self.activation(h)
        return self.head(h.mean((2, 3)))


@pytest.mark.parametrize(
    "activation",
    [None, nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.Mish, nn.Dropout],
    ids=lambda kind: kind.__name__ if kind else "functional",
)
@pytest.mark.parametrize("training", [True, False])
def test_every_activation_in_place(activation: type[nn.Module] | None, training: bool) -> None:
    torch.manual_seed(0)
    original = Chain(activation and activation(inplace=True)).train(training)  # type: ignore[call-arg]
    replaced = not_in_place(copy.deepcopy(original))
    assert not any(getattr(module, "inplace", False) for module in replaced.modules())
    before, modes = state_of(original), state_of(replaced)
    ours, plain = (capture(model, "conv", images(), own_class) for model in (original, replaced))
    assert state_of(original) == before
    assert state_of(replaced) == modes
    assert torch.equal(ours.logits, plain.logits)
    assert torch.equal(ours.activations, plain.activations)
    assert torch.equal(ours.activations, original.conv(images()))
    torch.testing.assert_close(ours.gradients, plain.gradients)
