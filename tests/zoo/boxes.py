"""Tables of boxes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from core.base.errors import BadFile
from core.data.folders import read_folder
from core.data.photo_inputs import PhotoInputs
from tests.data.cards import PHOTOS
from tests.data.made_sets import jpeg, photograph, write_folder
from tests.zoo.case import Case

Ask = Callable[[Path], Sequence[str]]
HEAD = "path,x0,y0,x1,y1\n"
BOX = (12.0, 8.0, 36.0, 28.0)


def turned() -> bytes:
    """A photograph of 60 x 40 pixels that the camera stored lying."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    photograph(0, (40, 60), (8, 12, 28, 36)).save(file, "JPEG", exif=exif)
    return file.getvalue()


def table(text: str | bytes, boxes: tuple[float, ...] | None = BOX, content: bytes = jpeg(photograph(0))) -> Ask:
    """Ask about a photograph with a table, which gives it this box."""

    def ask(folder: Path) -> Sequence[str]:
        written = text if isinstance(text, bytes) else text.encode()
        photos = read_folder(write_folder(folder, {"cat/1.jpg": content, "boxes.csv": written}))
        assert photos.photos[0].boxes == ((boxes,) if boxes else ())
        card = replace(PHOTOS, classes=photos.classes)
        inputs = PhotoInputs(photos, card, torch.device("cpu"))
        list(inputs.batches(truth=True))
        return inputs.notes

    return ask


def twice(folder: Path) -> Sequence[str]:
    files = {"cat/1.jpg": jpeg(photograph(0)), "dog/1.jpg": jpeg(photograph(1))}
    table = f"{HEAD}1.jpg,12,8,36,28\ndog/1.jpg,1,2,3,4\n"
    photos = read_folder(write_folder(folder, files | {"boxes.csv": table.encode()}))
    assert [photo.boxes for photo in photos.photos] == [(), ((1, 2, 3, 4),)]
    return photos.notes


def refused(what: str, text: str | bytes, says: str) -> Case:
    return Case(what, "Refused with line and reason.", table(text), says, BadFile)


CASES = (
    Case("A heading with capitals and blanks", "Read.", table(f"Path, X0 ,Y0,x1,y1\ncat/1.jpg,{'12, 8,36,28'}")),
    Case("Semicolons and decimal commas", "Read.", table("path;x0;y0;x1;y1\ncat/1.jpg;12,0;8,0;36,0;28,0")),
    Case("Tabs", "Read.", table("path\tx0\ty0\tx1\ty1\ncat/1.jpg\t12\t8\t36\t28")),
    Case(
        "Columns in another order, and further ones",
        "Read.",
        table("x1,note,path,y0,x0,y1\n36,a cat,cat/1.jpg,8,12,28"),
    ),
    Case(
        "Lines that end as on Windows, and empty ones",
        "Read.",
        table(f"{HEAD.strip()}\r\n\r\ncat/1.jpg,12,8,36,28\r\n"),
    ),
    Case("A path that begins with ./", "Read.", table(f"{HEAD}./cat/1.jpg,12,8,36,28")),
    Case("Backslashes in paths", "Read.", table(f"{HEAD}cat\\1.jpg,12,8,36,28")),
    Case("Photographs without their class folders", "Read if they are unique.", table(f"{HEAD}1.jpg,12,8,36,28")),
    Case(
        "A name that photographs of two classes have",
        "Not used; the remarks say how to name it.",
        twice,
        "of several photographs, so not used: 1 name (1.jpg). Name them class/file.",
    ),
    refused("A row that is too short", f"{HEAD}cat/1.jpg,1,2,3", "Line 2 of"),
    refused("A missing column", "path,x0,y0,x1\ncat/1.jpg,1,2,3", "lacks the column y1"),
    refused("An empty table", "", "lacks the columns path, x0, y0, x1, y1"),
    refused("A word instead of a number", f"{HEAD}cat/1.jpg,1,2,x,4", "has a coordinate that is no number"),
    refused("NaN or infinity", f"{HEAD}cat/1.jpg,1,2,nan,4", "infinite or NaN"),
    refused("A box that begins at -1", f"{HEAD}cat/1.jpg,-1,2,3,4", "begins below 0, outside of the photograph"),
    refused("A box without an area", f"{HEAD}cat/1.jpg,5,2,3,4", "x1 must exceed x0"),
    refused("A quotation mark that is never closed", f'{HEAD}"cat/1.jpg,5,2,3,4', "quotation mark"),
    refused("A table in UTF-16", (HEAD + "cat/1.jpg,1,2,3,4").encode("utf-16"), "is not UTF-8 text"),
    refused("Shares of the size from 0 to 1", f"{HEAD}cat/1.jpg,0.2,0.2,0.6,0.7", "look like shares of the size"),
    Case(
        "Boxes of photographs that are absent",
        "Read; the absent ones are counted.",
        table(f"{HEAD}cat/1.jpg,12,8,36,28\ncat/7.jpg,1,2,3,4"),
        "absent: 1 photograph (cat/7.jpg)",
    ),
    Case(
        "A photograph that the camera turned",
        "The boxes refer to the upright photograph; the remarks say so.",
        table(f"{HEAD}cat/1.jpg,12,8,36,28", content=turned()),
        "with marks that refer to the upright photograph: 1 photograph (cat/1.jpg)",
    ),
    Case(
        "A table for photographs of another size",
        "The remarks count boxes that reach beyond their photograph.",
        table(f"{HEAD}cat/1.jpg,120,80,360,280", (120.0, 80.0, 360.0, 280.0)),
        "as if made for another size: 1 photograph",
    ),
)
