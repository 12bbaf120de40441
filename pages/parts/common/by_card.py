"""A cache of values computed from a model's card."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from core.models.cards import Card
from pages.parts.common import engine

T = TypeVar("T")


def by_card(function: Callable[..., T]) -> Callable[..., T]:
    """Caches a function by model name and current card: a model that is retrained under the same
    name has a new card.

    Args:
        function: takes a model's name and further names.
    """

    @lru_cache(maxsize=200)
    def kept(card: Card, *asked: str) -> T:
        return function(*asked)

    @wraps(function)
    def ask(model: str, *asked: str) -> T:
        return kept(engine.catalogue().named(model), model, *asked)

    return ask
