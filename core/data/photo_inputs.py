"""A data set of photographs as network inputs: decoded batch by batch, cached as bytes if that
fits.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.base.errors import BadImage
from core.base.numbers import counted
from core.base.stamps import Stamp
from core.base.text import first_few
from core.data.batches import Batch, Inputs, standardised
from core.data.classes import class_indices
from core.data.homonyms import matching_notes
from core.data.images import NOTES, ROTATED
from core.data.photo_sets import MASK_REMARKS, PhotoSet
from core.data.photos import Box, Placement, fit_photo
from core.data.remarks import BEYOND, NAMED, TURNED, UNMARKED, UNREADABLE, Kept, Remarks
from core.models.cards import Card
from core.results import Array

BATCH_VALUES = (
    2_500_000  # of the inputs of one batch: 16 of 224 x 224 pixels in colour, and the network's activations on top
)
LARGEST_BATCH = 500
KEPT_BYTES = (
    256_000_000  # the most that one data set's decoded photographs may take; larger sets are decoded again each time
)
OF_MASKS = (UNMARKED, *MASK_REMARKS)
WORKERS = max(1, min(4, os.cpu_count() or 1))


@dataclass(frozen=True, eq=False)
class _Decoded:
    """One photograph at the network's size, uint8, and its own (width, height). stamp: of its files
    before they were read.
    """

    row: int
    pixels: np.ndarray
    source: tuple[int, int]
    stamp: Stamp


class PhotoInputs(Inputs):
    """All photographs of a data set for one network, decoded batch by batch."""

    def __init__(self, photos: PhotoSet, card: Card, device: torch.device) -> None:
        self.photos, self.title, self.device, self._card = photos, photos.title, device, card
        places = [-1 if place is None else place for place in class_indices(photos.classes, card.classes)]
        self.labels = torch.tensor([places[photo.label] for photo in photos.photos], device=device)
        self.own_classes = torch.tensor(sorted(set(places) - {-1}), dtype=torch.int64, device=device)
        self.unknown = tuple(name for name, place in zip(photos.classes, places, strict=True) if place == -1)
        self.matching = matching_notes(photos.classes, card.classes) if photos.own_folders else ()
        self._remarks = Remarks()
        self._kept: dict[int, _Decoded] = {}

    @property
    def digest(self) -> str:
        """Return a digest of the names and classes of the photographs."""
        names = json.dumps([[photo.name, photo.label] for photo in self.photos.photos])
        return hashlib.sha256(names.encode()).hexdigest()[:16]

    def checksum(self, rows: Tensor) -> str:
        """Read every file, so that a changed photograph of the same name is another set."""
        digests = [self.photos.photos[row].digest for row in rows.tolist()]
        return hashlib.sha256(json.dumps([self.photos.classes, digests]).encode()).hexdigest()[:16]

    @property
    def truth_kind(self) -> str:
        kinds = {photo.truth_kind for photo in self.photos.photos} - {""}
        return min(kinds) if len(kinds) == 1 else "mask" if kinds else ""

    @property
    def has_boxes(self) -> bool:
        return any(photo.boxes for photo in self.photos.photos)

    @property
    def bytes(self) -> int:
        """Bytes cached in the end; 0 for a data set that is too large to cache."""
        whole = len(self) * int(np.prod(self._card.input_shape))
        return whole if whole <= KEPT_BYTES else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the numbers: photographs left out, with reasons; folder names that may mean
        something else.
        """
        notes = [*self.photos.notes, *self.matching]
        if self.unknown:
            count = int((self.labels == -1).sum())
            notes.append(
                f"Not classes of this network, {counted(count, 'photograph')} left out of the accuracy:"
                f" {some(self.unknown)}."
            )
        return (*notes, *self._remarks.sentences(lambda row: self.photos.photos[row].name))

    def remarks(self) -> Kept:
        return self._remarks.kept()

    def recall(self, kept: Kept) -> None:
        self._remarks.recall(kept)

    @property
    def classes(self) -> Tensor:
        return torch.tensor([photo.label for photo in self.photos.photos])

    def batches(self, truth: bool = False, rows: Tensor | None = None) -> Iterator[Batch]:
        for batch in self.pixels(truth, rows):
            yield standardised(batch, self._card.input, self.device)

    def pixels(self, truth: bool = False, rows: Tensor | None = None) -> Iterator[Batch]:
        size = max(1, min(LARGEST_BATCH, BATCH_VALUES // int(np.prod(self._card.input_shape))))
        labels = self.labels.cpu()
        with ThreadPoolExecutor(WORKERS) as pool:
            for part in (torch.arange(len(self)) if rows is None else rows).split(size):
                found = [one for one in pool.map(self._decoded, part.tolist()) if one is not None]
                if found:
                    masks = torch.from_numpy(np.stack(list(pool.map(self._truth, found))) > 0) if truth else None
                    rows = torch.tensor([one.row for one in found])
                    boxes, sources = tuple(map(self._boxes, found)), tuple(one.source for one in found)
                    yield Batch(rows, _as_images(found), labels[rows], masks, boxes, sources)

    def _boxes(self, one: _Decoded) -> tuple[Box, ...]:
        return Placement.of(one.source, self._card.input).boxes(self.photos.photos[one.row].boxes)

    def _decoded(self, row: int) -> _Decoded | None:
        photo, kept = self.photos.photos[row], self._kept.get(row)
        stamp = photo.stamp
        if kept is not None and kept.stamp == stamp:
            return kept
        self._kept.pop(row, None)
        try:
            image = photo.read()
        except BadImage as error:
            self._remarks.drop(row)
            self._remarks.add(row, UNREADABLE, self._short(error.wrong))
            return None
        self._remark(row, image)
        decoded = _Decoded(row, fit_photo(image, self._card.input), image.size, stamp)
        if self.bytes:
            self._kept[row] = decoded
        return decoded

    def _remark(self, row: int, image: Image.Image) -> None:
        """Note what is unusual about a photograph and its boxes."""
        photo, notes = self.photos.photos[row], image.info.get(NOTES, ())
        found = [TURNED if note == ROTATED and photo.truth_kind else note.removesuffix(".") for note in notes]
        if any(x1 > image.width + 1 or y1 > image.height + 1 for _, _, x1, y1 in photo.boxes):
            found.append(BEYOND)
        self._remarks.drop(row, lambda text: text not in OF_MASKS)
        for text in found:
            self._remarks.add(row, text)

    def _truth(self, one: _Decoded) -> Array:
        photo = self.photos.photos[one.row]
        self._remarks.drop(one.row, lambda text: text in OF_MASKS)
        try:
            truth = photo.truth(one.source, self._card.input)
            if remark := photo.remark(truth):
                self._remarks.add(one.row, remark)
        except BadImage as error:
            self._remarks.add(one.row, UNMARKED, self._short(error.wrong))
            truth = None
        return np.zeros(self._card.input_px, np.float32) if truth is None else truth

    def _short(self, text: str) -> str:
        """Return a message with names of files as they are in the set."""
        return text.replace(f"{self.title}/", "")


def _as_images(found: list[_Decoded]) -> Tensor:
    """(n, channels, H, W) uint8"""
    pixels = torch.from_numpy(np.stack([one.pixels for one in found]))
    return (pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)).contiguous()


def some(names: Sequence[str]) -> str:
    """Join the first few names, and state how many more there are."""
    return first_few(names, NAMED)
