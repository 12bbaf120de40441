"""Cards: what must be known of a network to load, prune, explain and show it. Adding a model = registering one card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from core.models.small import ThesisCNN
from core.registry import Registry
from core.specs import ModelSpec, PruningSpec

MODELS: Registry[Card] = Registry("model")


@dataclass(frozen=True, kw_only=True)
class Card:
    """One network.

    build: makes it with random weights. prunable: names of the weights that pruning may remove (biases never).
    target_layer: where heatmaps are made unless the question says otherwise. input_px: (height, width).
    weights, seeds: the trained dense networks there are. dense: the pruning whose stored weights are the dense network
    (level 0 of a trained series is its dense network). levels: last level of the trained series, None without one.
    """

    build: Callable[[], nn.Module]
    prunable: tuple[str, ...]
    target_layer: str
    input_px: tuple[int, int]
    classes: tuple[str, ...]
    weights: dict[str, str]
    seeds: tuple[int, ...]
    dense: PruningSpec
    levels: int | None = None


MODELS.register(
    "thesis-cnn",
    "Thesis CNN (MNIST)",
    "Two convolutions and one linear layer, 2,324 prunable weights, trained on handwritten digits.",
    "Lukkien, bachelor's thesis; weights trained by this project with its protocol",
)(
    Card(
        build=ThesisCNN,
        prunable=("conv1.weight", "conv2.weight", "fc.weight"),
        target_layer="conv2",
        input_px=(28, 28),
        classes=tuple("0123456789"),
        weights={
            "mnist-55000": "trained on the 55,000 MNIST training images that are not among the embedded digits",
            "mnist-60000": "trained on all 60,000 MNIST training images, the embedded digits included",
        },
        seeds=(333, 334, 335),
        dense=PruningSpec.at_level(0),
        levels=25,
    )
)


def card(model: ModelSpec) -> Card:
    """The card of a model. Raises UnknownName for a model or weights that are not there."""
    return MODELS[model.name].value
