"""One forward pass with the graph cut at the target layer: its activations and the gradients of the
target logit.

Cutting means that autograd starts at the layer's own output. Layers before it build no graph, so a
gradient costs little more than the bare forward pass, and no parameter ever gets a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.base.errors import BadSpec, UnknownName
from core.specs import NO_ANSWER

ChooseTarget = Callable[[Tensor], Tensor]  # logits (N, C) -> class indices (N,)


@dataclass(frozen=True, eq=False)
class Captured:
    """The result of one pass, on the images' device.

    Args:
        activations: (N, K, h, w) output of the target layer.
        gradients: (N, K, h, w) of each image's target logit by that output.
        logits: (N, C).
        targets: (N,) class indices, long; NO_ANSWER if `own_class` was requested and the logits are
            not finite.
    """

    activations: Tensor
    gradients: Tensor
    logits: Tensor
    targets: Tensor


def own_class(logits: Tensor) -> Tensor:
    """Choose the class that the network itself predicts, NO_ANSWER if logits are not finite; a
    `choose_target`. Logits (N, C) -> (N,).
    """
    return logits.argmax(dim=1).masked_fill(overflowing(logits), NO_ANSWER)


def overflowing(logits: Tensor) -> Tensor:
    """Return which images have logits (N, C) that are not all finite, (N,) bool."""
    return ~torch.isfinite(logits).all(dim=1)


def fixed_classes(classes: Tensor) -> ChooseTarget:
    """Return a `choose_target` for these class indices, (N,) in the order of the images."""
    return lambda logits: classes.to(logits.device, torch.long)


def this_class(wanted: int, classes: int) -> Callable[[Tensor], Tensor]:
    """Return a function that chooses one class for every image of a batch of logits (N, classes).
    Raises BadSpec.
    """
    if wanted >= classes:
        raise BadSpec(f"There is no class {wanted}.", f"Classes are 0 to {classes - 1}.")
    return lambda logits: torch.full((len(logits),), wanted, device=logits.device)


def find_layer(model: nn.Module, layer_name: str) -> nn.Module:
    """Return the module with a dotted name such as "layer4.1.conv2".

    Raises UnknownName with the nearest known name.
    """
    layers = dict(model.named_modules(remove_duplicate=False))
    del layers[""]  # the model itself is not a layer
    if layer_name not in layers:
        raise UnknownName("layer", layer_name, layers)
    return layers[layer_name]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Set every module to evaluation mode; restore each module's mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


class _Cut:
    """The forward hook that cuts the graph: keeps the layer's output as a leaf and passes a copy of
    it on.
    """

    def __init__(self, layer_name: str) -> None:
        self.layer_name = layer_name
        self.activations: Tensor | None = None

    def __call__(self, module: nn.Module, inputs: object, output: object) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise BadSpec(
                f"Layer '{self.layer_name}' returns {shape}, not a stack of maps.",
                "A target layer must return (images, channels, height, width).",
                "Choose a convolution, its activation or a pooling layer.",
            )
        if self.activations is not None:
            raise BadSpec(
                f"Layer '{self.layer_name}' runs more than once in a pass.",
                "A target layer must run once, or its map would be ambiguous.",
                "Choose the convolution or normalisation layer next to it.",
            )
        # Half precision loses small gradients (Grad-CAM++ takes their third power): keep at least
        # float32.
        kept = output.detach().to(torch.promote_types(output.dtype, torch.float32)).requires_grad_()
        self.activations = kept
        torch.set_grad_enabled(True)  # everything before ran without a graph; the caller's no_grad block resets this
        # A copy, so that a later in-place ReLU cannot change the kept output.
        return kept.to(output.dtype, copy=True)


def capture(
    model: nn.Module, layer_name: str, images: Tensor, choose_target: ChooseTarget, keep_graph: bool = False
) -> Captured:
    """Run the model once and return activations and gradients at a layer.

    The model runs in evaluation mode and is left unchanged, even after an error: no hook, no .grad,
    the same mode.

    Args:
        model: logits (N, C) from images; its parameters need not be frozen.
        layer_name: dotted name of the target layer.
        images: (N, channels, H, W) as the network gets them, on its device.
        choose_target: from logits (N, C) to class indices (N,).
        keep_graph: leave the gradients differentiable, for methods that need second derivatives.

    Raises:
        UnknownName: no such layer.
        BadSpec: the layer does not return (N, K, h, w), does not run exactly once, or a class is
        out of range.
    """
    layer, cut = find_layer(model, layer_name), _Cut(layer_name)
    with evaluating(model), torch.inference_mode(False), torch.no_grad():
        handle = layer.register_forward_hook(cut)
        try:
            logits = model(images)
        finally:
            handle.remove()
        if cut.activations is None:
            raise BadSpec(
                f"Layer '{layer_name}' does not run in a pass.", "A target layer must take part in the prediction."
            )
        targets = _checked_targets(choose_target, logits)
        gradients = _gradients(logits, targets.clamp(min=0), cut.activations, keep_graph)
    activations = cut.activations if keep_graph else cut.activations.detach()
    return Captured(activations, gradients, logits.detach(), targets)


def _checked_targets(choose_target: ChooseTarget, logits: Tensor) -> Tensor:
    if logits.ndim != 2:
        raise BadSpec(
            f"The network returns {tuple(logits.shape)}.", "A heatmap needs logits of shape (images, classes)."
        )
    count, classes = logits.shape
    targets = choose_target(logits.detach())
    if targets.shape != (count,):
        raise BadSpec(f"There are {tuple(targets.shape)} target classes for {count} images.", "Each image needs one.")
    outside = ((targets < 0) & ~((targets == NO_ANSWER) & overflowing(logits))) | (targets >= classes)
    if outside.any():  # checked here because an index out of range makes a GPU unusable
        raise BadSpec(f"There is no class {int(targets[outside][0])}.", f"This network has classes 0 to {classes - 1}.")
    return targets


def _gradients(logits: Tensor, targets: Tensor, activations: Tensor, keep_graph: bool) -> Tensor:
    """Return the gradients of the summed target logits; one sum suffices because images are
    independent.
    """
    with torch.enable_grad():
        score = logits.gather(1, targets[:, None]).sum()
    if not score.requires_grad:  # no path leads from the layer to the logits
        return torch.zeros_like(activations)
    (gradients,) = torch.autograd.grad(score, activations, create_graph=keep_graph, allow_unused=True)
    return torch.zeros_like(activations) if gradients is None else gradients
