"""Data sets as network inputs, cached in memory under a budget of bytes."""

from __future__ import annotations

import torch

from core.base.errors import BadSpec
from core.base.stamps import Stamp
from core.data.batches import Inputs
from core.data.datasets import is_photos
from core.data.digit_inputs import DigitInputs
from core.data.load_picture import Pictures
from core.data.noise import noise_field
from core.data.photo_inputs import PhotoInputs
from core.data.ram_cache import Kept
from core.models.cards import Card
from core.specs import DataSpec

INPUT_BYTES = 512_000_000


class InputCache:
    """Data sets as network inputs. Thread-safe.

    Args:
        pictures: source of the data sets. device: where digits are kept complete and photographs
            are put batch by batch.
    """

    def __init__(self, pictures: Pictures, device: torch.device) -> None:
        self._pictures, self._device = pictures, device
        self.kept: Kept[Inputs] = Kept("data sets", INPUT_BYTES)

    def of(self, data: DataSpec, card: Card) -> Inputs:
        """Return a data set as the network of this card receives it.

        Raises BadSpec for photographs with a network for digits and vice versa, and for noise on
        photographs. UnknownName, MissingData, BadFile.
        """
        return self._digits(data) if card.reads_digits else self._photos(data, card)

    def stamp(self, data: DataSpec, card: Card) -> Stamp:
        """Return the stamp of all photographs of a data set; "" for digits, which never change.

        Raises as `of`.
        """
        return "" if card.reads_digits else self._photos(data, card).photos.whole_stamp

    def _digits(self, data: DataSpec) -> DigitInputs:
        if is_photos(data.name):
            raise BadSpec(
                f"'{data.name}' holds photographs.",
                "This network reads handwritten digits.",
                "Choose 'digits' or 'mnist-test'.",
            )
        cached = self.kept.get(data)
        if isinstance(cached, DigitInputs):
            return cached
        images = self._pictures.digit_set(data.name)
        count, height, width = images.images.shape
        noise = noise_field(data.name, data.noise_seed, (count, height, width)).to(self._device) if data.noise else None
        inputs = DigitInputs.of(images.images.to(self._device), images.labels.to(self._device), noise, data.noise)
        self.kept.put(data, inputs, inputs.bytes)
        return inputs

    def _photos(self, data: DataSpec, card: Card) -> PhotoInputs:
        if not is_photos(data.name):
            raise BadSpec(
                f"'{data.name}' holds digits.",
                "This network takes photographs.",
                "Choose a data set of photographs.",
            )
        if data.noise:
            raise BadSpec(
                "Background noise can be added to digits only.",
                "Photographs have no background of 0.",
                "Set the noise to 0.",
            )
        key, photos = (data, card.input, card.classes), self._pictures.photo_set(data.name)
        cached = self.kept.get(key)
        if isinstance(cached, PhotoInputs) and cached.photos is photos:
            return cached
        inputs = PhotoInputs(photos, card, self._device)
        self.kept.put(key, inputs, inputs.bytes)
        return inputs
