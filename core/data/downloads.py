"""Data sets of photographs that torchvision downloads on first use, verifying each archive's md5.
Registered in DATASETS.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import BadFile, BadImage, MissingData
from core.data.datasets import DATASETS
from core.data.folders import read_folder
from core.data.images import read_image
from core.data.photo_sets import Photo, PhotoSet

PETS = "oxford-iiit-pet"
BACKGROUND = 2  # of the trimaps: 1 animal, 2 background, 3 the outline, a few pixels wide


@DATASETS.register(
    "imagenette",
    "Imagenette (validation)",
    "3,925 photographs of ten ImageNet classes, most from its training set, so not held out for networks trained on "
    "it; 326 MB, downloaded.",
    "Howard, Imagenette 2 (320 px), through torchvision; ImageNet's terms (non-commercial research)",
    kind="photos",
    truth="",
)
def imagenette(folder: Path) -> PhotoSet:
    from torchvision.datasets import Imagenette

    _get(partial(Imagenette, split="val", size="320px"), folder, "imagenette2-320.tgz", folder / "imagenette2-320")
    return _counted(read_folder(folder / "imagenette2-320" / "val"), "Imagenette (validation)", 3925)


def imagenette_whole(folder: Path) -> Path:
    """Return the folder of full-size Imagenette with train/ and val/, downloaded on first use (1.6
    GB).

    Raises MissingData, BadFile.
    """
    from torchvision.datasets import Imagenette

    place = folder / "imagenette2"
    _get(partial(Imagenette, split="train", size="full"), folder, "imagenette2.tgz", place)
    return place


@DATASETS.register(
    "oxford-pets",
    "Oxford-IIIT Pet (test)",
    "3,669 photographs of cats and dogs of 37 breeds, each with the animal marked pixel by pixel; 811 MB, downloaded.",
    "Parkhi et al. 2012, through torchvision; CC BY-SA 4.0",
    kind="photos",
    truth="mask",
)
def oxford_pets(folder: Path) -> PhotoSet:
    """Load the data set. The mask is the animal with its outline: all of the trimap except the
    background.
    """
    from torchvision.datasets import OxfordIIITPet

    base = folder / PETS
    data = _get(partial(OxfordIIITPet, split="test"), folder, "images.tar.gz and annotations.tar.gz", base)
    try:
        rows = [line.split() for line in (base / "annotations" / "test.txt").read_text().splitlines()]
        photos = [_pet(base, name, int(label) - 1, len(data.classes)) for name, label, *_ in rows]
    except (OSError, ValueError) as error:
        raise _broken(base, error) from error
    return _counted(PhotoSet("", tuple(data.classes), photos), "Oxford-IIIT Pet (test)", 3669)


def _pet(base: Path, name: str, label: int, classes: int) -> Photo:
    if not 0 <= label < classes:
        raise ValueError(f"breed {label + 1} of {name}")
    image, trimap = base / "images" / f"{name}.jpg", base / "annotations" / "trimaps" / f"{name}.png"
    return Photo(
        name,
        label,
        partial(_picture, image),
        mask=partial(_marked, trimap, image),
        files=(image, trimap),
        content=lambda: image.read_bytes() + trimap.read_bytes(),
    )


def _picture(path: Path) -> Image.Image:
    try:
        return read_image(path.read_bytes())[0]
    except OSError as error:
        raise BadImage(
            f"{path} cannot be read ({error.strerror}).", "It is part of the data set.", "Download it again."
        ) from error
    except BadImage as error:
        raise BadImage(f"{path}: {error.wrong}", error.allowed, error.next_step) from error


def _marked(path: Path, photo: Path) -> NDArray[np.bool_]:
    """Read the mask (height, width), True on the animal."""
    try:
        with (
            Image.open(path, formats=("PNG",)) as image,
            Image.open(photo, formats=("JPEG", "PNG", "GIF", "BMP")) as pictured,
        ):
            if image.size != pictured.size or image.mode not in ("L", "P"):
                raise ValueError(f"{image.mode} {image.size}")
            return np.asarray(image) != BACKGROUND
    except Exception as error:  # Pillow's decoders raise almost any exception class
        raise BadImage(
            f"{path} is not a valid trimap ({error}).",
            "It must have one channel and the size of its photograph.",
            "Download it again.",
        ) from error


@DATASETS.register(
    "cifar-10",
    "CIFAR-10 (test)",
    "10,000 photographs of 32 x 32 pixels in ten classes, for networks trained on them; 170 MB, downloaded.",
    "Krizhevsky 2009, through torchvision",
    kind="photos",
    truth="",
)
def cifar_10(folder: Path) -> PhotoSet:
    """Load the data set. torchvision unpickles these files only after verifying their md5, so only
    the originals are read.
    """
    from torchvision.datasets import CIFAR10

    data = _get(partial(CIFAR10, train=False), folder, "cifar-10-python.tar.gz", folder / "cifar-10-batches-py")
    return _in_memory("CIFAR-10 (test)", data.classes, data.data, data.targets)


@DATASETS.register(
    "fashion-mnist",
    "Fashion-MNIST (test)",
    "10,000 grey pictures of clothes, 28 x 28 pixels in ten classes, for networks trained on them; 31 MB, downloaded.",
    "Xiao et al. 2017, through torchvision; MIT",
    kind="photos",
    truth="",
)
def fashion_mnist(folder: Path) -> PhotoSet:
    from torchvision.datasets import FashionMNIST

    files = "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte and the two train files"
    data = _get(partial(FashionMNIST, train=False), folder, files, folder / "FashionMNIST" / "raw")
    return _in_memory("Fashion-MNIST (test)", data.classes, data.data.numpy(), data.targets.tolist())


def _in_memory(title: str, classes: Sequence[str], images: NDArray[np.uint8], labels: Sequence[int]) -> PhotoSet:
    rows = enumerate(zip(images, labels, strict=True))
    photos = [
        Photo(str(row), label, partial(Image.fromarray, image), content=image.tobytes) for row, (image, label) in rows
    ]
    return _counted(PhotoSet("", tuple(classes), photos), title, 10_000)


def _get(kind: Callable[..., Any], folder: Path, files: str, place: Path) -> Any:
    """Return torchvision's data set, from the folder or downloaded into it."""
    for download in (False, True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy's warnings about old files
                return kind(str(folder), download=download)
        except (OSError, RuntimeError) as error:
            if download:
                raise MissingData(
                    f"The data set is not in {place} and could not be downloaded.",
                    f"It consists of {files}.",
                    f"Connect to the internet once, or unpack it into {place}.",
                ) from error
        except Exception as error:  # a damaged file: torchvision's readers raise many exception classes
            raise _broken(place, error) from error
    raise AssertionError("unreachable")


def _broken(place: Path, error: Exception) -> BadFile:
    return BadFile(
        f"The data set in {place} is damaged ({error}).",
        "Its files must be unchanged since the download.",
        "Delete the folder to download it again.",
    )


def _counted(photo_set: PhotoSet, title: str, expected: int) -> PhotoSet:
    notes = (
        photo_set.notes
        if len(photo_set) == expected
        else (*photo_set.notes, f"{len(photo_set):,} of {expected:,} photographs were found.")
    )
    return replace(photo_set, title=title, notes=notes, own_folders=False)
