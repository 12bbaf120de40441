"""A person's own weights through the page: imported, chosen, found by its link again; what does not
fit is said.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from core.base.errors import BadSpec, MissingData, UnknownName
from core.engine.engine import Engine
from core.models.building import untrained
from core.models.own import About
from core.models.zoo import named
from pages.parts.common import state
from pages.parts.networks import fields
from tests.pages.conftest import OpenPage, open_page, pictures_at, words

SQUEEZENET = "squeezenet1_1"


def weights(classes: int | None = None) -> dict[str, torch.Tensor]:
    state = untrained(named(SQUEEZENET).build, 1)
    if classes:
        state |= {name: values[:classes].clone() for name, values in state.items() if name.startswith("classifier.1")}
    return state


def chosen(content: bytes, name: str = "mine.safetensors", slot: str = "own", app: AppTest | None = None) -> AppTest:
    """The page with a file in one of its two places."""
    app = app or open_page("my_networks")
    return app.file_uploader(key=f"_file_{slot}").upload(name, content, "application/octet-stream").run()


def filled(app: AppTest, slot: str = "own", **fields: str) -> AppTest:
    for field, value in fields.items():
        kinds = {"classes": app.text_area, "order": app.selectbox, "values": app.selectbox}
        key = f"_title_{slot}" if field == "title" else f"_own_{field}_{slot}"
        kinds.get(field, app.text_input)(key=key).set_value(value)
    return app.run()


def opened(app: AppTest) -> AppTest:
    """Explore, by the button of the form."""
    (button,) = [button for button in app.button if button.label.startswith("Open")]
    return button.click().run()


def test_a_network_is_recognised_described_and_opened(explore: OpenPage) -> None:
    app = chosen(save(weights(3)))
    assert not app.error
    assert "**SqueezeNet 1.1**: every tensor fits." in words(app)
    assert "3 classes, 724,035 parameters" in words(app)
    app = opened(
        filled(app, classes="ant\nbee\nwasp", size="96", mean="0.5, 0.5, 0.5", std="0.25 0.25 0.25", title="Insects")
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


def test_two_files_open_as_a_pair(own_cache: Path) -> None:
    """The network is shown as it is, beside the one that it was made from."""
    before, own = weights(), weights()
    for name in named(SQUEEZENET).prunable:
        own[name][own[name].abs() < own[name].abs().median()] = 0
    app = chosen(save(own), "pruned.safetensors")
    app = chosen(
        torch_file({"state_dict": {f"module.{name}": values for name, values in before.items()}}),
        "net.pth",
        "before",
        app,
    )
    assert not app.error
    assert "Already 50.0 % sparse" in words(app)
    app = opened(app)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="ref").value.startswith(f"model.own-{SQUEEZENET}-")
    shown = state.of(app.session_state).view.shown
    assert shown is not None
    variant, _, _, reference = shown
    assert variant.pruning.sparsity == 0
    assert reference is not None
    assert reference.model.name != variant.model.name
    assert {Engine("cpu").catalogue.title(model) for model in (variant.model, reference.model)} == {"pruned", "net"}


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
        (save({"features.0.weight": torch.zeros(3, 3)}), "other.safetensors", "was not recognised"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_plain_words(content: bytes, name: str, said: str) -> None:
    app = chosen(content, name)
    assert not app.exception
    assert said in app.error[0].value
    assert not any(button.label.startswith("Open") for button in app.button)


def test_another_architecture_than_that_of_the_file_is_said() -> None:
    app = chosen(save(weights()))
    (box,) = [box for box in app.selectbox if box.label == "Architecture"]
    assert box.value == SQUEEZENET
    app = box.set_value("mnasnet1_0").run()
    assert "These are not the weights of MnasNet 1.0" in app.error[0].value
    assert "This looks like a squeezenet1_1" in app.error[0].value


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
def test_fields_that_do_not_fit_are_said_at_once(fields: dict[str, str], said: str) -> None:
    app = filled(chosen(save(weights())), **fields)
    assert not app.exception
    assert said in app.error[0].value
    (button,) = [button for button in app.button if button.label.startswith("Open")]
    assert button.disabled


def test_the_file_before_alone_is_not_enough() -> None:
    app = chosen(save(weights()), slot="before")
    assert "Choose the weights of your network too" in app.info[0].value


def test_networks_of_other_classes_have_fields_of_their_own() -> None:
    app = chosen(save(weights(3)), "before.safetensors", "before", chosen(save(weights(2))))
    app = filled(filled(app, classes="ant\nbee"), "before", classes="ant\nbee\nwasp")
    assert not app.error
    assert [box.label for box in app.text_area] == ["Classes (2)", "Classes (3)"]
    app = opened(app)
    assert not app.exception


def test_empty_fields_are_the_architecture_s_own() -> None:
    assert fields.about({"architecture": SQUEEZENET}, 1000).input is None
    made = fields.about(
        {"architecture": SQUEEZENET, "classes": "a\n\n b ", "size": "64 x 96", "std": "1, 1, 1", "title": " T "}, 2
    )
    assert made.classes == ("a", "b")
    assert made.title == "T"
    assert made.input is not None
    assert (made.input.size_px, made.input.resize_px, made.input.std) == ((64, 96), None, (1, 1, 1))
    assert made.input.mean == named(SQUEEZENET).input.mean


@pytest.mark.parametrize(("architecture", "error"), [("resnet19", UnknownName), ("vit_b_16", BadSpec)])
def test_an_architecture_that_cannot_be_used(architecture: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        fields.about({"architecture": architecture}, 1000)


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
    assert "is labelled with any of them" not in words(app)


def test_other_orders_and_ranges_keep_the_architectures_mean() -> None:
    """In their own units: the network's input is the same but for the order of its channels."""
    usual = named(SQUEEZENET).input
    rule = fields.input_rule({"architecture": SQUEEZENET, "order": "BGR", "values": "0 to 255"})
    assert rule is not None
    image = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(rule(image), usual(image).flip(1), atol=1e-5, rtol=0)
    signed = fields.input_rule({"architecture": SQUEEZENET, "values": "-1 to 1"})
    assert signed is not None
    torch.testing.assert_close(signed(image), image * 2 - 1)


def test_the_input_is_shown_before_the_network_is_kept() -> None:
    caffe = {"order": "BGR", "values": "0 to 255", "mean": "104, 117, 123", "std": "1, 1, 1"}
    app = filled(chosen(save(weights())), **caffe)
    assert not app.exception
    assert "3 x 224 x 224, channels in the order B, G, R; values from −116.00 to 151.00" in words(app)
    app = filled(app, mean="0.5, 0.5, 0.5")
    assert "Multiply both by 255" in app.error[0].value


def test_the_set_of_weights_can_be_chosen_and_is_stated() -> None:
    content = torch_file({"model": weights(3), "model_ema": weights(3), "optimizer": {"lr": 0.1}})
    app = chosen(content, "last.ckpt")
    assert "2 sets of weights; this is 'model'" in words(app)
    (box,) = [box for box in app.selectbox if box.label == "Which weights"]
    app = box.set_value("model_ema").run()
    assert "2 sets of weights; this is 'model_ema'" in words(app)
    assert "Ignored in the file: optimizer" in words(app)
    app = opened(app)
    assert not app.error
    assert "this is 'model_ema'" in words(app)


def test_own_networks_are_listed_renamed_and_deleted(own_cache: Path) -> None:
    assert "None yet" in words(open_page("my_networks"))
    model = Engine("cpu").add_model(save(weights(3)), About(architecture=SQUEEZENET, title="First"))
    app = open_page("my_networks")
    assert "**First**" in words(app)
    app.session_state[f"_edit_{model.name}"] = True
    app = app.run()
    app.text_input(key=f"_new_title_{model.name}").set_value("Second")
    app = app.button(key=f"_save_{model.name}").click().run()
    assert not app.exception
    assert "**Second**" in words(app)
    catalogue = Engine("cpu").catalogue
    assert catalogue.title(model) == "Second"
    app = app.button(key=f"_delete_{model.name}").click().run()
    assert not app.exception
    assert "None yet" in words(app)
    assert model.name not in Engine("cpu").catalogue


def test_folders_are_shown_beside_the_outputs(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, count in {"ant": 1, "bee": 2, "hornet": 3}.items():
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for nth in range(count):
            Image.new("RGB", (40, 40), (nth * 50, 90, 10)).save(tmp_path / "photos" / folder / f"{nth}.png")
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(tmp_path / "photos"))
    about = About(architecture=SQUEEZENET, classes=("ant", "bee", "wasp"))
    model = Engine("cpu").add_model(save(weights(3)), about)
    app = open_page("my_networks")
    app.session_state[f"_edit_{model.name}"] = True
    app = app.run()
    assert not app.exception
    rows = app.dataframe[0].value
    assert list(rows["folder of your photographs"]) == ["ant", "bee", "–"]
    assert "Folders without an output, and their photographs: hornet (3)." in words(app)


def test_classes_of_folders(tmp_path) -> None:
    for name in ("10", "2", "1"):
        (tmp_path / name).mkdir()
    made = fields.about({"architecture": SQUEEZENET, "classes": str(tmp_path)}, 3)
    assert made.classes == ("1", "10", "2")
    with pytest.raises(MissingData):
        fields.about({"architecture": SQUEEZENET, "classes": str(tmp_path / "1")}, 3)
