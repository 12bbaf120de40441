"""Photographs in folders, one folder per class, on disk or in a zip file that is read without
unpacking.

folder/class/*.jpg, where class is a name or a synset; beside the folders, optionally marks of
the objects: a table of boxes (core.data.boxes), masks and COCO files (core.data.own_marks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from core.base.errors import BadImage, BadSpec, MissingData
from core.base.numbers import counted
from core.base.text import composed, first_few
from core.data.boxes import found_boxes
from core.data.images import MAX_BYTES, NOTES, read_image
from core.data.listing import LAYOUT, Listing, listed
from core.data.marks import Folder
from core.data.masks import FOLDER as MASKS
from core.data.masks import is_png
from core.data.own_marks import take_masks, with_marks
from core.data.photo_sets import Photo, PhotoSet

PREFIX = "folder:"  # of a data set's name that is the path of a folder or zip file
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp"}
# Photographs and drawings that are not read, and what may hold photographs
LEFT_OUT = {
    *{".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".ppm", ".psd", ".ico", ".tga"},
    *{".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".npy", ".dcm", ".pdf", ".zip", ".tar", ".gz", ".7z"},
}
NAMED = 3  # folders and files that a note names; the others are only counted


def name_of(data: str) -> str:
    """Return a name for files and people: that of a data set, or the last part of a folder's path
    without ".zip".
    """
    parts = [part.removesuffix(".zip") for part in Path(data.removeprefix(PREFIX)).parts[-2:]]
    within = len(parts) == 2 and Path(data).parts[-2].endswith(".zip")
    name = "-".join(parts) if within else "".join(parts[-1:])
    return "folder" if name in ("", "/", "..") else name


def read_folder(path: Path) -> PhotoSet:
    """Read the data set in a folder or zip file, or in a folder inside a zip file
    ("photos.zip/val"), without decoding.

    The parent folder of a file is its class, whatever lies above; so train/ and val/ in one folder
    are merged.

    Raises:
        MissingData: the path does not exist. BadSpec: it has no photographs. BadFile: a damaged zip
        file, table of boxes or annotation file.
    """
    listing = listed(path)
    masks = take_masks(listing, SUFFIXES)
    pictures = sorted(name for name in listing.files if name.suffix.lower() in SUFFIXES)
    names = [name for name in pictures if name.parent.name]
    if not names:
        raise _without_photographs(path, pictures, listing)
    known = [PurePosixPath(composed(str(name))) for name in names]
    found = found_boxes(str(path), listing, known)
    classes = tuple(sorted({_class(name) for name in names}))
    photos = [
        Photo(
            str(name),
            classes.index(_class(name)),
            partial(_read, listing.files[name], f"{path}/{name}"),
            tuple(found.boxes.get(place, ())),
            files=listing.path(name),
            content=listing.files[name],
        )
        for place, name in enumerate(names)
    ]
    photos, remarks = with_marks(Folder(str(path), listing, masks, photos, classes))
    notes = (*_left_out(names, pictures, listing), *found.notes, *remarks)
    watched, stamp = tuple(listing.watched), " ".join(listing.watched.values())
    return PhotoSet(str(path), classes, photos, notes, own_folders=True, watched=watched, stamp=stamp)


def folder_classes(folder: Path) -> tuple[str, ...]:
    """Return the names of a folder's folders in the order of torchvision's ImageFolder: sorted as
    text, so that "10" comes before "2". Masks beside other folders are no class.

    Raises MissingData if there are none.
    """
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    if not names:
        raise MissingData(
            f"{folder} has no folders of classes.",
            "Each class is a folder of photographs, as for torchvision's ImageFolder.",
            "Check the path, or write the names one a line.",
        )
    masks = {name for name in names if name.casefold() == MASKS and any(map(is_png, (folder / name).rglob("*")))}
    return tuple(name for name in names if name not in masks or masks == set(names))


def _class(name: PurePosixPath) -> str:
    return composed(name.parent.name)


def _without_photographs(path: Path, loose: list[PurePosixPath], listing: Listing) -> BadSpec:
    if loose:
        return BadSpec(
            f"{path} holds {counted(len(loose), 'photograph')}, but none in a class folder.",
            LAYOUT,
            "Move them into folders of their classes.",
        )
    others = " ".join(_left_out([], [], listing))
    return BadSpec(f"There are no photographs in class folders in {path}. {others}".rstrip(), LAYOUT, "Check the path.")


def _left_out(names: list[PurePosixPath], pictures: list[PurePosixPath], listing: Listing) -> list[str]:
    """Return sentences on everything in a set that looks as if it belonged to it, but is not
    read.
    """
    notes = []
    kinds = Counter(suffix for name in listing.files if (suffix := name.suffix.lower()) in LEFT_OUT)
    if kinds:
        counts = ", ".join(f"{kinds[kind]:,} {kind}" for kind in sorted(kinds, key=lambda kind: (-kinds[kind], kind)))
        notes.append(f"Left out: {counts}. Photographs are read from PNG, JPEG, WebP and BMP files.")
    if loose := [str(name) for name in pictures if not name.parent.name]:
        notes.append(f"Left out, because in no class folder: {_counted(loose, 'photograph')}.")
    used = {folder for name in names for folder in name.parents}
    if empty := sorted(map(str, listing.folders - used)):
        notes.append(f"Without a photograph: {_counted(empty, 'folder')}.")
    if listing.absent:
        notes.append(f"Not followed: {first_few(sorted(listing.absent), NAMED)}.")
    return notes


def _counted(names: list[str], noun: str) -> str:
    return f"{counted(len(names), noun)} ({first_few(names, NAMED)})"


def _read(content: Callable[[], bytes], name: str) -> Image.Image:
    """Return a decoded photograph; raise BadImage for any kind of damage."""
    try:
        image, notes = read_image(content())
    except BadImage as error:
        raise BadImage(f"{name}: {error.wrong}", error.allowed, error.next_step) from error
    except Exception as error:  # a damaged part of an archive, a deleted file: of many classes
        raise BadImage(
            f"{name} cannot be read ({error}).",
            f"It must be an image file of at most {MAX_BYTES:,} bytes.",
            "Replace it.",
        ) from error
    image.info[NOTES] = notes
    return image
