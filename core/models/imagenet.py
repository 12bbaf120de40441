"""Cards of networks for ImageNet's thousand classes."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from core.models.cards import Card


@lru_cache(maxsize=1)
def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's thousand classes in the order of the networks' outputs."""
    from torchvision.models._meta import _IMAGENET_CATEGORIES  # imported here: it takes seconds

    return tuple(_IMAGENET_CATEGORIES)


class ImageNetCard(Card):
    """A card that reads its classes from torchvision on first access, so that torchvision is not
    imported earlier.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(classes=(), **given)
        del self.__dict__["classes"]  # so that the property below is used

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return imagenet_classes()
