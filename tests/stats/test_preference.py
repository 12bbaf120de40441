"""Preferences from counts: the published tables of Less is More, definitions, and edges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats import wilson
from core.stats.preference import count_preference, fixed_count_test, preference, share_difference, smallest_share
from tests.reference import preference as slow

COUNTS = st.integers(0, 60)


@pytest.mark.parametrize(
    ("less", "more", "equal", "chi_square", "p"),
    [
        (715, 818, 967, "6.92", ".0085"),
        (1148, 1023, 329, "7.20", ".0073"),
        (521, 636, 1343, "11.43", ".00072"),
        (997, 843, 660, "12.89", ".00033"),
        (1082, 876, 542, "21.67", ".0000032"),
    ],
)
def test_the_published_preferences(less: int, more: int, equal: int, chi_square: str, p: str) -> None:
    found = preference(less, more, equal)
    assert (found.n, found.decided) == (2500, less + more)
    assert f"{found.chi_square:.2f}" == chi_square
    assert f"{found.p:.{len(p) - 1}f}".removeprefix("0") == p
    assert found.net == (more - less) / 2500


@pytest.mark.parametrize(
    ("correct", "unknown", "wrong", "proportion"),
    [(2146, 245, 109, ".8584"), (2160, 224, 116, ".8640"), (2033, 355, 112, ".8132")],
)
def test_the_published_proportions(correct: int, unknown: int, wrong: int, proportion: str) -> None:
    found = share_difference(2146, 2500, correct, 2500)
    assert correct + unknown + wrong == found.n_b
    assert f"{found.right_b / found.n_b:.4f}".removeprefix("0") == proportion
    assert found.difference == pytest.approx(float(proportion) - 0.8584)


def test_the_published_test_of_the_third_task() -> None:
    found = fixed_count_test((2160, 2033), 2146)
    assert (f"{found.chi_square:.2f}", found.df, f"{found.p:.3f}") == ("6.04", 1, "0.014")


@pytest.mark.parametrize(
    ("a", "b", "chi_square", "p"),
    [(2146, 2160, "0.33", "0.57"), (2146, 2033, "18.6", "1.6e-05"), (2160, 2033, "23.8", "1.1e-06")],
)
def test_the_proper_tests_of_the_third_task(a: int, b: int, chi_square: str, p: str) -> None:
    found = share_difference(a, 2500, b, 2500)
    assert (f"{found.chi_square:.3g}" if a != 2146 or b != 2160 else f"{found.chi_square:.2f}") == chi_square
    assert f"{found.p:.2g}" == p
    assert (found.low <= 0 <= found.high) == (found.p > 0.05)


@settings(max_examples=200, deadline=None)
@given(less=COUNTS, more=COUNTS, equal=COUNTS)
def test_equals_its_definitions(less: int, more: int, equal: int) -> None:
    found = preference(less, more, equal)
    answers = [-1] * less + [1] * more + [0] * equal
    assert found == count_preference(answers)
    assert (found.share, found.net) == (pytest.approx(slow.share(answers)), pytest.approx(slow.net(answers)))
    assert found.tie_share == (equal / found.n if found.n else None)
    assert found.p_exact == (None if found.decided == 0 else pytest.approx(slow.sign_p(less, more)))
    if found.decided == 0:
        assert (found.chi_square, found.p, found.low, found.high) == (None, None, None, None)
        return
    half = found.decided / 2
    assert found.chi_square == pytest.approx(((less - half) ** 2 + (more - half) ** 2) / half)
    assert found.p == pytest.approx(slow.chi_square_p(found.chi_square), rel=1e-9, abs=1e-300)
    assert (found.low, found.high) == wilson(more, found.decided)


@settings(max_examples=200, deadline=None)
@given(less=COUNTS, more=COUNTS, equal=COUNTS)
def test_halved_ties_never_make_a_result_clearer(less: int, more: int, equal: int) -> None:
    """An odd tie is dropped: half an answer would make 5 : 0 with a tie clearer than 5 : 0."""
    found, without = preference(less, more, equal), preference(less, more, equal - equal % 2)
    assert found.p_ties_halved == without.p_ties_halved
    if found.p_exact is not None:
        assert found.p_ties_halved == pytest.approx(slow.sign_p(less + equal // 2, more + equal // 2))
        assert found.p_ties_halved >= found.p_exact - 1e-12
        assert preference(less, more).p_ties_halved == found.p_exact


@settings(max_examples=60, deadline=None)
@given(less=COUNTS, more=COUNTS, equal=COUNTS)
def test_the_two_networks_can_be_swapped(less: int, more: int, equal: int) -> None:
    one, other = preference(less, more, equal), preference(more, less, equal)
    assert (one.p, one.p_exact, one.p_ties_halved) == (other.p, other.p_exact, other.p_ties_halved)
    if one.share is not None:
        assert (one.share, one.low, one.high) == pytest.approx((1 - other.share, 1 - other.high, 1 - other.low))
        assert one.net == -other.net


@pytest.mark.parametrize("n", range(1, 200))
def test_the_smallest_share_is_the_first_that_a_test_tells_from_chance(n: int) -> None:
    count = slow.smallest_count(n, lambda k, n: preference(n - k, k).p < 0.05)
    share = smallest_share(n)
    if count is None:
        assert share is None
    else:
        assert (count - 1) / n < share <= count / n
        assert wilson(count, n)[0] > 0.5 >= wilson(count - 1, n)[0]


def test_thirty_answers_cannot_tell_less_than_68_percent_from_chance() -> None:
    assert f"{smallest_share(30):.2f}" == "0.68"
    assert smallest_share(0) is None


@settings(max_examples=200, deadline=None)
@given(data=st.data(), n_a=st.integers(1, 80), n_b=st.integers(1, 80))
def test_a_difference_equals_its_definition(data: st.DataObject, n_a: int, n_b: int) -> None:
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    found = share_difference(a, n_a, b, n_b)
    expected = slow.table_chi_square([[a, n_a - a], [b, n_b - b]])
    assert found.chi_square == (None if expected is None else pytest.approx(expected, abs=1e-9))
    assert (found.p is None) == (expected is None)
    assert found.n == n_a + n_b
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert found.difference == pytest.approx(b / n_b - a / n_a)


def test_a_known_interval_of_a_difference() -> None:
    """Newcombe 1998, Table II, method 10: 56/70 - 48/80."""
    found = share_difference(48, 80, 56, 70)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_a_fixed_count_without_a_second_count_has_no_p() -> None:
    assert (fixed_count_test((5,), 4).df, fixed_count_test((5,), 4).p) == (0, None)


def test_bad_questions() -> None:
    for bad in ((-1, 0, 0), (1.5, 0, 0)):
        with pytest.raises(BadSpec):
            preference(*bad)
    with pytest.raises(BadSpec):
        share_difference(3, 2, 0, 1)
    with pytest.raises(BadSpec):
        fixed_count_test((1, 2), 0)
    for answers in ([2], [0.5], [[1]], ["more"]):
        with pytest.raises(BadSpec):
            count_preference(answers)
