"""Photographs to train on: decoded once, kept as bytes (3 x H x W each), split without leaks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import torch
from torch import Tensor

from core.data.photo_sets import Photo, PhotoSet
from core.data.photos import fit_photo
from core.errors import BadImage, BadSpec, OutOfMemory
from core.models.cards import InputRule
from core.store.budgets import free_ram_bytes

Count = Callable[[int, int], None]  # photographs decoded, photographs in all


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """images (N, 3, H, W) uint8, labels (N,) int64. skipped: photographs that could not be read, and why."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> TrainingImages:
        return TrainingImages(self.images.to(device), self.labels.to(device), self.classes, self.skipped)


def part(photos: PhotoSet, folder: str, without: Collection[str] = ()) -> PhotoSet:
    """The photographs below `folder` ("train"; "" for all), those left out whose file name is in `without`.

    Raises BadSpec where nothing is left, or one class only.
    """
    chosen = [photo for photo in photos.photos if _below(photo.name, folder) and PurePosixPath(photo.name).name not in without]
    classes = len({photo.label for photo in chosen})
    if classes < 2:
        raise BadSpec(
            f"{photos.title} holds {len(chosen)} photographs of {classes} classes{f' in {folder}' if folder else ''}.",
            "Training needs photographs of two classes or more, one folder a class.",
            "Check the folder.",
        )
    return PhotoSet(photos.title, photos.classes, chosen, photos.notes)


def _below(name: str, folder: str) -> bool:
    return not folder or folder in PurePosixPath(name).parts[:-2]  # the last two are the class and the file


def decode(photos: PhotoSet, rule: InputRule, progress: Count | None = None) -> TrainingImages:
    """All photographs at the network's size. One that cannot be read is skipped, named and counted; never one silently.

    Raises BadSpec where none can be read, OutOfMemory where they would not fit.
    """
    _check_room(len(photos), rule)
    pixels = torch.empty(len(photos), 3, *rule.size_px, dtype=torch.uint8)
    good = torch.zeros(len(photos), dtype=torch.bool)
    skipped: list[str] = []
    with ThreadPoolExecutor(4, "decode") as pool:
        for place, found in enumerate(pool.map(lambda photo: _decoded(photo, rule), photos.photos)):
            if isinstance(found, Tensor):
                pixels[place], good[place] = found, True
            else:
                skipped.append(found)
            if progress and (place % 200 == 199 or place + 1 == len(photos)):
                progress(place + 1, len(photos))
    if not good.any():
        raise BadSpec(f"No photograph of {photos.title} can be read.", f"The first one: {skipped[0] if skipped else 'there is none'}.")
    labels = torch.tensor([photo.label for photo in photos.photos])
    whole = bool(good.all())
    return TrainingImages(pixels if whole else pixels[good], labels if whole else labels[good], photos.classes, tuple(skipped))


def _check_room(count: int, rule: InputRule) -> None:
    """Decoded photographs are all kept, and once more while they are divided; said before hours of decoding, not after."""
    needed, free = 2 * count * 3 * rule.size_px[0] * rule.size_px[1], free_ram_bytes()
    if needed > free:
        raise OutOfMemory(
            f"{count:,} photographs of {rule.size_px[1]} x {rule.size_px[0]} pixels need {needed / 1e9:.1f} GB of memory.",
            f"{free / 1e9:.1f} GB are free; all are decoded once and kept.",
            "Choose a smaller size, or fewer photographs.",
        )


def _decoded(photo: Photo, rule: InputRule) -> Tensor | str:
    try:
        return torch.from_numpy(fit_photo(photo.read(), rule).copy()).permute(2, 0, 1)
    except BadImage as error:
        return str(error.wrong)


def split(data: TrainingImages, sizes: Sequence[int], seed: int) -> list[TrainingImages]:
    """Parts of these sizes, drawn at random once for a seed; the last takes what is left, and the list of what was skipped.

    Raises BadSpec where there are too few.
    """
    if sum(sizes) >= len(data):
        raise BadSpec(f"{len(data)} photographs cannot be split into parts of {list(sizes)} and a rest.")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    rows = order.split([*sizes, len(data) - sum(sizes)])
    parts = [TrainingImages(data.images[row], data.labels[row], data.classes) for row in rows]
    return [*parts[:-1], replace(parts[-1], skipped=data.skipped)]
