"""The benches of a study's server: nothing is lost, and they would tell if something were."""

from __future__ import annotations

import pytest

from bench import study as module
from bench.study import Loaded, loaded, prepared, study_page, study_spec, under_load
from bench.study_intervals import SCENARIOS, study_intervals
from core.engine.engine import Engine
from core.study.tables import ANSWERS, PARTICIPANTS, writing
from tests.bench.test_bench import NEEDS_CHROMIUM, check

pytestmark = pytest.mark.long


def test_a_killed_server_loses_nothing(engine: Engine) -> None:
    row = loaded("study-kills", engine, Loaded(answers=100, clients=2, kills=2))
    check(row, "study-kills", 100)
    assert (row["confirmed"], row["lost"], row["changed"], row["doubled"], row["unconfirmed"]) == (100, 0, 0, 0, 0)
    assert (row["participants"], row["kills"], row["database"]) == (2, 2, "sqlite")
    assert row["interrupted"] > 0


def test_lost_and_changed_answers_would_be_told(engine: Engine) -> None:
    with prepared(engine, study_spec(100)) as study:
        load, _ = under_load(study, 100, 2, 0)
        with writing(study.engine) as connection:
            first = PARTICIPANTS.select().limit(1)
            number = connection.execute(first).one().participant
            connection.execute(ANSWERS.delete().where(ANSWERS.c.participant == number))
            connection.execute(ANSWERS.update().values(answer="elsewhere"))
        found = module.compared(study, load)
    assert (found["confirmed"], found["lost"], found["changed"]) == (100, 50, 50)


def test_requests_a_second_are_counted(engine: Engine) -> None:
    row = loaded("study-load", engine, Loaded(answers=100, clients=2, kills=0))
    check(row, "study-load", 100)
    assert row["requests"] >= 2 * row["confirmed"]
    assert row["requests_per_s"] == pytest.approx(row["requests"] / row["seconds"], rel=0.01)


@NEEDS_CHROMIUM
def test_the_time_to_the_next_question_is_measured_in_a_browser(engine: Engine) -> None:
    row = study_page(engine, 50)  # more than one participant answers
    check(row, "study-page", 50)
    assert row["ours_range_s"][0] > 2 / 120  # two frames at least


def test_intervals_and_tests_of_simulated_studies_are_counted(engine: Engine) -> None:
    row = study_intervals(engine, 2, SCENARIOS[1:2])
    check(row, "study-intervals", 2)
    assert {each["what"] for each in row["intervals"]} >= {"share, Wilson", "share, GEE", "alpha, images"}
    assert {each["what"] for each in row["tests"]} >= {"chi-square test", "odds ratio, p"}
    for each in row["intervals"]:
        assert each["n"] + each["undefined"] == 2
        assert each["covered"] in (None, 0, 0.5, 1)
