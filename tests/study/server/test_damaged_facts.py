"""Facts of a study that are damaged: its server and the command say so, and answers stay."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from core.base.errors import BadFile, SparsightError
from core.cli.main import main
from core.study.folder import Study, facts_of, open_study
from core.study.server.app import create_app
from core.study.tables import META, writing
from tests.study.server.conftest import Visitor

VALUES = ("", "{", "null", "5", "[1, 2]", '"cat"', '{"title": 3}', "[" * 100_000, '["cat"')


def harmed(study: Study, name: str, value: str) -> Study:
    """Somebody takes part; then a fact is damaged, and the study is opened again."""
    person = Visitor(study, create_app(study))
    person.join()
    person.until("trial")
    person.step()
    with writing(study.engine) as connection:
        connection.execute(update(META).where(META.c.name == name).values(value=value))
    study.engine.dispose()
    return open_study(study.home.parents[1], study.name)


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_server_does_not_start_with_a_damaged_description(
    file_study: Study, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = harmed(file_study, "spec", value)
    with pytest.raises(SparsightError) as caught:
        create_app(found)
    assert caught.value.next_step
    found.engine.dispose()
    folder = str(found.home.parents[1])
    assert main(["study", "serve", found.name, "--port", "0", "--folder", folder]) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_names_of_classes_that_cannot_be_read_are_named(file_study: Study, value: str) -> None:
    found = harmed(file_study, "classes", value)
    with pytest.raises(BadFile, match="its classes cannot be read"):
        _ = found.choices
    assert len(found.answers.frame()) == 1
    found.engine.dispose()


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_damaged_facts_of_the_preparation_cost_nothing_else(file_study: Study, value: str) -> None:
    found = harmed(file_study, "preparation", value)
    assert dict(facts_of(found)) in ({}, {"title": 3})
    assert Visitor(found, create_app(found)).client.get("/").status_code == 200
    found.engine.dispose()
