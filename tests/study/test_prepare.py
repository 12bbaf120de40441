"""A study is prepared from real networks, resumes, is backed up and restored."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

from core.base.errors import BadFile, BadSpec, MissingData
from core.disk.frames import read_frame
from core.engine.engine import Engine
from core.study.design import CATCH, ITEM
from core.study.folder import Study, delete_study, facts_of, names, open_study, restore
from core.study.items import choose_images
from core.study.prepare import MEASURED, draw_again, prepare
from tests.study.conftest import little, small_spec


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Study]:
    engine = Engine("cpu", tmp_path_factory.mktemp("cache"))
    steps = list(prepare(engine, "small", little()))
    assert [step["stage"] for step in steps[:1]] == ["networks"]
    assert steps[-1]["done"] == steps[-1]["total"]
    return engine, open_study(engine.folder, "small")


def test_a_prepared_study_has_its_design_pictures_and_measures(prepared: tuple[Engine, Study]) -> None:
    _, study = prepared
    assert study.spec == little()
    assert len(study.classes) == 10
    assert [index for index, _ in study.choices] == list(range(10))
    items = study.answers.items()
    assert set(items.loc[items["kind"] == ITEM, "label"]) == set(range(10))
    named = pandas.concat([items[name] for name in ("picture", "less_picture", "more_picture")])
    assert all((study.pictures / name).is_file() for name in named if name)
    measures = read_frame(study.home / MEASURED)[0]
    assert set(measures["variant"]) == set(study.spec.names)
    assert set(items["image"]) <= set(measures["image"])
    chosen = measures[measures["image"].isin(items["image"])]
    assert (chosen["right"] == 1).all()  # every variant is right about every image
    assert facts_of(study)["looked_at"] == 100


def test_catch_items_of_pairs_show_a_heatmap_and_its_reverse(prepared: tuple[Engine, Study]) -> None:
    _, study = prepared
    items = study.answers.items()
    catches = items[(items["kind"] == CATCH) & (items["more"] != "")]
    assert len(catches)
    assert (catches["less"] == catches["more"]).all()
    assert (catches["less_picture"] != catches["more_picture"]).all()
    named = items[(items["kind"] == CATCH) & (items["task"] == "name-object")]
    assert (named["less_picture"] == "").all()  # the whole image


def test_a_prepared_study_is_never_changed(prepared: tuple[Engine, Study]) -> None:
    engine, _ = prepared
    with pytest.raises(BadFile, match="exists"):
        list(prepare(engine, "small", little()))


def test_a_stopped_preparation_resumes_with_the_same_pictures(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    for step in prepare(engine, "stopped", little()):
        if step["stage"] == "pictures":
            break
    with pytest.raises(MissingData):
        open_study(engine.folder, "stopped")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "studies/stopped/pictures").iterdir()}
    assert before
    list(prepare(engine, "stopped", little()))
    after = {path.name: path.stat().st_mtime_ns for path in open_study(tmp_path, "stopped").pictures.iterdir()}
    assert before.items() <= after.items()


def test_a_backup_is_restored_with_the_same_pictures(prepared: tuple[Engine, Study], tmp_path: Path) -> None:
    engine, study = prepared
    token = study.answers.join()
    study.answers.withdraw(token)
    assert study.backup(tmp_path / "backup.db") == 0
    with pytest.raises(BadFile, match="never overwrites"):
        study.backup(tmp_path / "backup.db")
    again = restore(engine.folder, "again", tmp_path / "backup.db")
    list(draw_again(engine, again))
    assert {path.name for path in again.pictures.iterdir()} == {path.name for path in study.pictures.iterdir()}
    assert again.answers.design().equals(study.answers.design())
    with pytest.raises(BadFile, match="exists"):
        restore(engine.folder, "again", tmp_path / "backup.db")
    delete_study(engine.folder, "again")
    assert names(engine.folder) == ["small"]


def test_pictures_of_other_networks_are_not_drawn_under_old_names(
    prepared: tuple[Engine, Study], tmp_path: Path
) -> None:
    engine, study = prepared
    study.backup(tmp_path / "backup.db")
    again = restore(engine.folder, "other", tmp_path / "backup.db")
    again.keep(secret=json.dumps("another"))
    with pytest.raises(BadFile, match="not the same"):
        list(draw_again(engine, again))
    delete_study(engine.folder, "other")


@pytest.mark.parametrize("name", ["", "Study", "a b", "../x", "-a", "a" * 41, "a/b"])
def test_a_name_is_letters_digits_and_hyphens(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSpec, match="cannot be called"):
        open_study(tmp_path, name)


def test_a_study_that_is_not_there_or_damaged_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no study"):
        open_study(tmp_path, "nothing")
    (tmp_path / "studies" / "broken").mkdir(parents=True)
    (tmp_path / "studies" / "broken" / "study.json").write_text("{")
    with pytest.raises(BadFile, match="damaged"):
        open_study(tmp_path, "broken")
    (tmp_path / "studies" / "broken" / "study.json").write_text('{"database": ""}')
    (tmp_path / "studies" / "broken" / "study.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(Exception, match="not a database"):
        open_study(tmp_path, "broken")
    with pytest.raises(MissingData):
        delete_study(tmp_path, "nothing")
    with pytest.raises(MissingData):
        restore(tmp_path, "new", tmp_path / "missing.db")


def rows_of(right: dict[tuple[int, str], bool], labels: dict[int, int]) -> pandas.DataFrame:
    return pandas.DataFrame(
        [
            {"image": image, "variant": variant, "right": int(is_right), "label": labels[image]}
            for (image, variant), is_right in right.items()
        ]
    )


def test_an_image_qualifies_if_every_variant_is_right() -> None:
    spec = small_spec(images=1)
    right = {(image, variant): True for image in range(4) for variant in "abc"}
    right[0, "b"] = False
    labels = {0: 0, 1: 0, 2: 1, 3: 1}
    found = choose_images(spec, rows_of(right, labels), ("cat", "dog"))
    assert found.qualified == {"cat": 1, "dog": 2}
    assert found.chosen["image"].tolist()[0] == 1
    assert len(found.chosen) == 2
    assert len(found.spare) == 1
    with pytest.raises(BadSpec, match=r"cat 1, dog 2.*Set images to 1"):
        choose_images(small_spec(images=2), rows_of(right, labels), ("cat", "dog"))


def test_no_qualifying_image_is_refused_with_what_to_do() -> None:
    right = {(image, variant): False for image in range(2) for variant in "abc"}
    with pytest.raises(BadSpec, match="less pruned variants"):
        choose_images(small_spec(images=1), rows_of(right, {0: 0, 1: 0}), ("cat",))


def test_an_image_that_one_variant_has_no_answer_to_does_not_qualify() -> None:
    right = {(0, "a"): True, (0, "b"): True, (1, "a"): True, (1, "b"): True, (1, "c"): True}
    found = choose_images(small_spec(images=1), rows_of(right, {0: 0, 1: 0}), ("cat",))
    assert found.chosen["image"].tolist() == [1]
