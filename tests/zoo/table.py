"""The zoo: all awkward inputs by their kind."""

from __future__ import annotations

from tests.zoo import boxes, checkpoints, folders, marks, networks, numbers, pictures, results
from tests.zoo.case import Case

ZOO: dict[str, tuple[Case, ...]] = {
    "Folders and zip files": folders.CASES,
    "Tables of boxes": boxes.CASES,
    "Masks and COCO files": marks.CASES,
    "Pictures": pictures.CASES,
    "Networks of your own": networks.CASES,
    "Files of weights": checkpoints.CASES,
    "Numbers": numbers.CASES,
    "Stored results in which something was changed": results.CASES,
}
