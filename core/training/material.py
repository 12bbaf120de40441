"""What a job of retraining reads: photographs from a folder, a zip file or a known data set, those
to leave out, and first weights.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from core.base.errors import BadSpec, MissingData
from core.data.classes import readable
from core.data.datasets import DATASETS, photo_sets
from core.data.decode import TrainingImages, decode
from core.data.folders import PREFIX, SUFFIXES, read_folder
from core.data.parts import SPLIT_SEED, Images, Loading, load_images, part, split, validation_size
from core.data.photo_sets import PhotoSet
from core.models.cards import InputRule
from core.models.zoo import named

SHARE = 0.15  # of photographs without train/ and val/, for validation, and as many for the test


def photographs(arguments: Mapping[str, Any]) -> tuple[PhotoSet, set[str]]:
    """The data set of a job's arguments, and the file names that are left out.

    Raises MissingData, BadSpec, BadFile, UnknownName.
    """
    name = str(arguments["photographs"])
    if name in DATASETS:
        if name not in photo_sets():
            raise BadSpec(
                f"'{name}' holds digits.", "These networks are trained on photographs.", "Name a folder of photographs."
            )
        found = DATASETS[name].value(Path(arguments["folder"]) / "data")
    else:
        found = read_folder(Path(name.removeprefix(PREFIX)))
    return found, file_names(arguments.get("held_out", ""))


def part_sizes(photos: PhotoSet, held_out: Collection[str]) -> tuple[int, int]:
    """How many photographs train the network and how many validate it, as far as it can be said
    before they are decoded.

    Raises BadSpec.
    """
    if has_folders(photos):
        return len(part(photos, "train", held_out)), validation_size(len(part(photos, "val", held_out)))
    whole = len(part(photos, "", held_out))
    validation = max(1, round(SHARE * whole))
    return whole - 2 * validation, validation


def has_folders(photos: PhotoSet) -> bool:
    """Whether the set comes as train/ and val/."""
    tops = {top for photo in photos.photos for top in PurePosixPath(photo.name).parts[:-2]}
    return {"train", "val"} <= tops


def load(photos: PhotoSet, rule: InputRule, folder: Path, held_out: Collection[str]) -> Loading:
    """The parts to train, choose and count on, classes under the names that people know.

    With train/ and val/ as Less is More divides them; without, 15 % for validation and 15 % for the
    test, drawn at random once.

    Args:
        folder: for what memory has no room for.
    Yields:
        photographs decoded, photographs in all.
    Raises:
        BadSpec: fewer than two classes, or nothing that can be read.
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
                f"The {name} images that can be read are {len(images)}, all of one class."
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
    """What could not be read, of all parts."""
    return images.train.skipped + images.validation.skipped + images.test.skipped


def file_names(path: str) -> set[str]:
    """Names of the photographs in a folder or zip file; none for "". Raises MissingData."""
    if not path:
        return set()
    place = Path(path)
    if place.is_dir():
        return {found.name for found in place.rglob("*") if found.suffix.lower() in SUFFIXES}
    try:
        with zipfile.ZipFile(place) as archive:
            return {Path(name).name for name in archive.namelist() if Path(name).suffix.lower() in SUFFIXES}
    except (OSError, zipfile.BadZipFile) as error:
        raise MissingData(
            f"{path} is neither a folder nor a zip file.",
            "The photographs in it are left out of training by their file names.",
            "Check the path.",
        ) from error


def pretrained(architecture: str, file: str, folder: Path) -> dict[str, Tensor]:
    """torchvision's weights: from a file that a person names, else as the model of that name finds
    or fetches them.
    """
    if file:
        try:
            return torch.load(file, weights_only=True, map_location="cpu")
        except Exception as error:  # a file of a stranger can be broken in any way
            raise BadSpec(
                f"{file} holds no weights ({type(error).__name__}).",
                "It must be a state dict of tensors (.pth); code in it is never run.",
                "Check the path.",
            ) from error
    source = next(iter(named(architecture).weights.values()))
    if source.load is None:
        raise MissingData(
            f"There are no pretrained weights of {architecture}.",
            "They are downloaded, or read from a file.",
            "Name a file with --weights-file, or begin with random weights.",
        )
    return source.load(folder / "downloads", None)
