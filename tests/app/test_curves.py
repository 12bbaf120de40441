"""Curves: its address, its words, and what it does with tables that are not sound."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.engine import REPOSITORY
from core.protocols.lukkien_tables import load_study, study_folder
from pages.shared import study_view
from tests.app.conftest import OpenPage

SHIPPED = REPOSITORY / "models_cache" / "shipped"
STUDY = ("mnist-60000", "mnist-test+noise-0.2-s0")


def words(app) -> str:
    return "\n".join(part.value for kind in (app.header, app.markdown, app.caption, app.warning) for part in kind)


def test_the_address_is_a_public_format() -> None:
    assert {name: f"{known.default}" for name, known in study_view.PARAMETERS.items()} == {
        "trained": "60000",
        "axis": "level",
        "oneshot": "true",
        "random": "false",
        "published": "true",
        "collapsed": "true",
        "image": "3500",
    }
    assert study_view.PARAMETERS["axis"].names == ("level", "sparsity", "density", "ratio")


def test_the_first_view_says_what_was_measured(curves: OpenPage) -> None:
    app = curves()
    assert not app.exception
    assert not app.error
    study = load_study([SHIPPED], *STUDY)
    pearson = study_view.pearson(study.correlations, "mean", "all").value
    assert f"Pearson **{pearson:.2f}**" in app.header[0].value
    assert "60,000 training images, 10,000 test images" in words(app)
    assert "26 points are not 26 independent networks" in words(app)
    assert "df 25" in words(app)  # what the thesis prints is said, and that n - 2 is 24


def test_the_headline_is_made_from_the_numbers() -> None:
    study = load_study([SHIPPED], *STUDY)
    mean = study.mean[study.mean.series == "iterative-reset"]
    good = mean[mean.accuracy_noisy >= mean.accuracy_noisy.iloc[0] - 0.01]
    assert f"**{good.weights_left.iloc[-1]:,} weights**" in study_view.headline(study)


def test_the_other_study_is_never_mixed_in(curves: OpenPage) -> None:
    text = words(curves(trained="55000"))
    assert "55,000 training images, 5,000 test images" in text
    assert "10,000 test images" not in text


@pytest.mark.parametrize("axis", ["sparsity", "density", "ratio"])
def test_every_axis_draws(curves: OpenPage, axis: str) -> None:
    app = curves(axis=axis, random="true", published="false")
    assert not app.exception
    assert app.selectbox(key="axis").value == axis


def test_without_collapsed_levels_there_are_fewer_points(curves: OpenPage) -> None:
    assert "n = 26 levels, df = 24" in words(curves())
    assert "n = 25 levels, df = 23" in words(curves(collapsed="false"))


@pytest.mark.parametrize(("name", "value"), [("axis", "time"), ("trained", "1000"), ("image", "nan"), ("colour", "red")])
def test_a_wrong_address_is_said(curves: OpenPage, name: str, value: str) -> None:
    app = curves(**{name: value})
    assert not app.exception
    assert name in app.warning[0].value
    assert app.header


def test_damaged_tables_are_a_clear_message(curves: OpenPage, own_cache: Path) -> None:
    folder = study_folder(own_cache, *STUDY)
    shutil.copytree(study_folder(SHIPPED, *STUDY), folder)
    (folder / "levels.csv").write_text("half")
    app = curves()
    assert not app.exception
    assert "half written or changed" in app.error[0].value
    assert "protocol run lukkien" in app.error[0].value


def test_the_strip_shows_every_level(curves: OpenPage) -> None:
    curves()
    rows = study_view.level_pictures(3500)
    assert [level for level, _, _ in rows] == list(range(26))
    assert all(url.startswith("data:image/jpeg;base64,") for _, url, _ in rows)
    assert rows[0][2] == 7
