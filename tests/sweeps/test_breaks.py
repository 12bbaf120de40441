"""What breaks first: equal to a slow twin, and known answers on made rows."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.engine.engine import Engine
from core.figures.decisions import breaks_text
from core.sweeps.breaks import by_threshold, find_breaks
from core.sweeps.families import families
from core.sweeps.known import known_sweeps
from core.sweeps.sweep import Sweep
from tests.reference.breaks import breaks_first_at, stays_broken_from

GRID = (0.2, 0.4, 0.6)
VALUES = st.sampled_from([0.0, 0.3, 0.5, 0.9, math.nan])
IMAGE = st.tuples(st.tuples(*[VALUES] * 3), st.tuples(*[st.booleans()] * 3))


def rows_of(images: list[tuple[tuple[float, ...], tuple[bool, ...]]]) -> pandas.DataFrame:
    """Similarity and sameness of each image over the grid."""
    return pandas.DataFrame(
        {"sparsity": sparsity, "image": image, "pearson": similar[place], "agrees": same[place]}
        for image, (similar, same) in enumerate(images)
        for place, sparsity in enumerate(GRID)
    )


def equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@settings(deadline=None)
@given(st.lists(IMAGE, min_size=1, max_size=8))
def test_it_equals_the_slow_twin(images: list) -> None:
    found = find_breaks(rows_of(images), "pearson", 0.5)
    for image, row in found.by_image.set_index("image").iterrows():
        similar, same = images[int(str(image))]
        broken = {"explanation": [not value >= 0.5 for value in similar], "answer": [not each for each in same]}
        for name, each in broken.items():
            assert equal(row[name], stays_broken_from(each, GRID))
            assert equal(row[f"{name}_first"], breaks_first_at(each, GRID))
    counts = (found.explanation_first.count, found.answer_first.count, found.together, found.neither)
    assert sum(counts) == len(images)
    for alive in found.alive:
        expected = sum(not row <= alive.sparsity for row in found.by_image["explanation"])
        assert alive.explanations.count == expected
        assert alive.explanations.low <= expected / len(images) <= alive.explanations.high


def test_known_answers() -> None:
    early, late, never, back = (0.9, 0.1, 0.1), (0.9, 0.9, 0.1), (0.9, 0.9, 0.9), (0.1, 0.9, 0.1)
    yes, other = (True, True, True), (True, False, False)
    found = find_breaks(
        rows_of([(early, yes), (late, other), (never, yes), (early, other), (back, yes)]), "pearson", 0.5
    )
    assert found.by_image["explanation"].tolist()[:2] == [0.4, 0.6]
    assert (found.explanation_first.count, found.answer_first.count, found.together, found.neither) == (2, 1, 1, 1)
    assert found.beyond == pytest.approx(0.8)
    assert found.earlier.value == pytest.approx((0.4 - 0.2 + 0 + 0 + 0.2) / 5)
    assert found.by_image["explanation_first"].tolist()[4] == 0.2  # it came back at 0.4
    assert found.by_image["explanation"].tolist()[4] == 0.6
    assert [each.explanations.count for each in found.alive] == [5, 3, 1]


def test_a_higher_threshold_breaks_no_later() -> None:
    images = [((0.9, 0.6, 0.2), (True, True, False)), ((0.5, 0.4, 0.8), (True, False, True))]
    found = list(by_threshold(rows_of(images), "pearson", (0.1, 0.5, 0.95)))
    froms = [each.by_image["explanation"].fillna(9).tolist() for each in found]
    assert all(b <= a for lower, higher in pairwise(froms) for a, b in zip(lower, higher, strict=True))


def test_a_heatmap_without_evidence_is_broken() -> None:
    nothing = (0.9, math.nan, math.nan)
    found = find_breaks(rows_of([(nothing, (True, True, True))]), "pearson", -1.0)
    assert found.by_image["explanation"].tolist() == [0.4]


def test_images_that_a_network_lacks_are_left_out() -> None:
    rows = rows_of([((0.9, 0.9, 0.1), (True,) * 3)] * 2)
    assert len(find_breaks(rows.drop(index=5), "pearson", 0.5).by_image) == 1


@pytest.mark.parametrize("threshold", [1.5, -3.0, math.nan])
def test_a_threshold_that_nothing_crosses_is_refused(threshold: float) -> None:
    with pytest.raises(BadSpec, match="between -1 and 1"):
        find_breaks(rows_of([((0.9, 0.9, 0.1), (True,) * 3)]), "pearson", threshold)


def test_one_sparsity_is_too_few() -> None:
    rows = rows_of([((0.9, 0.9, 0.1), (True,) * 3)])
    for some in (rows[rows.sparsity == 0.4], rows.head(0)):
        with pytest.raises(BadSpec, match="at least 2 sparsities"):
            find_breaks(some, "pearson", 0.5)


@settings(deadline=None)
@given(st.lists(st.tuples(IMAGE, st.booleans()), min_size=1, max_size=8))
def test_what_is_empty_before_cannot_break(images: list) -> None:
    rows = rows_of([one for one, _ in images])
    reference = pandas.DataFrame(
        {"image": image, "pearson": math.nan if empty else 1.0} for image, (_, empty) in enumerate(images)
    )
    kept = [one for one, empty in images if not empty]
    if not kept:
        with pytest.raises(BadSpec, match="empty for each"):
            find_breaks(rows, "pearson", 0.5, reference)
        return
    found, alone = find_breaks(rows, "pearson", 0.5, reference), find_breaks(rows_of(kept), "pearson", 0.5)
    assert found.left_out == len(images) - len(kept)
    assert (found.explanation_first, found.answer_first, found.earlier, found.alive) == (
        alone.explanation_first,
        alone.answer_first,
        alone.earlier,
        alone.alive,
    )


def test_the_digits_whose_dense_heatmap_is_empty_are_left_out_and_said(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    sweep = Sweep(engine, known_sweeps(engine.roots)["breaks-digits"].read())
    family = next(iter(families(sweep, ("agrees", "pearson"), "grad-cam").values()))
    found = find_breaks(family.rows, "pearson", 0.18, family.reference)
    assert (found.left_out, len(found.by_image)) == (18, 182)
    assert "18 more images are left out" in breaks_text(found)
    assert found.earlier.value is not None
    assert found.earlier.value < 0 < (find_breaks(family.rows, "pearson", 0.18).earlier.value or 0)
