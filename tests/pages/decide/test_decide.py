"""Decide: from the candidates to the recommendation, on the included digits."""

from __future__ import annotations

import html
import json
import re
import time
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from core import CamSpec, Engine, PruningSpec, VariantSpec
from core.specs import ModelSpec
from tests.data.made_sets import folder_files, write_folder
from tests.pages.conftest import PATIENCE_S, OpenPage, open_page, shown_by, words

QUICK = {"images": "50", "loss": "20"}


@pytest.fixture
def decide() -> OpenPage:
    """Opens Decide with an address: decide(images="50")."""
    return partial(open_page, "decide")


def measured(app: AppTest) -> AppTest:
    """Presses Measure, unless the answer is there, and runs the page until it is."""
    if can_start(app):
        app.button(key="_start_decide").click().run()
    end = time.monotonic() + PATIENCE_S
    while not app.header and not app.error and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
    return app


def can_start(app: AppTest) -> bool:
    return any(button.key == "_start_decide" for button in app.button)


def test_digits_decide_at_once(decide: OpenPage) -> None:
    app = decide(**QUICK)
    assert not app.exception
    assert app.button(key="_start_decide").label == "Measure 4 candidates on 50 images"
    app = measured(app)
    assert not app.exception
    assert app.header[0].value.startswith("**Ship Level 10**: its compressed file size is")
    assert "cannot be told apart in accuracy from" in words(app)
    table = app.dataframe[0].value
    assert table.Network.tolist()[0] == "Dense (reference)"
    assert "recommended" in table.Verdict.tolist()
    assert len(app.get("plotly_chart")) == 1
    assert "--level 10" in app.code[0].value


def test_a_limit_moves_the_recommendation_without_another_pass(decide: OpenPage) -> None:
    app = measured(decide(**QUICK))
    app.slider(key="loss").set_value(0.5).run()
    assert not can_start(app)
    assert app.header[0].value.startswith("**No candidate is surely within the limits**")
    assert "would do if these shares hold" in words(app)
    assert app.query_params["loss"] == "0.5"


def test_the_view_is_in_the_address(decide: OpenPage) -> None:
    texts = ["level.2", "sparsity.25,way.filter-global-magnitude", "seed.334"]
    app = decide(**QUICK, candidates=texts, ref="level.1", cam="grad-cam++")
    assert not app.exception
    assert not app.warning
    assert list(app.multiselect(key="candidates").value) == texts
    assert app.button(key="_start_decide").label == "Measure 3 candidates on 50 images"
    assert app.query_params["candidates"] == texts
    assert app.query_params["ref"] == "level.1"


def test_a_candidate_is_added(decide: OpenPage) -> None:
    app = decide(**QUICK)
    app.selectbox(key="_add_granularity").set_value("filter").run()
    app.number_input(key="_add_share").set_value(12.5).run()
    app.button(key="_add_candidate").click().run()
    assert not app.exception
    added = "sparsity.12.5,way.filter-global-magnitude"
    assert list(app.multiselect(key="candidates").value) == ["level.3", "level.6", "level.10", "sparsity.30", added]
    assert "5 candidates" in app.button(key="_start_decide").label


def test_what_is_no_candidate_is_explained(decide: OpenPage) -> None:
    app = decide(**QUICK)
    app.segmented_control(key="_add_amount").set_value("dense").run()
    app.button(key="_add_candidate").click().run()
    assert "the network itself" in app.error[0].value
    app.segmented_control(key="_add_amount").set_value("level").run()
    app.number_input(key="_add_level").set_value(400).run()
    app.button(key="_add_candidate").click().run()
    assert "400" in app.error[0].value
    app = decide(**QUICK, candidates=["seed.334"], ref="seed.334")
    assert "The reference is among the candidates" in app.error[0].value


def test_an_address_that_cannot_be_used_is_said(decide: OpenPage) -> None:
    app = decide(candidates=["level.99", "level.4"], on="moon", loss="200", cost="price")
    assert not app.exception
    said = app.warning[0].value
    assert all(name in said for name in ("level.99", "moon", "loss", "price"))
    assert list(app.multiselect(key="candidates").value) == ["level.4"]


@pytest.mark.parametrize(
    "pruning",
    [
        PruningSpec(),
        PruningSpec.at_level(7),
        PruningSpec.one_shot(0.25, "layer", granularity="filter"),
        PruningSpec.one_shot(None, granularity="2:4"),
    ],
)
def test_a_row_opens_that_network_in_explore_and_beside_the_reference_in_compare(pruning: PruningSpec) -> None:
    from pages.parts.common.network_links import compare_link, explore_link

    variant, reference = VariantSpec(pruning=pruning), VariantSpec(model=ModelSpec(seed=334))
    link = urlsplit(explore_link(variant, CamSpec(), reference))
    app = open_page(link.path, **parse_qs(link.query))
    assert not app.exception
    assert "Parts of the address" not in words(app)
    assert shown_by(app) == (variant if not pruning.is_dense else VariantSpec(pruning=PruningSpec.one_shot(0.0)))
    link = urlsplit(compare_link(variant, CamSpec(), reference))
    app = open_page(link.path, **parse_qs(link.query))
    assert not app.exception
    assert "Parts of the address" not in words(app)
    assert "beside" in words(app)


@pytest.mark.long
def test_photographs_of_ones_own(decide: OpenPage, own_cache: Path, tmp_path: Path) -> None:
    """A folder is named on the page; without one, the page says what is missing."""
    folder = write_folder(tmp_path / "photos", folder_files(each=3))
    app = decide(model="squeezenet1_1", weights="random", candidates=["sparsity.20"])
    assert "Choose images in the sidebar" in words(app)
    app.text_input(key="path").set_value(str(folder)).run()
    assert app.button(key="_start_decide").label == "Measure 1 candidate on 9 images"
    app = measured(app)
    assert not app.exception
    assert len(app.dataframe[0].value) == 2
    app.text_input(key="path").set_value(str(tmp_path / "no such")).run()
    assert "no such" in app.error[0].value


def test_a_locked_server_takes_no_path(decide: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    folder = write_folder(tmp_path / "photos", folder_files(each=3))
    app = decide(model="squeezenet1_1", weights="random", on="path", path=str(folder), images="all")
    assert not app.exception
    assert "`path` is not a parameter of this page" in " ".join(app.warning[0].value.split("\n"))
    assert not [field for field in app.text_input if field.key == "path"]
    assert not can_start(app)
    app = measured(decide(**QUICK))  # digits work
    assert app.header[0].value.startswith("**Ship")


def test_a_name_is_not_read_as_markup(decide: OpenPage, own_cache: Path) -> None:
    title = "![b](beacon.png) **[l](y)** <b>"
    model = Engine("cpu", own_cache).save_smaller(VariantSpec(pruning=PruningSpec.at_level(10)), title)
    app = measured(decide(**QUICK, candidates=[f"model.{model.name}"]))
    assert not app.exception
    assert app.header[0].value.startswith(r"**Ship \!\[b\](beacon.png)")
    said = words(app)
    assert "beacon" in said
    assert not re.search(r"(?<!\\)!\[b\]|(?<!\\)\[l\]", said)
    (chart,) = app.get("plotly_chart")
    assert html.escape(title) in json.loads(chart.proto.spec)["data"][2]["customdata"][0]
    assert title in app.dataframe[0].value.Network.tolist()
