"""Measurements on images for criteria: gradients of the loss and norms of each layer's inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.base.errors import BadSpec, UnknownName

LAYERS = (nn.modules.conv._ConvNd, nn.Linear)


@dataclass(frozen=True)
class Calibration:
    """Measured on `images` images. gradients: of the mean loss, by weight name, in the weight's
    shape. input_norms: by weight name, (input channels,), L2 norms over images and positions.
    Float32, on the network's device.
    """

    gradients: dict[str, Tensor]
    input_norms: dict[str, Tensor]
    images: int

    @property
    def bytes(self) -> int:
        """Memory that it holds."""
        return sum(values.nbytes for part in (self.gradients, self.input_norms) for values in part.values())


def calibrate(
    network: nn.Module, names: Iterable[str], images: Tensor, labels: Tensor | None = None, batch_size: int = 16
) -> Calibration:
    """Measure gradients of the mean cross-entropy and norms of inputs over all images.

    The network is left unchanged, even after an error: no hooks, no .grad, the same mode and frozen
    parameters.

    Args:
        network: dense, in eval mode.
        names: of the requested weights of convolutions and linear layers.
        images: (N, channels, H, W), inputs of the network on its device.
        labels: (N,) classes; default to the network's own predictions.
        batch_size: images per pass.
    Raises:
        BadSpec: no image. UnknownName: a name is not a weight of such a layer.
    """
    names = tuple(names)
    if len(images) == 0:
        raise BadSpec(
            "There are no images to measure on.",
            "At least one image is needed; 16 to 64 are usual.",
            "Provide some images.",
        )
    layers = {f"{name}.weight": module for name, module in network.named_modules() if isinstance(module, LAYERS)}
    for name in names:
        if name not in layers:
            raise UnknownName("weight of a layer", name, layers)
    weights = [layers[name].weight for name in names]
    frozen = [weight.requires_grad for weight in weights]
    gradients = [torch.zeros_like(weight, dtype=torch.float32, requires_grad=False) for weight in weights]
    squares: dict[str, Tensor] = {}
    with ExitStack() as restore:
        for name in names:
            restore.callback(layers[name].register_forward_pre_hook(_add_squares(squares, name)).remove)
        for weight, was in zip(weights, frozen, strict=True):
            restore.callback(weight.requires_grad_, was)
            weight.requires_grad_(True)
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            found = _gradients(network, weights, images[part], None if labels is None else labels[part])
            for total, gradient in zip(gradients, found, strict=True):
                if gradient is not None:  # None: the loss does not depend on this weight
                    total.add_(gradient, alpha=1 / len(images))
    unheard = {name: layers[name].weight.new_zeros(_inputs(layers[name])) for name in names if name not in squares}
    norms = {name: squares[name].sqrt().float() if name in squares else unheard[name] for name in names}
    return Calibration(dict(zip(names, gradients, strict=True)), norms, len(images))


def _gradients(
    network: nn.Module, weights: list[Tensor], images: Tensor, labels: Tensor | None
) -> tuple[Tensor | None, ...]:
    with torch.enable_grad():
        logits = network(images)
        loss = F.cross_entropy(logits, logits.detach().argmax(1) if labels is None else labels, reduction="sum")
        return torch.autograd.grad(loss, weights, allow_unused=True)


def _add_squares(squares: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any], None]:
    def hook(module: nn.Module, inputs: Any) -> None:
        values = inputs[0].detach().double()
        channel = values.dim() - 1 if isinstance(module, nn.Linear) else 1
        found = values.square().sum([place for place in range(values.dim()) if place != channel])
        squares[name] = squares[name] + found if name in squares else found  # a layer that is used twice adds both

    return hook


def _inputs(layer: Any) -> int:
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
