"""Marks beside one's own photographs: folders of masks and COCO annotation files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from core.data.coco import INSTANCES, PANOPTIC, coco_marks, is_panoptic, is_table, looks_like_coco
from core.data.listing import Files, Listing
from core.data.marks import Folder, Mark, Mask, Sizes, count_and_name, sizes_of
from core.data.masks import is_png, pictures_of, png_marks
from core.data.photo_sets import Photo

LOOKED_AT = 100  # JSON files of other names; some programs write one beside each photograph
NAMES = f"Name them {', '.join(INSTANCES)} or {', '.join(PANOPTIC)}, as their content is."
ORDER = "Masks count before instances, these before panoptic segments, and all before boxes.csv."


def take_masks(listing: Listing, suffixes: Collection[str]) -> Files:
    """Take the pictures that are masks out of a listing. suffixes: of pictures."""
    taken = pictures_of(listing.files, suffixes)
    for table in filter(is_panoptic, listing.files):
        taken.update(name for name in listing.files if is_png(name) and table.with_suffix("") in name.parents)
    tables = set(filter(is_table, listing.files))
    listing.folders.difference_update(*(name.parents for name in taken | tables))
    return {name: listing.files.pop(name) for name in taken}


def _unread_tables(folder: Folder) -> list[str]:
    """Return a remark on annotation files that are not read because of their names."""
    others = [name for name in folder.listing.files if name.suffix.lower() == ".json" and not is_table(name)]
    if found := [str(name) for name in sorted(others)[:LOOKED_AT] if looks_like_coco(folder.listing.files[name])]:
        return [f"COCO files that are not read because of their names: {count_and_name(found, 'file')}. {NAMES}"]
    return []


def with_marks(folder: Folder) -> tuple[list[Photo], list[str]]:
    """Return the photographs with what marks the objects in them, and remarks.

    Raises BadFile: an annotation file that cannot be read.
    """
    notes, again = _unread_tables(folder), set[int]()
    tables = sorted(filter(is_table, folder.listing.files), key=lambda name: (is_panoptic(name), name))
    marks: dict[int, Mark] = {}
    for found in (png_marks(folder), *(coco_marks(folder, table) for table in tables)):
        again |= marks.keys() & found.by_photo.keys()
        marks = found.by_photo | marks
        notes += found.notes
    again |= {place for place in marks if folder.photos[place].boxes}
    if again:
        notes.append(f"Marked more than once: {folder.names(sorted(again))}. {ORDER}")
    photos = [
        _marked(photo, marks[place], folder.title) if place in marks else photo
        for place, photo in enumerate(folder.photos)
    ]
    return photos, notes


def _marked(photo: Photo, mark: Mark, title: str) -> Photo:
    if mark.read is None:
        return replace(photo, boxes=mark.boxes)
    return replace(
        photo,
        mask=partial(_mask, photo.content, mark.read, f"{title}/{photo.name}"),
        files=(*photo.files, *mark.files),
        content=partial(_both, photo.content, mark.content),
    )


def _mask(content: Callable[[], bytes], read: Callable[[Sizes], Mask], name: str) -> Mask:
    return read(sizes_of(content, name))


def _both(photo: Callable[[], bytes], mark: Callable[[], bytes]) -> bytes:
    return photo() + mark()
