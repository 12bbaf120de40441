"""Answers are kept once, in order, and never lost or overwritten; on every database."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, text

from core.base.errors import BadFile, BadSpec
from core.study import answers as module
from core.study.answers import Answers, StudyFull, TakesPartAlready, Timing, UnknownParticipant
from core.study.design import CATCH, PRACTICE
from core.study.place import Place, expected
from core.study.tables import StudyDatabase, check, connect, copy, create, sqlite_url, writing


def step(answers: Answers, token: str, right: bool = True, timing: Timing | None = None) -> Place:
    """Go one step on, as a browser would; return where the participant stood."""
    place = answers.show(token)
    if place.stage in ("instructions", "break"):
        answers.go_on(token)
    elif place.stage == "practice" and place.item:
        good = expected(place.item, place.left)
        wrong = "equal" if place.task != "name-object" else "unknown"
        answers.practise(token, place.round, place.item["item"], good if right else wrong)
    elif place.stage == "trial" and place.item:
        known = place.item["kind"] == CATCH
        usual = "left" if place.task != "name-object" else "0"
        answers.answer(token, place.number, expected(place.item, place.left) if known and right else usual, timing)
    return place


def finish(answers: Answers, token: str, **how: object) -> list[Place]:
    """Go on until the end."""
    seen = []
    while (place := step(answers, token, **how)).stage not in ("done", "withdrawn"):  # type: ignore[arg-type]
        seen.append(place)
        assert len(seen) < 100
    return [*seen, place]


def test_a_participant_goes_from_instructions_to_the_code(answers: Answers) -> None:
    token = answers.join()
    stages = [place.stage for place in finish(answers, token)]
    trials = answers.design()["slot"].eq(0).sum()
    assert stages.count("trial") == trials
    assert stages[:4] == ["instructions", "practice", "practice", "trial"]
    assert stages.count("instructions") == 2
    assert stages.count("break") >= 1
    assert stages[-1] == "done"
    assert len(answers.place(token).code) == 8
    assert answers.counts()["done"] == 1


def test_practice_is_repeated_until_it_is_passed(answers: Answers) -> None:
    token = answers.join()
    step(answers, token)
    step(answers, token, right=False)
    assert answers.place(token).feedback is False
    step(answers, token)
    again = answers.place(token)
    assert (again.stage, again.again) == ("instructions", True)
    step(answers, token)
    assert answers.place(token).round == 1
    step(answers, token)
    assert answers.place(token).feedback is True
    step(answers, token)
    assert answers.place(token).stage == "trial"


def test_a_practice_answer_counts_once(answers: Answers) -> None:
    token = answers.join()
    step(answers, token)
    place = answers.show(token)
    assert place.item
    for answer in ("equal", "left", "right"):
        answers.practise(token, 0, place.item["item"], answer)
    assert answers.place(token).number == 1
    assert answers.place(token).feedback is False


@pytest.mark.parametrize("answer", ["", "both", "0", "LEFT", "less", "1; DROP TABLE answers", "<b>left</b>"])
def test_an_answer_that_is_none_changes_nothing(answers: Answers, answer: str) -> None:
    token = at_first_trial(answers)
    assert answers.answer(token, 0, answer) is False
    assert answers.place(token).number == 0


def at_first_trial(answers: Answers) -> str:
    token = answers.join()
    while answers.show(token).stage != "trial":
        step(answers, token)
    return token


def test_a_repeated_or_early_answer_changes_nothing(answers: Answers) -> None:
    token = at_first_trial(answers)
    assert answers.answer(token, 1, "left") is False  # not its turn
    assert answers.answer(token, 0, "left", Timing(reaction_ms=700.5, focus_losses=1)) is True
    assert answers.answer(token, 0, "right") is False  # a double click, Back, a second tab
    rows = answers.frame()
    assert rows["side"].tolist() == ["left"]
    assert rows["reaction_ms"].tolist() == [700.5]
    assert rows["server_ms"].iloc[0] > 0


def test_many_threads_that_answer_the_same_trial_give_one_answer(answers: Answers) -> None:
    token = at_first_trial(answers)
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda side: answers.answer(token, 0, side), ["left", "right", "equal"] * 8))
    assert sum(kept) == 1
    assert len(answers.frame()) == 1


def test_many_people_who_join_at_once_get_slots_of_their_own(answers: Answers) -> None:
    slots = answers.counts()["slots"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: answers.join(), range(slots)))
    assert sorted(answers.participants()["slot"]) == list(range(slots))
    with pytest.raises(StudyFull):
        answers.join()


def test_a_withdrawal_deletes_the_answers_and_frees_the_slot(answers: Answers) -> None:
    token = answers.join({"PROLIFIC_PID": "p1", "SESSION_ID": "s"})
    finish(answers, token)
    number = len(answers.frame())
    assert answers.withdraw(token) == number
    assert len(answers.frame()) == 0
    row = answers.participants().iloc[0]
    assert (row["state"], row["ids"], row["code"]) == ("withdrawn", "{}", None)
    assert answers.place(token).stage == "withdrawn"
    assert answers.answer(token, 0, "left") is False
    answers.join()
    assert answers.participants()["slot"].tolist() == [0, 0]


def test_a_participant_who_breaks_a_declared_rule_is_left_out_and_frees_the_slot(answers: Answers) -> None:
    token = at_first_trial(answers)
    finish(answers, token, timing=Timing(reaction_ms=20.0))
    row = answers.participants().iloc[0]
    assert (row["state"], row["excluded"]) == ("done", "median time of 20 ms")
    assert row["code"]  # the person gets the code all the same
    answers.join()
    assert answers.participants()["slot"].tolist() == [0, 0]
    assert (answers.frame()["excluded"] == "median time of 20 ms").all()  # no row is deleted


def test_the_slot_of_somebody_who_disappeared_goes_to_the_next(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = at_first_trial(answers)
    for _ in range(answers.counts()["slots"] - 1):
        answers.join()
    with pytest.raises(StudyFull):
        answers.join()
    monkeypatch.setattr(module, "IDLE_S", -1.0)
    second = answers.join()
    assert answers.participants()["slot"].tolist()[-1] == 0
    monkeypatch.undo()
    finish(answers, token)  # who comes back loses nothing
    finish(answers, second)
    done = answers.frame()
    assert done.groupby("participant").size().nunique() == 1


def test_the_same_person_takes_part_once(answers: Answers) -> None:
    answers.join({"PROLIFIC_PID": "p1", "SESSION_ID": "s1"})
    with pytest.raises(TakesPartAlready):
        answers.join({"PROLIFIC_PID": "p1", "SESSION_ID": "s2"})
    answers.join({"PROLIFIC_PID": "p2", "SESSION_ID": "s1"})
    answers.join()
    answers.join()


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE participants; --", "<script>alert(1)</script>", "x" * 5000, "\u202eabc"]
)
def test_ids_are_only_text(answers: Answers, value: str) -> None:
    answers.join({"PROLIFIC_PID": value, "other": value})
    assert json.loads(answers.participants()["ids"].iloc[0]) == {"PROLIFIC_PID": value[:100]}
    with pytest.raises(TakesPartAlready):
        answers.join({"PROLIFIC_PID": value})


def test_an_unknown_token_is_refused(answers: Answers) -> None:
    for call in (answers.place, answers.withdraw, answers.go_on):
        with pytest.raises(UnknownParticipant):
            call("nobody")


def test_a_closed_study_takes_nobody_in_and_lets_people_finish(answers: Answers) -> None:
    token = at_first_trial(answers)
    answers.open(False)
    with pytest.raises(StudyFull, match="closed"):
        answers.join()
    assert finish(answers, token)[-1].stage == "done"
    answers.open(True)
    answers.join()


def test_what_was_pressed_is_told_from_what_it_means(answers: Answers) -> None:
    finish(answers, answers.join())
    rows = answers.frame()
    pairs = rows[rows["task"] == "heatmap-pair"]
    assert (pairs["answer"] == pairs["left"].where(pairs["side"] == "left", pairs["answer"])).all()
    items = pairs[pairs["kind"] == "item"]
    assert set(items["right"]) == {None}
    assert items["answer"].isin(["less", "more"]).all()
    assert rows.loc[rows["kind"] == CATCH, "right"].astype(bool).all()
    named = rows[rows["task"] == "name-object"]
    assert (named["right"] == (named["answer"] == named["label"].astype(str))).all()
    assert PRACTICE not in set(rows["kind"])


def test_a_copy_holds_everything_and_goes_on(answers: Answers, tmp_path: Path) -> None:
    finish(answers, answers.join())
    target = connect(sqlite_url(tmp_path / "copy.db"))
    assert copy(answers.engine, target) == len(answers.frame())
    again = Answers(target, answers.spec)
    assert again.frame().equals(answers.frame())
    assert again.participants().equals(answers.participants())
    again.join()
    with pytest.raises(BadFile, match="never overwritten"):
        copy(answers.engine, target)


def test_a_database_of_another_version_or_of_something_else_is_refused(url: str) -> None:
    engine = connect(url)
    with pytest.raises(BadFile, match="holds no study"):
        check(engine)
    create(engine)
    check(engine)
    with pytest.raises(BadFile, match="already holds"):
        create(engine)
    with writing(engine) as connection:
        connection.execute(text("UPDATE meta SET value = '99' WHERE name = 'schema'"))
    with pytest.raises(BadFile, match="version 99"):
        check(engine)
    engine.dispose()


def come_and_go(answers: Answers) -> None:
    for _ in range(10_000):
        answers.withdraw(answers.join())


def test_a_full_disk_loses_no_confirmed_answer(tmp_path: Path, answers: Answers) -> None:
    if answers.engine.dialect.name != "sqlite":
        pytest.skip("SQLite can be told how large its file may become")
    token = at_first_trial(answers)
    with answers.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    small = connect(str(answers.engine.url))
    event.listen(small, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages}"))
    full = Answers(small, answers.spec)
    with pytest.raises(StudyDatabase, match="full"):
        come_and_go(full)
    assert full.place(token).stage == "trial"
    assert answers.answer(token, 0, "left") is True
    assert len(answers.frame()) == 1


@pytest.mark.parametrize("address", ["nonsense", "http://x", "mysql://a/b", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises((BadSpec, StudyDatabase)):
        connect(address)


def test_a_database_that_cannot_be_reached_says_so() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StudyDatabase, match="does not answer"):
        check(connect("postgresql://nobody@127.0.0.1:1/none"))


def test_a_database_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StudyDatabase, match="requirements-postgres"):
        connect("postgresql://nobody@127.0.0.1:1/none")
