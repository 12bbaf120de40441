"""Texts of a study are text: no page of participants or researchers runs what they hold."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.study.server.app import create_app
from core.study.server.password import set_password
from core.study.texts import Texts
from tests.study.server.conftest import PASSWORD, Visitor, server_spec, write_study

HOSTILE = "<script src=http://127.0.0.1:9/x.js></script><img src=http://127.0.0.1:9/x.png onerror=alert(1)> {{ 7*7 }}"


@pytest.fixture
def person(tmp_path: Path) -> Visitor:
    """Somebody who takes part in a study all of whose texts are hostile."""
    texts = replace(Texts(), **{name: HOSTILE for name, kept in vars(Texts()).items() if isinstance(kept, str)})
    study = write_study(tmp_path, server_spec(title=HOSTILE, texts=texts))
    return Visitor(study, create_app(study))


def harmless(page: str) -> bool:
    scripts = re.findall(r"<script[^>]*>", page)
    loads = "127.0.0.1:9/x.js>" in page or "<img src=http" in page
    return not loads and all("/static/" in each for each in scripts)


def test_no_page_of_a_participant_runs_a_text(person: Visitor) -> None:
    person.join()
    seen = 0
    for _ in range(60):
        page = person.see().text
        assert harmless(page)
        assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|\b49\b", page)
        seen += "&lt;script src=http" in page
        if person.place.stage == "done":
            break
        person.step()
    assert seen > 0


def test_no_page_of_the_researcher_runs_a_text(person: Visitor) -> None:
    set_password(person.study, PASSWORD)
    client = TestClient(create_app(person.study))
    assert harmless(client.get("/researcher").text)
    client.post("/researcher/login", data={"password": PASSWORD})
    assert harmless(client.get("/researcher").text)
