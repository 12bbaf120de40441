"""Sentences say what the numbers say, and what cannot be said."""

from __future__ import annotations

import pandas
import pytest

from core.study import wording
from core.study.analysis import analyse, effect
from core.study.behaviour import Behaviour
from core.study.naming import beside_network
from core.study.simulate import simulate
from core.study.spec import Rules
from tests.study.conftest import drawn, small_spec

CAREFUL = Behaviour(careless=0, dropout=0, ties=0.2)


def rows(told: Behaviour = CAREFUL, **changes: object) -> pandas.DataFrame:
    return simulate(drawn(small_spec(images=4, answers=8, **changes)), told)


def test_a_clear_preference_is_said_the_way_it_goes() -> None:
    told = Behaviour(careless=0, dropout=0, ties=0.2, preferences=(("a", "b", 0.9), ("a", "c", 0.1)))
    found = analyse(rows(told)).tasks[0]
    first, second = (wording.pair_sentence(pair) for pair in found.pairs)
    assert "prefer 'b' to 'a' (95 % interval" in first
    assert "prefer 'a' to 'c' (95 % interval" in second
    assert "participants)" in first
    for pair, sentence in zip(found.pairs, (first, second), strict=True):
        share = pair.votes.share or 0
        assert sentence.startswith(f"{100 * max(share, 1 - share):.1f} % of {pair.votes.decided} decided answers")
        assert f"{pair.votes.equal} of {pair.votes.n} answers see no difference" in sentence


def test_chance_is_called_chance() -> None:
    pair = analyse(rows(Behaviour(careless=0, dropout=0, person_sd=0, item_sd=0))).tasks[0].pairs[0]
    sentence = wording.pair_sentence(pair)
    assert sentence.startswith("Whether people prefer 'b' or 'a' cannot be told from chance") is not pair.is_clear


def test_small_classes_are_told_what_they_cannot_tell() -> None:
    assert wording.small_sentence(30) == "With 30 decided answers a preference under 68 % cannot be told from chance."
    assert wording.small_sentence(3) == "With 3 decided answers, no preference can be told from chance."
    assert wording.small_sentence(1).startswith("With 1 decided answer,")


def test_nothing_is_said_of_nothing() -> None:
    empty = analyse(rows().iloc[:0])
    assert wording.headline(empty) == "Nobody has answered yet."
    ties = analyse(rows(Behaviour(ties=1, careless=0, dropout=0)))
    pair = ties.tasks[0].pairs[0]
    said = f"Nobody preferred 'b' or 'a' yet: all {pair.votes.n} answers see no difference."
    assert wording.pair_sentence(pair) == said
    assert "all answers are the same" in wording.agreement_sentence(ties.tasks[0].agreement)
    assert "All answers are ties." in wording.strengths_sentence(ties.tasks[0].strengths)


def test_the_headline_is_the_clearest_preference() -> None:
    told = Behaviour(careless=0, dropout=0, preferences=(("a", "b", 0.7), ("a", "c", 0.02)), item_sd=0)
    assert "prefer 'a' to 'c'" in wording.headline(analyse(rows(told)))
    none = analyse(rows(Behaviour(careless=0, dropout=0, person_sd=0, item_sd=0)))
    if not any(pair.is_clear for task in none.tasks for pair in task.pairs):
        assert wording.headline(none).startswith("None of 2 preferences can be told from chance")
    named = rows()
    only = analyse(named[named["task"] == "name-object"])
    assert wording.headline(only).startswith("People name the object correctly in")


def test_names_are_formatted_as_asked() -> None:
    found = analyse(rows(), thorough=True)
    for task in found.tasks:
        for sentence in wording.task_sentences(task, lambda name: f"<{name}>"):
            assert "'a'" not in sentence


def test_the_effect_of_rules_is_said_with_both_results() -> None:
    told = Behaviour(careless=0.5, dropout=0)
    found = effect(rows(told), Rules(catch_share=0, fastest_ms=500))
    sentence = wording.effect_sentence(found)
    out, of = len(found.without.left_out), found.everyone.participants
    assert 0 < out < of
    assert sentence.startswith(f"{out} participants of {of} and ")
    for analysis in (found.everyone, found.without):
        pair = analysis.tasks[0].pairs[0]
        assert f"{100 * (pair.votes.share or 0):.1f} %" in sentence
    assert wording.effect_sentence(effect(rows(told), Rules(catch_share=0, fastest_ms=0))) == "Nobody is left out."


def test_everybody_can_be_left_out() -> None:
    found = effect(rows(), Rules(catch_share=0, fastest_ms=10**6))
    assert found.without.n == 0
    assert "undefined" in wording.effect_sentence(found)


def test_people_stand_beside_networks() -> None:
    naming = analyse(rows(), thorough=False).tasks[1].naming
    assert naming
    (found,) = beside_network(naming, {"a": (3, 4)})
    sentence = wording.network_sentence(found)
    assert "75.0 % (3 of 4)" in sentence
    assert f"({found.person.right} of {found.person.n})" in sentence


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.57, "p = .57"),
        (0.0085, "p = .0085"),
        (0.014, "p = .014"),
        (0.00033, "p = .0003"),
        (3.2e-6, "p < .0001"),
        (1.0, "p > .99"),
        (0.099999, "p = .10"),
        (None, "p undefined"),
    ],
)
def test_p_is_written_as_papers_do(p: float | None, said: str) -> None:
    assert wording.p_value(p) == said
