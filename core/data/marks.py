"""Marks of objects that lie beside photographs: which photograph a mark belongs to, and whether it
has its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.base.errors import BadImage
from core.base.numbers import counted
from core.base.text import composed, first_few
from core.data.images import LIMITS_TEXT, open_image, turns_aside
from core.data.listing import Files, Listing
from core.data.photo_sets import Photo
from core.data.photos import Box

NAMED = 3  # photographs that a note names; the others are only counted
Size = tuple[int, int]  # width, height
Mask = NDArray[np.bool_]  # (height, width)


@dataclass(frozen=True)
class Sizes:
    """Sizes of a photograph: upright, as it is read, and as its file stores it."""

    upright: Size
    stored: Size


@dataclass(frozen=True, eq=False)
class Mark:
    """How the object of one photograph is marked.

    read: decodes the mask of a photograph of these sizes, raises BadImage; None if there are only
    boxes. files: those that `read` reads, if they are separate files. content: the bytes that
    change whenever the mask does.
    """

    read: Callable[[Sizes], Mask] | None
    boxes: tuple[Box, ...] = ()
    files: tuple[Path, ...] = ()
    content: Callable[[], bytes] = bytes


@dataclass(frozen=True, eq=False)
class Marks:
    """Marks from one source by the place of their photograph, and remarks on those without one."""

    by_photo: dict[int, Mark] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Ends:
    """Finds photographs by their path, or by the end of it."""

    def __init__(self, paths: Sequence[PurePosixPath]) -> None:
        self._paths = [path.parts for path in paths]
        self._whole: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._ends: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._found: dict[tuple[PurePosixPath, PurePosixPath], list[int]] = {}
        for place, parts in enumerate(self._paths):
            self._whole[parts].append(place)
            for count in (1, 2):
                self._ends[parts[-count:]].append(place)

    def find(self, base: PurePosixPath, path: PurePosixPath) -> list[int]:
        """Return the places of the photographs at this path below a folder; otherwise of those
        below it whose path ends so.
        """
        if (base, path) not in self._found:
            begin, end = base.parts, path.parts
            self._found[base, path] = self._whole.get(begin + end) or [
                place
                for place in self._ends.get(end[-2:], ())
                if self._paths[place][: len(begin)] == begin and self._paths[place][len(begin) :][-len(end) :] == end
            ]
        return self._found[base, path]


@dataclass(frozen=True, eq=False)
class Folder:
    """Photographs in class folders, and what lies beside them. masks: pictures of masks, which are
    not in the listing.
    """

    title: str
    listing: Listing
    masks: Files
    photos: Sequence[Photo]
    classes: tuple[str, ...]

    @cached_property
    def by_name(self) -> Ends:
        return Ends([PurePosixPath(composed(photo.name)) for photo in self.photos])

    @cached_property
    def by_stem(self) -> Ends:
        return Ends([PurePosixPath(composed(photo.name)).with_suffix("") for photo in self.photos])

    def names(self, places: Sequence[int]) -> str:
        """Count and name some photographs, for a remark."""
        return count_and_name([self.photos[place].name for place in places], "photograph")


def count_and_name(names: Sequence[str], noun: str) -> str:
    """Return "4 photographs (a, b, c and 1 more)"."""
    return f"{counted(len(names), noun)} ({first_few(names, NAMED)})"


def sizes_of(content: Callable[[], bytes], name: str) -> Sizes:
    """Read the sizes of a photograph from its header. Raises BadImage."""
    image = open_image(read_content(content, name))
    stored = image.size
    return Sizes(stored[::-1] if turns_aside(image) else stored, stored)


def read_content(content: Callable[[], bytes], name: str) -> bytes:
    """Read a file that may have been deleted, or be a damaged part of an archive. Raises
    BadImage.
    """
    try:
        return content()
    except Exception as error:  # zipfile raises many classes
        raise BadImage(f"{name} cannot be read ({error}).", LIMITS_TEXT, "Replace it.") from error


def check_size(what: str, size: Size, sizes: Sizes) -> None:
    """Raise BadImage if a mark was made for another size. what: the mark, as the subject of a
    sentence.
    """
    if size == sizes.upright:
        return
    width, height = sizes.upright
    if size == sizes.stored:
        raise BadImage(
            f"{what} has {size[0]} x {size[1]} pixels, the size of its photograph before it is rotated as its camera"
            " recorded.",
            f"Masks refer to the upright photograph, which has {width} x {height} pixels.",
            "Rotate the mask likewise, or save the photograph without the EXIF rotation.",
        )
    raise BadImage(
        f"{what} has {size[0]} x {size[1]} pixels, its photograph {width} x {height}.",
        "A mask must have the size of its photograph.",
        "Check that both belong together, and export the mask at the photograph's size.",
    )
