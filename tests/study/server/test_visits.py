"""Simulated participants go through a real server, and every acknowledged answer is stored."""

from __future__ import annotations

import threading
import time

import pandas
import pytest

from core.base.errors import BadSpec
from core.study import visit
from core.study.analysis import analyse
from core.study.behaviour import Behaviour
from core.study.folder import Study
from core.study.place import DONE
from core.study.server.run import running
from core.study.visit import NoServer, Server, visits
from tests.study.server.conftest import server_spec, write_study

TOLD = Behaviour(preference=0.8, careless=0.2, dropout=0)


def pressed(rows: pandas.DataFrame) -> tuple[tuple[int, str, str], ...]:
    left = rows["left"].where(rows["more"] != "", "")
    return tuple(zip(rows["item"], left, rows["side"], strict=True))


def test_everybody_finishes_and_every_answer_is_stored(study: Study) -> None:
    with running(study, "127.0.0.1", 0) as (address, _):
        done = list(visits(Server(url=address["url"], study=study, behaviour=TOLD), 4, at_once=2))
    length = study.spec.trials + study.spec.catch
    assert [len(each.answered) for each in done] == [length] * 4
    people = study.answers.participants()
    assert set(people["state"]) == {DONE}
    assert set(people["code"]) == {each.code for each in done}
    stored = study.answers.frame()
    by_person = {pressed(own) for _, own in stored.groupby("participant")}
    assert by_person == {each.answered for each in done}
    assert stored["reaction_ms"].notna().all()
    assert analyse(stored, thorough=False).n + analyse(stored, thorough=False).left_out_n == 4 * study.spec.trials


def test_who_drops_out_leaves_answers_behind(file_study: Study) -> None:
    told = Behaviour(careless=0, dropout=1)
    with running(file_study, "127.0.0.1", 0) as (address, _):
        done = list(visits(Server(url=address["url"], study=file_study, behaviour=told, seed=1), 3))
    assert all(each.code == "" for each in done)
    assert sum(len(each.answered) for each in done) == len(file_study.answers.frame())


def test_a_server_that_is_away_for_a_moment_loses_no_acknowledged_answer(file_study: Study) -> None:
    found: list[visit.Visit] = []
    with running(file_study, "127.0.0.1", 0) as (address, _):
        server = Server(url=address["url"], study=file_study, behaviour=TOLD)
        crowd = threading.Thread(target=lambda: found.extend(visits(server, 4)))
        crowd.start()
        while not len(file_study.answers.frame()):
            time.sleep(0.01)
    time.sleep(0.5)
    with running(file_study, "127.0.0.1", int(address["port"])):
        crowd.join(60)
    assert not crowd.is_alive()
    stored = set(pressed(file_study.answers.frame()))
    assert len(found) == 4
    assert all(set(each.answered) <= stored for each in found)
    assert file_study.answers.counts()["done"] == 4


def test_nobody_answers(file_study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "PATIENCE_S", 0.3)
    with pytest.raises(NoServer, match="does not answer"):
        list(visits(Server(url="http://127.0.0.1:9/", study=file_study, behaviour=TOLD), 1))


@pytest.mark.long
def test_a_full_study_and_another_study_are_refused(
    file_study: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = write_study(tmp_path_factory.mktemp("other"), server_spec(seed=5), name="other")
    with running(other, "127.0.0.1", 0) as (address, _):
        mixed = Server(url=address["url"], study=file_study, behaviour=TOLD)
        many = Server(url=address["url"], study=other, behaviour=TOLD)
        with pytest.raises(BadSpec, match="409"):
            list(visits(many, other.answers.counts()["slots"] + 1, at_once=1))
        other.answers.exclude(1, "to make room")
        with pytest.raises(BadSpec, match="not of this study"):
            list(visits(mixed, 1))
    other.engine.dispose()
