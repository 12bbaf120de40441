"""Folder names with more than one meaning, held against ImageNet's own lists."""

from __future__ import annotations

from pathlib import Path

from core.data.classes import synsets
from core.data.homonyms import HOMONYMS, LISTED, homonym_notes
from tests.data.test_classes import IMAGENET


def test_every_homonym_is_the_class_of_its_synset(real_data: Path) -> None:
    lines = (real_data / "weights" / "synset_words.txt").read_text().splitlines()
    words = {line[:9]: line[10:].split(", ") for line in lines}
    for synset, name, shown, other in HOMONYMS:
        assert IMAGENET[synsets()[synset]] == name
        assert name in words[synset]
        assert shown != other
    assert len({synset for synset, *_ in HOMONYMS}) == len(HOMONYMS)


def test_another_meaning_is_named_with_class_and_synset() -> None:
    (note,) = homonym_notes(("kite", "Crane", "tench", "unheard of"), IMAGENET)
    assert "'kite' is counted as ImageNet's class 21, kite (a bird of prey, n01608432), not a toy on a string" in note
    assert (
        "'Crane' is counted as ImageNet's class 517, crane (a machine that lifts loads, n03126707), not a bird" in note
    )
    assert "name the folder by its synset" in note
    assert "tench" not in note


def test_names_that_fit_two_classes_are_found() -> None:
    (note,) = homonym_notes(("CARDIGAN", "cardigan"), IMAGENET)
    both = "fits the classes 264 (Cardigan, n02113186) and 474 (cardigan, n02963159)"
    assert f"'CARDIGAN' is left out, because it {both}" in note
    assert f"'cardigan' is counted as class 474, but {both}" in note
    (note,) = homonym_notes(("crane",), ("crane, bird", "crane", "cup"))
    assert "'crane' is counted as class 1, but fits the classes 0 (crane, bird) and 1 (crane)" in note


def test_nothing_is_said_of_clear_names() -> None:
    assert homonym_notes(("tench", "n01608432", "n03126707"), IMAGENET) == ()
    assert homonym_notes(("kite", "cup"), ("kite", "cup")) == ()  # a network of its own classes


def test_a_long_list_is_cut() -> None:
    (note,) = homonym_notes([name for _, name, *_ in HOMONYMS], IMAGENET)
    assert note.count(" is counted as ") == LISTED
    assert f"and {len(HOMONYMS) - LISTED} more" in note
