"""The zoo: all awkward inputs by their kind."""

from __future__ import annotations

from tests.zoo import boxes, folders, marks, pictures
from tests.zoo.case import Case

ZOO: dict[str, tuple[Case, ...]] = {
    "Folders and zip files": folders.CASES,
    "Tables of boxes": boxes.CASES,
    "Masks and COCO files": marks.CASES,
    "Pictures": pictures.CASES,
}
