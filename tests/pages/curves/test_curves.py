"""Curves: its address, its words, and what it does with tables that are not sound."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from core.base.numbers import score
from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.figures import study_text
from core.figures.plots.lukkien import overlap_name
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.sensitivity import load_sensitivity
from core.protocols.lukkien.sensitivity_text import counts, moves
from core.protocols.lukkien.tables import StudyTables, load_study, study_folder
from pages.parts.common import address, engine
from pages.parts.common.address_problems import problems
from pages.parts.curves import study_figures, study_view
from tests.pages.conftest import OpenPage
from tests.protocols.damage import DAMAGES, damage

SHIPPED = shipped_folder()
STUDY = ("mnist-60000", "mnist-test+noise-0.2-s0")


def words(app) -> str:
    return "\n".join(part.value for kind in (app.header, app.markdown, app.caption, app.warning) for part in kind)


def test_the_address_is_a_public_format() -> None:
    assert {name: f"{known.default}" for name, known in study_view.PARAMETERS.items()} == {
        "tab": "curves",
        "trained": "60000",
        "axis": "level",
        "fitting": "soft-iou",
        "oneshot": "true",
        "random": "false",
        "published": "true",
        "collapsed": "true",
        "image": "3500",
        "seed": "333",
    }
    assert study_view.PARAMETERS["axis"].names == ("level", "sparsity", "density", "ratio")


def test_the_first_view_says_what_was_measured(curves: OpenPage) -> None:
    app = curves()
    assert not app.exception
    assert not app.error
    study = load_study([SHIPPED], *STUDY)
    pearson = study_text.pearson(study.correlations, "mean", "all").value
    assert "60,000 training images, 10,000 test images" in words(app)
    assert "26 points are not 26 independent networks" in words(app)
    app = curves(tab="together")
    assert f"Pearson **{pearson:.2f}**" in app.header[0].value
    assert "df 25" in words(app)  # what the thesis prints is said, and that n - 2 is 24


def test_the_headline_is_made_from_the_numbers() -> None:
    study = load_study([SHIPPED], *STUDY)
    mean = study.mean[study.mean.series == "iterative-reset"]
    good = mean[mean.accuracy_noisy >= mean.accuracy_noisy.iloc[0] - 0.01]
    assert f"**{good.weights_left.iloc[-1]:,} weights**" in study_text.headline(study)


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
    assert "n = 26 levels, df = 24" in words(curves(tab="together"))
    assert "n = 25 levels, df = 23" in words(curves(tab="together", collapsed="false"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("axis", "time"),
        ("trained", "1000"),
        ("image", "nan"),
        ("seed", "1"),
        ("fitting", "best-guess"),
        ("colour", "red"),
    ],
)
def test_a_wrong_address_is_said(curves: OpenPage, name: str, value: str) -> None:
    app = curves(**{name: value})
    assert not app.exception
    assert name in app.warning[0].value
    assert app.header


@pytest.mark.parametrize(("how", "said"), DAMAGES.items())
def test_damaged_tables_are_a_clear_message(curves: OpenPage, own_cache: Path, how: str, said: str) -> None:
    folder = study_folder(own_cache, *STUDY)
    shutil.copytree(study_folder(SHIPPED, *STUDY), folder)
    damage(folder, how)
    app = curves()
    assert not app.exception
    assert re.search(said, app.error[0].value.replace("\\", ""))
    assert "protocol run lukkien" in app.error[0].value
    assert not app.code  # no traceback


@pytest.mark.parametrize(
    "fitting", ["soft-iou", *(pytest.param(each, marks=pytest.mark.long) for each in FITTINGS if each != "soft-iou")]
)
def test_the_fitting_changes_headline_figures_and_correlations(curves: OpenPage, fitting: str) -> None:
    app = curves(tab="together", fitting=fitting, random="true")
    first = curves(fitting=fitting, random="true")
    assert not app.exception
    study, name = load_study([SHIPPED], *STUDY), overlap_name(fitting)
    pearson = study_text.pearson(study.correlations, "mean", "all", fitting)
    assert f"correlates with {name} (Pearson **{pearson.value:.2f}**)" in app.header[0].value
    assert f"{pearson.value:.2f} [{pearson.low:.2f}, {pearson.high:.2f}]" in str(app.table[0].value)
    titles = [
        json.loads(chart.proto.spec)["layout"]["title"]["text"].replace("<br>", " ")
        for view in (first, app)
        for chart in view.get("plotly_chart")
    ]
    assert [name.replace(", upper bound", "") in title for title in titles] == [True, True]
    assert ("Control networks were evaluated with soft IoU only" in words(first)) == (fitting != "soft-iou")
    assert FITTINGS[fitting].summary in words(app)


def test_an_unknown_fitting_falls_back(curves: OpenPage) -> None:
    app = curves(tab="together", fitting="best-single-treshold")
    assert "did you mean best-single-threshold?" in app.warning[0].value
    assert "Used instead: `fitting=soft-iou`" in app.warning[0].value
    assert "soft IoU (Pearson" in app.header[0].value


def test_a_study_without_the_fitting_says_so(monkeypatch: pytest.MonkeyPatch, curves: OpenPage) -> None:
    monkeypatch.setattr(StudyTables, "fittings", lambda study: ["soft-iou"])
    app = curves(tab="together", fitting="top-p-of-ink")
    assert (
        "was not evaluated with **As many pixels as there is ink**; soft IoU is shown instead" in app.warning[0].value
    )
    assert "soft IoU (Pearson" in app.header[0].value


def test_undefined_correlations_are_dashes() -> None:
    study = load_study([SHIPPED], *STUDY)
    blank = study.correlations.assign(value=float("nan"), low=float("nan"), high=float("nan"))
    assert "(Pearson **–**)" in study_text.together(replace(study, correlations=blank))


def test_each_tab_says_its_finding() -> None:
    study = load_study([SHIPPED], *STUDY)
    thesis = study.levels[study.levels.series == "iterative-reset"].groupby("level")
    most = thesis.empty_maps.sum() > thesis.soft_iou_n.sum() / 2
    assert f"At level **{most.idxmax()}**" in study_text.emptied(study)
    kept = replace(study, mean=study.mean.assign(empty_maps=0))
    assert study_text.emptied(kept) == "At no level are most heatmaps empty; the maximum is 0.0 %."
    said = study_text.right_and_wrong(study)
    apart = study.paired[study.paired.level == 0].paired_difference
    assert all(f"{value:+.2f}".replace("-", "−") in said for value in apart if abs(value) >= 0.005)


def test_a_short_study_does_not_claim_the_deep_level() -> None:
    levels = load_study([SHIPPED], *STUDY).levels
    thesis = levels[levels.series == "iterative-reset"]
    assert "At 98.0 % sparsity (46 weights) we measure" in study_text._claim(thesis)
    assert "does not reach 98.0 % sparsity" in study_text._claim(thesis[thesis.level < 5])


def test_a_mean_without_interval_is_said() -> None:
    study = load_study([SHIPPED], *STUDY)
    older = replace(study, mean=study.mean[[name for name in study.mean if not name.startswith("top-p-of-ink")]])
    view = study_view.View(
        study=STUDY, axis="level", fitting="top-p-of-ink", controls=(), published=False, without_collapsed=False
    )
    assert "these tables have none for IoU (as many pixels as there is ink)" in study_text.origin(older, view.shown)
    assert "Bands are 95 % intervals" in study_text.origin(study, view.shown)


def test_each_level_has_a_picture_and_a_link_to_explore(curves: OpenPage) -> None:
    app = curves(tab="digit", seed="334", image="17")
    rows = study_figures.level_pictures(17, 334)
    assert [level for level, _, _ in rows] == list(range(26))
    assert all(url.startswith("data:image/jpeg;base64,") for _, url, _ in rows)
    links = [part.value for part in app.markdown if part.value.startswith("[Level")]
    assert [re.sub(r"\(.*\)", "", link) for link in links] == [
        f"[Level {level}]: **{says}**" for level, _, says in rows
    ]
    label = int(engine.engine().gallery().labels[17])
    for level, link in enumerate(links):
        query = dict(parse_qsl(re.search(r"\(explore\?(.*)\)", link)[1]))
        assert {
            "schedule": "iterative-reset",
            "unit": "level",
            "level": str(level),
            "seed": "334",
            "target": "own",
            "digit": str(label),
            "nth": str(engine.rows_of_class(label).index(17) + 1),
        }.items() <= query.items()
        assert problems(query, address.PARAMETERS) == []


@pytest.mark.long
def test_every_figure_is_saved_in_three_ways_except_when_presenting(curves: OpenPage) -> None:
    for tab in ("curves", "together", "maps", "answers", "choices"):
        app = curves(tab=tab)
        assert [button.proto.label for button in app.get("download_button")].count("HTML") == 1
        assert len(app.get("plotly_chart")) == len(app.get("bidi_component")) == 1
    shown = curves(present="1")
    assert len(shown.get("plotly_chart")) == 1
    assert len(shown.get("download_button")) == len(shown.get("bidi_component")) == 0


def test_controls_can_be_hidden_and_locked(curves: OpenPage) -> None:
    names = set(study_view.PARAMETERS) - {"tab"}
    assert keys(curves(tab="digit")) == dict.fromkeys(names, False)
    assert keys(curves(tab="digit", lock=",".join(names))) == dict.fromkeys(names, True)
    app = curves(hide=",".join(names - {"axis"}), fitting="top-p-of-ink", tab="together")
    assert keys(app) == {"axis": False}
    assert "as many pixels as there is ink" in app.header[0].value


def keys(app) -> dict[str, bool]:
    """Controls on the page by name, and whether they are locked."""
    kinds = (app.selectbox, app.number_input, app.toggle, app.segmented_control)
    return {element.key: element.disabled for kind in kinds for element in kind if element.key in study_view.PARAMETERS}


def test_the_same_seeds_trained_again_stand_beside(curves: OpenPage, engine: Engine) -> None:
    """How far rounding alone moves the numbers is said, from both tables."""
    first, again = (
        load_study(engine.roots, name, "mnist-test+noise-0.2-s0") for name in ("mnist-60000", "mnist-60000-again")
    )
    keys = ["series", "seed", "level"]
    apart = first.levels.merge(again.levels, on=keys)
    apart = apart[apart.series == "iterative-reset"]
    moved = (apart.accuracy_noisy_x - apart.accuracy_noisy_y).abs() * 100
    text = words(curves())
    within, most = re.search(r"agree within ([\d.]+) points.* differ by up to ([\d.]+) points", text).groups()
    assert moved[apart.level <= 9].max() <= float(within) < moved[apart.level <= 9].max() + 0.1
    assert moved.max() <= float(most) < moved.max() + 0.1
    for study in (first, again):
        table = study.correlations_usable
        rows = table[
            (table.coefficient == "pearson")
            & (table.fitting == "soft-iou")
            & (table.levels == "all")
            & (table.series != "mean")
        ]
        assert ", ".join(map(score, rows.value)) in text
    assert "Rounding matters" in words(curves(trained="60000 again"))
    assert "Rounding matters" not in words(curves(trained="55000"))


@pytest.mark.parametrize("trained", ["60000", "55000"])
def test_other_choices_are_those_of_the_included_networks(curves: OpenPage, trained: str) -> None:
    app = curves(tab="choices", trained=trained)
    assert not app.exception
    assert not app.error
    result = load_sensitivity([SHIPPED], "mnist-55000", "digits+noise-0.2-s0")
    assert "55,000 images" in words(app)
    assert moves(result) in words(app)
    without = counts(result.of()[result.of()["empty"] == "left-out"])
    assert f"**{without['above_high']} of 84**" in app.header[0].value
    assert "Pearson by option" in [each.label for each in app.expander]
