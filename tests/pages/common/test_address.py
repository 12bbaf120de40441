"""The address is a public format: its names and defaults are pinned; what it cannot say is refused
in plain words.
"""

from __future__ import annotations

import pytest

from pages.parts.common.address import PARAMETERS, class_names, of_model
from pages.parts.common.address_problems import problems
from pages.parts.common.parameters import Choice, Number, Several, Stated
from tests.pages.conftest import OpenPage

# A change here breaks links that people have kept.
PINNED = {
    "model": "thesis-cnn",
    "weights": "mnist-55000",
    "fine": 25.0,
    "wide": "false",
    "unit": "percent",
    "sparsity": 70.0,
    "ratio": "3",
    "level": 5,
    "source": "digits",
    "photo": "cat",
    "row": 1,
    "digit": "7",
    "nth": 1,
    "noise": "true",
    "seed": "333",
    "ref": "dense",
    "schedule": "one-shot",
    "granularity": "weight",
    "excluded": (),
    "byhand": (),
    "amount.conv1": 50.0,
    "amount.conv2": 50.0,
    "amount.fc": 50.0,
    "repair": "none",
    "criterion": "magnitude",
    "scope": "global",
    "cam": "grad-cam++",
    "layer": "conv2",
    "target": "dense",
    "class": "0",
    "outline": "false",
    "opacity": 65,
    "threshold": 0.5,
    "tolerance": 2.0,
    "similar": 0.8,
    "sweep": "100",
    "measure": "right",
}
PINNED_NAMES = {
    "unit": {"percent", "ratio", "level"},
    "source": {"digits", "own"},
    "digit": set("0123456789"),
    "seed": {"333", "334", "335"},
    "schedule": {"one-shot", "iterative-reset"},
    "criterion": {"magnitude", "random"},
    "scope": {"global", "layer"},
    "granularity": {"weight", "kernel", "channel", "filter", "2:4"},
    "cam": {"grad-cam", "grad-cam++", "score-cam", "eigen-cam", "layer-cam"},
    "target": {"dense", "own", "label"},
    "ref": {"dense"},
    "sweep": {"20", "50", "100", "200", "500", "1000", "all"},
    "measure": {"right", "agrees", "pearson", "soft-iou", "energy-inside", "pointing-game"},
}


def test_names_and_defaults_are_pinned() -> None:
    assert {name: parameter.default for name, parameter in PARAMETERS.items()} == PINNED


@pytest.mark.parametrize("name", list(PINNED_NAMES))
def test_values_that_links_use_stay_known(name: str) -> None:
    parameter = PARAMETERS[name]
    assert isinstance(parameter, Choice)
    assert set(parameter.names) >= PINNED_NAMES[name]


def test_ranges_are_pinned() -> None:
    ranges = {name: (p.low, p.high) for name, p in PARAMETERS.items() if isinstance(p, Number)}
    assert ranges == {
        "sparsity": (0, 100),
        "fine": (0, 60),
        **{f"amount.{layer}": (0, 100) for layer in ("conv1", "conv2", "fc")},
        "level": (0, 25),
        "nth": (1, 500),
        "row": (1, 99_999),
        "opacity": (0, 100),
        "threshold": (0, 1),
        "tolerance": (0, 20),
        "similar": (0, 1),
    }


@pytest.mark.parametrize("name", list(PARAMETERS))
def test_defaults_and_ends_are_allowed(name: str) -> None:
    parameter = PARAMETERS[name]
    values = (
        parameter.names
        if isinstance(parameter, Choice | Several)
        else [f"{v:g}" for v in (parameter.default, parameter.low, parameter.high)]
    )
    assert problems(dict.fromkeys([name], ""), PARAMETERS) != [] or name == ""
    assert [problem for value in values for problem in problems({name: value}, PARAMETERS)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sparsity", "nan"),
        ("sparsity", "inf"),
        ("sparsity", "-1"),
        ("sparsity", "100.1"),
        ("sparsity", "many"),
        ("sparsity", ""),
        ("level", "26"),
        ("level", "-1"),
        ("level", "2.5"),
        ("level", "ten"),
        ("nth", "0"),
        ("nth", "501"),
        ("threshold", "1.5"),
        ("cam", "grad-cam+++"),
        ("cam", "GradCAM"),
        ("digit", "10"),
        ("seed", "1"),
        ("schedule", "twice"),
        ("unit", "kg"),
        ("noise", "maybe"),
        ("ratio", "7.3"),
        ("opacity", "1e9"),
        ("target", "0"),
        ("criterion", "l1"),
        ("scope", "local"),
        ("ref", "seed.336"),
        ("ref", "level.26"),
        ("ref", "seed"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_replacement(name: str, value: str) -> None:
    (problem,) = problems({name: value}, PARAMETERS)
    assert f"`{name}={value}`" in problem
    assert f"Used instead: `{name}=" in problem


def test_a_near_miss_gets_a_suggestion() -> None:
    assert "did you mean grad-cam++?" in problems({"cam": "grad-cam+"}, PARAMETERS)[0]
    assert "did you mean iterative-reset?" in problems({"schedule": "iterative"}, PARAMETERS)[0]


def test_a_plus_that_became_a_space_is_recognised() -> None:
    assert "write %2B instead" in problems({"cam": "grad-cam  "}, PARAMETERS)[0]


BARE = {"model": "efficientnet-lite0", "cam": "grad-cam", "layer": "_swish.head", "photo": "coffee", "fine": "30"}


def test_a_bare_address_opens_the_first_view_and_states_it(explore: OpenPage) -> None:
    app = explore()
    assert dict(app.query_params) == {name: [value] for name, value in BARE.items()} or dict(app.query_params) == BARE
    assert "espresso" in app.header[0].value


@pytest.mark.parametrize(
    ("before", "stated"),
    [
        ({"sparsity": "90"}, {"model": "thesis-cnn", "cam": "grad-cam++", "layer": "conv2"}),
        ({"model": "efficientnet-lite0"}, {"model": "efficientnet-lite0", "cam": "grad-cam++", "layer": "_bn1"}),
        ({"cam": "grad-cam"}, {"model": "thesis-cnn", "cam": "grad-cam", "layer": "conv2"}),
    ],
)
def test_an_address_from_before_keeps_its_meaning_and_states_it(
    explore: OpenPage, before: dict[str, str], stated: dict[str, str]
) -> None:
    app = explore(**before)
    assert {name: app.selectbox(key=name).value for name in stated} == stated
    assert {name: _said(app.query_params[name]) for name in stated} == stated


def test_another_network_begins_at_its_own_layer_after_the_activation(explore: OpenPage) -> None:
    app = explore(sparsity="90")
    app.selectbox(key="model").select("efficientnet-lite0").run()
    assert app.selectbox(key="layer").value == "_swish.head"
    assert not app.exception


@pytest.mark.parametrize("name", ["thesis-cnn", "efficientnet-lite0", "densenet121", "vgg16", "resnet18", "googlenet"])
def test_layers_after_an_activation_and_after_pooling_can_be_chosen(name: str) -> None:
    layer = of_model(name)["layer"]
    assert isinstance(layer, Stated)
    assert layer.usual in layer.names
    assert layer.default in layer.names


def _said(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]


def test_unknown_parts_are_named() -> None:
    assert problems({"colour": "red"}, PARAMETERS) == ["`colour` is not a parameter of this page; it was ignored."]


def test_strange_texts_cannot_break_out_of_the_message() -> None:
    (problem,) = problems({"cam": "`**bold** <script>\n" + "x" * 500}, PARAMETERS)
    assert problem.count("`") == 4
    assert "\n" not in problem
    assert len(problem) < 700


PHOTO = of_model("efficientnet-lite0")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fine", "61"),
        ("fine", "nan"),
        ("level", "5"),
        ("schedule", "iterative-reset"),
        ("unit", "level"),
        ("source", "digits"),
        ("seed", "333"),
        ("photo", "dog"),
        ("row", "0"),
        ("class", "a cat"),
        ("granularity", "4:2"),
        ("excluded", "conv1"),
        ("layer", "conv2"),
        ("ratio", "50"),
        ("model", "vgg-16"),
    ],
)
def test_what_a_network_for_photographs_cannot_use_is_said(name: str, value: str) -> None:
    (problem,) = problems({name: value}, PHOTO)
    assert f"`{name}={value}` cannot be used" in problem


def test_a_list_of_a_thousand_names_is_not_read_out() -> None:
    assert len(problems({"class": "qqqq"}, PHOTO)[0]) < 200
    assert "did you mean tiger cat?" in problems({"class": "tiger cart"}, PHOTO)[0]


def test_every_class_has_a_name_of_its_own() -> None:
    names = class_names("efficientnet-lite0")
    assert len(set(names)) == len(names) == 1000
    assert "tiger cat" in names


def test_the_names_of_parameters_are_the_same_for_every_model() -> None:
    """But for the amounts of layers, which each model names itself."""
    own = [[name for name in known if not name.startswith("amount.")] for known in (PHOTO, PARAMETERS)]
    assert sorted(own[0]) == sorted(own[1])


@pytest.mark.parametrize(
    ("name", "text", "used"),
    [
        ("nth", "3.5", "3"),
        ("nth", "2.9", "2"),
        ("nth", "9999", "1"),
        ("nth", "0.5", "1"),
        ("nth", "abc", "1"),
        ("nth", "1e999", "1"),
        ("nth", "nan", "1"),
        ("opacity", "33.3", "33"),
        ("sparsity", "170", "70"),
    ],
)
def test_what_is_used_instead(name: str, text: str, used: str) -> None:
    (problem,) = problems({name: text}, PARAMETERS)
    assert problem.endswith(f"Used instead: `{name}={used}`.")


def test_what_is_not_on_the_screen_is_not_said_to_be_used(explore: OpenPage) -> None:
    """A network for digits has neither photographs nor the slider of networks that break early."""
    warning = explore(model="nonsense", fine="9999", photo="none", sparsity="170").warning[0]
    said = {line.partition("=")[0].strip("- `"): line for line in warning.value.split("\n")[1:]}
    assert set(said) == {"model", "fine", "photo", "sparsity"}
    assert "Used instead: `model=thesis-cnn`" in said["model"]
    assert "Used instead: `sparsity=70`" in said["sparsity"]
    assert not any("Used instead" in said[name] for name in ("fine", "photo"))
    warning = explore(model="efficientnet-lite0", fine="9999", photo="none").warning[0]
    assert "Used instead: `fine=25`" in warning.value
    assert "Used instead: `photo=cat`" in warning.value


def test_what_is_said_to_be_used_is_used(explore: OpenPage) -> None:
    app = explore(nth="3.5", opacity="33.3")
    assert "`nth=3`" in app.warning[0].value
    assert (app.number_input(key="nth").value, app.slider(key="opacity").value) == (3, 33)


def test_a_class_that_is_chosen_stands_in_the_address(explore: OpenPage) -> None:
    app = explore(model="efficientnet-lite0", photo="coffee", cam="grad-cam")
    app.selectbox(key="target").set_value("class").run()
    assert app.selectbox(key="class").value == "espresso"
    assert app.query_params["class"] == "espresso"


def test_a_link_in_a_session_with_other_values_shows_defaults_for_what_it_does_not_name(explore: OpenPage) -> None:
    app = explore(model="thesis-cnn", sparsity="55", digit="3", seed="334", opacity="40")
    app.slider(key="sparsity").set_value(60.0).run()
    app.switch_page("app.py").run().switch_page("pages/explore.py")
    app.query_params.clear()
    for name, value in {"model": "thesis-cnn", "digit": "4", "seed": "333"}.items():
        app.query_params[name] = value
    app.run()
    assert not app.error
    assert (app.selectbox(key="digit").value, app.segmented_control(key="seed").value) == ("4", "333")
    assert (app.slider(key="sparsity").value, app.slider(key="opacity").value) == (70, 65)


@pytest.mark.parametrize("text", ["9" * 309, "nan", "1e400"])
def test_numbers_without_bounds_in_a_link_are_said_on_the_page(explore: OpenPage, text: str) -> None:
    app = explore(model="thesis-cnn", level=text, opacity=text, threshold=text)
    assert not app.exception
    (said,) = (str(warning.value) for warning in app.warning if "Parts of the address" in str(warning.value))
    assert all(name in said for name in ("level", "opacity", "threshold"))
