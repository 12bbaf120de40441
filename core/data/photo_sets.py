"""Labelled data sets of photographs, which are decoded one by one on request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import BadSpec
from core.base.stamps import Stamp, stamp_of
from core.base.text import SHOWN, whole_number
from core.data.photos import Box, Placement, boxes_mask
from core.models.cards import InputRule
from core.results import Array

MARKS_NOTHING = "The mask marks nothing that the network sees"
MARKS_ALL = "The mask marks everything that the network sees; only black (0) is background"
MASK_REMARKS = (MARKS_NOTHING, MARKS_ALL)


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph of a data set.

    name: in the set, for people. label: index into the set's classes. read: decodes it, raises
    BadImage.
    boxes: around the object, in pixels of the photograph. mask: decodes (height, width) bool, True
    on the object; raises BadImage.
    files: those that `read` and `mask` read, if they are separate files. content: the bytes of the
    photograph and its mask, whatever they lie in.
    """

    name: str
    label: int
    read: Callable[[], Image.Image]
    boxes: tuple[Box, ...] = ()
    mask: Callable[[], NDArray[np.bool_]] | None = None
    files: tuple[Path, ...] = ()
    content: Callable[[], bytes] = bytes

    @property
    def digest(self) -> str:
        """Return a digest of photograph, label and marks."""
        try:
            content = self.content()
        except Exception as error:  # a damaged or encrypted part of an archive, a deleted file
            content = repr(error).encode()
        marks = repr((self.name, self.label, self.boxes)).encode()
        return hashlib.sha256(hashlib.sha256(marks).digest() + content).hexdigest()

    @property
    def stamp(self) -> Stamp:
        """Return the current stamp of its files."""
        return stamp_of(*self.files)

    @property
    def truth_kind(self) -> str:
        return "mask" if self.mask else "boxes" if self.boxes else ""

    def remark(self, truth: Array | None) -> str:
        """Return what is unusual about its mask, as the network sees it; "" if nothing is. truth:
        from `truth`.
        """
        if self.mask is None:
            return ""
        return MARKS_NOTHING if truth is None else MARKS_ALL if truth.all() else ""

    def truth(self, source: tuple[int, int], rule: InputRule) -> Array | None:
        """Return where the object is in the input of a network with this rule: (H, W), 1 or 0.
        source: (width, height) of the photograph.

        None if nobody marked it or the marked part is cropped.
        """
        placement = Placement.of(source, rule)
        mask = placement.mask(self.mask()) if self.mask else boxes_mask(placement.boxes(self.boxes), rule.size_px)
        return mask if mask.any() else None


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """A labelled data set of photographs.

    classes: names in the order of the labels. notes: remarks, in sentences. own_folders: the
    classes are folder names chosen by a person. watched: folders and files that determine the
    photographs and their marks. stamp: of these when the set was read.
    """

    title: str
    classes: tuple[str, ...]
    photos: Sequence[Photo]
    notes: tuple[str, ...] = ()
    own_folders: bool = False
    watched: tuple[Path, ...] = ()
    stamp: Stamp = ""

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def is_current(self) -> bool:
        """Return whether nothing that is watched has changed since the set was read."""
        return stamp_of(*self.watched) == self.stamp

    @property
    def whole_stamp(self) -> Stamp:
        """Return the current stamp of the set and all its photographs."""
        stamps = [self.stamp, *(photo.stamp for photo in self.photos)]
        return hashlib.sha256("|".join(stamps).encode()).hexdigest()

    def photo(self, name: str) -> Photo:
        """Return a photograph by its row, from "0" on. Raises BadSpec if there is none."""
        row = whole_number(name)
        if row is None or row >= len(self):
            raise BadSpec(
                f"There is no photograph '{name[:SHOWN]}' in {self.title}.",
                f"They are numbered 0 to {len(self) - 1}.",
                "Choose one of these.",
            )
        return self.photos[row]
