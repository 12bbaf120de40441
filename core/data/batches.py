"""A data set as one network gets it: the one interface of digits and photographs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from core.data.photos import Box


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images of a data set, ready for a network.

    rows: (n,) in the data set, on the CPU. images: (n, channels, H, W), the network's input.
    labels: (n,) indices into the network's classes, -1 where the class is none of them. truth: (n,
    H, W) in [0, 1], where the object is, all 0 where nobody marked it; None where it was not asked
    for. boxes: of each image, in pixels of the input, where that is the kind of truth.
    """

    rows: Tensor
    images: Tensor
    labels: Tensor
    truth: Tensor | None = None
    boxes: tuple[tuple[Box, ...], ...] = ()


class Inputs(ABC):
    """All images of a data set for one network. Safe for threads.

    title: of the data set. labels: (N,) as in Batch, on the device. own_classes: (m,) the classes
    of the network that the data set has, ascending. unknown: the data set's other classes.
    """

    title: str
    labels: Tensor
    own_classes: Tensor
    unknown: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def digest(self) -> str:
        """Tells one set of images from another of the same name."""

    @property
    @abstractmethod
    def has_truth(self) -> bool:
        """Whether it is known where the object is, in some image at least."""

    @property
    def has_boxes(self) -> bool:
        """Whether people drew boxes around objects."""
        return False

    @property
    @abstractmethod
    def bytes(self) -> int:
        """What it keeps in memory."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the numbers, in plain words."""
        return ()

    def without_noise(self) -> Inputs:
        """The same images without noise laid over them."""
        return self

    @abstractmethod
    def batches(self, truth: bool = False) -> Iterator[Batch]:
        """In order; images that cannot be read are left out.

        Args:
            truth: also where the object is, which takes time where it is a mask.
        """
