"""Tables of boxes of any content are read, or refused with the line and the reason."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile
from core.data.boxes import COLUMNS, RULE, found_boxes
from core.data.listing import Listing

NUMBERS = st.floats(0, 5000, allow_nan=False).map(lambda value: round(value, 3))
NAMES = st.text("abcé/_ .", min_size=1, max_size=8).map(str.strip).filter(lambda name: name.strip("./"))


def boxes_of(content: bytes, photos: Collection[PurePosixPath] = ()) -> dict[PurePosixPath, list]:
    names = list(photos)
    found = found_boxes("photos", Listing({PurePosixPath("boxes.csv"): lambda: content}, None, {}), names)
    return {names[place]: boxes for place, boxes in found.boxes.items()}


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_content_ends_in_another_error(content: bytes) -> None:
    for written in (content, ",".join(COLUMNS).encode() + b"\n" + content):
        refused, boxes = None, {}
        try:
            boxes = boxes_of(written)
        except BadFile as error:
            refused = error
        assert refused is None or ("photos/boxes.csv" in refused.wrong and refused.allowed == RULE)
        assert all(0 <= x0 < x1 and 0 <= y0 < y1 for found in boxes.values() for x0, y0, x1, y1 in found)


@given(st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=1), st.sampled_from(",;\t"))
def test_what_is_written_is_read(rows: list[tuple], separator: str) -> None:
    rows = [(name, x, y, x + width + 2, y + height + 2) for name, x, y, width, height in rows]
    lines = [separator.join(map(str, row)) for row in (COLUMNS, *rows)]
    expected: dict[PurePosixPath, list] = {}
    for name, *box in rows:
        expected.setdefault(PurePosixPath(name), []).append(tuple(box))
    assert boxes_of("\n".join(lines).encode(), expected) == expected


def test_the_content_of_a_table_is_not_quoted() -> None:
    with pytest.raises(BadFile) as caught:
        boxes_of(b"root:x:0:0:secret\nanother secret")
    assert "secret" not in str(caught.value)
