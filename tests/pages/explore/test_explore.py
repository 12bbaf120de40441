"""Explore as a person uses it, without a browser: widgets, links, bad input, damaged files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import streamlit as st

import core.engine.engine
from core.base.errors import BadFile
from pages.parts.common import engine
from tests.overflowing import write_overflowing
from tests.pages.conftest import DIGITS, ROOT, OpenPage, pictures_at, words


def test_the_first_view_has_everything(explore: OpenPage) -> None:
    app = explore()
    assert not app.exception
    assert not app.error
    assert not app.warning
    assert "30.0 % sparsity" in app.header[0].value
    assert "looks at the same places" in app.header[0].value
    assert pictures_at(app) == {"30.0000% sparsity"}
    assert "agreement **0.98**" in words(app)
    assert "0.98 by Layer-CAM" in words(app)
    assert [metric.label for metric in app.metric] == ["Kept weights"]


def test_a_digit_has_scores_against_its_ink_and_an_accuracy(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    assert not app.exception
    assert not app.error
    assert "70.0 % sparsity" in app.header[0].value
    assert pictures_at(app) == {"70.0086% sparsity"}
    assert [metric.label for metric in app.metric] == ["Accuracy, with noise", "Kept weights"]
    assert len(app.get("plotly_chart")) == 1  # closed expanders send nothing
    assert [expander.label for expander in app.main.expander][-1] == "What do these words mean?"
    assert "95 % interval" in words(app)


def test_every_picture_and_chart_has_words(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    assert all(image.alt for element in app.get("image") for image in element.proto.imgs)
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))


def test_the_slider_moves_pictures_sentence_and_scores(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    before = [metric.value for metric in app.metric]
    app.slider(key="sparsity").set_value(95.0).run()
    assert pictures_at(app) == {"95.0086% sparsity"}
    assert "95.0 % sparsity" in app.header[0].value
    assert [metric.value for metric in app.metric] != before


@pytest.mark.long
@pytest.mark.parametrize("criterion", ["magnitude", "random"])
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("sparsity", ["0", "100"])
def test_the_ends_of_the_slider(explore: OpenPage, sparsity: str, scope: str, criterion: str) -> None:
    app = explore(sparsity=sparsity, scope=scope, criterion=criterion)
    assert not app.exception
    assert not app.error
    if sparsity == "0":
        assert "Nothing is removed yet" in app.header[0].value
    else:
        assert "collapsed" in app.header[0].value
        app.session_state["open_scores"] = True
        scores = [
            metric.value for metric in app.run().metric if metric.label not in ("Accuracy, with noise", "Kept weights")
        ]
        assert scores == ["0.00", "0.00", "0.00", "–"]  # no correlation with an empty map
        assert "Undefined, because the pruned network's map is empty." in words(app)


def test_a_network_whose_outputs_overflow_is_said_to_give_no_answer(explore: OpenPage, own_cache: Path) -> None:
    write_overflowing(own_cache)
    app = explore(noise="false")
    assert not app.exception
    assert not app.error
    assert "gives no answer" in app.header[0].value
    assert "Neither does the dense network." in app.header[0].value
    assert "The pruned network's outputs overflow" in words(app)
    assert "SPARSIGHT_PRECISION" in words(app)
    assert not re.search(r"\bnan\b", words(app), re.IGNORECASE)


def test_a_deep_link_shows_its_values(explore: OpenPage) -> None:
    app = explore(
        unit="level",
        level="12",
        schedule="iterative-reset",
        seed="335",
        digit="3",
        nth="17",
        noise="false",
        target="own",
        opacity="40",
        **DIGITS,
    )
    assert not app.exception
    assert not app.warning or "Flipped" in app.warning[0].value
    assert pictures_at(app) == {f"{1 - 153 / 2324:.4%} sparsity"}
    assert app.slider(key="level").value == 12
    assert app.number_input(key="nth").value == 17
    assert app.slider(key="opacity").value == 40
    assert "Accuracy, without noise" in [metric.label for metric in app.metric]


@pytest.mark.long
def test_one_amount_in_three_units(explore: OpenPage) -> None:
    app = explore(sparsity="79.9")
    app.segmented_control(key="unit").set_value("ratio").run()
    assert app.select_slider(key="ratio").value == "5"
    app.segmented_control(key="unit").set_value("level").run()
    assert app.slider(key="level").value == 7
    app.segmented_control(key="unit").set_value("percent").run()
    assert app.slider(key="sparsity").value == pytest.approx(79.3, abs=0.1)


def test_the_trained_series_takes_the_nearest_level(explore: OpenPage) -> None:
    app = explore(schedule="iterative-reset", sparsity="90")
    assert pictures_at(app) == {f"{1 - 243 / 2324:.4%} sparsity"}
    assert "nearest trained" in words(app)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cam", "no-cam"),
        ("level", "99"),
        ("sparsity", "nan"),
        ("sparsity", "lots"),
        ("seed", "1"),
        ("noise", "perhaps"),
        ("level", "5.5"),
    ],
)
def test_a_bad_address_falls_back_and_says_so(explore: OpenPage, name: str, value: str) -> None:
    app = explore(**{name: value, "opacity": "40"})
    assert not app.exception
    assert not app.error
    assert f"`{name}={value}` cannot be used" in app.warning[0].value
    assert pictures_at(app) == {"70.0086% sparsity"}
    assert app.slider(key="opacity").value == 40  # the good part of the address counts
    assert app.query_params.get(name) not in (value, [value])


def test_the_words_of_a_bad_address_go_with_the_next_move(explore: OpenPage) -> None:
    app = explore(cam="no-cam", layer="relu2")
    assert "`cam=no-cam` cannot be used" in app.warning[0].value
    assert app.selectbox(key="cam").value == "grad-cam++"  # what the words say is used instead
    app.slider(key="sparsity").set_value(60.0).run()
    assert not app.warning


def test_slow_methods_wait_for_a_click(explore: OpenPage) -> None:
    app = explore(cam="score-cam")
    assert "many passes" in app.info[0].value
    assert not app.metric
    next(button for button in app.button if button.label == "Compute").click().run()
    assert not app.exception
    assert pictures_at(app) == {"70.0086% sparsity"}
    app.slider(key="sparsity").set_value(60.0).run()
    assert "many passes" in app.info[0].value
    app.slider(key="sparsity").set_value(70.0).run()
    assert pictures_at(app) == {"70.0086% sparsity"}  # what was computed is found again


@pytest.mark.parametrize("key", ["open_threshold", "open_predictions", "open_cost", "open_scores"])
def test_expanders_compute_when_opened(explore: OpenPage, key: str) -> None:
    app = explore(**DIGITS)
    closed = len(words(app)) + len(app.get("plotly_chart")) + len(app.table)
    app.session_state[key] = True
    app.run()
    assert not app.exception
    assert len(words(app)) + len(app.get("plotly_chart")) + len(app.table) > closed


def test_code_for_the_view_is_shown(explore: OpenPage) -> None:
    app = explore(sparsity="90", digit="3")
    (code,) = app.code
    assert "PruningSpec.one_shot(0.9)" in code.value
    assert "ImageRef(name='" in code.value


def hide_shipped(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """The app sees a copy of what ships, to be damaged."""
    copy = folder / "models_cache" / "shipped"
    shutil.copytree(ROOT / "models_cache" / "shipped", copy)
    monkeypatch.setattr(core.base.settings, "REPOSITORY", folder)
    return copy / "thesis-cnn" / "mnist-55000" / "seed-333"


@pytest.mark.usefixtures("own_cache")
def test_a_missing_network_is_explained(explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = hide_shipped(monkeypatch, tmp_path)
    (shipped / "iterative-reset" / "level-05.safetensors").unlink()
    app = explore(schedule="iterative-reset", unit="level", level="5")
    assert not app.exception
    assert "level-05" in app.error[0].value
    assert "python -m core protocol run" in app.error[0].value
    assert app.slider(key="level").value == 5  # the person can go on from here
    app.slider(key="level").set_value(6).run()
    assert not app.error


@pytest.mark.usefixtures("own_cache")
def test_a_truncated_network_is_explained(explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = hide_shipped(monkeypatch, tmp_path) / "iterative-reset" / "level-00.safetensors"
    path.write_bytes(path.read_bytes()[:500])
    app = explore(**DIGITS)
    assert not app.exception
    assert "cannot be used" in app.error[0].value
    assert "Traceback" not in words(app)


@pytest.mark.usefixtures("own_cache")
def test_a_damaged_accuracy_table_leaves_the_pictures(
    explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hide_shipped(monkeypatch, tmp_path) / "accuracy.csv").write_text(
        "pruning,data,correct,total,network,check\na,b,9,1,0,0\n"
    )
    app = explore(**DIGITS)
    assert pictures_at(app) == {"70.0086% sparsity"}
    assert not app.error
    assert app.metric[0].value.endswith("%")  # counted
    assert "accuracy.csv is damaged, so not used." in words(app)


def test_without_a_table_the_accuracy_is_counted(
    explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = explore(**DIGITS).metric[0].value
    st_clear()
    (hide_shipped(monkeypatch, tmp_path) / "accuracy.csv").unlink()
    assert explore(**DIGITS).metric[0].value == shipped


def st_clear() -> None:
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.mark.usefixtures("own_cache")
def test_a_cache_folder_that_cannot_be_written_costs_nothing(
    explore: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_CACHE", "/dev/null/cache")
    app = explore(**DIGITS)
    assert not app.exception
    assert not app.error
    assert pictures_at(app) == {"70.0086% sparsity"}


def test_a_bug_is_no_traceback(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(engine, "comparison", broken)
    app = explore(**DIGITS)
    assert not app.exception
    assert "An unexpected error occurred" in app.error[0].value
    assert "ZeroDivisionError" in app.code[0].value  # folded, for a report


@pytest.mark.usefixtures("own_cache")
def test_a_damaged_line_of_accuracies_costs_no_other_line(
    explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = explore(**DIGITS).metric[0]
    st_clear()
    table = hide_shipped(monkeypatch, tmp_path) / "accuracy.csv"
    head, *lines, last = table.read_text().splitlines(keepends=True)
    table.write_text("".join((head, *lines, last.replace(",", ";"))))
    app = explore(**DIGITS)
    assert not app.error
    assert (app.metric[0].label, app.metric[0].value) == (whole.label, whole.value)
    assert f"Line {len(lines) + 2} of " in words(app)


@pytest.mark.usefixtures("own_cache")
def test_an_accuracy_that_cannot_be_counted_stops_counting(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*args: object) -> None:
        raise BadFile("The digits cannot be read.")

    monkeypatch.setattr(core.engine.engine.Engine, "known_accuracy", unreadable)
    app = explore(**DIGITS)
    assert "The digits cannot be read." in app.error[0].value
    assert [metric.label for metric in app.metric] == ["Kept weights"]


def test_the_door_needs_no_click(explore: OpenPage) -> None:
    app = explore(**DIGITS).switch_page("app.py").run()
    assert not app.exception
    assert not app.error
    assert "Does a pruned network still look at the same things?" in app.title[0].value
    assert "espresso" in app.header[0].value


@pytest.mark.long
@pytest.mark.usefixtures("own_cache")
def test_a_lower_precision_says_what_it_changes_here(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any("Computed in" in found.label for found in explore(**DIGITS).expander)
    st.cache_resource.clear()
    monkeypatch.setenv("SPARSIGHT_PRECISION", "bfloat16")
    app = explore(**DIGITS)
    assert any(found.label == "Computed in bfloat16" for found in app.expander)
    app.button(key="_rounding").click().run()
    assert not app.error
    said = next(found.value for found in app.info if "In float32" in found.value)
    changed = float(re.search(r"probabilities differ by up to ([\d.e-]+),", said)[1])
    assert 0 < changed < 0.1
