"""An export holds every answer, explains every column, and hides who answered if it is told to."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import CacheNotWritable
from core.disk.frames import write_frame
from core.study.codebook import MEANINGS, OF_FILE, codebook
from core.study.export import PERSONAL, export_zip, pseudonym, tables
from core.study.folder import Study
from core.study.prepare import MEASURED
from core.study.written import from_text
from tests.study.server.conftest import server_spec, write_study
from tests.study.test_answers import finish

IDS = {"PROLIFIC_PID": "5f3a", "STUDY_ID": "s1"}
FILES = {"answers", "practice", "participants", "design", "measures", "classes", "codebook"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of three people: one who finished, one who was excluded by hand, one who left."""
    made = write_study(tmp_path_factory.mktemp("export"), server_spec())
    answers = made.answers
    finish(answers, answers.join(IDS, screen="=HYPERLINK(1)"))
    finish(answers, answers.join({"PROLIFIC_PID": "other"}))
    answers.exclude(2, "told me that Anna is her sister")
    gone = answers.join({"PROLIFIC_PID": "third"})
    finish(answers, gone)
    answers.withdraw(gone)
    measures = pandas.DataFrame({"image": [0], "variant": ["unpruned"], "pearson": [0.5], "right": [True]})
    write_frame(made.home / MEASURED, measures, {})
    return made


def read(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_everything_of_a_study_is_there(study: Study, tmp_path: Path) -> None:
    content = read(export_zip(study, tmp_path / "study.zip"))
    assert set(content) == {f"{name}.csv" for name in FILES} | {"study.yaml", "versions.json", "README.txt"}
    assert len(rows_of(content["answers.csv"])) == study.answers.counts()["answers"] > 10
    assert len(rows_of(content["participants.csv"])) == 3
    practised = rows_of(content["practice.csv"])
    assert {row["participant"] for row in practised} == {"1", "2"}  # the third withdrew
    assert {row["right"] for row in practised} == {"True"}
    assert len(rows_of(content["design.csv"])) == len(study.answers.design())
    assert from_text(content["study.yaml"]) == study.spec
    assert json.loads(content["versions.json"])["texts"] == study.spec.texts.stamp
    assert [row["name"] for row in rows_of(content["classes.csv"])] == list(study.classes)
    for name in FILES:
        assert f"{name}.csv" in content["README.txt"]


@pytest.mark.parametrize("hidden", [False, True])
def test_the_codebook_explains_every_column_of_every_file_and_no_other(
    study: Study, tmp_path: Path, hidden: bool
) -> None:
    content = read(export_zip(study, tmp_path / "study.zip", hidden))
    book = {(row["file"], row["column"]): row for row in rows_of(content["codebook.csv"])}
    columns = {(name, column) for name in FILES for column in next(csv.reader(io.StringIO(content[f"{name}.csv"])))}
    assert set(book) == columns
    assert all(row["meaning"] for row in book.values())


def test_every_entry_of_the_codebook_is_used(study: Study) -> None:
    measures = pandas.DataFrame(columns=["image", "variant", "seed", "level", "sparsity", "right"])
    found = codebook({**tables(study), "measures": measures}, False)
    assert set(found["column"]) == set(MEANINGS)
    assert set(OF_FILE) <= set(zip(found["file"], found["column"], strict=True))


def test_the_same_study_gives_the_same_bytes(study: Study, tmp_path: Path) -> None:
    for hidden in (False, True):
        one, other = (export_zip(study, tmp_path / f"{at}.zip", hidden).read_bytes() for at in range(2))
        assert one == other


def test_a_pseudonymised_export_says_nothing_of_who_answered(study: Study, tmp_path: Path) -> None:
    content = read(export_zip(study, tmp_path / "study.zip", pseudonymise=True))
    everything = "\n".join(content.values())
    codes = study.answers.participants()["code"].dropna()
    assert len(codes) == 2
    for secret in ("5f3a", "PROLIFIC_PID=", "Anna", "HYPERLINK", *codes, study.fact("pseudonyms")):
        assert secret not in everything
    people = rows_of(content["participants.csv"])
    assert not set(PERSONAL) & set(people[0])
    assert [float(row["begun"]) for row in people] == [0, 0, 0]
    assert sorted(row["excluded"] for row in people) == ["", "", "by hand"]
    answers = rows_of(content["answers.csv"])
    assert max(float(row["answered"]) for row in answers) < 3600
    assert {row["participant"] for row in answers} < {row["participant"] for row in people}
    assert {row["participant"][:2] for row in people} == {"P-"}


def test_pseudonymised_answers_are_the_same_answers(study: Study) -> None:
    plain, hidden = (tables(study, pseudonymise) for pseudonymise in (False, True))
    same = ["position", "block", "item", "left", "kind", "task", "image", "label", "less", "more", "side", "answer"]
    one, other = (
        sorted(map(tuple, found["answers"][same].astype(str).itertuples(index=False))) for found in (plain, hidden)
    )
    assert one == other
    joined = hidden["answers"].merge(hidden["design"], on="trial", suffixes=("", "_of_design"))
    assert len(joined) == len(hidden["answers"])
    for name in ("slot", "position", "item", "left"):
        assert (joined[name] == joined[f"{name}_of_design"]).all()
    assert set(hidden["answers"]["participant"]) < set(hidden["participants"]["participant"])
    assert sorted(hidden["design"]["slot"]) == sorted(plain["design"]["slot"])


@given(key=st.binary(min_size=1, max_size=40), people=st.sets(st.integers(1, 10**6), max_size=50))
def test_pseudonyms_are_stable_and_differ(key: bytes, people: set[int]) -> None:
    names = [pseudonym(key, who) for who in people]
    assert names == [pseudonym(key, who) for who in people]
    assert len(set(names)) == len(people)


def test_a_spreadsheet_runs_nothing(study: Study, tmp_path: Path) -> None:
    people = rows_of(read(export_zip(study, tmp_path / "study.zip"))["participants.csv"])
    assert people[0]["screen"].startswith("'=HYPER")


def test_a_study_without_answers_can_be_exported(tmp_path: Path) -> None:
    made = write_study(tmp_path, server_spec())
    for hidden in (False, True):
        content = read(export_zip(made, tmp_path / "study.zip", hidden))
        assert rows_of(content["answers.csv"]) == []
        assert "measures.csv" not in content
        assert len(rows_of(content["design.csv"])) > 10


def test_a_place_that_cannot_be_written_is_named(study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheNotWritable, match=r"study\.zip cannot be written"):
        export_zip(study, tmp_path / "file" / "study.zip")
