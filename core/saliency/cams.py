"""The registry of CAM methods, and the methods made here. All others come from pytorch-grad-cam (external.py).

A formula is a pure function of activations and gradients at the target layer, both (N, K, h, w), to a map (N, h, w).
`@native` wraps it in one forward pass and registers it; negative values are cut off after the formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.device import torch_generator
from core.registry import Registry
from core.saliency.capture import ChooseTarget, capture


@dataclass(frozen=True, eq=False)
class SaliencyBatch:
    """Raw saliency maps of a batch, on the images' device.

    Args:
        maps: (N, h, w) at the target layer's cells, not negative, not scaled; NaN where the method has no finite answer.
        logits: (N, C).
        targets: (N,) class indices that the maps are for.
    """

    maps: Tensor
    logits: Tensor
    targets: Tensor


Formula = Callable[[Tensor, Tensor], Tensor]  # activations, gradients (N, K, h, w) -> (N, h, w)
CamMethod = Callable[[nn.Module, Tensor, str, ChooseTarget], SaliencyBatch]  # model, images, layer name, choose_target
CAMS: Registry[CamMethod] = Registry("CAM method")


def saliency_maps(model: nn.Module, images: Tensor, cam_method_name: str, layer_name: str, choose_target: ChooseTarget) -> SaliencyBatch:
    """Saliency maps of a batch of images by any registered method.

    The model is left as found: no hook, no .grad, the same mode, after errors too. It must not be used by another
    thread meanwhile (the store's lock sees to that).

    Args:
        model: logits (N, C) from images.
        images: (N, channels, H, W) as the network gets them, on its device.
        cam_method_name: a key of CAMS.
        layer_name: dotted name of the target layer.
        choose_target: from logits (N, C) to class indices (N,): `own_class`, `fixed_classes(...)`.

    Raises:
        UnknownName: no such method or layer.
        BadSpec: the layer cannot be a target layer, or a class is out of range.
    """
    return CAMS[cam_method_name].value(model, images, layer_name, choose_target)


def one_pass(formula: Formula, keep_graph: bool = False) -> CamMethod:
    """A CAM method from a formula: one forward pass, the formula, negative values cut off."""

    def method(model: nn.Module, images: Tensor, layer_name: str, choose_target: ChooseTarget) -> SaliencyBatch:
        captured = capture(model, layer_name, images, choose_target, keep_graph)
        maps = formula(captured.activations, captured.gradients).detach().relu()
        return SaliencyBatch(maps, captured.logits, captured.targets)

    return method


def native(
    name: str, title: str, summary: str, source: str, keep_graph: bool = False, by_class: str = "yes"
) -> Callable[[Formula], Formula]:
    """Decorator that registers a formula as a CAM method and leaves the formula itself as it is."""

    def add(formula: Formula) -> Formula:
        register = CAMS.register(name, title, summary, source, cost="one pass", by_class=by_class, made_by="Sparsight")
        register(one_pass(formula, keep_graph))
        return formula

    return add


def weighted_sum(weights: Tensor, activations: Tensor) -> Tensor:
    """Sum over channels of weights (N, K) times activations (N, K, h, w), giving (N, h, w)."""
    return (weights[:, :, None, None] * activations).sum(dim=1)


@native(
    "grad-cam",
    "Grad-CAM",
    "Adds up the layer's channels, each weighted by how much the class score rises with it on average.",
    "Selvaraju et al. 2017, Eq. 1 and 2 (arXiv:1610.02391)",
)
def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their mean gradient. Source: Selvaraju et al. 2017, Eq. 1 and 2."""
    return weighted_sum(gradients.mean(dim=(2, 3)), activations)


@native(
    "grad-cam++",
    "Grad-CAM++",
    "Like Grad-CAM, but counts only places where more activation raises the class score, so that several parts show.",
    "Chattopadhay et al. 2018, Eq. 7 and 19 (arXiv:1710.11063)",
)
def grad_cam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their positive gradients, each gradient by its own closed-form factor.

    Source: Chattopadhay et al. 2018, Eq. 7 (weights) and 19 (factors).
    Differs from the paper: 1e-6 is added to the denominator, as pytorch-grad-cam does, and the factor
    exp(score) common to all weights is left out (scaling removes it).
    """
    squared = gradients**2
    total = activations.sum(dim=(2, 3), keepdim=True)
    factors = squared / (2 * squared + total * squared * gradients + 1e-6)
    factors = torch.where(gradients != 0, factors, 0)
    return weighted_sum((gradients.relu() * factors).sum(dim=(2, 3)), activations)


@native(
    "shapley-cam",
    "Shapley-CAM",
    "Like Grad-CAM, but corrects each channel's weight by how quickly its influence changes.",
    "Cai 2025 (arXiv:2501.06261); as in pytorch-grad-cam",
    keep_graph=True,
)
def shapley_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by the mean of gradient - 1/2 Hessian times activation. Source: Cai 2025.

    Where the part after the layer is piecewise linear (ReLU, max pooling, linear) the Hessian is zero: this is Grad-CAM.
    """
    product = None
    if gradients.requires_grad:
        (product,) = torch.autograd.grad(gradients, activations, grad_outputs=activations.detach(), allow_unused=True)
    weights = gradients if product is None else gradients - 0.5 * product
    return weighted_sum(weights.mean(dim=(2, 3)), activations)


@native(
    "random-cam",
    "Random-CAM",
    "A baseline: adds up the channels with random weights. A method that looks no better says nothing about the class.",
    "pytorch-grad-cam",
    by_class="no",
)
def random_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by uniform draws from [-1, 1].

    Differs from pytorch-grad-cam: the draws have their own generator and are the same for every image, so that a
    map is repeatable and does not depend on the batch.
    """
    channels = activations.shape[1]
    weights = torch.rand(channels, generator=torch_generator("random-cam", channels)) * 2 - 1
    return weighted_sum(weights.to(activations)[None], activations)
