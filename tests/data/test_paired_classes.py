"""Which class of one network is which of another: by name, or as stated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadSpec, UnknownName
from core.data.classes import paired_classes, plain
from core.models.zoo import named

names = st.lists(st.sampled_from(["cat", "Cat", "cat ", "dog", "big dog", "big_dog", "crane", "kite"]), max_size=6)
CRANES = ("crane", "crane", "tench")  # a bird and a machine
IMAGENET = named("squeezenet1_1").classes


@given(names.map(tuple), names.map(tuple))
def test_every_pair_has_one_name_and_each_class_one_partner(theirs: tuple[str, ...], ours: tuple[str, ...]) -> None:
    found = paired_classes(theirs, ours)
    partners = [place for place in found if place is not None]
    assert len(found) == len(theirs)
    assert len(partners) == len(set(partners))
    for index, place in enumerate(found):
        assert place is None or theirs == ours or plain(theirs[index]) == plain(ours[place])


@given(names.map(tuple), names.map(tuple))
def test_there_and_back_is_the_same_class(theirs: tuple[str, ...], ours: tuple[str, ...]) -> None:
    there, back = paired_classes(theirs, ours), paired_classes(ours, theirs)
    assert [(i, place) for i, place in enumerate(there) if place is not None] == sorted(
        (place, i) for i, place in enumerate(back) if place is not None
    )


def test_equal_lists_are_the_same_classes_even_where_two_share_a_name() -> None:
    assert paired_classes(CRANES, CRANES) == (0, 1, 2)
    assert paired_classes(IMAGENET, IMAGENET) == tuple(range(1000))


def test_a_name_that_fits_two_classes_fits_none() -> None:
    assert paired_classes(("crane", "Tench"), CRANES) == (None, 2)
    assert paired_classes(CRANES, ("crane", "Tench")) == (None, None, 1)


def test_a_stated_pair_goes_before_names() -> None:
    stated = (("crane", "crane (1)"), ("fish", "tench"))
    assert paired_classes(("crane", "fish", "goldfish"), CRANES, stated) == (1, 2, None)
    assert paired_classes(("fish", "goldfish"), IMAGENET, (("fish", "tench"),)) == (0, 1)
    assert paired_classes(("a", "b"), ("a", "b"), (("a", "b"),)) == (1, None)


@pytest.mark.parametrize(
    ("stated", "error"),
    [
        ((("whale", "tench"),), UnknownName),
        ((("fish", "whale of a fish"),), UnknownName),
        ((("fish", "tench"), ("crane", "tench")), BadSpec),
        ((("fish", "tench"), ("fish", "goldfish")), BadSpec),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(stated: tuple[tuple[str, str], ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        paired_classes(("crane", "fish"), IMAGENET, stated)


def test_numbered_classes_are_taken_in_order() -> None:
    numbered = tuple(f"class {index}" for index in range(3))
    assert paired_classes(numbered, ("cat", "dog", "kite")) == (0, 1, 2)
    assert paired_classes(("cat", "dog", "kite"), numbered) == (0, 1, 2)
