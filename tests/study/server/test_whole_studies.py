"""Whole studies by simulated people, who answer through the running server."""

from __future__ import annotations

from pathlib import Path

import httpx2
import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import select

from core.study.analysis import analyse
from core.study.answers import digest
from core.study.behaviour import Behaviour
from core.study.folder import Study
from core.study.server.run import HOST, running
from core.study.simulate import simulate
from core.study.spec import Rules, Task
from core.study.tables import PARTICIPANTS, reading
from tests.study.server.conftest import Visitor, server_spec, write_study

COMPARED = [
    "slot",
    "position",
    "item",
    "kind",
    "task",
    "label",
    "less",
    "more",
    "side",
    "answer",
    "right",
    "reaction_ms",
]


def slot_of(study: Study, token: str) -> int:
    with reading(study.engine) as connection:
        return connection.execute(select(PARTICIPANTS.c.slot).where(PARTICIPANTS.c.token == digest(token))).scalar_one()


@pytest.mark.long
@pytest.mark.parametrize(("preference", "preferred"), [(0.85, "more"), (0.15, "less")])
def test_the_server_keeps_what_simulated_people_answer(tmp_path: Path, preference: float, preferred: str) -> None:
    first, second, third = ("unpruned", "halved", "decimated")
    tasks = (
        Task(kind="heatmap-pair", pairs=((first, second), (first, third))),
        Task(kind="name-object", variants=(first, third)),
    )
    spec = server_spec(tasks=tasks, images=4, answers=4, trials=12, rules=Rules(catch_share=0, fastest_ms=0))
    study = write_study(tmp_path, spec)
    design = study.answers.whole_design()
    told = Behaviour(preference=preference, ties=0.2, person_sd=0, item_sd=0, careless=0, dropout=0)
    expected = simulate(design, told, seed=1)
    expected["reaction_ms"] = expected["reaction_ms"].round()
    planned = dict(expected.set_index(["slot", "position"])[["side", "reaction_ms"]].iterrows())

    with running(study, HOST, 0) as (address, _):
        for _ in range(design.slots):
            with httpx2.Client(base_url=address["url"], follow_redirects=True) as client:
                person = Visitor(study, client=client)
                person.join()
                slot = slot_of(study, person.token)
                person.until("trial")
                while person.place.stage != "done":
                    place = person.place
                    if place.stage == "trial":
                        answer, took = planned[slot, place.number]
                        person.post(f"trial/{place.number + 1}", answer=answer, reaction_ms=f"{took:.0f}")
                    else:
                        person.step()

    found = study.answers.frame()
    by_place = ["slot", "position"]
    assert_frame_equal(
        found.sort_values(by_place, ignore_index=True)[COMPARED],
        expected.sort_values(by_place, ignore_index=True)[COMPARED],
        check_dtype=False,
    )
    task = analyse(found, thorough=False).task("heatmap-pair")
    assert task is not None
    assert task.n == int(((expected["task"] == "heatmap-pair") & (expected["kind"] == "item")).sum())
    votes = found[(found["task"] == "heatmap-pair") & (found["kind"] == "item")]["answer"].value_counts()
    assert votes.idxmax() == preferred
    assert np.isclose(votes[preferred] / (votes["less"] + votes["more"]), 0.85, atol=0.1)
    assert study.answers.counts()["done"] == design.slots
    study.engine.dispose()
