"""The inputs of a retraining job: photographs from a folder, zip file or data set, held-out ones,
and initial weights.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from torch import Tensor

from core.base.errors import BadFile, BadSpec, MissingData
from core.data.classes import readable
from core.data.datasets import DATASETS, photo_sets
from core.data.decode import TrainingImages, decode
from core.data.folders import PREFIX, SUFFIXES, read_folder
from core.data.listing import listed
from core.data.own_marks import take_masks
from core.data.parts import SPLIT_SEED, Images, Loading, load_images, part, split, validation_size
from core.data.photo_sets import PhotoSet
from core.models import architectures
from core.models.cards import InputRule
from core.models.checkpoints.policy import read
from core.models.zoo import named

SHARE = 0.15  # of photographs without train/ and val/, each for validation and for the test


def photographs(arguments: Mapping[str, Any]) -> tuple[PhotoSet, set[str]]:
    """Returns the data set of a job's arguments, and the file names to exclude.

    Raises MissingData, BadSpec, BadFile, UnknownName.
    """
    name = str(arguments["photographs"])
    if name in DATASETS:
        if name not in photo_sets():
            raise BadSpec(f"'{name}' holds digits.", "These networks need photographs.", "Use a folder of photographs.")
        found = DATASETS[name].value(Path(arguments["folder"]) / "data")
    else:
        found = read_folder(Path(name.removeprefix(PREFIX)))
    return found, file_names(arguments.get("held_out", ""))


def part_sizes(photos: PhotoSet, held_out: Collection[str]) -> tuple[int, int]:
    """Counts training and validation photographs before they are decoded.

    Raises BadSpec.
    """
    if has_folders(photos):
        return len(part(photos, "train", held_out)), validation_size(len(part(photos, "val", held_out)))
    whole = len(part(photos, "", held_out))
    validation = max(1, round(SHARE * whole))
    return whole - 2 * validation, validation


def has_folders(photos: PhotoSet) -> bool:
    """Whether the set has folders train/ and val/."""
    tops = {top for photo in photos.photos for top in PurePosixPath(photo.name).parts[:-2]}
    return {"train", "val"} <= tops


def load(photos: PhotoSet, rule: InputRule, folder: Path, held_out: Collection[str]) -> Loading:
    """Loads training, validation and test images with readable class names.

    Sets with train/ and val/ are divided as in Less is More; otherwise 15 % for validation and 15 %
    for the test are drawn at random once.

    Args:
        folder: for images that do not fit into memory.
    Yields:
        Number of decoded photographs, total number.
    Raises:
        BadSpec: fewer than two classes, or no readable image.
    """
    if has_folders(photos):
        found = yield from load_images(photos, rule, folder, held_out)
    else:
        whole = part(photos, "", held_out)
        size = max(1, round(SHARE * len(whole)))
        validation, test, train = yield from decode(split(whole, [size, size], SPLIT_SEED), rule, folder)
        found = Images(train, validation, test)
    for name, images in (("training", found.train), ("validation", found.validation)):
        if len(images.labels.unique()) < (2 if name == "training" else 1):
            raise BadSpec(
                f"The {len(images)} readable {name} images are all of one class."
                if len(images)
                else f"No {name} image can be read.",
                "Training needs two classes.",
                "Check the photographs.",
            )
    names = tuple(readable(name) for name in photos.classes)
    return Images(
        *(
            TrainingImages(each.images, each.labels, names, each.skipped)
            for each in (found.train, found.validation, found.test)
        )
    )


def skipped(images: Images) -> tuple[str, ...]:
    """Returns the files of all parts that could not be read."""
    return images.train.skipped + images.validation.skipped + images.test.skipped


def file_names(path: str) -> set[str]:
    """Returns the names of the photographs in a folder or zip file, without masks; none for "".
    Raises MissingData.
    """
    if not path:
        return set()
    try:
        listing = listed(Path(path))
    except (MissingData, BadFile) as error:
        raise MissingData(
            error.wrong, "Its photographs are excluded from training by file name.", "Check the path."
        ) from error
    take_masks(listing, SUFFIXES)
    return {name.name for name in listing.files if name.suffix.lower() in SUFFIXES}


def pretrained(architecture: str, file: str, folder: Path) -> dict[str, Tensor]:
    """Loads torchvision's weights from the given file, by default from the model's own source."""
    if file:
        card = architectures.card_of(architecture)
        return read(Path(file)).fit(card.shapes, card.classifier).state
    source = next(iter(named(architecture).weights.values()))
    if source.load is None:
        raise MissingData(
            f"There are no pretrained weights of {architecture}.",
            "They are downloaded or read from a file.",
            "Use --weights-file, or start from random weights.",
        )
    return source.load(folder / "downloads", None)
