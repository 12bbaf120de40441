"""The parts of a data set for training, validation and test, split without leaks."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch

from core.base.errors import BadSpec
from core.data.decode import TrainingImages, decode
from core.data.photo_sets import PhotoSet
from core.models.cards import InputRule

SPLIT_SEED, VALIDATION, TEST = 69, 1125, 2800  # split of val/, as in Less is More


@dataclass(frozen=True, eq=False)
class Images:
    """The parts of the data: train, validation (chooses the best epoch) and test (only
    evaluated).
    """

    train: TrainingImages
    validation: TrainingImages
    test: TrainingImages


Loading = Generator[tuple[int, int], None, Images]  # photographs decoded, photographs in total


def part(photos: PhotoSet, folder: str, without: Collection[str] = ()) -> PhotoSet:
    """Return the photographs below `folder` ("train"; "" for all), except file names in `without`.

    Raises BadSpec if nothing is left, or only one class.
    """
    chosen = [
        photo for photo in photos.photos if _below(photo.name, folder) and PurePosixPath(photo.name).name not in without
    ]
    classes = len({photo.label for photo in chosen})
    if classes < 2:
        found = "one class" if classes else "no class"
        raise BadSpec(
            f"{photos.title} holds {len(chosen)} photographs of {found}{f' in {folder}' if folder else ''}.",
            "Training needs photographs of at least two classes, one folder per class.",
            "Check the folder.",
        )
    return PhotoSet(photos.title, photos.classes, chosen, photos.notes)


def _below(name: str, folder: str) -> bool:
    return not folder or folder in PurePosixPath(name).parts[:-2]  # the last two are the class and the file


def split(photos: PhotoSet, sizes: Sequence[int], seed: int) -> list[PhotoSet]:
    """Split into parts of these sizes, drawn at random from the seed; the last part takes the rest.

    Raises BadSpec if there are too few.
    """
    if sum(sizes) >= len(photos):
        raise BadSpec(f"{len(photos)} photographs are too few for parts of {list(sizes)} and a rest.")
    order = torch.randperm(len(photos), generator=torch.Generator().manual_seed(seed))
    rows = order.split([*sizes, len(photos) - sum(sizes)])
    return [PhotoSet(photos.title, photos.classes, [photos.photos[row] for row in part], photos.notes) for part in rows]


def validation_size(rest: int) -> int:
    """How many of the photographs in val/ choose the best epoch."""
    return round(rest * VALIDATION / (VALIDATION + TEST)) if rest < VALIDATION + TEST else VALIDATION


def load_images(photos: PhotoSet, rule: InputRule, folder: Path, held_out: Collection[str] = ()) -> Loading:
    """Load the folders train/ and val/ of a data set; val/ is split as in Less is More, scaled down
    if there are fewer photographs.

    folder: for what does not fit in memory. held_out: file names that are left out everywhere.
    Yields and raises as `decode` does.
    """
    rest = part(photos, "val", held_out)
    parts = (part(photos, "train", held_out), *split(rest, [validation_size(len(rest))], SPLIT_SEED))
    return Images(*(yield from decode(parts, rule, folder)))
