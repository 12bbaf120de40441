"""What two methods together say: the verdict, over one image and over many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.engine import Engine
from core.results import ELSEWHERE_BELOW, SAME_FROM, Agreement, Verdict, summarise
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec

VALUES = st.none() | st.floats(-1, 1)


def agreed(value: float | None, second: float | None) -> Agreement:
    return Agreement(method="grad-cam", value=value, second_method="layer-cam", second_value=second)


@pytest.mark.parametrize(
    ("value", "second", "verdict"),
    [
        (0.9, 0.8, Verdict.SAME),
        (0.9, 0.79, Verdict.PARTLY),
        (0.49, 0.1, Verdict.ELSEWHERE),
        (0.49, 0.51, Verdict.PARTLY),
        (0.19, 0.89, Verdict.DISPUTED),
        (0.89, 0.19, Verdict.DISPUTED),
        (None, 0.9, Verdict.UNKNOWN),
        (0.1, None, Verdict.UNKNOWN),
    ],
)
def test_verdicts(value: float | None, second: float | None, verdict: Verdict) -> None:
    assert agreed(value, second).verdict is verdict


@given(VALUES, VALUES)
def test_elsewhere_and_same_need_both_methods(value: float | None, second: float | None) -> None:
    verdict = agreed(value, second).verdict
    assert verdict is agreed(second, value).verdict
    known = [one for one in (value, second) if one is not None]
    assert (verdict is Verdict.ELSEWHERE) == (len(known) == 2 and max(known) < ELSEWHERE_BELOW)
    assert (verdict is Verdict.SAME) == (len(known) == 2 and min(known) >= SAME_FROM)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
def test_a_summary_counts_every_image_once(pairs: list[tuple[float | None, float | None]]) -> None:
    total = summarise([agreed(*pair) for pair in pairs])
    assert total.n == len(pairs)
    assert len(total.values) == sum(value is not None for value, _ in pairs)


def test_the_engine_compares_dense_and_pruned_maps_of_both_methods(engine: Engine) -> None:
    variant, image = VariantSpec(pruning=PruningSpec.one_shot(0.7)), ImageRef(name="3500")
    cam = CamSpec(method="grad-cam++", layer="conv2")
    found = engine.compare(variant, image, cam)
    second = engine.compare(variant, image, CamSpec(layer="conv2"))
    assert found.agreement.second_method == "grad-cam"
    assert found.agreement.value == pytest.approx(found.similarity["pearson"], abs=1e-6)
    assert found.agreement.second_value == pytest.approx(second.similarity["pearson"], abs=1e-6)
    assert found.agreement == engine.agreement(variant, image, cam)


def test_the_readme_s_digit_is_disputed_before_the_relu_and_the_same_after_it(engine: Engine) -> None:
    variant, image = VariantSpec(pruning=PruningSpec.one_shot(0.7)), ImageRef(name="3500")
    before = engine.agreement(variant, image, CamSpec(method="grad-cam++", layer="conv2"))
    assert (round(before.value or 0, 2), round(before.second_value or 0, 2)) == (0.18, 0.95)
    assert before.verdict is Verdict.DISPUTED
    assert engine.agreement(variant, image, CamSpec()).verdict is Verdict.SAME


def test_images_like_this_one_are_spread_over_its_source(engine: Engine) -> None:
    digits = engine.images_like(ImageRef(name="3500"), ModelSpec(), 100)
    labels = engine.gallery().labels
    assert len(set(digits)) == 100
    assert sorted(int(labels[int(image.name)]) for image in digits) == [digit for digit in range(10) for _ in range(10)]
    assert {image.noise for image in digits} == {0.2}
