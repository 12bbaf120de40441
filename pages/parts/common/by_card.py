"""What pages keep of a model's card."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from core.models.cards import Card
from pages.parts.common import engine

T = TypeVar("T")


def by_card(function: Callable[..., T]) -> Callable[..., T]:
    """Keeps what is made for a model under its name and its present card: a model that is retrained
    under the same name has a new card.

    Args:
        function: of a model's name, and of further names.
    """

    @lru_cache(maxsize=200)
    def kept(card: Card, *asked: str) -> T:
        return function(*asked)

    @wraps(function)
    def ask(model: str, *asked: str) -> T:
        return kept(engine.catalogue().named(model), model, *asked)

    return ask
