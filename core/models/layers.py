"""Find the possible target layers of a network: those that run once per pass and return a stack of
maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

# Layers that only pass on or pool the output of another layer; never the default target layer.
PASSES_ON = (
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
    nn.modules.dropout._DropoutNd,
    nn.Identity,
)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer that can be a target layer.

    name: dotted. channels, height, width: of its output. stride_px: pixels of the network's input
    from one cell to the next. passes_on: it is a pooling or dropout layer. early: it runs before
    the layer that computes the logits.
    """

    name: str
    channels: int
    height: int
    width: int
    stride_px: float
    passes_on: bool = False
    early: bool = True

    @property
    def text(self) -> str:
        """Return the text for select boxes: "layer4, 512 maps of 7 x 7"."""
        return f"{self.name}, {self.channels} maps of {self.height} x {self.width}"


@dataclass(frozen=True)
class Run:
    """One output in a pass, with the module that returned it."""

    name: str
    module: nn.Module
    answer: Tensor


def watch(network: nn.Module, images: Tensor) -> list[Run]:
    """Record every output of every module in one pass, in the order of completion; all hooks are
    removed afterwards.
    """
    runs: list[Run] = []

    def keep(name: str) -> None:
        def hook(module: nn.Module, inputs: object, answer: object) -> None:
            if isinstance(answer, Tensor):
                runs.append(Run(name, module, answer))

        handles.append(network.get_submodule(name).register_forward_hook(hook))

    handles: list[torch.utils.hooks.RemovableHandle] = []
    for name, _ in network.named_modules():
        if name:
            keep(name)
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return runs


def logits_layer(runs: list[Run]) -> str:
    """Return the last convolution or linear layer of a pass: the one that computes the logits."""
    return next((run.name for run in reversed(runs) if isinstance(run.module, nn.Conv2d | nn.Linear)), "")


def target_layers(network: nn.Module, input_shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """Return the possible target layers of a network without in-place activations, in the order in
    which they run.

    If several modules return the same maps (a block and its last layer), the outermost is named, as
    is customary.

    Args:
        network: in evaluation mode, on any device; on "meta" this takes milliseconds. input_shape:
            (channels, height, width).
    """
    runs = watch(network, _nothing(network, input_shape))
    last = logits_layer(runs)
    times = {name: [run.name for run in runs].count(name) for name in {run.name for run in runs}}
    end = max((place for place, run in enumerate(runs) if run.name == last), default=len(runs))
    found: dict[int, tuple[int, Run, str]] = {}  # by output: when it was computed, by which module, its outermost name
    for place, run in enumerate(runs):
        if id(run.answer) in found and isinstance(run.module, PASSES_ON):
            continue  # dropout returns its input tensor itself: not another name for the layer before it
        made, maker, name = found.get(id(run.answer), (place, run, ""))
        found[id(run.answer)] = (made, maker, run.name if times[run.name] == 1 else name)
    turned = _channels_last(network, runs, input_shape)
    layers = []
    for made, maker, name in found.values():
        if (
            name
            and maker.name not in turned
            and maker.answer.ndim == 4
            and maker.answer.shape[2] * maker.answer.shape[3] > 1
        ):
            layers.append(_layer(name, maker, input_shape, made < end))
    return tuple(layers)


def _nothing(network: nn.Module, input_shape: tuple[int, int, int]) -> Tensor:
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    return torch.zeros(1, *input_shape, device=device)


def _channels_last(network: nn.Module, runs: list[Run], input_shape: tuple[int, int, int]) -> set[str]:
    """Find modules that return (images, height, width, channels), as ConvNeXt does inside its
    blocks: their axis 1 grows with the image.
    """
    if not any(isinstance(run.module, nn.Linear) and run.answer.ndim == 4 for run in runs):
        return set()
    channels, height, width = input_shape
    larger = watch(network, _nothing(network, (channels, 2 * height, 2 * width)))
    return {
        run.name for run, other in zip(runs, larger, strict=True) if run.answer.shape[1:2] != other.answer.shape[1:2]
    }


def _layer(name: str, maker: Run, input_shape: tuple[int, int, int], early: bool) -> Layer:
    channels, height, width = maker.answer.shape[1:]
    return Layer(
        name=name,
        channels=channels,
        height=height,
        width=width,
        stride_px=input_shape[1] / height,
        passes_on=isinstance(maker.module, PASSES_ON),
        early=early,
    )


def last_layer(layers: tuple[Layer, ...]) -> str:
    """Return the last layer before the logits that is not pooling or dropout; "" for a network
    without maps.
    """
    return next((layer.name for layer in reversed(layers) if layer.early and not layer.passes_on), "")
