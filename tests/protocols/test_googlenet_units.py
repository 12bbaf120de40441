"""Single units of the study's networks: every network once, found again, the numbers of the tables
of single units, and relations that are those of the networks.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from pandas import DataFrame
from scipy import stats

from core.base.errors import BadSpec, MissingData, UnknownName
from core.base.text import Rows
from core.data.decode import TrainingImages
from core.engine.engine import Engine
from core.protocols.googlenet import interpretability as told
from core.protocols.googlenet.interpretability import QUESTION, answer, baselines, beside_accuracy, parts, related
from core.protocols.googlenet.protocol import Plan, describe
from core.protocols.googlenet.tables import PLACE, Scores, VonradTables, load, study, write_units
from core.protocols.googlenet.units import Scoring, check, check_images, chosen, score_units, unit_study
from core.units.read import summary
from core.units.relation import Relation
from tests.protocols.test_googlenet import CLASSES, IMAGES, PLAN

SMALL = replace(PLAN, prunings=("unstructured", "filters"), rates=(0.5, 0.8), curve_epochs=1)
SCORING = Scoring(images=24, layers=("features.[34].*3x3", "features.0"), similarities=("pixels",))
pytestmark = pytest.mark.usefixtures("one_thread")
Scored = tuple[Engine, VonradTables]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    engine = Engine("cpu", tmp_path_factory.mktemp("units-of-the-study"))
    list(study(SMALL, IMAGES, None, engine))
    assert not any(step.found for step in list(score_units(SMALL, IMAGES.test, engine, SCORING))[:3])
    return engine, load([engine.folder], SMALL.model)


def rows(tables: VonradTables) -> DataFrame:
    assert tables.units is not None
    return tables.units.rows


@pytest.mark.long
def test_every_network_has_one_row_and_the_dense_one_too(scored: Scored) -> None:
    found = rows(scored[1])
    assert not found.duplicated(list(PLACE)).any()
    levels = scored[1].levels[scored[1].levels.retraining != "curve"]
    assert set(map(tuple, levels[PLACE].values)) == set(map(tuple, found[found.pruning != "untrained"][PLACE].values))
    assert list(found.pruning).count("untrained") == 1
    assert set(found["n"]) == {24}
    assert set(found.units) == {64 + 2 * 64}  # features.0 and the 3 x 3 convolutions of two fire modules


@pytest.mark.long
def test_rows_are_those_of_the_tables_of_units(scored: Scored) -> None:
    engine, tables = scored
    networks = summary(unit_study(SMALL, IMAGES.test, engine, SCORING))
    for row in rows(tables).itertuples():
        if row.level:
            name = f"vonrad-{row.pruning}-{row.retraining}"
            (own,) = networks[(networks.weights == name) & (networks.level == row.level)].itertuples()
            assert (row.right, row.dead, row.sparsity) == (own.right, own.dead, own.sparsity)
            assert rows(tables).loc[row.Index, "mis-pixels"] == networks.loc[own.Index, "mis-pixels"]
            assert row.rate == SMALL.rates[row.level - 1]


@pytest.mark.long
def test_a_second_run_finds_everything_and_a_lost_table_is_made_again(scored: Scored) -> None:
    engine, tables = scored
    assert all(step.found for step in score_units(SMALL, IMAGES.test, engine, SCORING))
    networks = unit_study(SMALL, IMAGES.test, engine, SCORING)
    lost = next(variant for variant in networks.variants if variant.pruning.level == 2)
    networks.path(lost, "units").unlink()
    assert [step.variant for step in score_units(SMALL, IMAGES.test, engine, SCORING) if not step.found] == [lost]
    assert rows(load([engine.folder], SMALL.model)).equals(rows(tables))


@pytest.mark.long
def test_other_seeds_join_the_rows(scored: Scored) -> None:
    engine, tables = scored
    other = replace(SMALL, seed=1, prunings=("filters",), rates=(0.5,))
    list(study(other, IMAGES, None, engine))
    list(score_units(other, IMAGES.test, engine, SCORING))
    both = load([engine.folder], SMALL.model)
    assert rows(both)[rows(both).seed == 0].reset_index(drop=True).equals(rows(tables))
    assert len(rows(both)[rows(both).seed == 1]) == 1 + 1 + 3
    assert both.units is not None
    assert set(both.units.facts["runs"]) == {"0", "1"}
    write_units(engine.folder, SMALL.model, tables.units or both.units)


@pytest.mark.long
def test_accuracy_is_that_of_all_test_images(scored: Scored) -> None:
    found = beside_accuracy(scored[1])
    trained = found[found.pruning != "untrained"].set_index(PLACE)
    levels = scored[1].levels.set_index(PLACE)
    assert (trained.accuracy == levels.accuracy.reindex(trained.index)).all()
    assert set(trained.total) == {30}
    (untrained,) = found[found.pruning == "untrained"].itertuples()
    assert untrained.accuracy == untrained.right / 24


@pytest.mark.long
def test_relations_are_scipys_over_trained_networks(scored: Scored) -> None:
    found = beside_accuracy(scored[1])
    alive = found[(found.pruning != "untrained") & (found.dead < found.units)]
    by = {(each.of, each.name): each for each in related(scored[1], "pixels") if each.near_chance}
    for of, column in (("sparsity", "sparsity"), ("right", "accuracy")):
        expected = stats.spearmanr(alive["mis-pixels"], alive[column]).statistic
        assert by[of, "spearman"].value == pytest.approx(expected)
        assert by[of, "spearman"].n == len(alive)


@pytest.mark.long
def test_what_is_told(scored: Scored) -> None:
    _, tables = scored
    said = list(parts(tables))
    table = next(part for part in said if isinstance(part, Rows))
    assert len(table.rows) == 1 + len(rows(tables))
    text = "\n".join(part for part in said if isinstance(part, str))
    assert QUESTION in text
    assert "192 units of 3 convolutions (features.0, features.3.expand3x3, features.4.expand3x3)" in text
    assert "24 test images, 1 tasks a unit; published scores take 20 tasks of 400 images" in text
    facts = told.facts(tables)
    assert len(facts["units"]) == len(rows(tables))
    assert facts["answers"]["pixels"] in text
    dense = rows(tables)[rows(tables).pruning == "dense"].iloc[0]
    assert baselines(tables, "pixels")["dense"] == dense["mis-pixels"]
    assert baselines(tables, "pixels")["random exemplars"] == dense["shuffled-pixels"]


def relation(of: str, value: float | None, low: float | None, high: float | None) -> Relation:
    return Relation(of=of, name="spearman", near_chance=True, value=value, low=low, high=high, n=55)


def test_the_papers_question_is_answered_from_the_intervals() -> None:
    said = answer([relation("sparsity", 0.4, 0.1, 0.6), relation("right", -0.1, -0.3, 0.2)], "pixels")
    assert said == (
        "By Pixels: with pruning rate no, the score is higher where it is high (Spearman 0.40 [0.10, 0.60], n = 55); "
        "with accuracy yes (Spearman −0.10 [−0.30, 0.20], n = 55, which includes 0)."
    )
    assert "lower where it is high" in answer([relation("right", -0.4, -0.6, -0.1)], "pixels")
    assert "cannot be said (55 networks)" in answer([relation("right", None, None, None)], "pixels")


def test_networks_that_are_not_scored_are_said_to_be() -> None:
    empty = VonradTables("a@b", {}, DataFrame(), DataFrame())
    assert list(parts(empty)) == []
    assert told.facts(empty) == {}
    with pytest.raises(MissingData, match="--units 2000"):
        told.scores(empty)


def test_judges_are_those_of_every_seed() -> None:
    runs = {"0": {"similarities": ["pixels", "dreamsim"]}, "1": {"similarities": ["pixels"]}}
    tables = VonradTables("a@b", {}, DataFrame(), DataFrame(), Scores(DataFrame(), {"runs": runs}))
    assert told.judges(tables) == ("pixels",)


def test_convolutions_are_named_by_patterns() -> None:
    card = describe(Plan(), CLASSES).card()
    names = chosen(card, ("inception*.branch2.1.conv", "inception3a.branch1.conv"))
    assert len(names) == 10
    assert names[:3] == ("inception3a.branch1.conv", "inception3a.branch2.1.conv", "inception3b.branch2.1.conv")
    assert chosen(card, ()) == ()
    with pytest.raises(UnknownName, match="incption"):
        chosen(card, ("incption*",))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (Scoring(images=19), BadSpec),
        (Scoring(images=40, layers=("conv9",)), UnknownName),
        (Scoring(images=40, similarities=("pixel",)), UnknownName),
        (Scoring(images=40, similarities=()), BadSpec),
    ],
)
def test_what_cannot_be_scored_is_known_before_training(wrong: Scoring, error: type[Exception]) -> None:
    with pytest.raises(error):
        check(SMALL, wrong, CLASSES)


def test_too_few_test_images_are_known_before_training() -> None:
    check_images(SCORING, IMAGES.test)
    with pytest.raises(BadSpec, match="19 images are too few"):
        check_images(SCORING, TrainingImages(IMAGES.test.images[:19], IMAGES.test.labels[:19], CLASSES))
