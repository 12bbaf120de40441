"""The methods made here, against pytorch-grad-cam and against their papers' equations in loops."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.base.errors import UnknownName
from core.saliency import CAMS, capture, fixed_classes, normalise, own_class, saliency_maps
from core.saliency.cams import (
    Formula,
    grad_cam,
    grad_cam_elementwise,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
    shapley_cam,
)
from core.saliency.external import NATIVE
from tests.reference import saliency as slow
from tests.saliency.networks import digits, photo, thesis_cnn

LIKE_THE_LIBRARY = [(theirs, ours) for theirs, ours in NATIVE.items() if ours != "random-cam"]


def library_heatmaps(class_name: str, model: nn.Module, layer_name: str, images: Tensor) -> np.ndarray:
    """(N, H, W) as a user of the library gets them, for the class that the network predicts."""
    import pytorch_grad_cam

    model = copy.deepcopy(model)  # the library leaves gradients behind
    with getattr(pytorch_grad_cam, class_name)(model, [model.get_submodule(layer_name)]) as cam:
        heatmaps = cam(images, targets=None)
        cam.activations_and_grads.gradients.clear()  # ShapleyCAM's own clean-up fails on gradients that are views
        return heatmaps


def assert_same_heatmaps(ours: np.ndarray, theirs: np.ndarray, states: list[str]) -> None:
    """Correlation of at least 0.9999 on every image; both constant counts as the same."""
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if states[index] == "ok":
            assert np.corrcoef(a.ravel(), b.ravel())[0, 1] >= 0.9999, index
            np.testing.assert_allclose(a, b, atol=2e-3)
        else:
            assert not a.any()
            assert np.ptp(b) == 0 or states[index] == "constant"  # the library stretches rounding, design fact 9


@pytest.mark.parametrize(("class_name", "name"), LIKE_THE_LIBRARY)
@pytest.mark.parametrize("kept", [1.0, 0.3, 0.05])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("layer_name", ["conv1", "conv2", "pool2"])
def test_equals_the_library_on_digits(class_name: str, name: str, kept: float, seed: int, layer_name: str) -> None:
    model = thesis_cnn(seed, kept)
    batch = saliency_maps(model, digits(), name, layer_name, own_class)
    heatmaps, states = normalise(batch.maps, (28, 28))
    assert_same_heatmaps(heatmaps.numpy(), library_heatmaps(class_name, model, layer_name, digits()), states)
    if (kept, layer_name) == (1.0, "conv2"):
        assert states.count("ok") > 0  # something was compared


@pytest.mark.parametrize(("class_name", "name"), LIKE_THE_LIBRARY)
def test_equals_the_library_on_a_photograph(class_name: str, name: str) -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    model = resnet18(weights=None).eval()
    for layer_name in ("layer3", "layer4.1.conv2"):
        batch = saliency_maps(model, photo(), name, layer_name, own_class)
        heatmaps, states = normalise(batch.maps, (64, 64))
        assert_same_heatmaps(heatmaps.numpy(), library_heatmaps(class_name, model, layer_name, photo()), states)


@pytest.mark.parametrize(
    ("formula", "twin"),
    [
        (grad_cam, slow.grad_cam),
        (grad_cam_plus_plus, slow.grad_cam_plus_plus),
        (hires_cam, slow.hires_cam),
        (layer_cam, slow.layer_cam),
        (grad_cam_elementwise, slow.grad_cam_elementwise),
    ],
    ids=["grad-cam", "grad-cam++", "hires-cam", "layer-cam", "grad-cam-elementwise"],
)
@pytest.mark.parametrize("kept", [1.0, 0.3])
def test_equals_the_equations(formula: Formula, twin: Callable[..., np.ndarray], kept: float) -> None:
    captured = capture(thesis_cnn(1, kept).double(), "conv2", digits()[::5].double(), own_class)
    ours = formula(captured.activations, captured.gradients).relu()
    for index in range(len(ours)):
        expected = twin(captured.activations[index].numpy(), captured.gradients[index].numpy())
        np.testing.assert_allclose(ours[index], expected, rtol=1e-9, atol=1e-12)


def test_shapley_cam_uses_the_second_derivative() -> None:
    """For a logit sum(a^3) / 3: gradient a^2, Hessian times a = 2 a^2, so the weight is zero; for
    sum(a^2) / 2 it is a / 2.
    """
    activations = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    (cubic,) = torch.autograd.grad((activations**3).sum() / 3, activations, create_graph=True)
    torch.testing.assert_close(shapley_cam(activations, cubic), torch.zeros(2, 4, 4, dtype=torch.float64))
    (square,) = torch.autograd.grad((activations**2).sum() / 2, activations, create_graph=True)
    torch.testing.assert_close(shapley_cam(activations, square), grad_cam(activations, square) / 2)


def test_an_in_place_relu_does_not_change_a_map() -> None:
    for name in ("grad-cam", "grad-cam++"):
        plain, inplace = (
            saliency_maps(thesis_cnn(inplace=flag), digits(), name, "conv2", own_class) for flag in (False, True)
        )
        assert torch.equal(plain.maps, inplace.maps)


def test_maps_are_for_the_class_that_was_asked_for() -> None:
    model, classes = thesis_cnn(), torch.arange(30) % 10
    batch = saliency_maps(model, digits(), "grad-cam", "conv2", fixed_classes(classes))
    assert torch.equal(batch.targets, classes)
    alone = saliency_maps(model, digits()[4:5], "grad-cam", "conv2", fixed_classes(torch.tensor([4])))
    torch.testing.assert_close(batch.maps[4:5], alone.maps, atol=1e-5, rtol=1e-5)
    other = saliency_maps(model, digits()[4:5], "grad-cam", "conv2", fixed_classes(torch.tensor([5])))
    assert not torch.allclose(other.maps, alone.maps)


def test_random_cam_draws_the_same_every_time() -> None:
    torch.manual_seed(1)
    first = saliency_maps(thesis_cnn(), digits(), "random-cam", "relu2", own_class)
    torch.rand(7)
    again = saliency_maps(thesis_cnn(), digits(), "random-cam", "relu2", own_class)
    assert torch.equal(first.maps, again.maps)


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'grad-cam\+\+'"):
        saliency_maps(thesis_cnn(), digits(), "gradcam++", "conv2", own_class)


def test_a_name_cannot_be_taken_twice() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        CAMS.register("grad-cam", "", "")(CAMS["grad-cam"].value)
