"""Tests that register models forget them again."""

from __future__ import annotations

from collections.abc import Mapping

from core.base.registry import Entry
from core.models.cards import Card
from core.models.zoo import MODELS


def restore_models(before: Mapping[str, Entry[Card]]) -> None:
    """The models that were registered before a test, and no others."""
    for name in set(MODELS) - set(before):
        MODELS.drop(name)
    for name, entry in before.items():
        if name not in MODELS or MODELS[name] is not entry:
            MODELS.put(entry)
