"""Presenter mode and exercises: what the address hides, locks and enlarges, on any page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.common.address import PARAMETERS
from pages.parts.common.address_problems import problems
from tests.pages.conftest import DIGITS, OpenPage, open_page, pictures_at, words

PAGES = ("home", "explore", "curves", "lessons")


def styles(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html") if "clamp(" in element.proto.body]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_can_be_presented(page: str) -> None:
    app = open_page(page, present="1")
    assert not app.exception
    assert not app.error
    assert not app.warning
    assert len(styles(app)) == 1
    assert app.button(key="_present").label == "End presenting"
    app.button(key="_present").click().run()
    assert "present" not in app.query_params
    assert styles(app) == []


def test_presenting_begins_with_a_button(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    assert styles(app) == []
    app.button(key="_present").click().run()
    assert app.query_params["present"] == "1"
    assert pictures_at(app) == {"70.0086% sparsity"}


def test_explore_shows_a_room_what_it_needs(explore: OpenPage) -> None:
    app = explore(present="1", sparsity="80")
    assert pictures_at(app) == {"79.9914% sparsity"}
    assert "At **80.0 % sparsity**" in app.header[0].value
    assert not app.title
    assert not app.main.expander
    assert not app.code
    assert not app.get("download_button")
    assert not any("How much the highlighted area" in caption.value for caption in app.caption)
    assert "sparsity" in [slider.key for slider in app.main.slider]


@pytest.mark.parametrize(
    ("unit", "start", "up", "down"),
    [("percent", "70", 75, 70), ("level", "5", 6, 5), ("ratio", "3", "4", "3"), ("percent", "98", 100, 95)],
)
def test_a_clicker_moves_the_slider(explore: OpenPage, unit: str, start: str, up: object, down: object) -> None:
    name = {"percent": "sparsity"}.get(unit, unit)
    app = explore(present="1", unit=unit, **{name: start})
    buttons = {button.label: button.proto.shortcut.lower() for button in app.button}
    assert (buttons["Less"], buttons["More"]) == ("pageup", "pagedown")
    press(app, "More")
    assert app.session_state[name] == up
    press(app, "Less")
    assert app.session_state[name] == down


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


@pytest.mark.parametrize("value", ["yes", "2", "", "true"])
def test_a_strange_present_is_said(explore: OpenPage, value: str) -> None:
    app = explore(present=value)
    assert not app.exception
    assert f"`present={value}` cannot be used" in app.warning[0].value
    assert styles(app) == []


VALUES = {
    "unit": "ratio",
    "sparsity": "60",
    "ratio": "5",
    "level": "9",
    "source": "digits",
    "digit": "3",
    "nth": "4",
    "noise": "false",
    "seed": "334",
    "schedule": "iterative-reset",
    "criterion": "random",
    "scope": "layer",
    "cam": "grad-cam",
    "target": "own",
    "opacity": "40",
    "threshold": "0.3",
    "layer": "conv1",
    "granularity": "kernel",
    "ref": "seed.334",
}


def drawn(app: AppTest) -> dict[str, bool]:
    """Controls on the page by name, and whether they are locked."""
    kinds = (app.slider, app.select_slider, app.selectbox, app.number_input, app.toggle, app.segmented_control)
    return {element.key: element.disabled for kind in kinds for element in kind if element.key in PARAMETERS}


def test_every_control_of_the_digits_has_a_value_to_try(explore: OpenPage) -> None:
    seen = {name for unit in ("percent", "ratio", "level") for name in drawn(explore(unit=unit, threshold="0.3"))}
    assert {"sparsity", "ratio", "level", "threshold"} <= seen <= set(VALUES) | {"model"}
    assert problems(VALUES, PARAMETERS) == []


QUICK = ("sparsity", "cam", "schedule")  # one control of a kind; the others are tried by make test-all


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in VALUES if name != "threshold"],
)
def test_a_hidden_control_keeps_its_value(explore: OpenPage, name: str) -> None:
    others = {"unit": {"level": "level", "ratio": "ratio"}.get(name, "percent")} if name != "unit" else {}
    view = {name: VALUES[name]} | others
    shown, hidden = explore(**view), explore(**view, hide=name)
    assert name in drawn(shown)
    assert name not in drawn(hidden)
    assert not hidden.exception
    assert not hidden.error
    assert len(hidden.warning) == len(shown.warning)
    said, said_before = (app.header[0].value.partition(" This is **less than two")[0] for app in (hidden, shown))
    assert said == said_before  # the noise floor may be computed between the two
    assert pictures_at(hidden) == pictures_at(shown)
    if name != "source":  # digits are the default, which an address leaves out
        assert hidden.query_params[name] == VALUES[name]  # as it came: nothing has touched it


QUICK = ("sparsity", "cam", "schedule")  # one control of a kind; the others are tried by make test-all


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in VALUES if name != "threshold"],
)
def test_a_locked_control_is_shown_and_cannot_be_moved(explore: OpenPage, name: str) -> None:
    unit = {"level": "level", "ratio": "ratio"}.get(name, "percent")
    app = explore(**({name: VALUES[name]} | ({"unit": unit} if name != "unit" else {})), lock=name)
    assert drawn(app)[name] is True
    assert [other for other, locked in drawn(app).items() if locked] == [name]
    assert str(app.session_state[name]).lower().removesuffix(".0") == VALUES[name]


def test_the_threshold_can_be_hidden_and_locked(explore: OpenPage) -> None:
    assert drawn(explore(threshold="0.3", lock="threshold"))["threshold"] is True
    app = explore(threshold="0.3", hide="threshold")
    assert not app.exception
    assert "threshold" not in drawn(app)


def test_all_controls_can_be_hidden_at_once(explore: OpenPage) -> None:
    app = explore(hide=",".join(PARAMETERS), schedule="iterative-reset", unit="level", level="10", digit="3")
    assert not app.exception
    assert drawn(app) == {}
    assert pictures_at(app) == {f"{1 - 243 / 2324:.4%} sparsity"}
    assert "label **3**" in words(app)


def test_a_bad_value_of_a_hidden_control_falls_back(explore: OpenPage) -> None:
    app = explore(hide="cam", cam="no-cam")
    assert "`cam=no-cam` cannot be used" in app.warning[0].value
    assert pictures_at(app) == {"70.0086% sparsity"}


def test_unknown_names_are_said_once_and_the_others_count(explore: OpenPage) -> None:
    app = explore(hide="cam, colour,", lock="schedule,<b>")
    text = app.warning[0].value
    assert "`hide=colour`: this page has no such control, so nothing is hidden." in text
    assert "nothing is locked" in text
    assert "cam" not in drawn(app)
    assert drawn(app)["schedule"] is True
    assert app.query_params["hide"] == "cam"
    assert not any("address" in warning.value for warning in app.run().warning)


def test_an_exercise_is_made_from_the_view(explore: OpenPage) -> None:
    app = explore(sparsity="80", digit="3")
    assert len(app.code) == 1  # the notebook cell only
    assert "Choose at least one" in words(app)
    app.multiselect(key="_hide").set_value(["cam", "target"])
    app.multiselect(key="_lock").set_value(["schedule"])
    app.checkbox(key="_room").set_value(True).run()
    link = app.code[0].value
    assert "hide=cam,target&lock=schedule&present=1" in link
    assert "sparsity=80" in link
    assert "digit=3" in link
    assert "Method (cam)" in app.multiselect(key="_hide").options
    assert "Method (cam)" not in app.multiselect(key="_lock").options
    assert "Opacity (opacity)" in app.multiselect(key="_lock").options


def test_lessons_controls_can_be_hidden_and_locked() -> None:
    app = open_page("lessons", lesson="1", step="5", blur="3", hide="blur", lock="example")
    assert not app.exception
    assert not app.slider
    assert "Blurred by 3 pixels" in words(app)
    assert app.selectbox(key="example").disabled
