"""Tables of boxes around objects: boxes.csv with the columns path, x0, y0, x1, y1.

The content of a table is never quoted in a message: otherwise any path could be used to read files.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.base.errors import BadFile
from core.base.stamps import stamp_of
from core.base.text import composed
from core.data.listing import Listing
from core.data.marks import Ends, count_and_name
from core.data.photos import Box

TABLE, COLUMNS = "boxes.csv", ("path", "x0", "y0", "x1", "y1")
SEPARATORS = ",;\t"
RULE = (
    f"Its columns must be {', '.join(COLUMNS)}: the photograph relative to the table, and a box in pixels of the"
    " upright photograph, where 0 <= x0 < x1 and 0 <= y0 < y1."
)


@dataclass(frozen=True)
class Boxes:
    """Boxes by the place of their photograph, and remarks on those without one."""

    boxes: dict[int, list[Box]]
    notes: list[str]


class _Wrong(Exception):
    """What is wrong in a table, and in which line."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what


def found_boxes(title: str, listing: Listing, photos: Sequence[PurePosixPath]) -> Boxes:
    """Return the boxes of every table in a set; their stamps join what is watched. A path below the
    table, or the end of it, names a photograph if it is unique.

    Args:
        photos: composed paths.
    Raises:
        BadFile: a table that cannot be read.
    """
    ends, boxes = Ends(photos), defaultdict[int, list[Box]](list)
    absent, ambiguous = dict[str, None](), dict[str, None]()  # in the order of the tables
    for table in (name for name in listing.files if name.name == TABLE):
        listing.watched.update({file: stamp_of(file) for file in listing.path(table)})
        try:
            rows = list(_rows(listing.files[table]()))
            _check_unit([box for _, box in rows])
        except _Wrong as wrong:
            raise BadFile(
                f"Line {wrong.line} of {title}/{table} {wrong.what}.", RULE, "Correct the table, or remove it."
            ) from wrong
        except Exception as error:  # a damaged part of an archive, a folder of this name
            raise BadFile(
                f"{title}/{table} cannot be read as a table of boxes.", RULE, "Correct the table, or remove it."
            ) from error
        for path, box in rows:
            found = ends.find(PurePosixPath(composed(str(table.parent))), PurePosixPath(composed(path)))
            if len(found) == 1:
                boxes[found[0]].append(box)
            else:
                (ambiguous if found else absent)[str(table.parent / path)] = None
    notes = [f"Marked in {TABLE}, but absent: {count_and_name(sorted(absent), 'photograph')}."] if absent else []
    if ambiguous:
        names = count_and_name(sorted(ambiguous), "name")
        notes.append(f"In {TABLE}, but of several photographs, so not used: {names}. Name them class/file.")
    return Boxes(dict(boxes), notes)


def _rows(content: bytes) -> Iterator[tuple[str, Box]]:
    """Read photographs and their boxes. A heading may have capitals, blanks and semicolons."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Wrong(content[: error.start].count(b"\n") + 1, "is not UTF-8 text") from error
    heading = text.partition("\n")[0]
    separator = max(SEPARATORS, key=heading.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if absent := [name for name in COLUMNS if name not in names]:
            raise _Wrong(1, f"lacks the column{'s' * (len(absent) > 1)} {', '.join(absent)}")
        places = [names.index(name) for name in COLUMNS]
        for row in rows:
            if any(map(str.strip, row)):
                if len(row) < len(names):
                    raise _Wrong(rows.line_num, f"has {len(row)} values instead of {len(names)}")
                path, *numbers = (row[place].strip() for place in places)
                decimal = str.maketrans(",", ".") if separator != "," else {}
                box = _box([number.translate(decimal) for number in numbers], rows.line_num)
                yield path.replace("\\", "/"), box
    except csv.Error as error:
        raise _Wrong(rows.line_num, "has a quotation mark too few or too many") from error


def _box(numbers: list[str], line: int) -> Box:
    try:
        x0, y0, x1, y1 = map(float, numbers)
    except ValueError as error:
        raise _Wrong(line, "has a coordinate that is no number") from error
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise _Wrong(line, "has a coordinate that is infinite or NaN")
    if x0 < 0 or y0 < 0:
        raise _Wrong(line, "has a box that begins below 0, outside of the photograph")
    if x0 >= x1 or y0 >= y1:
        raise _Wrong(line, "has a box without an area: x1 must exceed x0, and y1 must exceed y0")
    return x0, y0, x1, y1


def _check_unit(boxes: list[Box]) -> None:
    """Refuse boxes of less than a pixel: they are shares of the size, and would mark nothing."""
    if boxes and max(map(max, boxes)) <= 1:
        raise _Wrong(
            2,
            "and all others have boxes from 0 to 1, which look like shares of the size: multiply x by the width and y"
            " by the height of each photograph",
        )
