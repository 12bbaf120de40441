"""Folders and zip files of photographs."""

from __future__ import annotations

import shutil
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from core.base.errors import BadFile, BadSpec
from core.data.folders import read_folder
from core.data.photo_inputs import PhotoInputs
from tests.data.cards import PHOTOS
from tests.data.made_sets import jpeg, photograph, write_folder, write_zip
from tests.zoo.case import Case

JPEG = jpeg(photograph(0))
TWO = {"cat/1.jpg": JPEG, "dog/2.jpg": JPEG}
DIGITS = tuple(map(str, range(10)))
Ask = Callable[[Path], Sequence[str]]


def remarks(place: Path, classes: Sequence[str], network: Sequence[str] = (), labels: Sequence[int] = ()) -> list[str]:
    """Return the remarks on a set with these classes; its photographs have these labels for a
    network, by default those of its own classes.
    """
    photos = read_folder(place)
    assert photos.classes == tuple(classes)
    inputs = PhotoInputs(photos, replace(PHOTOS, classes=tuple(network or classes)), torch.device("cpu"))
    assert inputs.labels.tolist() == list(labels or [photo.label for photo in photos.photos])
    return list(inputs.notes)


def two_and(files: dict[str, bytes], count: int = 2) -> Ask:
    """Ask about two photographs and further files, of which `count` are read."""

    def ask(folder: Path) -> Sequence[str]:
        found = remarks(write_folder(folder / "a", TWO | files), ("cat", "dog"))
        photos = read_folder(folder / "a").photos
        assert len(photos) == count
        assert {photo.read().size for photo in photos} == {(60, 40)}
        return found

    return ask


def linked(folder: Path) -> Sequence[str]:
    write_folder(folder / "elsewhere", {"3.jpg": JPEG, "4.jpg": JPEG})
    home = write_folder(folder / "a", TWO)
    (home / "fox").symlink_to(folder / "elsewhere")
    assert len(read_folder(home)) == 4
    return remarks(home, ("cat", "dog", "fox"))


def looped(folder: Path) -> Sequence[str]:
    home = write_folder(folder / "a", TWO)
    (home / "cat" / "again").symlink_to(home)
    (home / "dog" / "cat").symlink_to(home / "cat")  # and cat holds a link to the whole
    assert len(read_folder(home)) == 3
    return remarks(home, ("cat", "dog"))


def dangling(folder: Path) -> Sequence[str]:
    home = write_folder(folder / "a", TWO)
    (home / "cat" / "9.jpg").symlink_to(folder / "gone.jpg")
    return remarks(home, ("cat", "dog"))


def empty(folder: Path) -> Sequence[str]:
    home = write_folder(folder / "a", TWO)
    (home / "fox").mkdir()
    return remarks(home, ("cat", "dog"))


def numbered(names: Sequence[str], network: Sequence[str], labels: Sequence[int]) -> Ask:
    def ask(folder: Path) -> Sequence[str]:
        home = write_folder(folder / "a", {f"{name}/1.jpg": JPEG for name in names})
        return remarks(home, sorted(names), network, labels)

    return ask


def apart(folder: Path) -> Sequence[str]:
    """macOS stores names decomposed, tables and networks have them composed."""
    name, table = unicodedata.normalize("NFD", "épagneul"), "path,x0,y0,x1,y1\népagneul/1.jpg,1,2,3,4"
    home = write_folder(folder / "a", {f"{name}/1.jpg": JPEG, "boxes.csv": table.encode()})
    assert read_folder(home).photos[0].boxes == ((1, 2, 3, 4),)
    return remarks(home, ("épagneul",))


def backslashes(folder: Path) -> Sequence[str]:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (TWO | {"boxes.csv": b"path,x0,y0,x1,y1\ncat\\1.jpg,1,2,3,4"}).items():
            archive.writestr("set/" + name.replace("/", "\\"), content)
    content = path.read_bytes().replace(b"set/", b"set\\")
    path.write_bytes(content)
    assert read_folder(path).photos[0].boxes == ((1, 2, 3, 4),)
    return remarks(path, ("cat", "dog"))


def patched(*changes: tuple[int, int, bytes]) -> Ask:
    """Ask about a zip file whose entries are changed. changes: offset in a local head, offset in
    the directory, value.
    """

    def ask(folder: Path) -> Sequence[str]:
        path = write_zip(folder / "a.zip", TWO)
        content = bytearray(path.read_bytes())
        for local, central, value in changes:
            for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
                place = content.find(mark)
                while place >= 0:
                    content[place + offset : place + offset + len(value)] = value
                    place = content.find(mark, place + 4)
        path.write_bytes(content)
        return remarks(path, ("cat", "dog"))

    return ask


def packed_classes(folder: Path) -> Sequence[str]:
    home = write_folder(folder / "a", TWO)
    write_zip(home / "fox.zip", {"fox/1.jpg": JPEG})
    return remarks(home, ("cat", "dog"))


def only(files: dict[str, bytes]) -> Ask:
    return lambda folder: remarks(write_folder(folder / "a", files), ())


def truncated(folder: Path) -> Sequence[str]:
    path = write_zip(folder / "a.zip", TWO)
    shutil.copy(path, folder / "b.zip")
    (folder / "b.zip").write_bytes(path.read_bytes()[:-30])
    return remarks(folder / "b.zip", ())


CASES = (
    Case("A class folder that is a symbolic link", "Followed.", linked),
    Case(
        "A link to a folder around it",
        "Not followed; named in the remarks.",
        looped,
        "Not followed: cat/again (a link to a folder around it)",
    ),
    Case(
        "A link to a photograph that is gone", "Left out and named.", dangling, "cat/9.jpg (a link that leads nowhere)"
    ),
    Case(
        "Photographs named .jfif, .jpe or .JPG",
        "Read.",
        two_and({"cat/3.jfif": JPEG, "dog/4.jpe": JPEG, "dog/5.JPG": JPEG}, 5),
    ),
    Case(
        "GIF, TIFF, HEIC and raw photographs in class folders",
        "Left out; counted by kind.",
        two_and({"cat/3.gif": b"", "cat/4.heic": b"", "dog/5.HEIC": b"", "dog/6.tif": b"", "dog/7.nef": b""}),
        "Left out: 2 .heic, 1 .gif, 1 .nef, 1 .tif.",
    ),
    Case(
        "Photographs beside the class folders",
        "Left out; counted, and the first are named.",
        two_and({"loose.jpg": JPEG, "other.png": b""}),
        "in no class folder: 2 photographs (loose.jpg, other.png)",
    ),
    Case("No class folders, only photographs", "Refused.", only({"1.jpg": JPEG}), "none in a class folder", BadSpec),
    Case(
        "A folder of HEIC photographs only",
        "Refused; what was found is counted.",
        only({"cat/1.heic": b"", "dog/2.heic": b""}),
        "Left out: 2 .heic",
        BadSpec,
    ),
    Case("An empty class folder", "Named in the remarks.", empty, "Without a photograph: 1 folder (fox)"),
    Case("A zip file inside a folder", "Left out and counted.", packed_classes, "Left out: 1 .zip."),
    Case(
        "Folders 1 to 10 for ten outputs numbered 0 to 9",
        "None is matched: number and order disagree, and the remarks say what to do.",
        numbered([str(row) for row in range(1, 11)], DIGITS, [-1] * 10),
        "numbered from 1 to 10, the network's outputs from 0 to 9: none is matched",
    ),
    Case(
        "Folders 00 to 09 for outputs 0 to 9",
        "Matched by number.",
        numbered([f"0{row}" for row in range(10)], DIGITS, list(range(10))),
    ),
    Case(
        "Folders 0 to 11 for twelve outputs without names",
        "Matched by number; the remarks say that ImageFolder sorts them as text.",
        numbered(
            [str(row) for row in range(12)],
            [str(row) for row in range(12)],
            [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9],
        ),
        "as text: 0, 1, 10, 11, 2",
    ),
    Case(
        "Folders 1, 2 and 10 for a network whose outputs have these names in the order of ImageFolder",
        "Matched by name.",
        numbered(["1", "2", "10"], ["1", "10", "2"], [0, 1, 2]),
    ),
    Case(
        "Named folders for as many outputs without names",
        "Matched in sorted order; the remarks show the mapping.",
        numbered(["cat", "ant", "bee"], ["0", "1", "2"], [0, 1, 2]),
        "in sorted order: ant is 0, bee is 1, cat is 2.",
    ),
    Case("Accents that macOS stores apart, and a table of boxes with whole letters", "Read as the same name.", apart),
    Case("Backslashes in the paths of a zip file and a table", "Read as folders.", backslashes),
    Case(
        "A zip file with a password",
        "Refused.",
        patched((6, 8, b"\x01")),
        "has a password: 2 of its 2 files are encrypted",
        BadFile,
    ),
    Case(
        "A zip file compressed with Deflate64, as Windows does beyond 2 GB",
        "Refused.",
        patched((8, 10, b"\x09")),
        "2 of its 2 files use Deflate64",
        BadFile,
    ),
    Case("Half of a zip file", "Refused.", truncated, "not a valid zip file", BadFile),
)
