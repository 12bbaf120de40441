"""Which candidate is recommended, and how often that is wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.figures.candidates import decision_sentences
from core.sweeps.decision import ACCURACY, BROKEN, CHANGED, Check, Counts, Limits, Verdict, check_all, decide
from tests.reference import candidates as reference
from tests.sweeps.made_candidates import made

SETS = 2000
SLACK = 3 * (0.05 * 0.95 / SETS) ** 0.5  # of an error of 5 %, in so many simulated data sets
counts = st.builds(
    lambda gained, lost, same, broken: Counts(
        gained=gained,
        lost=lost,
        labelled=gained + lost + same,
        changed=gained + lost,
        n=gained + lost + same,
        broken=min(broken, gained + lost + same),
        explained=gained + lost + same,
    ),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(1, 400),
    st.integers(0, 30),
)


def within(checks: tuple[Check, ...]) -> bool:
    return all(check.verdict is Verdict.WITHIN for check in checks)


@settings(max_examples=60)
@given(st.lists(counts, min_size=1, max_size=5), st.sampled_from([0.0, 0.02, 0.1]), st.sampled_from([None, 0.05]))
def test_candidates_are_tested_by_holms_method(found: list[Counts], accuracy: float, broken: float | None) -> None:
    limits = Limits(accuracy=accuracy, broken=broken)

    def passes(one: Counts):
        from core.sweeps.decision import _checks

        return lambda confidence: confidence < 1 and within(_checks(one, limits, True, max(confidence, 1e-9)))

    expected = reference.holm([passes(one) for one in found])
    assert [within(checks) for checks in check_all(found, limits, True)] == expected


@pytest.mark.parametrize(
    ("shares", "broken", "limits"),
    [
        # gained, lost: the true difference is the limit exactly, where an error is most probable
        ([(0.03, 0.05)], 0.0, Limits()),
        ([(0.0, 0.0)] * 4, 0.1, Limits(accuracy=1.0, broken=0.1)),
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in (
                ([(0.03, 0.05)] * 5, 0.0, Limits()),
                ([(0.00, 0.02)] * 3, 0.0, Limits()),
                ([(0.10, 0.15)] * 6, 0.0, Limits(accuracy=0.05)),
                ([(0.02, 0.03)] * 3, 0.0, Limits(accuracy=1.0, changed=0.05)),
            )
        ),
    ],
)
@pytest.mark.parametrize("images", [40, 300])
def test_a_candidate_beyond_the_limit_is_recommended_in_at_most_one_of_twenty_data_sets(
    shares: list[tuple[float, float]], broken: float, limits: Limits, images: int
) -> None:
    """2,000 simulated data sets, in which every candidate is beyond the limit by a hair: whatever
    is recommended is wrong, so the chance of any that passes is the chance of a wrong
    recommendation.
    """
    random = np.random.default_rng(7)
    drawn = np.stack([random.multinomial(images, (*pair, 1 - sum(pair)), size=SETS) for pair in shares], axis=1)
    apart = random.binomial(images, broken, size=(SETS, len(shares)))

    @cache
    def judged(rows: tuple[tuple[int, int, int], ...]) -> bool:
        found = [
            Counts(gained=g, lost=w, labelled=images, changed=g + w, n=images, broken=b, explained=images)
            for g, w, b in rows
        ]
        return any(within(checks) for checks in check_all(found, limits, True))

    wrong = sum(
        judged(tuple(sorted((int(g), int(w), int(b)) for (g, w, _), b in zip(one, more, strict=True))))
        for one, more in zip(drawn, apart, strict=True)
    )
    assert wrong / SETS <= 0.05 + SLACK


def test_a_candidate_that_is_truly_as_good_is_found() -> None:
    """As often as the number of images that is named for it says."""
    first = check_all([_counts(200, 4, 4)], Limits(), True)[0][0]
    assert first.verdict is Verdict.UNDECIDED
    assert first.needed is not None
    random = np.random.default_rng(3)
    drawn = random.multinomial(first.needed, (0.02, 0.02, 0.96), size=300)
    passed = [within(check_all([_counts(first.needed, int(g), int(w))], Limits(), True)[0]) for g, w, _ in drawn]
    assert 0.7 < np.mean(passed) < 0.9


def _counts(images: int, gained: int, lost: int) -> Counts:
    return Counts(
        gained=gained, lost=lost, labelled=images, changed=gained + lost, n=images, broken=0, explained=images
    )


def test_the_cheapest_within_the_limits_is_recommended() -> None:
    found = decide(made(1000, [(50, range(5), 0.9), (10, range(200), 0.1), (70, (), 1.0)]), Limits(), "size")
    assert found.best is found.candidates[0]
    assert [each.verdict for each in found.candidates] == [Verdict.WITHIN, Verdict.BEYOND, Verdict.WITHIN]
    assert [each.on_front for each in found.networks] == [False, True, True, True]
    assert decide(made(1000, [(50, range(5), 0.9), (70, (), 1.0)]), Limits(accuracy=0.004), "size").best is not None


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(0, 60), st.sampled_from([0.2, 0.6, 1.0])), min_size=1, max_size=4
    )
)
@settings(max_examples=40)
def test_what_is_recommended_is_within_the_limits_and_no_other_such_one_is_cheaper(
    networks: list[tuple[int, int, float]],
) -> None:
    measured = made(300, [(cost, range(wrong), similar) for cost, wrong, similar in networks], wrong=range(3))
    limits = Limits(accuracy=0.05, broken=0.5)
    found = decide(measured, limits, "multiply-adds")
    passed = [each for each in found.candidates if within(each.checks)]
    assert (found.best is None) == (not passed)
    if found.best:
        assert found.best in passed
        assert found.best.cost == min(each.cost for each in passed)
        assert all(alike.low <= 0 <= alike.high for alike in found.alike)
    points = [(each.accuracy.count / 300 if each.accuracy else 0.0, each.cost) for each in found.networks]
    assert [each.on_front for each in found.networks] == reference.front(points)
    wider = decide(measured, replace(limits, accuracy=0.2, broken=None), "multiply-adds")
    assert {each.network.name for each in passed} <= {
        each.network.name for each in wider.candidates if each.verdict is Verdict.WITHIN
    }


def test_two_that_cannot_be_told_apart_are_named_with_the_images_that_would() -> None:
    found = decide(made(400, [(10, range(3), 1.0), (20, (), 1.0)]), Limits(accuracy=0.1), "size")
    (alike,) = found.alike
    assert alike.other is found.candidates[1]
    assert alike.low < alike.difference == -3 / 400 < alike.high
    assert alike.needed is not None
    assert alike.needed > 400
    same = decide(made(400, [(10, (), 1.0), (20, (), 1.0)]), Limits(accuracy=0.1), "size").alike[0]
    assert same.needed is None  # no number tells apart what is the same


def test_limits_of_zero_and_one() -> None:
    measured = made(500, [(10, (), 1.0), (20, range(499), -1.0)], wrong=range(60))
    strict = decide(measured, Limits(accuracy=0.0, changed=0.0, broken=0.0), "size")
    assert strict.best is None  # 500 images do not prove that none changes
    none = decide(measured, Limits(accuracy=1.0, changed=1.0, broken=1.0), "size")
    assert [each.verdict for each in none.candidates] == [Verdict.WITHIN] * 2
    better = decide(measured, Limits(accuracy=0.0), "size")
    assert better.best is better.candidates[0]  # it is clearly better than the reference


@pytest.mark.parametrize(
    "bad", [{"accuracy": -0.1}, {"accuracy": float("nan")}, {"changed": 1.1}, {"broken": 2}, {"threshold": 1.01}]
)
def test_other_limits_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadSpec):
        Limits(**bad)


def test_another_cost_is_refused() -> None:
    with pytest.raises(BadSpec, match="cost"):
        decide(made(5, [(10, (), 1.0)]), Limits(), "price")


def test_without_labels_the_limit_of_accuracy_is_that_of_changed_answers() -> None:
    found = decide(made(500, [(10, range(3), 1.0), (5, range(80), 1.0)], labels=-1), Limits(), "size")
    assert not found.labelled
    assert found.networks[1].accuracy is None
    assert [check.measure for check in found.candidates[0].checks] == [CHANGED]
    assert found.candidates[0].checks[0].limit == 0.02
    assert [each.verdict for each in found.candidates] == [Verdict.WITHIN, Verdict.BEYOND]
    assert found.best is found.candidates[0]


def test_only_images_with_a_label_count_for_accuracy() -> None:
    labels = [0] * 300 + [-1] * 200
    (one,) = decide(made(500, [(10, range(290, 500), 1.0)], labels=labels), Limits(changed=1.0)).candidates
    assert [(check.measure, check.n, round(check.value, 3)) for check in one.checks] == [
        (ACCURACY, 300, -0.033),
        (CHANGED, 500, 0.42),
    ]


def test_a_heatmap_without_evidence_is_broken_unless_the_references_has_none_either() -> None:
    similar = [float("nan")] * 10 + [0.4] * 10 + [0.5] * 80
    measured = made(100, [(10, (), similar)])
    (one,) = decide(measured, Limits(broken=1.0)).candidates
    assert one.broken is not None
    assert (one.broken.count, one.broken.n) == (20, 100)
    rows = measured.reference.rows.assign(usable=np.arange(100) >= 5)
    blind = replace(measured, reference=replace(measured.reference, rows=rows))
    (one,) = decide(blind, Limits(broken=1.0)).candidates
    assert one.broken is not None
    assert (one.broken.count, one.broken.n) == (15, 95)
    none = replace(measured, reference=replace(measured.reference, rows=rows.assign(usable=False)))
    (one,) = decide(none, Limits(broken=0.5)).candidates
    assert one.broken is None
    assert [check.verdict for check in one.checks if check.measure == BROKEN] == [Verdict.UNDECIDED]


def test_one_image_decides_nothing() -> None:
    found = decide(made(1, [(10, (), 1.0)]), Limits())
    assert found.best is None
    assert found.candidates[0].verdict is Verdict.UNDECIDED
    assert found.candidates[0].needed == 133


def test_networks_are_compared_on_the_images_that_all_answered() -> None:
    measured = made(10, [(10, (), 1.0)])
    (one,) = measured.candidates
    fewer = replace(measured, candidates=(replace(one, rows=one.rows.iloc[4:]),))
    assert decide(fewer, Limits()).n == 6
    with pytest.raises(BadSpec, match="no image"):
        decide(replace(measured, candidates=(replace(one, rows=one.rows.iloc[:0]),)), Limits())


def test_a_network_without_a_path_is_never_recommended() -> None:
    measured = made(100, [(10, range(0), 0.9), (50, range(0), 0.9)])
    assert decide(measured, Limits(accuracy=1.0), "size").best is not None
    gone = replace(measured, candidates=tuple(replace(each, collapsed=True) for each in measured.candidates))
    found = decide(gone, Limits(accuracy=1.0), "size")
    assert found.best is None
    assert any("never recommended" in text for text in decision_sentences(gone, found))
