"""Results are the counts of the answers that enter, and say where nothing can be said."""

from __future__ import annotations

from dataclasses import replace

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.study.analysis import analyse, effect
from core.study.answers import Answers
from core.study.behaviour import Behaviour
from core.study.design import CATCH, ITEM
from core.study.exclusions import apply_rules, by_hand, left_out
from core.study.naming import beside_network
from core.study.simulate import simulate
from core.study.spec import Rules
from core.study.times import times
from tests.reference import study as reference
from tests.study.conftest import drawn, small_spec

MANY = Behaviour(preference=0.6, careless=0.2, dropout=0.2)


def simulated(behaviour: Behaviour = MANY, **how: object) -> pandas.DataFrame:
    spec = small_spec(images=3, answers=4)
    return simulate(drawn(spec), behaviour, rules=how.pop("rules", spec.rules), **how)  # type: ignore[arg-type]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_counts_are_those_of_the_rows(seed: int) -> None:
    rows = simulated(seed=seed)
    found = analyse(rows, thorough=False)
    entered = reference.entering(rows)
    assert found.n == len(entered)
    assert found.participants == len({row["participant"] for row in entered})
    for task in found.tasks:
        for pair in task.pairs:
            counted = pair.votes.less, pair.votes.equal, pair.votes.more
            assert counted == reference.votes(rows, pair.task, pair.less, pair.more)
            for label, votes in pair.by_class:
                counted = votes.less, votes.equal, votes.more
                assert counted == reference.votes(rows, pair.task, pair.less, pair.more, label)
            assert sum(votes.n for _, votes in pair.by_class) == pair.votes.n
        for each in task.naming.variants if task.naming else ():
            assert (each.right, each.unknown, each.wrong) == reference.named(rows, each.variant)
            assert sum(right for _, right, _ in each.by_class) == each.right
            assert sum(n for *_, n in each.by_class) == each.n


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1), fastest=st.integers(0, 3000))
def test_moved_rules_leave_out_whom_they_say(seed: int, share: float, fastest: int) -> None:
    rows = simulated(seed=seed, rules=None)
    rules = Rules(catch_share=share, fastest_ms=fastest)
    moved = apply_rules(rows, rules)
    out = reference.broken(rows, rules.catch_share, fastest)
    assert set(left_out(moved)) == out
    found = effect(rows, rules)
    assert found.everyone.n == len(reference.entering(rows))
    assert found.without.n == found.everyone.n - found.without.left_out_n
    assert found.without.n == len(reference.entering(moved))
    assert set(found.without.left_out) == out


def test_whom_the_researcher_left_out_stays_out_under_other_rules() -> None:
    rows = simulated(rules=Rules(catch_share=1, fastest_ms=500))
    by_rule = left_out(rows)
    other = next(who for who in rows["participant"].unique() if who not in by_rule)
    rows.loc[rows["participant"] == other, "excluded"] = "read the newspaper"
    assert by_rule
    assert by_hand(rows) == {other: "read the newspaper"}
    lenient = apply_rules(rows, Rules(catch_share=0, fastest_ms=0))
    assert left_out(lenient) == {other: "read the newspaper"}


def test_catch_and_practice_trials_never_enter() -> None:
    rows = simulated(Behaviour(careless=0, dropout=0))
    without = rows[rows["kind"] == ITEM]
    assert (rows["kind"] == CATCH).any()
    assert analyse(rows, thorough=False).tasks == analyse(without, thorough=False).tasks
    practice = rows.assign(kind="practice")
    assert analyse(practice).n == 0
    assert analyse(practice).tasks == ()


def test_excluded_participants_are_counted_and_leave_no_trace() -> None:
    rows = simulated()
    out = rows["excluded"].notna()
    assert out.any()
    with_them, without = analyse(rows, thorough=False), analyse(rows[~out], thorough=False)
    assert with_them.tasks == without.tasks
    assert with_them.left_out_n == int((out & (rows["kind"] == ITEM)).sum())
    assert without.left_out == {}


def test_a_study_without_answers_says_nothing(answers: Answers) -> None:
    found = analyse(answers.frame())
    assert (found.n, found.participants, found.tasks, found.left_out) == (0, 0, (), {})
    assert effect(answers.frame(), Rules()).without.left_out_n == 0


def test_one_participant_has_no_interval_over_participants() -> None:
    rows = simulated(Behaviour(careless=0, dropout=0), participants=1)
    (pair, *_) = analyse(rows).tasks[0].pairs
    assert pair.participants == 1
    assert pair.gee
    assert pair.gee.low is None
    assert pair.gee.problem == "There is one participant."
    assert pair.by_participant
    assert pair.by_participant.low is None
    assert pair.interval[:2] == (pair.votes.low, pair.votes.high)
    agreement = analyse(rows).tasks[0].agreement
    assert agreement
    assert agreement.alpha is None


def test_ties_alone_prefer_nothing() -> None:
    rows = simulated(Behaviour(ties=1, careless=0))
    task = analyse(rows).tasks[0]
    for pair in task.pairs:
        assert pair.votes.equal == pair.votes.n > 0
        assert pair.votes.share is None
        assert not pair.is_clear
        assert pair.interval[:2] == (0, 1)
        assert pair.net
        assert pair.net.value == 0
    assert task.strengths
    assert task.strengths.intervals == ()
    assert task.strengths.problem == "All answers are ties."
    assert task.agreement
    assert task.agreement.alpha is None


def test_one_class_is_a_class() -> None:
    rows = simulated()
    rows = rows[rows["label"] == 2]
    for pair in analyse(rows, thorough=False).tasks[0].pairs:
        assert pair.by_class == ((2, pair.votes),)


def test_the_order_of_rows_changes_nothing() -> None:
    rows = simulated()
    found, shuffled = (analyse(each).tasks for each in (rows, rows.sample(frac=1, random_state=1)))
    for one, other in zip(found, shuffled, strict=True):
        for pair, same in zip(one.pairs, other.pairs, strict=True):
            assert replace(pair, gee=None) == replace(same, gee=None)
            assert pair.gee
            assert same.gee
            assert pair.gee.low == pytest.approx(same.gee.low)  # sums in another order
        assert (one.agreement, one.strengths, one.times) == (other.agreement, other.strengths, other.times)


def test_a_quick_analysis_has_the_counts_of_the_thorough_one() -> None:
    rows = simulated()
    quick, thorough = analyse(rows, thorough=False), analyse(rows)
    for one, other in zip(quick.tasks, thorough.tasks, strict=True):
        assert [pair.votes for pair in one.pairs] == [pair.votes for pair in other.pairs]
        assert one.times == other.times
        assert all(pair.gee is None for pair in one.pairs)
        assert all(pair.gee is not None for pair in other.pairs)


def test_strengths_order_the_variants_as_people_do() -> None:
    clear = Behaviour(preferences=(("a", "b", 0.8), ("a", "c", 0.2)), careless=0, dropout=0, ties=0.2)
    task = analyse(simulate(drawn(small_spec(images=5, answers=12)), clear)).tasks[0]
    found = task.strengths
    assert found
    assert found.fitted.strengths
    assert found.names == ("a", "b", "c")
    a, b, c = (each.value for each in found.fitted.strengths)
    assert b > a > c
    assert all(each.low < each.value < each.high for each in found.intervals)  # type: ignore[operator]
    assert {each.n for each in found.intervals} == {
        analyse(simulate(drawn(small_spec(images=5, answers=12)), clear)).participants
    }


def test_people_stand_beside_networks() -> None:
    naming = analyse(simulated(), thorough=False).tasks[1].naming
    assert naming
    (found,) = beside_network(naming, {"c": (90, 100), "nobody": (1, 2)})
    assert (found.person.variant, found.right, found.n) == ("c", 90, 100)
    assert found.low < 0.9 < found.high


def test_times_are_of_what_was_measured() -> None:
    rows = simulated(Behaviour(dropout=0))
    rows["reaction_ms"] = rows["reaction_ms"].where(rows["trial"] % 2 == 0)
    found = times(rows)
    known = rows["reaction_ms"].dropna()
    assert (found.n, found.measured) == (len(rows), len(known))
    assert found.median_ms == pytest.approx(sorted(known)[len(known) // 2], rel=0.1)
    assert found.timed == len(rows)
    first, last = (rows.groupby("participant")[name] for name in ("shown", "answered"))
    assert found.person_s == pytest.approx((last.max() - first.min()).median())
    empty = times(rows.iloc[:0])
    assert (empty.median_ms, empty.server_ms, empty.person_s, empty.focus_losses) == (None, None, None, None)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda rows: rows.drop(columns="label"), "no column 'label'"),
        (lambda rows: rows.assign(task="taste"), "'taste' is no task"),
        (lambda rows: rows.assign(answer="left"), "'left' is no answer"),
        (lambda rows: rows.assign(answer="less"), "'less' is no answer"),
    ],
)
def test_a_table_that_is_not_one_of_answers_is_refused(change, wrong: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadSpec, match=wrong):
        analyse(change(simulated()))


def test_answers_of_the_database_and_of_a_simulation_have_the_same_columns(answers: Answers) -> None:
    assert list(answers.frame()) == list(simulated())


def test_an_unknown_behaviour_is_refused() -> None:
    with pytest.raises(BadSpec):
        replace(MANY, ties=1.2)
