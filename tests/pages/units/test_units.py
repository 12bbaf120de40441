"""Units: its sentences from the numbers, a unit's images, the game, and what it says without
images.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import unit_answers
from core.base.numbers import percent, score
from core.base.settings import shipped_folder
from core.disk.sparse import pack_sparse, unpack_sparse
from core.engine.engine import Engine
from core.report import to_html
from core.report.render import MOST_BYTES
from core.sweeps.known import known_sweeps
from core.units.included import STUDIES, spec_of, unit_study
from core.units.machine import machine_tasks
from pages.parts.common import unit_data
from pages.parts.units import report
from pages.parts.units.view import View
from tests.pages.conftest import OpenPage, words
from tests.report.reading import check


@pytest.fixture
def units() -> OpenPage:
    """Opens Units with an address: units(at="12")."""
    from tests.pages.conftest import open_page

    return partial(open_page, "units")


def test_the_headline_is_the_table(units: OpenPage) -> None:
    app = units(at="12", conv="conv2", judge="pixels")
    assert not app.exception
    rows = unit_answers.summary(unit_study("digits", Engine("cpu")), by_layer=True)
    rows = rows[(rows.layer == "conv2")].set_index("network")
    here = rows.loc["thesis-cnn/mnist-55000/seed-333/iterative-reset/level-12"]
    said = app.header[0].value
    for row in (here, rows.loc["thesis-cnn/random/seed-0/dense"]):
        value, low, high = (score(row[f"{name}-pixels"]) for name in ("mis", "low", "high"))
        assert f"**{value}** [{low}, {high}]" in said
    assert percent(here["right"] / here["n"]) in said
    assert f"right in {percent(here['right-pixels'])} of them" in words(app)
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.long
def test_a_layer_whose_units_are_all_dead_is_said(units: OpenPage) -> None:
    rows = unit_answers.summary(unit_study("digits", Engine("cpu")), by_layer=True)
    gone = rows[(rows.layer == "conv2") & (rows.dead == rows.units) & (rows.weights == "mnist-55000")]
    if gone.empty:
        pytest.skip("no included network has lost every unit of a layer")
    one = gone.iloc[0]
    app = units(at=str(int(one.level)), of=f"{one.weights}.{int(one.seed)}", conv="conv2")
    assert "dead" in app.header[0].value
    assert not app.exception


def test_one_unit_shows_what_excites_it_level_by_level(units: OpenPage) -> None:
    app = units(show="unit", nr="3", at="12", conv="conv2", judge="pixels")
    assert not app.exception
    images = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert "The maps of unit 3 over its 9 strongest images" in images
    assert sum("the 9 images" in alt for alt in images) >= 4
    assert "of its" in words(app)  # weights are left
    assert "Unit 3 of conv2" in words(app)
    assert "dead: every image excites it alike" in words(app)  # at the last levels


@pytest.mark.long
def test_a_number_beyond_the_layer_shows_its_last_unit(units: OpenPage) -> None:
    app = units(show="unit", nr="4999", conv="conv1", judge="pixels")
    assert not app.exception
    assert "Unit 3 of conv1" in words(app)


def play(app: AppTest, image: int) -> AppTest:
    done = len([button for button in app.button if button.key and button.key.startswith("play-")])
    assert done == 2
    return next(button for button in app.button if button.label == f"Image {'AB'[image]}").click().run()


@pytest.mark.long
def test_scores_of_other_weights_are_not_shown(units: OpenPage, own_cache: Path) -> None:
    """A network was trained again under its old name while the app runs."""
    address = {"at": "12", "conv": "conv2", "judge": "pixels"}
    assert units(**address).header
    engine = Engine("cpu", own_cache)
    key = "thesis-cnn/mnist-55000/seed-333/iterative-reset/level-12"
    tensors, facts = engine.store.files.load(key)
    weights, mask = unpack_sparse(tensors)
    engine.store.files.save(key, pack_sparse({name: each / 2 for name, each in weights.items()}, mask), facts)
    for show in ("scores", "unit", "play"):
        app = units(show=show, **address)
        assert not app.exception
        assert not app.header
        assert "no scores of this network as it is now" in app.info[0].value
    assert units(**address | {"at": "11"}).header


def test_ten_tasks_are_played_against_the_machine(units: OpenPage) -> None:
    app = units(show="play", at="0", conv="conv2", judge="pixels")
    for _ in range(10):
        app = play(app, 0)
    assert not app.exception
    mine, machines = (metric.value for metric in app.metric)
    assert mine.endswith("of 10")
    assert machines.endswith("of 10")
    assert "Wilson" in words(app)
    app = next(button for button in app.button if button.label == "Play again").click().run()
    assert "Image A" in [button.label for button in app.button]


def test_the_machines_answers_are_those_of_the_score() -> None:
    """The mean confidence of a unit's tasks is its score in the included table."""
    study = unit_study("digits", Engine("cpu"))
    from core.units.study import UnitOptions, UnitStudy

    alone = UnitStudy(study.sweep, UnitOptions(similarities=("pixels",)))
    variant = study.variants[1]
    table = unit_answers.units(study, "conv2")
    own = table[(table.network == variant.key) & (table.unit == 3)].iloc[0]
    tasks = machine_tasks(alone, variant, "conv2", 3)
    assert len(tasks) == 20
    assert sum(task.confidence for task in tasks) / 20 == pytest.approx(own["mis-pixels"], abs=1e-3)
    right = sum(1.0 if task.right else 0.5 if task.right is None else 0.0 for task in tasks) / 20
    assert right == pytest.approx(own["right-pixels"], abs=1e-3)


@pytest.mark.parametrize(("name", "value"), [("conv", "conv9"), ("of", "nothing.0"), ("judge", "me"), ("at", "99")])
def test_a_wrong_address_is_said(units: OpenPage, name: str, value: str) -> None:
    app = units(**{name: value})
    assert not app.exception
    assert name in words(app)


def test_every_included_study_names_networks_that_are_there_and_their_tables_are_included() -> None:
    engine = Engine("cpu")
    assert set(STUDIES) == set(known_sweeps((shipped_folder(),), "units"))
    for name in STUDIES:
        for model in spec_of(name).models:
            assert engine.card(model)
        study = unit_study(name, engine)
        assert all(study.path(variant, "units", shipped_folder()).is_file() for variant in study.variants)


@pytest.mark.parametrize("name", ["squeezenet1_1", pytest.param("efficientnet-lite0", marks=pytest.mark.long)])
def test_a_study_of_some_layers_offers_these(units: OpenPage, name: str, own_cache: Path) -> None:
    study, app = unit_study(name, Engine("cpu", own_cache)), units(study=name, at="6", judge="pixels")
    assert not app.exception
    (layers,) = [box.options for box in app.selectbox if box.label == "Layer"]
    assert layers == [layer.name for layer in study.layers(study.variants[0].model)]
    rows = unit_answers.summary(study, by_layer=True)
    here = rows[(rows.network == study.variants[-1].key) & (rows.layer == layers[-1])].iloc[0]
    assert score(here["mis-pixels"]) in app.header[0].value
    assert "among 1,000 classes" in words(app)


@pytest.mark.long
def test_the_report_says_what_the_page_says(units: OpenPage) -> None:
    app = units(at="12", conv="conv2", judge="pixels")
    assert "Report" in {button.proto.label for button in app.get("download_button")}
    variant = spec_of("digits").variants(spec_of("digits").models[0])[12]
    asked = View(opened=unit_data.opened("digits"), variant=variant, layer="conv2", similarity="pixels")
    page = check(to_html(report.maker(asked)()), MOST_BYTES)
    assert app.header[0].value.replace("**", "") in page.words
    assert len(page.all("figure")) == 3
    assert page.words.startswith("Units of Small digit CNN (thesis), layer conv2, at 93.4 % sparsity")
