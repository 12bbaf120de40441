"""The printed numbers of Less is More follow from its printed counts, through the same analysis."""

from __future__ import annotations

import pytest

from core.study.analysis import analyse
from core.study.published import (
    ANSWERS_RELEASED,
    FIXED_CHI_SQUARE,
    FIXED_P,
    NAMES,
    PAIRS,
    REANALYSIS,
    published_frame,
    published_name,
    published_pair,
)
from core.study.wording import task_sentences

FOUND = analyse(published_frame())


@pytest.mark.parametrize("printed", PAIRS, ids=lambda pair: f"{pair.task} {pair.less} {pair.more}")
def test_every_printed_chi_square_follows_from_the_counts(printed) -> None:  # type: ignore[no-untyped-def]
    task = FOUND.task(printed.task)
    assert task
    (pair,) = (pair for pair in task.pairs if (pair.less, pair.more) == (printed.less, printed.more))
    votes = pair.votes
    assert (votes.less, votes.more, votes.equal) == (printed.votes_less, printed.votes_more, printed.votes_equal)
    assert round(votes.chi_square or 0, 2) == printed.chi_square
    assert float(f"{votes.p:.2g}") == printed.p
    assert votes.n == 2500
    assert votes.net == (printed.votes_more - printed.votes_less) / 2500
    assert votes == printed.votes


def test_the_third_task_has_the_printed_proportions() -> None:
    naming = FOUND.task("name-object")
    assert naming
    assert naming.naming
    assert [round(each.share, 4) for each in naming.naming.variants] == [0.8584, 0.8640, 0.8132]
    for each, printed in zip(naming.naming.variants, NAMES, strict=True):
        assert (each.right, each.unknown, each.wrong, each.n) == (printed.right, printed.unknown, printed.wrong, 2500)
    published = naming.naming.published
    assert published
    assert published.p
    assert (round(published.chi_square, 2), round(published.p, 3)) == (FIXED_CHI_SQUARE, FIXED_P)


def test_the_proper_tests_of_the_third_task() -> None:
    task = FOUND.task("name-object")
    assert task
    assert task.naming
    tests = {(each.first, each.second): each.difference for each in task.naming.comparisons}
    expected = {("1", "2"): (0.33, 0.57), ("1", "32"): (18.6, 1.6e-5), ("2", "32"): (23.8, 1.1e-6)}
    assert set(tests) == set(expected)
    for pair, (chi_square, p) in expected.items():
        assert float(f"{tests[pair].chi_square:.{2 if chi_square < 1 else 3}g}") == chi_square
        assert float(f"{tests[pair].p:.2g}") == p
    assert "p = .57" in REANALYSIS
    assert "p = .57" in " ".join(task_sentences(task))


def test_the_released_answers_are_all_there() -> None:
    assert FOUND.n == ANSWERS_RELEASED == 20_000
    assert FOUND.left_out_n == 0


def test_what_counts_do_not_tell_is_undefined() -> None:
    assert FOUND.participants == 0
    for task in FOUND.tasks:
        assert task.agreement is None
        assert task.times is None
        for pair in task.pairs:
            assert pair.by_class == ()
            for each in (pair.gee, pair.by_participant, pair.crossed, pair.net):
                assert each
                assert each.low is None
                assert each.problem == "Who gave which answer is not known."
        assert task.strengths is None or task.strengths.intervals == ()


def test_printed_counts_are_found_by_name() -> None:
    pair = published_pair("occlusion-pair", "2", "32")
    assert pair
    assert pair.votes_more == 876
    assert published_pair("occlusion-pair", "2", "8") is None
    name = published_name("32")
    assert name
    assert name.n == 2500
    assert published_name("4") is None
