"""Explore and Compare of networks that were retrained here: half-trained series, several runs, and
untrained weights as a control.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.engine.engine import Engine
from pages.parts.common.address import of_model
from tests.pages.conftest import open_page, pictures_at, shown_by, words
from tests.protocols import small_series
from tests.protocols.small_series import NAME

SHIPPED = "squeezenet1_1@imagenette-128"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one network: "begun", seed 2, was stopped after level 0; "short", seed 4, is
    complete.
    """
    folder = tmp_path_factory.mktemp("series")
    data = small_series.photographs(folder / "data", per_class=4)
    small_series.train(folder / "cache", data, "begun", (0.0, 0.5), seed=2)
    next((folder / "cache").rglob("begun/**/level-01.safetensors")).unlink()
    small_series.train(folder / "cache", data, "short", (0.0, 0.3), seed=4)
    return folder / "cache"


@pytest.fixture
def series(trained: Path, own_cache: Path) -> Iterator[None]:
    shutil.copytree(trained, own_cache)
    return


def opened(page: str, **address: str) -> AppTest:
    app = open_page(page, **address)
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("model", "weights", "units"),
    [
        (SHIPPED, "merkle-global", ["Percent", "Compression", "Level"]),
        (SHIPPED, "random", ["Percent", "Compression"]),
        ("efficientnet-lite0", "random", ["Percent", "Compression"]),
    ],
)
def test_weights_offer_levels_only_where_they_have_a_series(model: str, weights: str, units: list[str]) -> None:
    app = opened("explore", model=model, weights=weights)
    assert not app.error
    assert app.segmented_control(key="unit").options == units


def test_choosing_untrained_weights_leaves_the_levels(series: None) -> None:
    app = opened("explore", model=NAME, weights="short")
    assert app.segmented_control(key="unit").value == "level"
    app.selectbox(key="weights").set_value("random").run()
    assert not app.error
    assert app.segmented_control(key="unit").value == "percent"
    assert "25.0 % sparsity" in app.header[0].value


def test_a_series_stopped_after_its_dense_network_opens(series: None) -> None:
    app = opened("explore", model=NAME, weights="begun")
    assert not app.error
    assert pictures_at(app) == {"0.0000% sparsity"}
    assert "Only level 0, the dense network, is trained so far." in words(app)
    assert "level" not in [slider.key for slider in app.slider]
    assert not opened("compare", model=NAME, weights="begun", rows="schedules").error


def test_a_run_is_opened_with_its_own_seed(series: None) -> None:
    app = opened("explore", model=NAME, weights="begun")  # the model's first seed is the other run's
    assert not app.error
    assert shown_by(app).model.seed == 2


def test_the_seed_of_another_run_is_refused(series: None) -> None:
    app = opened("explore", model=NAME, weights="short", seed="2")
    assert "`seed=2` cannot be used: unknown value; allowed: 4. Used instead: `seed=4`." in app.warning[0].value
    assert shown_by(app).model.seed == 4


def test_levels_are_those_of_the_run(series: None) -> None:
    Engine("cpu")  # registers the networks that were retrained here
    assert of_model(NAME, "short")["level"].high == 1
