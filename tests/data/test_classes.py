"""Class names of data sets found among a network's classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models import get_model_weights

from core.data.classes import class_index, class_indices, synsets

IMAGENET = tuple(get_model_weights("squeezenet1_1").DEFAULT.meta["categories"])


@pytest.mark.parametrize(
    ("name", "index"),
    [
        *[
            ("n01440764", 0),
            ("n03888257", 701),
            ("n15075141", 999),
            ("n00000001", None),
            ("tench", 0),
            ("Tench, Tinca tinca", 0),
        ],
        *[
            ("golf_ball", 574),
            ("golf-ball", 574),
            ("Golf Ball", 574),
            ("Siamese", 284),
            ("Persian", 283),
            ("Wheaten Terrier", 202),
        ],
        *[("cardigan", 474), ("Cardigan", 264), ("CARDIGAN", None), ("Maine Coon", None), ("", None)],
    ],
)
def test_names_and_synsets_of_imagenet(name: str, index: int | None) -> None:
    assert class_index(name, IMAGENET) == index


def test_synsets_in_a_network_of_few_classes() -> None:
    assert class_indices(("n03888257", "n01440764", "n02979186"), ("tench", "parachute")) == (1, 0, None)
    assert class_indices(("n03888257", "n01440764"), ("n01440764", "n03888257")) == (1, 0)


def test_numbered_classes_are_taken_in_order() -> None:
    assert class_indices(("b", "a"), ("0", "1")) == (0, 1)
    assert class_indices(("b", "a"), ("class 0", "class 1")) == (0, 1)
    assert class_indices(("b", "a", "c"), ("0", "1")) == (None, None, None)
    assert class_indices(("1", "0"), ("0", "1")) == (1, 0)


@settings(deadline=None)
@given(st.permutations(IMAGENET[:40]))
def test_a_name_finds_its_own_place(names: list[str]) -> None:
    assert class_indices(tuple(names), tuple(names)) == tuple(range(40))


def test_synsets_are_those_of_imagenet(real_data: Path) -> None:
    lines = (real_data / "weights" / "synset_words.txt").read_text().splitlines()
    assert list(synsets()) == [line.split()[0] for line in lines]


def test_synsets_are_a_thousand_in_order() -> None:
    assert list(synsets()) == sorted(synsets())
    assert list(synsets().values()) == list(range(1000))
