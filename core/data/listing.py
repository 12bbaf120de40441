"""The files in a folder, or in a zip file that is read without unpacking."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from core.base.errors import BadFile, MissingData
from core.base.stamps import Stamp, stamp_of

Files = dict[PurePosixPath, Callable[[], bytes]]  # by their path in the set
LAYOUT = "It must hold one folder for each class, named by the class or its synset, with PNG, JPEG, WebP or BMP files."
MAX_CONTENT = 100_000_000  # bytes read of one file
LONG_NAME = 200  # characters of a path that a message shows
READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
METHODS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}  # as other programs compress
ENCRYPTED = 1  # the bit of a zip entry's flags


@dataclass(frozen=True, eq=False)
class Listing:
    """The content of a folder or zip file.

    home: the folder, None for a zip file. watched: folders, tables or the zip file, each with its
    stamp before it was read. folders: all of them. absent: links that lead nowhere or back, and
    folders that cannot be read.
    """

    files: Files
    home: Path | None
    watched: dict[Path, Stamp]
    folders: set[PurePosixPath] = field(default_factory=set)
    absent: list[str] = field(default_factory=list)

    def path(self, name: PurePosixPath) -> tuple[Path, ...]:
        """Return the path of the file of this name, if it is a separate file."""
        return (self.home / name,) if self.home else ()


def listed(path: Path) -> Listing:
    """List a folder, a zip file, or a folder inside a zip file ("photos.zip/val").

    Raises:
        MissingData: the path does not exist. BadFile: a zip file that is damaged, has a password or
        is compressed in an unknown way.
    """
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
            return _in_zip(archive, path.relative_to(archive).parts)
    what = "is neither a folder nor a zip file" if path.exists() else "does not exist"
    raise MissingData(f"{path} {what}.", LAYOUT, "Check the path.")


def _in_folder(home: Path) -> Listing:
    found = Listing({}, home, {home: stamp_of(home)})

    def name_of(path: Path) -> PurePosixPath:
        return PurePosixPath(path.relative_to(home).as_posix())

    def unreadable(error: OSError) -> None:
        if Path(error.filename) == home:
            raise error
        found.absent.append(f"{name_of(Path(error.filename))} ({error.strerror})")

    for folder, within, names in os.walk(home, onerror=unreadable, followlinks=True):
        inside = [Path(folder, name) for name in within if not hidden((name,))]
        loops = [path for path in inside if path.is_symlink() and _leads_back(path)]
        found.absent.extend(f"{name_of(path)} (a link to a folder around it)" for path in loops)
        inside = [path for path in inside if path not in loops]
        within[:] = [path.name for path in inside]  # the others are not searched
        found.watched.update({path: stamp_of(path) for path in inside})
        found.folders.update(map(name_of, inside))
        for path in (Path(folder, name) for name in names if not hidden((name,))):
            if path.is_file():
                found.files[name_of(path)] = partial(_content, path)
            elif path.is_symlink():
                found.absent.append(f"{name_of(path)} (a link that leads nowhere)")
    return found


def _leads_back(link: Path) -> bool:
    """Return whether a link leads to a folder on the way to it."""
    target = link.resolve()
    return any(parent.resolve() == target for parent in link.parents)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_CONTENT + 1)


def _in_zip(archive: Path, within: tuple[str, ...]) -> Listing:
    found = Listing({}, None, {archive: stamp_of(archive)})
    try:
        # Stays open as long as its photographs are in use; reading is thread-safe.
        opened = zipfile.ZipFile(archive)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadFile(f"{archive} is not a valid zip file ({error}).", LAYOUT, "Create it again.") from error
    used = []
    for entry in opened.infolist():
        # Some programs of Windows write backslashes, against the standard.
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        if parts[: len(within)] == within and not hidden(parts):
            name = PurePosixPath(*parts[len(within) :])
            found.folders.update(name.parents[:-1])
            if entry.filename.endswith("/"):  # a damaged archive has entries without any name
                found.folders.add(name)
            else:
                found.files[name] = partial(_unpacked, opened, entry)
                used.append(entry)
    _check_method(archive, used)
    return found


def _check_method(archive: Path, entries: Collection[zipfile.ZipInfo]) -> None:
    if locked := sum(entry.flag_bits & ENCRYPTED for entry in entries):
        raise BadFile(
            f"{archive} has a password: {locked:,} of its {len(entries):,} files are encrypted.",
            "Zip files are read without a password.",
            "Create it again without one.",
        )
    strange = [entry for entry in entries if entry.compress_type not in READABLE]
    if strange:
        raise BadFile(
            f"{archive} is compressed in a way that Python cannot read: {len(strange):,} of its {len(entries):,} files"
            f" use {METHODS.get(strange[0].compress_type, f'method {strange[0].compress_type}')}.",
            "Deflate, the usual method, can be read, and so can files without compression.",
            "Create it again with one of these, or unpack it and name the folder.",
        )


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the content, never more than MAX_CONTENT, whatever the archive claims."""
    with archive.open(entry) as file:
        return file.read(MAX_CONTENT + 1)


def hidden(parts: tuple[str, ...]) -> bool:
    """Return whether a path lies in what systems hide."""
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
