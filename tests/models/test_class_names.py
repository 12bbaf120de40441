"""Names of classes from text, JSON and folders, always in the order of the outputs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some_

from core.base.errors import BadSpec
from core.models.class_names import read_classes

NAMES = some_.lists(
    some_.text("abcdefgh XYZäé-'", min_size=1, max_size=12).map(str.strip).filter(bool),
    min_size=1,
    max_size=20,
    unique=True,
)


@given(NAMES)
def test_every_form_gives_the_same_names(names: list[str]) -> None:
    texts = (
        "\n".join(names),
        "\r\n\r\n".join(f"  {name} " for name in names),
        "\n".join(f"{place}: {name}" for place, name in enumerate(names)),
        "\n".join(f"n{place:08d} {name}" for place, name in enumerate(names)),
        json.dumps(names),
        json.dumps({str(place): name for place, name in enumerate(names)}),
        json.dumps({str(place): [f"n{place:08d}", name] for place, name in reversed(list(enumerate(names)))}),
        json.dumps({name: place for place, name in reversed(list(enumerate(names)))}),
    )
    assert {read_classes(text) for text in texts} == {tuple(names)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2]", "have no name"),
        ('["cat", ""]', "have no name"),
        ("[", "not valid JSON"),
        ('{"cat": 1, "dog": 2}', "not 0 to 1"),
        ('{"0": "cat", "2": "dog"}', "not 0 to 1"),
    ],
)
def test_other_json_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadSpec, match=says):
        read_classes(text)


def test_numbers_out_of_order_belong_to_the_names() -> None:
    assert read_classes("2: a\n0: b") == ("2: a", "0: b")
    assert read_classes("") == ()
