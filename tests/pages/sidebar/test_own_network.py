"""A person's own weights through the page: imported, chosen, found by its link again; what does not
fit is said.
"""

from __future__ import annotations

import io
import pickle

import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from core.base.errors import BadSpec, MissingData, UnknownName
from core.engine.engine import Engine
from core.models.building import untrained
from core.models.own import About
from core.models.zoo import named
from pages.parts.sidebar import own_networks
from tests.pages.conftest import OpenPage, pictures_at, words

SQUEEZENET = "squeezenet1_1"


def weights(classes: int | None = None) -> dict[str, torch.Tensor]:
    state = untrained(named(SQUEEZENET).build, 1)
    if classes:
        state |= {name: values[:classes].clone() for name, values in state.items() if name.startswith("classifier.1")}
    return state


def opened(app: AppTest) -> AppTest:
    app.session_state["open_own"] = True
    return app.run()


def take_in(explore: OpenPage, content: bytes, name: str = "mine.safetensors", **fields: str):
    app = opened(explore(cam="grad-cam"))
    app.selectbox(key="_own_architecture").set_value(fields.pop("architecture", SQUEEZENET))
    for field, value in fields.items():
        kind = {"classes": app.text_area, "order": app.selectbox, "values": app.selectbox, "set": app.selectbox}.get(
            field, app.text_input
        )
        kind(key=f"_own_{field}").set_value(value)
    app.file_uploader(key="_own_weights").upload(name, content, "application/octet-stream")
    return app.run().button[[button.label for button in app.button].index("Import")].click().run()


def test_own_weights_are_taken_in_chosen_and_linked(explore: OpenPage) -> None:
    app = take_in(
        explore,
        save(weights(3)),
        classes="ant\nbee\nwasp",
        size="96",
        mean="0.5, 0.5, 0.5",
        std="0.25 0.25 0.25",
        title="Insects",
    )
    assert not app.exception
    assert not app.error
    model = app.selectbox(key="model").value
    assert model.startswith(f"own-{SQUEEZENET}-")
    assert "Insects" in words(app)
    assert any(name in app.header[0].value for name in ("ant", "bee", "wasp"))
    assert pictures_at(app) == {"25.0000% sparsity"}
    again = explore(model=model, cam="grad-cam", fine="30")
    assert not any("address" in warning.value for warning in again.warning)
    assert "30.0 % sparsity" in again.header[0].value


def test_a_network_that_is_sparse_already_is_called_so(explore: OpenPage) -> None:
    """Every count on the page is that of the tensors; what was asked for and what was removed stand
    beside it.
    """
    state = untrained(named("thesis-cnn").build, 1)
    for name in named("thesis-cnn").prunable:
        state[name][torch.rand(state[name].shape, generator=torch.Generator().manual_seed(0)) < 0.66] = 0
    total, left = 2324, sum(int(state[name].count_nonzero()) for name in named("thesis-cnn").prunable)
    zero = f"{(total - left) / total:.1%}".replace("%", " %")
    model = Engine("cpu").add_model(save(state), About(architecture="thesis-cnn")).name
    app = explore(model=model, sparsity="30")
    assert not app.exception
    assert app.header[0].value.startswith(
        f"**This pruning removed 0 further weights**: the dense network was already {zero} sparse"
    )
    assert pictures_at(app) == {f"{(total - left) / total:.4%} sparsity"}
    text = words(app)
    assert f"**{zero}** sparsity" in text
    assert (
        f"**{zero}** of the weights were zero before. You asked for 30.0 %, and this pruning removed **0** further"
        " weights." in text
    )
    assert f"{total - left:,} of the {total:,} prunable weights were zero before this pruning." in text
    (kept,) = [metric for metric in app.metric if metric.label == "Kept weights"]
    assert (kept.value, kept.delta) == (f"{left:,}", "0")
    app = opened_at(app, "open_plan", "open_cost", "open_sensitivity")
    rows = app.dataframe[0].value
    assert sum(int(count.replace(",", "")) for count in rows["already zero"]) == total - left
    assert set(rows["removed"]) == {"0"}
    assert list(app.table[0].value.iloc[0, 1:]) == [f"{left:,} of {total:,}"] * 2
    assert [int(cell.replace(",", "")) for cell in app.table[1].value.iloc[1, 1:3]] == [
        sum(int(values.count_nonzero()) for values in state.values())
    ] * 2
    app.segmented_control(key="unit").set_value("ratio").run()
    assert app.select_slider(key="ratio").value == "1.4"  # what 30 % are, not what is zero already
    app = explore(model=model, sparsity="0")
    assert app.header[0].value.startswith(f"**This dense network is already {zero} sparse**, and it says")


def opened_at(app: AppTest, *keys: str) -> AppTest:
    for key in keys:
        app.session_state[key] = True
    return app.run()


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def torch_file(content: object) -> bytes:
    target = io.BytesIO()
    torch.save(content, target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (torch_file({"a": Harm()}), "bad.pt", "could run hidden code"),
        (pickle.dumps(Harm()), "bad.pth", "could run hidden code"),
        (b"nothing but some text", "text.pt", "is not a weights file"),
        (b"x", "tiny.pt", "has only 1 byte"),
        (save({"features.0.weight": torch.zeros(3, 3)}), "other.safetensors", "features"),
        (torch_file(untrained(named("mnasnet1_0").build, 1)), "mnasnet.pt", "This looks like a mnasnet"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_plain_words(
    explore: OpenPage, content: bytes, name: str, said: str
) -> None:
    app = take_in(explore, content, name)
    assert not app.exception
    assert said in app.error[0].value
    assert app.selectbox(key="model").value == "thesis-cnn"
    assert pictures_at(app) == {"70.0086% sparsity"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"classes": "ant\nbee"}, "2 class names are given"),
        ({"size": "many"}, "cannot be read"),
        ({"mean": "0.5"}, "input is invalid"),
        ({"size": "nan"}, "counted in whole pixels"),
        ({"crop": "1e9"}, "counted in whole pixels"),
        ({"mean": "123.7, 116.3, 103.5"}, "Divide both by 255"),
        ({"classes": '{"cat": 1, "dog": 2}'}, "are not 0 to 1"),
        ({"size": "2000"}, "input is invalid"),
    ],
)
def test_fields_that_do_not_fit_are_said(explore: OpenPage, fields: dict[str, str], said: str) -> None:
    app = take_in(explore, save(weights()), **fields)
    assert not app.exception
    assert said in app.error[0].value


def test_both_file_and_architecture_are_needed(explore: OpenPage) -> None:
    app = opened(explore())
    app.button[[button.label for button in app.button].index("Import")].click().run()
    assert "are required" in app.error[0].value


def test_empty_fields_are_the_architecture_s_own() -> None:
    assert own_networks.about({"architecture": SQUEEZENET}).input is None
    made = own_networks.about(
        {"architecture": SQUEEZENET, "classes": "a\n\n b ", "size": "64 x 96", "std": "1, 1, 1", "title": " T "}
    )
    assert made.classes == ("a", "b")
    assert made.title == "T"
    assert made.input is not None
    assert (made.input.size_px, made.input.resize_px, made.input.std) == ((64, 96), None, (1, 1, 1))
    assert made.input.mean == named(SQUEEZENET).input.mean


@pytest.mark.parametrize(("architecture", "error"), [("resnet19", UnknownName), ("vit_b_16", BadSpec)])
def test_an_architecture_that_cannot_be_used(architecture: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        own_networks.about({"architecture": architecture})


def test_a_network_of_few_classes_opens_on_a_photograph_of_one_of_them(explore: OpenPage) -> None:
    about = About(architecture=SQUEEZENET, classes=("dog", "espresso"))
    model = Engine("cpu").add_model(save(weights(2)), about).name
    app = explore(model="efficientnet-lite0", cam="grad-cam", photo="rocket")
    app.selectbox(key="model").select(model).run()
    assert not app.exception
    assert app.selectbox(key="photo").value == "coffee"
    assert "This network knows only 2 classes" in words(app)
    assert "No photograph in the gallery" not in words(app)
    app.selectbox(key="photo").select("rocket").run()  # a person's choice stays
    assert app.selectbox(key="photo").value == "rocket"
    assert "No photograph in the gallery shows any of them" in words(app)


def test_other_orders_and_ranges_keep_the_architectures_mean() -> None:
    """In their own units: the network's input is the same but for the order of its channels."""
    usual = named(SQUEEZENET).input
    rule = own_networks.input_rule({"architecture": SQUEEZENET, "order": "BGR", "values": "0 to 255"})
    assert rule is not None
    image = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(rule(image), usual(image).flip(1), atol=1e-5, rtol=0)
    signed = own_networks.input_rule({"architecture": SQUEEZENET, "values": "-1 to 1"})
    assert signed is not None
    torch.testing.assert_close(signed(image), image * 2 - 1)


def test_the_input_is_shown_before_the_import(explore: OpenPage) -> None:
    app = opened(explore(cam="grad-cam"))
    app.selectbox(key="_own_architecture").set_value(SQUEEZENET)
    app.selectbox(key="_own_order").set_value("BGR")
    app.selectbox(key="_own_values").set_value("0 to 255")
    app.text_input(key="_own_mean").set_value("104, 117, 123")
    app.text_input(key="_own_std").set_value("1, 1, 1").run()
    assert not app.exception
    text = words(app)
    assert "3 x 224 x 224, channels in the order B, G, R; values from −116.00 to 151.00" in text
    app.text_input(key="_own_mean").set_value("0.5, 0.5, 0.5").run()
    assert "Multiply both by 255" in app.error[0].value


def test_what_a_file_held_stays_beside_the_network(explore: OpenPage) -> None:
    content = torch_file({"model": weights(3), "model_ema": weights(3), "optimizer": {"lr": 0.1}})
    app = take_in(explore, content, "last.ckpt", set="ema")
    assert not app.error
    text = words(app)
    assert "2 sets of weights; this is 'model_ema'" in text
    assert "Ignored in the file: optimizer" in text


def test_classes_of_folders(tmp_path) -> None:
    for name in ("10", "2", "1"):
        (tmp_path / name).mkdir()
    made = own_networks.about({"architecture": SQUEEZENET, "classes": str(tmp_path)})
    assert made.classes == ("1", "10", "2")
    with pytest.raises(MissingData):
        own_networks.about({"architecture": SQUEEZENET, "classes": str(tmp_path / "1")})
