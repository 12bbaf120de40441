"""A data set as inputs of one network: the common interface of digits and photographs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.data.photos import Box
from core.data.remarks import Kept
from core.models.cards import InputRule


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images of a data set, ready for a network.

    rows: (n,) in the data set, on the CPU. images: (n, channels, H, W), the network's input.
    labels: (n,) indices into the network's classes, -1 for other classes. truth: (n, H, W) in [0,
    1], where the object is, all 0 if nobody marked it; None if not requested. boxes: of each image,
    in pixels of the input, if that is the kind of truth. sources: (width, height) of each
    photograph itself; empty for digits.
    """

    rows: Tensor
    images: Tensor
    labels: Tensor
    truth: Tensor | None = None
    boxes: tuple[tuple[Box, ...], ...] = ()
    sources: tuple[tuple[int, int], ...] = ()


def standardised(batch: Batch, rule: InputRule, device: torch.device) -> Batch:
    """Return a batch of `Inputs.pixels` as a network of this rule receives it, on the device."""
    images = batch.images.to(device)
    images = images if images.is_floating_point() else rule(images.float() / 255)
    truth = None if batch.truth is None else batch.truth.to(device).float()
    return replace(batch, images=images, labels=batch.labels.to(device), truth=truth)


class Batches(ABC):
    """Batches of images for one network. own_classes: (m,) the network's classes that the data set
    has, ascending.
    """

    own_classes: Tensor

    @abstractmethod
    def batches(self, truth: bool = False, rows: Tensor | None = None) -> Iterator[Batch]:
        """Yield batches in order; images that cannot be read are left out.

        Args:
            truth: also return where the object is, which takes time for masks. rows: the images to
                yield, on the CPU; defaults to all.
        """


class Inputs(Batches):
    """All images of a data set for one network. Thread-safe.

    title: of the data set. labels: (N,) as in Batch, on the device. unknown: the data set's classes
    that the network does not have. matching: notes on how classes were matched, where that is not
    plain.
    """

    title: str
    labels: Tensor
    unknown: tuple[str, ...] = ()
    matching: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def digest(self) -> str:
        """Return a digest that distinguishes sets of images of the same name."""

    @abstractmethod
    def checksum(self, rows: Tensor) -> str:
        """Return a checksum of these images, their classes, and where the object is."""

    @property
    def has_truth(self) -> bool:
        """Whether the object is marked in at least one image."""
        return bool(self.truth_kind)

    @property
    @abstractmethod
    def truth_kind(self) -> str:
        """How the object is marked, a key of core.results.TRUTHS; "mask" where photographs differ
        in it.
        """

    @property
    def has_boxes(self) -> bool:
        """Whether people drew boxes around objects."""
        return False

    @property
    @abstractmethod
    def bytes(self) -> int:
        """Bytes kept in memory."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the numbers, in sentences."""
        return ()

    def remarks(self) -> Kept:
        """Return the remarks on single images, as far as they have been read."""
        return []

    def recall(self, kept: Kept) -> None:
        """Take up the remarks on images that were read before and are not read again."""

    def without_noise(self) -> Inputs:
        """Return the same images without noise."""
        return self

    @property
    def classes(self) -> Tensor:
        """Return the class of each image in the data set, whether the network knows it or not,
        (N,).
        """
        return self.labels

    def pixels(self, truth: bool = False, rows: Tensor | None = None) -> Iterator[Batch]:
        """Yield the same batches before `standardised`: photographs as uint8, on the CPU."""
        return self.batches(truth, rows)
