"""Annotation files of COCO: instances (polygons, run lengths, boxes) and panoptic segments.

What a file holds is not quoted in a message, but for numbers of its annotations and names of
photographs that are absent: otherwise any path could be used to read files.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property, partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from core.base.errors import BadFile, BadImage
from core.base.stamps import stamp_of
from core.base.text import composed, first_few
from core.data.classes import class_index, readable
from core.data.listing import MAX_CONTENT
from core.data.marks import NAMED, Folder, Mark, Marks, Mask, Size, Sizes, check_size, count_and_name
from core.data.masks import open_png
from core.data.photos import Box, boxes_mask
from core.data.segments import MAX_OUTLINE_PX, BadSegment, Segment, parse_segment, union

INSTANCES, PANOPTIC = ("annotations.json", "instances*.json"), ("panoptic*.json",)
LISTS = ("images", "annotations", "categories")
AROUND = "annotations"  # the folder in which COCO keeps these files
MAX_NAME = 1000  # characters of a path
MAX_SIDE = 1_000_000  # pixels
MOST_IDS = 1 << 24  # of segments, in three bytes
RULE = (
    "It must be a COCO file with the lists images (id, file_name, width, height), annotations and categories (id,"
    " name)."
)


class _Wrong(Exception):
    """What is wrong in a file."""


@dataclass(frozen=True, eq=False)
class _Objects:
    """What marks the objects of a photograph that are of its class. segments: with the names of
    their annotations.
    """

    segments: list[tuple[str, Segment]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


def is_table(name: PurePosixPath) -> bool:
    return any(fnmatch(name.name, pattern) for pattern in (*INSTANCES, *PANOPTIC))


def is_panoptic(name: PurePosixPath) -> bool:
    return any(fnmatch(name.name, pattern) for pattern in PANOPTIC)


def looks_like_coco(read: Callable[[], bytes]) -> bool:
    """Return whether a JSON file has the lists of a COCO file, without parsing it."""
    try:
        content = read()
    except Exception:  # a deleted file, a damaged part of an archive
        return False
    return len(content) <= MAX_CONTENT and all(f'"{name}"'.encode() in content for name in LISTS)


def coco_marks(folder: Folder, name: PurePosixPath) -> Marks:
    """Read an annotation file and match it with the photographs; the file is watched from then on.

    Raises BadFile.
    """
    folder.listing.watched.update({file: stamp_of(file) for file in folder.listing.path(name)})
    table = _Table(folder, name)
    try:
        return table.panoptic() if is_panoptic(name) else table.instances()
    except _Wrong as wrong:
        raise BadFile(f"{table.title} {wrong}.", RULE, "Correct the file, or remove it.") from wrong


class _Table:
    """One annotation file."""

    def __init__(self, folder: Folder, name: PurePosixPath) -> None:
        self.folder, self.name, self.title = folder, name, f"{folder.title}/{name}"
        inside = name.parent.name.casefold() == AROUND
        self.base = PurePosixPath(composed(str(name.parent.parent if inside else name.parent)))
        self.images: dict[Any, tuple[int | None, Size, str]] = {}  # by id: photograph, size, path
        self.absent: dict[str, None] = {}  # photographs with objects

    @cached_property
    def content(self) -> dict[str, Any]:
        try:
            found = json.loads(self._bytes().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise _Wrong("is not UTF-8 text") from error
        except json.JSONDecodeError as error:
            raise _Wrong(f"is not valid JSON (line {error.lineno})") from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits
            raise _Wrong("is not valid JSON") from error
        if not isinstance(found, dict):
            raise _Wrong("is not a JSON object")
        return found

    def _bytes(self) -> bytes:
        try:
            content = self.folder.listing.files[self.name]()
        except Exception as error:  # a deleted file, a damaged part of an archive
            raise _Wrong("cannot be read") from error
        if len(content) > MAX_CONTENT:
            raise _Wrong(f"has more than {MAX_CONTENT // 10**6} MB")
        return content

    def _entries(self, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the entries of a list, each with words for a message."""
        if not isinstance(self.content.get(key), list):
            raise _Wrong(f"has no list {key}")
        for place, entry in enumerate(self.content[key], 1):
            if not isinstance(entry, dict):
                raise _Wrong(f"has an entry number {place} in {key} that is not an object")
            number = entry.get("id")
            noun = {"images": "image", "annotations": "annotation", "categories": "category"}[key]
            known = type(number) is int and abs(number) < 10**18
            yield (f"{noun} {number}" if known else f"{noun} number {place}"), entry

    @cached_property
    def labels(self) -> dict[Any, int | None]:
        """The class of the folder by category."""
        classes = self.folder.classes
        names = tuple(map(readable, classes))
        labels: dict[Any, int | None] = {}
        for what, entry in self._entries("categories"):
            name = entry.get("name")
            if not isinstance(name, str) or len(name) > MAX_NAME:
                raise _Wrong(f"has a {what} without a name")
            label = class_index(composed(name), classes)
            labels[_id(entry, what)] = class_index(composed(name), names) if label is None else label
        return labels

    def _read_images(self) -> None:
        for what, entry in self._entries("images"):
            path, size = entry.get("file_name"), (entry.get("width"), entry.get("height"))
            if not isinstance(path, str) or not 0 < len(path) <= MAX_NAME:
                raise _Wrong(f"has an {what} without a file_name")
            if not all(type(side) is int and 0 < side <= MAX_SIDE for side in size):
                raise _Wrong(f"has an {what} without width and height")
            number = _id(entry, what)
            if number in self.images:
                raise _Wrong(f"has an {what} whose id another image has, too")
            path = composed(path.replace("\\", "/"))
            photos = self.folder.by_name.find(self.base, PurePosixPath(path))
            self.images[number] = (photos[0] if len(photos) == 1 else None, size, path)  # type: ignore[assignment]

    def _annotated(self) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Yield the annotations of photographs in the folder, each with its photograph."""
        self._read_images()
        for what, entry in self._entries("annotations"):
            image = entry.get("image_id")
            if not isinstance(image, int | str) or image not in self.images:
                raise _Wrong(f"has an {what} of an image that is not in its list")
            photo, _, path = self.images[image]
            if photo is None:
                self.absent[path] = None
            else:
                yield what, entry, photo

    def _label(self, entry: dict[str, Any], what: str) -> int | None:
        category = entry.get("category_id")
        if not isinstance(category, int | str) or category not in self.labels:
            raise _Wrong(f"has an {what} of a category that is not in its list")
        return self.labels[category]

    def instances(self) -> Marks:
        objects: dict[int, _Objects] = defaultdict(_Objects)
        others = set()
        for what, entry, photo in self._annotated():
            if "segments_info" in entry:
                raise _Wrong("holds panoptic segments: its name must begin with panoptic")
            if self._label(entry, what) == self.folder.photos[photo].label:
                _add(objects[photo], what, entry)
            else:
                others.add(photo)
        sizes = {photo: size for photo, size, _ in self.images.values() if photo is not None}
        marks = {photo: self._mark(found, sizes[photo]) for photo, found in objects.items()}
        return Marks(marks, self._notes(others - set(marks)))

    def _mark(self, found: _Objects, size: Size) -> Mark:
        if not found.segments:
            return Mark(None, tuple(found.boxes))
        content = repr((size, found.boxes)).encode() + b"".join(segment.content for _, segment in found.segments)
        return Mark(partial(_merged, self.title, found, size), content=lambda: content)

    def panoptic(self) -> Marks:
        marks: dict[int, Mark] = {}
        others, absent = set(), list[str]()
        for what, entry, photo in self._annotated():
            ids = self._segments(entry, what, self.folder.photos[photo].label)
            path = entry.get("file_name")
            if not isinstance(path, str) or len(path) > MAX_NAME:
                raise _Wrong(f"has an {what} without a file_name")
            name = self.name.parent / self.name.stem / path
            if not ids:
                others.add(photo)
            elif name not in self.folder.masks:
                absent.append(str(name))
            else:
                content = self.folder.masks[name]
                read = partial(_coloured, content, f"{self.folder.title}/{name}", ids)
                marks[photo] = Mark(
                    read, files=self.folder.listing.path(name), content=partial(_with, content, repr(ids).encode())
                )
        notes = [f"Segments of {self.name} that are absent: {count_and_name(absent, 'file')}."] if absent else []
        return Marks(marks, [*self._notes(others - set(marks)), *notes])

    def _segments(self, entry: dict[str, Any], what: str, label: int) -> tuple[int, ...]:
        """Return the ids of the segments with this label."""
        segments = entry.get("segments_info")
        if not isinstance(segments, list) or not all(isinstance(segment, dict) for segment in segments):
            raise _Wrong(f"has an {what} without segments_info")
        ids = [segment.get("id") for segment in segments if self._label(segment, what) == label]
        if not all(type(number) is int and 0 <= number < MOST_IDS for number in ids):
            raise _Wrong(f"has an {what} with a segment whose id is not a colour")
        return tuple(ids)

    def _notes(self, others: set[int]) -> list[str]:
        notes = []
        if self.absent:
            names = count_and_name(sorted(self.absent), "photograph")
            notes.append(f"Marked in {self.name}, but absent or of several paths: {names}.")
        if others and all(label is None for label in self.labels.values()):
            classes = first_few(self.folder.classes, NAMED)
            notes.append(f"No category of {self.name} has the name of a class ({classes}), so it marks nothing.")
        elif others:
            names = self.folder.names(sorted(others))
            notes.append(f"Not marked, because {self.name} has only objects of other classes in them: {names}.")
        return notes


def _id(entry: dict[str, Any], what: str) -> int | str:
    number = entry.get("id")
    if not isinstance(number, int | str):
        raise _Wrong(f"has an {what} without an id")
    return number


def _add(objects: _Objects, what: str, entry: dict[str, Any]) -> None:
    try:
        segment = parse_segment(entry.get("segmentation"))
    except BadSegment as error:
        raise _Wrong(f"cannot be read: {what} {error}") from error
    if segment:
        objects.segments.append((what, segment))
        return
    box = entry.get("bbox")
    if not (
        isinstance(box, list)
        and len(box) == 4
        and all(type(value) in (int, float) and abs(value) <= MAX_SIDE for value in box)
    ):
        raise _Wrong(f"cannot be read: {what} has neither a segmentation nor a box of x, y, width and height")
    x, y, width, height = map(float, box)
    if not (min(width, height) > 0 and x + width > 0 and y + height > 0):
        raise _Wrong(f"cannot be read: {what} has a box without an area in its photograph")
    objects.boxes.append((max(x, 0.0), max(y, 0.0), x + width, y + height))


def _merged(title: str, objects: _Objects, size: Size, sizes: Sizes) -> Mask:
    check_size(f"The entry of this photograph in {title}", size, sizes)
    runs, length_px = [], 0.0
    for what, segment in objects.segments:
        try:
            segment.check(size)
            length_px += segment.length_px
            if length_px > MAX_OUTLINE_PX:
                raise BadSegment(f"and those before it have outlines of more than {MAX_OUTLINE_PX:,} pixels")
            runs += segment.runs(size)
        except BadSegment as error:
            raise BadImage(
                f"{title}: {what} {error}.", "A segment lies inside its photograph.", "Correct the annotation."
            ) from error
    return union(runs, size) | (boxes_mask(objects.boxes, size[::-1]) > 0)


def _coloured(content: Callable[[], bytes], name: str, ids: tuple[int, ...], sizes: Sizes) -> Mask:
    image = open_png(content, name, sizes)
    if image.mode != "RGB":
        raise BadImage(f"{name} has no colours of segments.", "Panoptic segments are PNG files in RGB.", "Replace it.")
    pixels = np.asarray(image).astype(np.int32)
    return np.isin(pixels[..., 0] + (pixels[..., 1] << 8) + (pixels[..., 2] << 16), ids)


def _with(content: Callable[[], bytes], more: bytes) -> bytes:
    return content() + more
