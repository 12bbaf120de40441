"""Photographs in folders, one folder per class, on disk or in a zip file that is read without
unpacking.

folder/class/*.jpg, where class is a name or a synset; beside the folders, optionally boxes.csv with
the columns
path, x0, y0, x1, y1: path relative to the table, the rest in pixels of the photograph, one row per
box.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from core.base.errors import BadFile, BadImage, BadSpec, MissingData
from core.base.stamps import Stamp, stamp_of
from core.data.images import MAX_BYTES, read_image
from core.data.photo_sets import Photo, PhotoSet
from core.data.photos import Box

PREFIX = "folder:"  # of a data set's name that is the path of a folder or zip file
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
TABLE, COLUMNS = "boxes.csv", ("path", "x0", "y0", "x1", "y1")
MAX_TABLE_BYTES = 100_000_000
LONG_NAME = 200  # characters of a path that a message shows
LAYOUT = "It must hold one folder for each class, named by the class or its synset, with PNG, JPEG, WebP or BMP files."
Files = dict[PurePosixPath, Callable[[], bytes]]  # by their path in the set


def name_of(data: str) -> str:
    """Return a name for files and people: that of a data set, or the last part of a folder's path
    without ".zip".
    """
    parts = [part.removesuffix(".zip") for part in Path(data.removeprefix(PREFIX)).parts[-2:]]
    within = len(parts) == 2 and Path(data).parts[-2].endswith(".zip")
    name = "-".join(parts) if within else "".join(parts[-1:])
    return "folder" if name in ("", "/", "..") else name


@dataclass(frozen=True, eq=False)
class Listing:
    """The content of a folder or zip file.

    home: the folder, None for a zip file. watched: folders, tables or the zip file, each with its
    stamp before it was read.
    """

    files: Files
    home: Path | None
    watched: dict[Path, Stamp]

    def path(self, name: PurePosixPath) -> tuple[Path, ...]:
        """Return the path of the file of this name, if it is a separate file."""
        return (self.home / name,) if self.home else ()


def read_folder(path: Path) -> PhotoSet:
    """Read the data set in a folder or zip file, or in a folder inside a zip file
    ("photos.zip/val"), without decoding.

    The parent folder of a file is its class, whatever lies above; so train/ and val/ in one folder
    are merged.

    Raises:
        MissingData: the path does not exist. BadSpec: it has no photographs. BadFile: a damaged zip
        file or table of boxes.
    """
    listing = _listed(path)
    names = sorted(name for name in listing.files if name.suffix.lower() in SUFFIXES and name.parent.name)
    if not names:
        raise BadSpec(f"There are no photographs in class folders in {path}.", LAYOUT, "Check the path.")
    boxes = _boxes(path, listing)
    classes = tuple(sorted({name.parent.name for name in names}))
    photos = [
        Photo(
            str(name),
            classes.index(name.parent.name),
            partial(_read, listing.files[name], f"{path}/{name}"),
            tuple(boxes.get(name, ())),
            files=listing.path(name),
            content=listing.files[name],
        )
        for name in names
    ]
    strangers = sorted(set(boxes) - set(names))
    notes = (f"{len(strangers)} photographs of {TABLE} are missing, the first is {strangers[0]}.",) if strangers else ()
    watched, stamp = tuple(listing.watched), " ".join(listing.watched.values())
    return PhotoSet(str(path), classes, photos, notes, own_folders=True, watched=watched, stamp=stamp)


def _listed(path: Path) -> Listing:
    try:
        return _found(path)
    except OSError as error:  # a name that is too long, a folder without permission
        raise MissingData(
            f"{str(path)[:LONG_NAME]} cannot be read ({error.strerror}).", LAYOUT, "Check the path."
        ) from error


def _found(path: Path) -> Listing:
    if path.is_dir():
        return _in_folder(path)
    for archive in (path, *path.parents):
        if archive.suffix.lower() == ".zip" and archive.is_file():
            stamp = stamp_of(archive)
            return Listing(_zipped(archive, path.relative_to(archive).parts), None, {archive: stamp})
    raise MissingData(f"{path} is neither a folder nor a zip file.", LAYOUT, "Check the path.")


def _in_folder(home: Path) -> Listing:
    files: Files = {}
    watched = {home: stamp_of(home)}
    for folder, within, names in os.walk(home):
        within[:] = [name for name in within if not _hidden((name,))]  # the others are not searched
        watched |= {path: stamp_of(path) for path in (Path(folder, name) for name in within)}
        for path in (Path(folder, name) for name in names if not _hidden((name,))):
            if path.is_file():
                files[PurePosixPath(path.relative_to(home).as_posix())] = partial(_content, path)
    return Listing(files, home, watched)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_TABLE_BYTES + 1)


def _zipped(archive: Path, within: tuple[str, ...]) -> Files:
    try:
        # Stays open as long as its photographs are in use; reading is thread-safe.
        opened = zipfile.ZipFile(archive)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadFile(f"{archive} is not a valid zip file ({error}).", LAYOUT, "Create it again.") from error
    files: Files = {}
    for entry in opened.infolist():
        parts = PurePosixPath(entry.filename).parts
        if not entry.is_dir() and parts[: len(within)] == within and not _hidden(parts):
            files[PurePosixPath(*parts[len(within) :])] = partial(_unpacked, opened, entry)
    return files


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the content, never more than MAX_BYTES, whatever the archive claims."""
    with archive.open(entry) as file:
        return file.read(MAX_TABLE_BYTES + 1)


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _read(content: Callable[[], bytes], name: str) -> Image.Image:
    """Return a decoded photograph; raise BadImage for any kind of damage."""
    try:
        return read_image(content())[0]
    except BadImage as error:
        raise BadImage(f"{name}: {error.wrong}", error.allowed, error.next_step) from error
    except (
        Exception
    ) as error:  # a damaged or encrypted part of an archive, a deleted file: zipfile raises many exception classes
        raise BadImage(
            f"{name} cannot be read ({error}).",
            f"It must be an image file of at most {MAX_BYTES:,} bytes.",
            "Replace it.",
        ) from error


def _boxes(path: Path, listing: Listing) -> dict[PurePosixPath, list[Box]]:
    """Return boxes by photograph, from every table of boxes in the set; the tables are watched from
    then on.
    """
    boxes: dict[PurePosixPath, list[Box]] = defaultdict(list)
    for table in (name for name in listing.files if name.name == TABLE):
        listing.watched.update({file: stamp_of(file) for file in listing.path(table)})
        line = 1
        try:
            rows = csv.DictReader(io.StringIO(listing.files[table]().decode("utf-8-sig")), strict=True)
            for row in rows:
                line = rows.line_num
                boxes[table.parent / row["path"]].append(_box(row))
        except (OSError, KeyError, TypeError, ValueError, csv.Error, zipfile.BadZipFile, RuntimeError) as error:
            # The content of the table is not quoted: otherwise any path could be used to read
            # files.
            raise BadFile(
                f"{path}/{table} cannot be read as a table of boxes (line {line}).",
                f"The columns must be {', '.join(COLUMNS)}, where x0 < x1 and y0 < y1 are numbers of at least 0.",
                "Correct the line, or remove the table.",
            ) from error
    return boxes


def _box(row: dict[str, str]) -> Box:
    x0, y0, x1, y1 = (float(row[column]) for column in COLUMNS[1:])
    if not (0 <= x0 < x1 < float("inf") and 0 <= y0 < y1 < float("inf")):  # NaN fails too
        raise ValueError("a box must have x0 < x1 and y0 < y1")
    return x0, y0, x1, y1
