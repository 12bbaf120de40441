"""Simulated participants behave as they are told, and see what the design gives them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.integrate import quad

from core.base.errors import BadSpec
from core.study.behaviour import Behaviour, average_person, centre, intraclass
from core.study.design import CATCH, ITEM, PRACTICE, Design
from core.study.power import power
from core.study.simulate import planned_design, simulate
from core.study.spec import Rules, StudySpec
from tests.study.conftest import drawn, small_spec

CAREFUL = Behaviour(careless=0, dropout=0)


def large() -> tuple[StudySpec, Design]:
    spec = small_spec(images=25, answers=20, trials=12)
    return spec, planned_design(spec, classes=4)


LARGE = large()[1]


def test_every_answer_is_to_a_trial_of_the_design() -> None:
    design = drawn(small_spec())
    rows = simulate(design, CAREFUL)
    trials = design.trials.merge(design.items, on="item")
    joined = rows.merge(trials, on="trial", suffixes=("", "_of_design"), validate="many_to_one")
    assert len(joined) == len(rows) == len(trials)
    for name in ("slot", "position", "item", "left", "kind", "task", "image", "label", "less", "more"):
        assert (joined[name] == joined[f"{name}_of_design"]).all()
    assert PRACTICE not in set(rows["kind"])


def test_answers_mean_what_was_pressed() -> None:
    rows = simulate(LARGE, CAREFUL)
    pair = rows["more"] != ""
    for side, left, answer in (("left", "less", "less"), ("left", "more", "more"), ("right", "less", "more")):
        some = pair & (rows["side"] == side) & (rows["left"] == left)
        assert some.any()
        assert set(rows.loc[some, "answer"]) == {answer}
    assert set(rows.loc[rows["side"] == "equal", "answer"]) == {"equal"}
    named = rows[~pair]
    assert ((named["answer"] == named["label"].astype(str)) == named["right"].astype(bool)).all()


def test_shares_are_those_of_the_behaviour() -> None:
    told = replace(CAREFUL, preferences=(("a", "b", 0.7),), preference=0.4, ties=0.3, rights=(("c", 0.6),), right=0.9)
    rows = simulate(LARGE, told)
    rows = rows[rows["kind"] == ITEM]
    for less, more, share in (("a", "b", 0.7), ("a", "c", 0.4)):
        own = rows[(rows["less"] == less) & (rows["more"] == more)]
        decided = own[own["answer"] != "equal"]
        assert (decided["answer"] == "more").mean() == pytest.approx(share, abs=0.07)
        assert (own["answer"] == "equal").mean() == pytest.approx(0.3, abs=0.07)
    named = rows[rows["task"] == "name-object"]
    for variant, share in (("a", 0.9), ("c", 0.6)):
        own = named[named["less"] == variant]
        assert own["right"].mean() == pytest.approx(share, abs=0.06)
        wrong = own[~own["right"].astype(bool)]
        assert (wrong["answer"] == "unknown").mean() == pytest.approx(told.unknown, abs=0.15)


def test_careless_participants_are_fast_and_know_no_catch_trial() -> None:
    rows = simulate(LARGE, Behaviour(careless=1, dropout=0))
    assert rows["reaction_ms"].median() < 500
    pairs = rows[(rows["kind"] == CATCH) & (rows["more"] != "")]
    assert (pairs["answer"] == "less").mean() == pytest.approx(1 / 3, abs=0.1)
    careful = simulate(LARGE, CAREFUL)
    known = careful[careful["kind"] == CATCH]
    assert known["right"].mean() == pytest.approx(CAREFUL.catch_right, abs=0.03)


def test_reaction_times_are_ex_gaussian() -> None:
    times = simulate(LARGE, CAREFUL)["reaction_ms"]
    assert times.mean() == pytest.approx(CAREFUL.mu_ms + CAREFUL.tau_ms, rel=0.05)
    assert times.std() == pytest.approx(np.hypot(CAREFUL.sigma_ms, CAREFUL.tau_ms), rel=0.1)
    assert times.skew() > 1


def test_who_drops_out_is_replaced() -> None:
    rows = simulate(LARGE, replace(CAREFUL, dropout=0.5), participants=LARGE.slots * 3)
    due = LARGE.trials.groupby("slot").size()
    finished = rows.groupby(["slot", "participant"]).size() == due.reindex(rows["slot"].unique()).iloc[0]
    assert finished.groupby("slot").sum().max() == 1  # nobody comes once a slot is finished
    assert rows["participant"].nunique() > LARGE.slots
    once = simulate(LARGE, replace(CAREFUL, dropout=0.5))
    assert once["participant"].nunique() <= LARGE.slots


def test_who_breaks_a_rule_is_excluded_and_replaced() -> None:
    rules = Rules(catch_share=0, fastest_ms=500)
    rows = simulate(LARGE, Behaviour(careless=0.5, dropout=0), participants=LARGE.slots * 4, rules=rules)
    out = rows["excluded"].notna()
    assert out.any()
    assert (rows[out].groupby("participant")["reaction_ms"].median() < 500).all()
    assert (rows[~out].groupby("participant")["reaction_ms"].median() >= 500).all()
    assert rows[~out].groupby("slot")["participant"].nunique().eq(1).all()


def test_the_seed_gives_the_answers() -> None:
    one, same, other = (simulate(LARGE, Behaviour(), seed=seed) for seed in (3, 3, 4))
    assert_frame_equal(one, same)
    assert len(one) != len(other) or (one["answer"] != other["answer"]).any()


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0.02, 0.98), sd=st.floats(0, 2.5))
def test_the_centre_gives_the_share(share: float, sd: float) -> None:
    at = centre(share, sd)

    def density(z: float) -> float:
        return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / (1 + np.exp(-(at + sd * z))))

    assert quad(density, -10, 10)[0] == pytest.approx(share, abs=1e-4)
    assert centre(1, sd) == -centre(0, sd) == 40


def test_answers_of_a_person_resemble_each_other_as_computed() -> None:
    behaviour = replace(CAREFUL, person_sd=1.0, item_sd=0.7)
    expected = intraclass(0.6, behaviour)
    random = np.random.default_rng(0)
    people, items = random.standard_normal(2000), random.standard_normal((2000, 2))
    log_odds = centre(0.6, behaviour.sd) + people[:, None] + 0.7 * items
    chance = 1 / (1 + np.exp(-log_odds))
    measured = ((chance[:, 0] - 0.6) * (chance[:, 1] - 0.6)).mean() / (0.6 * 0.4)
    assert expected == pytest.approx(measured, abs=0.02)
    assert intraclass(0.6, replace(behaviour, person_sd=0)) == pytest.approx(0, abs=1e-9)
    assert intraclass(1.0, behaviour) == 0
    assert average_person(np.array([0.3]), 0.0) == pytest.approx(1 / (1 + np.exp(-0.3)))


def test_one_class_has_no_wrong_name() -> None:
    rows = simulate(
        planned_design(small_spec(images=4), classes=1), replace(CAREFUL, right=0, unknown=0, catch_right=0)
    )
    named = rows[rows["task"] == "name-object"]
    assert set(named["answer"]) == {"unknown"}


def test_nobody_is_no_study() -> None:
    with pytest.raises(BadSpec):
        simulate(drawn(small_spec()), CAREFUL, participants=0)


def test_power_grows_with_the_preference_and_is_the_level_without_one() -> None:
    spec = small_spec(images=3, answers=8, trials=12)
    done: list[tuple[int, int]] = []

    def detected(preference: float) -> list[float]:
        told = replace(CAREFUL, preference=preference, ties=0.1)
        found = power(spec, told, studies=8, progress=lambda *step: done.append(step))
        assert [(each.task, each.less, each.more) for each in found] == [
            ("heatmap-pair", "a", "b"),
            ("heatmap-pair", "a", "c"),
            ("name-object", "a", "c"),
        ]
        assert all(each.low <= each.detected <= each.high for each in found)
        assert all(each.studies == 8 for each in found)
        assert found[0].assumed == (preference,)
        assert found[0].formula
        assert found[2].formula is None
        return [each.detected for each in found]

    without, clear = detected(0.5), detected(0.9)
    assert max(without[:2]) <= 0.5
    assert min(clear[:2]) >= 0.75
    assert clear[2] <= 0.5  # the shares of right names are equal
    assert done[:2] == [(1, 8), (2, 8)]


def test_a_planned_design_is_that_of_as_many_images() -> None:
    spec = small_spec(images=3)
    design = planned_design(spec, classes=5)
    items = design.items[design.items["kind"] == ITEM]
    assert items["image"].nunique() == 15
    assert items.groupby("label")["image"].nunique().tolist() == [3] * 5
    assert isinstance(design.trials, pandas.DataFrame)
