"""Measures are joined to the right answers, and relate to them as they were made to."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from scipy.stats import spearmanr

from core.base.errors import BadSpec
from core.study.analysis import analyse
from core.study.behaviour import Behaviour
from core.study.prediction import MeasureResult, measure_names, predict_answers
from core.study.published import published_frame
from core.study.simulate import item_effects, planned_design, simulate
from core.study.wording import measure_sentence
from tests.study.conftest import small_spec

SPEC = small_spec(images=6, answers=12, trials=12)
DESIGN = planned_design(SPEC, classes=4)
TOLD = Behaviour(careless=0, dropout=0, item_sd=1.5, person_sd=0.2, ties=0.1, right=0.6)
ROWS = simulate(DESIGN, TOLD)


def measures(strong: float = 1.0) -> pandas.DataFrame:
    """A measure whose difference is what moves people in the pair of a and b, and noise."""
    items = DESIGN.items
    effects = item_effects(DESIGN, TOLD, 0)[:, 0]
    images = np.sort(ROWS["image"].unique())
    moved = {int(image): 0.0 for image in images}
    own = items[(items["kind"] == "item") & (items["less"] == "a") & (items["more"] == "b")]
    moved |= dict(zip(own["image"].tolist(), effects[own["item"]].tolist(), strict=True))
    random = np.random.default_rng(0)
    return pandas.concat(
        [
            pandas.DataFrame(
                {
                    "image": images,
                    "variant": variant,
                    "pearson": [sign * strong * moved[int(image)] / 2 for image in images],
                    "map-mean": random.standard_normal(len(images)),
                    "right": True,
                    "label": 0,
                    "sparsity": 0.5,
                }
            )
            for variant, sign in (("a", -1), ("b", 1), ("c", 1))
        ],
        ignore_index=True,
    )


FOUND = predict_answers(ROWS, measures())


def result(measure: str, less: str, more: str) -> MeasureResult:
    (found,) = (each for each in FOUND if (each.measure, each.less, each.more) == (measure, less, more))
    return found


def test_the_measure_that_moves_people_predicts_them() -> None:
    found = result("pearson", "a", "b")
    assert found.rank.interval.value
    assert found.rank.interval.low
    assert found.rank.interval.value > 0.6
    assert found.rank.interval.low > 0.3
    assert found.odds.low
    assert found.odds.low > 1.5
    assert found.p_adjusted is not None
    assert found.p_adjusted < 0.001
    assert "it predicts the answers" in measure_sentence(found)


def test_noise_does_not_predict() -> None:
    found = result("map-mean", "a", "b")
    assert found.rank.p is not None
    assert found.rank.p > 0.01
    assert found.p_adjusted is not None
    assert found.p_adjusted > 0.05
    assert "does not measurably predict" in measure_sentence(found)


def test_everything_that_was_asked_is_related_to_every_measure() -> None:
    assert measure_names(measures()) == ("pearson", "map-mean")
    asked = {("heatmap-pair", "a", "b"), ("heatmap-pair", "a", "c"), ("name-object", "a", ""), ("name-object", "c", "")}
    assert {(each.task, each.less, each.more) for each in FOUND} == asked
    assert len(FOUND) == 2 * len(asked)
    assert {each.compared for each in FOUND} == {2}


def test_the_rank_correlation_is_that_of_the_joined_rows() -> None:
    table = measures().set_index(["variant", "image"])["map-mean"]
    own = ROWS[(ROWS["kind"] == "item") & (ROWS["less"] == "a") & (ROWS["more"] == "c")]
    x, y = [], []
    for image, answers in own.groupby("image"):
        decided = answers[answers["answer"] != "equal"]
        if len(decided):
            x.append(table["c", image] - table["a", image])
            y.append((decided["answer"] == "more").mean())
    found = result("map-mean", "a", "c").rank
    assert found.interval.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.interval.n == len(x)
    named = ROWS[(ROWS["kind"] == "item") & (ROWS["less"] == "c") & (ROWS["task"] == "name-object")]
    shares = named.groupby("image")["right"].mean().astype(float)
    expected = spearmanr([table["c", image] for image in shares.index], shares).statistic
    assert result("map-mean", "c", "").rank.interval.value == pytest.approx(expected)


def test_p_is_adjusted_by_holm() -> None:
    own = [each for each in FOUND if (each.less, each.more) == ("a", "c")]
    (small, large) = sorted(own, key=lambda each: each.odds.p or 0)
    assert small.odds.p is not None
    assert large.odds.p is not None
    assert small.p_adjusted == pytest.approx(min(1, 2 * small.odds.p))
    assert large.p_adjusted == pytest.approx(max(min(1, 2 * small.odds.p), large.odds.p))


def test_a_constant_measure_is_undefined_and_said_so() -> None:
    constant = predict_answers(ROWS, measures(strong=0))
    found = next(each for each in constant if (each.measure, each.more) == ("pearson", "b"))
    assert found.rank.interval.value is None
    assert found.odds.value is None
    assert found.p_adjusted is None
    assert found.compared == 1
    assert "the same everywhere" in measure_sentence(found)


def test_excluded_participants_and_catch_trials_do_not_count() -> None:
    first = ROWS["participant"].unique()[:3]
    out = ROWS.assign(excluded=ROWS["excluded"].mask(ROWS["participant"].isin(first), "asleep"))
    removed = ROWS[~ROWS["participant"].isin(first) & (ROWS["kind"] == "item")]
    assert predict_answers(out, measures()) == predict_answers(removed, measures())


def test_no_answers_predict_nothing() -> None:
    assert predict_answers(ROWS.iloc[:0], measures()) == ()


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadSpec, match="miss an image"):
        predict_answers(ROWS, measures().iloc[1:])
    with pytest.raises(BadSpec, match="miss an image"):
        predict_answers(ROWS, measures()[lambda table: table["variant"] != "c"])
    with pytest.raises(BadSpec, match="no column 'variant'"):
        predict_answers(ROWS, measures().drop(columns="variant"))
    with pytest.raises(BadSpec, match="cannot be joined"):
        predict_answers(published_frame(), measures())


def test_every_decided_answer_enters_the_model() -> None:
    pair = analyse(ROWS, thorough=False).tasks[0].pairs[0]
    assert result("pearson", pair.less, pair.more).odds.n == pair.votes.decided
