"""Cards of made networks, so that pictures are tested without weights."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from core.models.cards import Card, InputRule, Weights
from core.models.zoo import named

PHOTOS = Card(
    build=lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)),
    target_layer="0",
    input=InputRule(size_px=(224, 224), resize_px=256),
    classes=("tench", "espresso", "tiger cat", "English springer"),
    weights={"random": Weights(summary="untrained")},
    classifier="3.weight",
)
DIGITS = named("thesis-cnn")


def with_rule(**changes: object) -> Card:
    """The made network with another input."""
    return replace(PHOTOS, input=replace(PHOTOS.input, **changes))


GREY = with_rule(mean=(0.5,), std=(0.25,))
