"""Masks and COCO annotation files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from core.base.errors import BadFile, BadImage, SparsightError
from core.data.folders import read_folder
from core.data.photo_inputs import PhotoInputs
from core.data.remarks import UNMARKED
from tests.data.cards import PHOTOS as CARD
from tests.data.made_marks import MARKED, PHOTOS, coco, colours, instance, png, turned
from tests.data.made_sets import SIZE, jpeg, photograph, write_folder, write_zip
from tests.zoo.case import Case

Ask = Callable[[Path], Sequence[str]]
MASK = png(MARKED)
WIDTH, HEIGHT = SIZE
RUNS = {"size": [HEIGHT, WIDTH], "counts": [WIDTH * HEIGHT - 9, 9]}
TABLE = "annotations.json"


def marks(files: dict[str, bytes | None], marked: Sequence[str] = ("cat/1.jpg",), kind: str = "mask") -> Ask:
    """Ask about three photographs with further files, or without some; these photographs are then
    marked so.
    """

    def ask(folder: Path) -> Sequence[str]:
        kept = {name: content for name, content in (PHOTOS | files).items() if content is not None}
        photos = read_folder(write_folder(folder / "a", kept))
        assert photos.classes == ("cat", "dog")
        assert [photo.name for photo in photos.photos if photo.truth_kind == kind] == list(marked)
        inputs = PhotoInputs(photos, replace(CARD, classes=photos.classes), torch.device("cpu"))
        list(inputs.batches(truth=True))
        return inputs.notes

    return ask


def read(files: dict[str, bytes]) -> Ask:
    """Ask for the mask of the first photograph."""

    def ask(folder: Path) -> Sequence[str]:
        photo = read_folder(write_folder(folder / "a", PHOTOS | files)).photos[0]
        assert photo.mask
        assert np.array_equal(photo.mask(), MARKED)
        return ()

    return ask


def packed(folder: Path) -> Sequence[str]:
    photos = read_folder(write_zip(folder / "a.zip", PHOTOS | {"masks/cat/1.png": MASK, "masks/3.png": MASK}, "top/"))
    assert photos.classes == ("cat", "dog")
    for photo in (photos.photos[0], photos.photos[2]):
        assert photo.mask
        assert np.array_equal(photo.mask(), MARKED)
    return photos.notes


def class_of_masks(folder: Path) -> Sequence[str]:
    photos = read_folder(write_folder(folder / "a", PHOTOS | {"masks/1.jpg": jpeg(photograph(7))}))
    assert photos.classes == ("cat", "dog", "masks")
    return photos.notes


def void(index: np.ndarray) -> Image.Image:
    """A palette as Pascal VOC has it: classes by index, 255 for borders."""
    image = Image.fromarray(index).convert("P")
    image.putdata(index.ravel().tolist())
    image.putpalette([0, 0, 0] + [128, 0, 0] * 254 + [224, 224, 192])
    return image


def _void_mask() -> bytes:
    index = np.where(MARKED, 8, 0).astype(np.uint8)
    index[8:28, 12] = 255
    return png(void(index))


def refused(what: str, content: bytes, says: str, outcome: str = "Refused with the annotation.") -> Case:
    return Case(what, outcome, read({TABLE: content}), says, BadFile)


def unread(what: str, files: dict[str, bytes], says: str, error: type[SparsightError] = BadImage) -> Case:
    def ask(folder: Path) -> Sequence[str]:
        photos = read_folder(write_folder(folder / "a", PHOTOS | files))
        inputs = PhotoInputs(photos, replace(CARD, classes=photos.classes), torch.device("cpu"))
        list(inputs.batches(truth=True))
        (note,) = [note for note in inputs.notes if note.startswith(f"{UNMARKED}: 1 photograph (cat/1.jpg).")]
        assert says in note
        assert photos.photos[0].mask
        photos.photos[0].mask()
        return ()

    return Case(what, "This mask is not used; the error says why, and the remarks count it.", ask, says, error)


def sized(width: int, height: int) -> list[dict[str, Any]]:
    return [{"id": 1, "file_name": "1.jpg", "width": width, "height": height}]


MASK_CASES = (
    Case("Masks in a zip file, with and without class folders", "Read.", packed),
    Case(
        "A mask with a palette and borders, as Pascal VOC", "Read: all but black.", read({"masks/1.png": _void_mask()})
    ),
    Case("A mask of 0 and 1 that looks black", "Read.", read({"masks/1.png": png(MARKED.astype(np.uint8))})),
    Case("A class called masks, of JPEG files", "Read as a class.", class_of_masks),
    Case(
        "A mask in which nothing is marked",
        "Counted in the remarks.",
        marks({"masks/cat/1.png": png(~MARKED & MARKED)}),
        "The mask marks nothing that the network sees: 1 photograph (cat/1.jpg)",
    ),
    Case(
        "A mask without 0, as trimaps have it",
        "Counted in the remarks.",
        marks({"masks/cat/1.png": png(MARKED.astype(np.uint8) + 1)}),
        "only black (0) is background: 1 photograph (cat/1.jpg)",
    ),
    Case(
        "A mask without its photograph",
        "Named in the remarks.",
        marks({"masks/cat/1.png": MASK, "masks/cat/1_mask.png": MASK}),
        "1 file (masks/cat/1_mask.png)",
    ),
    Case(
        "A mask whose name fits photographs of two classes",
        "Not used; the remarks say how to name it.",
        marks({"masks/1.png": MASK, "dog/1.jpg": PHOTOS["dog/3.jpg"]}, ()),
        "Masks that fit several photographs, so not used: 1 file (masks/1.png)",
    ),
    Case(
        "Masks saved as JPEG",
        "Left out and named; JPEG blurs their edges.",
        marks({"masks/cat/1.png": MASK, "masks/cat/2.jpg": PHOTOS["cat/2.jpg"]}),
        "Masks must be PNG files. Left out: 1 file (masks/cat/2.jpg).",
    ),
    Case(
        "A mask and a box for the same photograph",
        "The mask counts; the remarks say so.",
        marks({"masks/1.png": MASK, "boxes.csv": b"path,x0,y0,x1,y1\ncat/1.jpg,1,2,3,4"}),
        "Marked more than once: 1 photograph (cat/1.jpg). Masks count before",
    ),
    unread(
        "A mask of another size",
        {"masks/cat/1.png": png(MARKED[::2, ::2])},
        "masks/cat/1.png has 30 x 20 pixels, its photograph 60 x 40",
    ),
    unread(
        "A mask made before the camera's rotation was applied",
        {"cat/1.jpg": turned(), "masks/cat/1.png": png(MARKED.T)},
        "the size of its photograph before it is rotated",
    ),
    unread("A JPEG file named .png as mask", {"masks/1.png": PHOTOS["cat/1.jpg"]}, "in the format JPEG"),
    unread("Half of a mask", {"masks/1.png": MASK[: len(MASK) // 2]}, "masks/1.png is damaged or incomplete"),
    Case(
        "A photograph that the camera turned, with a mask",
        "The mask refers to the upright photograph; the remarks say so.",
        marks({"cat/1.jpg": turned(), "masks/cat/1.png": MASK}),
        "with marks that refer to the upright photograph: 1 photograph (cat/1.jpg)",
    ),
)
COCO_CASES = (
    Case(
        "Several objects, crowds too",
        "All of the photograph's class count.",
        read(
            {
                TABLE: coco(
                    instance(segmentation=[[12, 8, 24, 8, 24, 28, 12, 28]]),
                    instance(segmentation=[[24, 8, 36, 8, 36, 28, 24, 28]], iscrowd=1),
                    instance(category=3, segmentation=RUNS),
                )
            }
        ),
    ),
    Case(
        "Boxes without segments",
        "Read as boxes.",
        marks({TABLE: coco(instance(segmentation=[], bbox=[1, 2, 9, 9]))}, ("cat/1.jpg",), "boxes"),
    ),
    Case(
        "Polygons that exceed the photograph by up to a pixel",
        "Cut at its border.",
        marks({TABLE: coco(instance(segmentation=[[-1, -1, 61, 0, 30, 41]]))}),
    ),
    Case(
        "A photograph with objects of other classes only",
        "Not marked; counted in the remarks.",
        marks({TABLE: coco(instance(), instance(2, 3), instance(2, 2))}),
        "has only objects of other classes in them: 1 photograph (cat/2.jpg)",
    ),
    Case(
        "Categories of which none is a class",
        "The remarks say that nothing is marked.",
        marks({TABLE: coco(instance(), categories=[{"id": 1, "name": "feline"}])}, ()),
        "No category of annotations.json has the name of a class (cat, dog), so it marks nothing.",
    ),
    Case(
        "Annotated photographs that are absent",
        "Named in the remarks.",
        marks({"cat/2.jpg": None, TABLE: coco(instance(), instance(2))}),
        "absent or of several paths: 1 photograph (cat/2.jpg)",
    ),
    Case(
        "Panoptic segments without their PNG files",
        "Named in the remarks.",
        marks(
            {
                "panoptic.json": coco(
                    {"image_id": 1, "file_name": "x.png", "segments_info": [{"id": 1, "category_id": 1}]},
                    {"image_id": 2, "file_name": "y.png", "segments_info": [{"id": 1, "category_id": 1}]},
                ),
                "panoptic/x.png": colours(np.ones((HEIGHT, WIDTH), np.int64)),
            }
        ),
        "Segments of panoptic.json that are absent: 1 file (panoptic/y.png).",
    ),
    unread(
        "A COCO file made for photographs of another size",
        {TABLE: coco(instance(), images=sized(600, 400))},
        "has 600 x 400 pixels, its photograph 60 x 40",
    ),
    unread(
        "A polygon far outside the photograph",
        {TABLE: coco(instance(segmentation=[[0, 0, 9, 9, 9000, 9]]))},
        "annotation 100 reaches beyond its photograph of 60 x 40",
    ),
    refused(
        "Run lengths that do not fill the photograph",
        coco(instance(segmentation=RUNS | {"counts": [1, 2]})),
        "annotation 100 has runs of 3 pixels in total instead of 2,400",
    ),
    refused(
        "Damaged run lengths",
        coco(instance(segmentation=RUNS | {"counts": "PPPPP"})),
        "annotation 100 has damaged run lengths",
    ),
    refused(
        "A polygon with NaN",
        coco(instance()).replace(b"[12, 8,", b"[NaN, 8,"),
        "annotation 100 has a coordinate that is no finite number",
    ),
    refused(
        "A polygon of two corners",
        coco(instance(segmentation=[[1, 2, 3, 4]])),
        "annotation 100 has a polygon of 4 numbers",
    ),
    refused(
        "Panoptic segments in annotations.json",
        coco({"image_id": 1, "segments_info": []}),
        "its name must begin with panoptic",
    ),
    Case(
        "A COCO file named my_coco.json",
        "Not read; the remarks say how to name it.",
        marks({"my_coco.json": coco(instance())}, ()),
        "COCO files that are not read because of their names: 1 file (my_coco.json). Name them annotations.json,",
    ),
    Case("JSON that is no COCO file, beside photographs", "Ignored.", marks({"settings.json": b'{"images": 3}'}, ())),
    refused(
        "JSON of another program",
        json.dumps({"regions": []}).encode(),
        "annotations.json has no list images",
        "Refused.",
    ),
    refused("JSON nested 100,000 times", b"[" * 100_000, "is not valid JSON", "Refused."),
)
CASES = (*MASK_CASES, *COCO_CASES)
