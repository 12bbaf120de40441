"""Data sets as networks get them, kept in memory under a budget of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.base.errors import BadSpec
from core.base.stamps import Stamp
from core.data.datasets import is_photos
from core.data.load_picture import Pictures
from core.data.noise import add_background_noise, noise_field
from core.data.photo_inputs import PhotoInputs
from core.data.ram_cache import Kept
from core.models.cards import Card
from core.specs import DataSpec

BATCH = 500
INPUT_BYTES = 512_000_000


@dataclass(frozen=True, eq=False)
class Inputs:
    """Digits ready for a network: clean and seen (N, H, W) in [0, 1], classes (N,); all on one
    device.
    """

    clean: Tensor
    seen: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, noise: Tensor | None, high: float) -> Inputs:
        """Args: images (N, H, W) uint8; noise (N, H, W) in [0, 1) or None for none; high: its upper
        end.
        """
        clean = images.float() / 255
        return cls(clean, clean if noise is None else add_background_noise(clean, noise, high), labels)

    @property
    def bytes(self) -> int:
        return self.clean.nbytes + self.labels.nbytes + (0 if self.seen is self.clean else self.seen.nbytes)

    def batches(self, size: int = BATCH) -> Iterator[Inputs]:
        for parts in zip(self.clean.split(size), self.seen.split(size), self.labels.split(size), strict=True):
            yield Inputs(*parts)


class InputCache:
    """Data sets for networks; safe for threads.

    Args:
        pictures: where the data sets come from. device: where digits are put whole, and photographs
            batch by batch.
    """

    def __init__(self, pictures: Pictures, device: torch.device) -> None:
        self._pictures, self._device = pictures, device
        self.kept: Kept[Inputs | PhotoInputs] = Kept("data sets", INPUT_BYTES)

    def digits(self, data: DataSpec) -> Inputs:
        """A data set of digits with its stored noise.

        Raises BadSpec for photographs; UnknownName, MissingData, BadFile.
        """
        if is_photos(data.name):
            raise BadSpec(
                f"'{data.name}' holds photographs.",
                "This network reads handwritten digits.",
                "Choose 'digits' or 'mnist-test'.",
            )
        found = self.kept.get(data)
        if isinstance(found, Inputs):
            return found
        images = self._pictures.digit_set(data.name)
        count, height, width = images.images.shape
        noise = noise_field(data.name, data.noise_seed, (count, height, width)).to(self._device) if data.noise else None
        made = Inputs.of(images.images.to(self._device), images.labels.to(self._device), noise, data.noise)
        self.kept.put(data, made, made.bytes)
        return made

    def photos(self, data: DataSpec, card: Card) -> PhotoInputs:
        """A data set of photographs for one network.

        Raises BadSpec for digits and for noise; else as `digits`.
        """
        if not is_photos(data.name):
            raise BadSpec(
                f"'{data.name}' holds digits.",
                "This network looks at photographs.",
                "Choose a data set of photographs.",
            )
        if data.noise:
            raise BadSpec(
                "Background noise is laid over digits only.",
                "Photographs have no background of 0.",
                "Set the noise to 0.",
            )
        key, photos = (data, card.input, card.classes), self._pictures.photo_set(data.name)
        found = self.kept.get(key)
        if isinstance(found, PhotoInputs) and found.photos is photos:
            return found
        made = PhotoInputs(photos, card, self._device)
        self.kept.put(key, made, made.bytes)
        return made

    def stamp(self, data: DataSpec, card: Card) -> Stamp:
        """Of all photographs of a data set now; "" for digits, which never change.

        Raises as `photos`.
        """
        return "" if card.images == "digits" else self.photos(data, card).photos.whole_stamp

    def of(self, data: DataSpec, card: Card) -> Inputs | PhotoInputs:
        """Whichever the network takes."""
        return self.digits(data) if card.images == "digits" else self.photos(data, card)
