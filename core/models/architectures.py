"""Architectures that can be retrained on other classes: EfficientNet-lite0 and every CNN of
torchvision.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from core.base.errors import BadSpec, UnknownName
from core.models import efficientnet_lite, torchvision_cnns
from core.models.building import skeleton
from core.models.cards import Card, InputRule

LITE = "efficientnet-lite0"
# Offered by name; every other CNN of torchvision can be retrained too.
OFFERED = ("squeezenet1_1", LITE, *(name for name in torchvision_cnns.KNOWN if name != "squeezenet1_1"))
# Target layer of Less is More: after the last pooling, 7 x 7 cells at 224 pixels. Others use the
# layer of their card.
AFTER_POOLING = {"squeezenet1_1": "features.12", "vgg16": "features.30", "vgg16_bn": "features.43"}


def build(architecture: str, classes: int) -> nn.Module:
    """Build a network with random weights and this many classes, without in-place activations and
    without auxiliary heads.
    """
    return (
        efficientnet_lite.build(classes)
        if architecture == LITE
        else torchvision_cnns.build(architecture, classes, rescaled=False)
    )


def card_of(architecture: str) -> Card:
    """Return the card of the architecture with ImageNet's classes.

    Raises UnknownName; BadSpec for vision transformers.
    """
    card = efficientnet_lite.card() if architecture == LITE else torchvision_cnns.named(architecture)
    if card is None:
        raise UnknownName("trainable network", architecture, [*dict.fromkeys((*OFFERED, *torchvision_cnns.names()))])
    return card


def rule(architecture: str, size_px: tuple[int, int]) -> InputRule:
    """Return the input rule of the pretrained weights, at this size. Raises as `card_of`."""
    if architecture in torchvision_cnns.TRAINING_HEADS:  # built without the rescaling of their input
        return InputRule(size_px=size_px, mean=(0.5,) * 3, std=(0.5,) * 3)
    usual = card_of(architecture).input
    return InputRule(size_px=size_px, mean=usual.mean, std=usual.std)


def layers(architecture: str, input_rule: InputRule) -> tuple[str, str]:
    """Return the target layer and the name of the classifier's weight.

    Raises BadSpec for an input that is too small for the network.
    """
    card = card_of(architecture)
    try:
        skeleton(partial(build, architecture, 2))(torch.zeros(2, 3, *input_rule.size_px, device="meta"))
    except RuntimeError as error:
        raise BadSpec(
            f"{architecture} does not accept {input_rule.size_px[1]} x {input_rule.size_px[0]} pixels.",
            "The input is too small for its layers.",
            "Choose a larger size.",
        ) from error
    return AFTER_POOLING.get(architecture, card.target_layer), card.classifier


def is_known(architecture: str) -> bool:
    """Return whether this architecture exists."""
    return architecture in OFFERED or architecture in torchvision_cnns.names()
