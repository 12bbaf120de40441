"""What is said of forgotten images claims no more than the intervals show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.figures.forgotten import (
    HEAD,
    class_rows,
    classes_text,
    forgotten_text,
    hard_text,
    headline,
    limits_of,
    similar_text,
)
from core.stats.welch import difference
from core.sweeps.forgotten import Forgotten, find_forgotten
from tests.sweeps.test_forgotten import population

DENSE = [[0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1]] * 2
LABELS = [0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1]


def found(pruned: list[list[int]], dense: list[list[int]] = DENSE) -> Forgotten:
    return find_forgotten(population(dense, pruned, LABELS), 0.9, "pearson")


def flipped(count: int) -> list[int]:
    return [1 - answer if place < count else answer for place, answer in enumerate(DENSE[0])]


def test_counts_and_networks_are_said() -> None:
    one = found([flipped(6), flipped(6)])
    assert headline(one) == "**6 of 12 images** are forgotten at 90.0 % sparsity."
    said = forgotten_text(one)
    assert "2 pruned networks answer **6 of 12 images** (50.0 %, 95 % interval 25.4 % to 74.6 %)" in said
    assert said.endswith("otherwise than 2 dense networks: no most frequent answer is the same.")
    assert limits_of(one) == ""
    alone = found([flipped(1)], DENSE[:1])
    assert headline(alone).startswith("**1 of 12 images** is forgotten")
    assert "the pruned network answers **1 of 12 images**" in forgotten_text(alone)
    assert "nothing can be said about other seeds" in limits_of(alone)
    tied = found([flipped(1), flipped(2)])
    assert "For 1 image, several answers are equally frequent" in limits_of(tied)


@pytest.mark.parametrize(
    ("forgotten", "others", "said"),
    [
        ([0.1, 0.2, 0.3, 0.2, 0.1], [0.8, 0.9, 0.7, 0.9, 0.8], "**Their heatmaps change more**: "),
        ([0.8, 0.9, 0.7, 0.9, 0.8], [0.1, 0.2, 0.3, 0.2, 0.1], "**Their heatmaps change less**: "),
        ([0.1, 0.9, 0.5, 0.2, 0.8], [0.2, 0.8, 0.5, 0.1, 0.9], "Whether their heatmaps change more is not clear: "),
        ([0.1, 0.2], [0.8, 0.9, 0.7, 0.9, 0.8], "There are too few images to tell whether their heatmaps change more"),
    ],
)
def test_a_difference_is_claimed_where_its_interval_shows_it(
    forgotten: list[float], others: list[float], said: str
) -> None:
    one = replace(found([flipped(6)]), similarity=difference(forgotten, others))
    assert similar_text(one).startswith(said)
    if "few" not in said:
        assert f"n = {len(forgotten)}" in similar_text(one)
        assert "95 % interval" in similar_text(one)


def test_equal_groups_have_no_interval() -> None:
    one = found([flipped(6)])
    assert "the dense networks' accuracy is 100.0 % for forgotten images" in hard_text(one).replace("The", "the", 1)
    assert "interval" not in hard_text(one).split("(n = 6).")[0]


def test_without_similarity_nothing_is_said_of_heatmaps() -> None:
    assert similar_text(replace(found([flipped(6)]), measure="")) == ""


def test_classes_are_named_where_a_test_shows_them() -> None:
    dense = [[0, 1] * 6, [0, 1] * 5 + [1, 1]]
    pruned = [[0, 0] * 6, [0, 0] * 5 + [1, 0]]
    clear = find_forgotten(population(dense, pruned, [0, 1] * 6), 0.9)
    assert "2 change otherwise than the networks as a whole: zero (" in classes_text(clear, ("zero", "one").__getitem__)
    assert "adjusted for 2 tests (Holm)" in classes_text(clear)
    rows = class_rows(clear, ("zero", "one").__getitem__)
    assert [row[0] for row in rows] == ["zero", "one"]
    assert all(len(row) == len(HEAD) for row in rows)
    alone = found([flipped(6)], DENSE[:1])
    assert "cannot be tested with the dense network and the pruned network" in classes_text(alone)
    assert class_rows(alone)[0][-2:] == ["–", "–"]
    assert "add the measure 'label'" in classes_text(replace(alone, classes=()))
