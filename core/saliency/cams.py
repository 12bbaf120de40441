"""The registry of CAM methods, and the methods implemented here. All others come from
pytorch-grad-cam (external.py).

A formula is a pure function from activations and gradients at the target layer, both (N, K, h, w),
to a map (N, h, w). `@native` registers it; negative values are clipped after the formula.

The fact "negative" of a method explains what fails at a layer with negative values, such as before
a ReLU; it is empty for methods that work at any layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from core.base.draws import torch_generator
from core.base.errors import BadSpec
from core.base.registry import Entry, Registry
from core.saliency.capture import Captured, ChooseTarget, capture, overflowing, own_class


@dataclass(frozen=True, eq=False)
class SaliencyBatch:
    """Raw saliency maps of a batch, on the images' device.

    Args:
        maps: (N, h, w) at the target layer's cells, not negative, not scaled; NaN where the
            method's result is not finite.
        logits: (N, C).
        targets: (N,) class indices of the maps; NO_ANSWER if the network's own class was requested
            and it has none.
        negative_share: (N,) share of the target layer's values that are negative.
        others: maps (N, h, w) of the other requested methods, by name, from the same pass.
    """

    maps: Tensor
    logits: Tensor
    targets: Tensor
    negative_share: Tensor
    others: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass of a batch through a model, cut at a layer: the input of a CAM method."""

    model: nn.Module
    images: Tensor
    layer_name: str
    captured: Captured


Formula = Callable[[Tensor, Tensor], Tensor]  # activations, gradients (N, K, h, w) -> (N, h, w)


@dataclass(frozen=True, eq=False)
class CamMethod:
    """maps: computes maps (N, h, w) from a pass. keep_graph: the gradients must stay
    differentiable.
    """

    maps: Callable[[Pass], Tensor]
    keep_graph: bool = False


def check_method(entry: Entry[CamMethod]) -> None:
    """Check that the CAM method of a plugin makes a map of each image; register a formula of
    activations and gradients with `native`. Raises BadSpec, and what its code raises.
    """
    if missing := [name for name in FACTS if name not in entry.facts]:
        raise BadSpec(
            f"Its facts lack {', '.join(missing)}.",
            f"A CAM method states {', '.join(FACTS)}.",
            "Register a formula with core.saliency.cams.native, which states them.",
        )
    layers = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(48, 2)).requires_grad_(False)
    images = torch.linspace(-1, 1, 72).reshape(2, 1, 6, 6)
    captured = capture(layers, "0", images, own_class, entry.value.keep_graph)
    maps = entry.value.maps(Pass(layers, images, "0", captured))
    if not isinstance(maps, Tensor) or maps.shape != (2, 4, 4):
        given = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise BadSpec(
            f"It returns {given} for two images and maps of 4 x 4 cells.",
            "A CAM method returns a map for each image, (N, h, w).",
            "Sum over the channels only.",
        )


FACTS = ("cost", "by_class", "made_by", "negative")
CAMS: Registry[CamMethod] = Registry("CAM method", check_method)


def is_quick(method: str) -> bool:
    """Return whether a heatmap takes only one pass through the network. Raises UnknownName."""
    return CAMS[method].facts["cost"] == "one pass"


def saliency_maps(
    model: nn.Module,
    images: Tensor,
    cam_method_name: str,
    layer_name: str,
    choose_target: ChooseTarget,
    others: Sequence[str] = (),
) -> SaliencyBatch:
    """Compute saliency maps of a batch of images by any registered method.

    The model is left unchanged, even after an error: no hook, no .grad, the same mode. No other
    thread may use it meanwhile (the store's lock ensures that).

    Args:
        model: logits (N, C) from images.
        images: (N, channels, H, W) as the network gets them, on its device.
        cam_method_name: a key of CAMS.
        layer_name: dotted name of the target layer.
        choose_target: from logits (N, C) to class indices (N,): `own_class`, `fixed_classes(...)`.
        others: further methods whose maps are computed from the same pass.

    Raises:
        UnknownName: no such method or layer.
        BadSpec: the layer cannot be a target layer, or a class is out of range.

    If the logits of an image are not finite, its map is NaN for every method: the network's outputs
    overflow.
    """
    methods = {name: CAMS[name].value for name in (cam_method_name, *others)}
    keep_graph = any(method.keep_graph for method in methods.values())
    captured = capture(model, layer_name, images, choose_target, keep_graph)
    seen, overflow = Pass(model, images, layer_name, captured), overflowing(captured.logits)[:, None, None]
    maps = {
        name: method.maps(seen).detach().relu().masked_fill(overflow, torch.nan) for name, method in methods.items()
    }
    return SaliencyBatch(
        maps=maps[cam_method_name],
        logits=captured.logits,
        targets=captured.targets,
        negative_share=(captured.activations.detach() < 0).float().mean(dim=(1, 2, 3)),
        others={name: maps[name] for name in others},
    )


def native(
    name: str, title: str, summary: str, source: str, keep_graph: bool = False, **facts: str
) -> Callable[[Formula], Formula]:
    """Return a decorator that registers a formula as a CAM method and returns it unchanged.

    facts: "by_class" and "negative", if they differ from the defaults.
    """

    def add(formula: Formula) -> Formula:
        method = CamMethod(lambda seen: formula(seen.captured.activations, seen.captured.gradients), keep_graph)
        usual = {"cost": "one pass", "by_class": "yes", "made_by": "Sparsight", "negative": ""}
        CAMS.register(name, title, summary, source, **(usual | facts))(method)
        return formula

    return add


def weighted_sum(weights: Tensor, activations: Tensor) -> Tensor:
    """Sum weights (N, K) times activations (N, K, h, w) over channels to (N, h, w)."""
    return (weights[:, :, None, None] * activations).sum(dim=1)


@native(
    "grad-cam",
    "Grad-CAM",
    "Sums the layer's channels, each weighted by its mean gradient of the class score.",
    "Selvaraju et al. 2017, Eq. 1 and 2 (arXiv:1610.02391)",
)
def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their mean gradient. Source: Selvaraju et al. 2017, Eq. 1 and 2."""
    return weighted_sum(gradients.mean(dim=(2, 3)), activations)


@native(
    "grad-cam++",
    "Grad-CAM++",
    "Like Grad-CAM, but counts only places where more activation raises the class score, so that several parts are "
    "visible.",
    "Chattopadhay et al. 2018, Eq. 7 and 19 (arXiv:1710.11063)",
    negative="its divisor contains the sum of the activations, which can vanish or change its sign",
)
def grad_cam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their positive gradients, each gradient by its own closed-form factor.

    Source: Chattopadhay et al. 2018, Eq. 7 (weights) and 19 (factors).
    Differs from the paper: 1e-6 is added to the denominator, as pytorch-grad-cam does, and the
    factor exp(score) common to all weights is omitted (scaling removes it).
    """
    squared = gradients**2
    total = activations.sum(dim=(2, 3), keepdim=True)
    factors = squared / (2 * squared + total * squared * gradients + 1e-6)
    factors = torch.where(gradients != 0, factors, 0)
    return weighted_sum((gradients.relu() * factors).sum(dim=(2, 3)), activations)


@native(
    "hires-cam",
    "HiRes-CAM",
    "Multiplies activation and gradient cell by cell and sums the products.",
    "Draelos and Carin 2020 (arXiv:2011.08891)",
)
def hires_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Activation times gradient, cell by cell, summed over channels.

    Source: Draelos and Carin 2020.
    """
    return (gradients * activations).sum(dim=1)


@native(
    "layer-cam",
    "Layer-CAM",
    "Weights every cell of every channel by its own positive gradient, which also works at early layers.",
    "Jiang et al. 2021 (IEEE TIP 30)",
    negative=(
        "a negative value under a positive gradient counts against its place, although raising it would help the class"
    ),
)
def layer_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Activation times positive gradient, cell by cell, summed over channels.

    Source: Jiang et al. 2021.
    """
    return (gradients.relu() * activations).sum(dim=1)


@native(
    "grad-cam-elementwise",
    "Grad-CAM-Elementwise",
    "Multiplies activation and gradient cell by cell and sums the positive products.",
    "pytorch-grad-cam",
)
def grad_cam_elementwise(activations: Tensor, gradients: Tensor) -> Tensor:
    """Positive products of activation and gradient, summed over channels.

    Source: pytorch-grad-cam's GradCAMElementWise.
    """
    return (gradients * activations).relu().sum(dim=1)


@native(
    "shapley-cam",
    "Shapley-CAM",
    "Like Grad-CAM, but corrects each channel's weight by how quickly its influence changes.",
    "Cai 2025 (arXiv:2501.06261); as in pytorch-grad-cam",
    keep_graph=True,
)
def shapley_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by the mean of gradient - 1/2 Hessian times activation. Source: Cai 2025.

    Where the part after the layer is piecewise linear (ReLU, max pooling, linear) the Hessian is
    zero: this is Grad-CAM.
    """
    product = None
    if gradients.requires_grad:
        (product,) = torch.autograd.grad(gradients, activations, grad_outputs=activations.detach(), allow_unused=True)
    weights = gradients if product is None else gradients - 0.5 * product
    return weighted_sum(weights.mean(dim=(2, 3)), activations)


@native(
    "random-cam",
    "Random-CAM",
    "A baseline: sums the channels with random weights. A method that looks no better reveals nothing about the class.",
    "pytorch-grad-cam",
    by_class="no",
)
def random_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by uniform draws from [-1, 1].

    Differs from pytorch-grad-cam: the draws have their own generator and are the same for every
    image, so that a map is reproducible and independent of the batch.
    """
    channels = activations.shape[1]
    weights = torch.rand(channels, generator=torch_generator("random-cam", channels)) * 2 - 1
    return weighted_sum(weights.to(activations)[None], activations)
