"""Explore with a network for photographs: every picker, links, changes of network, data sets,
downloads; without a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import Engine, ModelSpec, PruningSpec, VariantSpec
from core.base.errors import MissingData
from core.data.gallery import GALLERY, gallery_image
from core.models.zoo import MODELS
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place
from core.results import MaskReport
from pages.parts.common import engine, state
from pages.parts.common.background import background
from tests.pages.conftest import PATIENCE_S, OpenPage, pictures_at, shown_by, words

LITE = "efficientnet-lite0"
OpenPhotos = Callable[..., AppTest]


@pytest.fixture
def photos(explore: OpenPage) -> OpenPhotos:
    """Opens Explore with EfficientNet-lite0: photos(fine="30")."""
    return lambda **address: explore(model=LITE, cam=address.pop("cam", "grad-cam"), **address)


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error, app.error[0].value
    assert len(pictures_at(app)) == 1
    return app


def asked_of(app: AppTest) -> MaskReport:
    """What the pruning on the page removed, counted."""
    return engine.report(shown_by(app))


def test_the_first_view_names_classes_and_says_what_cannot_be_said(photos: OpenPhotos) -> None:
    app = sound(photos())
    assert "25.0 % sparsity" in app.header[0].value
    assert "cat**" in app.header[0].value  # a class by its name
    assert "Accuracy needs a data set of photographs" in words(app)
    assert all(image.alt for element in app.get("image") for image in element.proto.imgs)


@pytest.mark.parametrize("name", list(GALLERY))
def test_every_photograph_is_shown_with_its_credit(photos: OpenPhotos, name: str) -> None:
    app = sound(photos(photo=name))
    assert GALLERY[name].source in words(app)


LINKS = (
    {"granularity": "kernel", "fine": "10"},
    {"granularity": "channel", "fine": "10"},
    {"granularity": "filter", "fine": "5", "scope": "layer"},
    {"granularity": "2:4"},
    {"granularity": "1:4", "criterion": "random"},
    {"criterion": "random", "scope": "layer"},
    {"criterion": "l2", "granularity": "filter", "fine": "5"},
    {"criterion": "lamp", "fine": "40"},
    {"repair": "batch-norm", "fine": "40"},
    {"excluded": ["first", "classifier", "_conv_head"], "fine": "50"},
    {"target": "own", "fine": "55"},
    {"target": "label"},
    {"target": "class", "class": "tabby"},
    {"layer": "_blocks.10._bn2", "cam": "layer-cam"},
    {"unit": "ratio", "ratio": "1.5"},
    {"fine": "0"},
    {"fine": "60"},
    {"wide": "true", "sparsity": "100"},
    {"opacity": "0", "cam": "eigen-cam"},
)


@pytest.mark.parametrize(
    "address",
    [*LINKS[:5], *(pytest.param(address, marks=pytest.mark.long) for address in LINKS[5:])],
    ids=lambda address: "-".join(map(str, address.values())),
)
def test_a_link_opens_what_it_says(photos: OpenPhotos, address: dict) -> None:
    app = sound(photos(**address))
    assert not any("Parts of the address" in warning.value for warning in app.warning)


def test_filters_take_their_biases_along_and_what_is_left_is_counted(photos: OpenPhotos) -> None:
    app = sound(photos(granularity="filter", fine="10", excluded=["classifier"]))
    assert app.multiselect(key="excluded").value == ["classifier"]
    assert "excluded layers" in words(app)


def test_a_layer_by_hand_has_a_slider_of_its_own(photos: OpenPhotos) -> None:
    layer = "_blocks.10._expand_conv"
    app = sound(photos(byhand=[layer], **{f"amount.{layer}": "90", "fine": "10"}))
    report = asked_of(app)
    shares = {found.name: found.sparsity for found in report.layers}
    assert shares[f"{layer}.weight"] == pytest.approx(0.9, abs=1e-3)
    app.slider(key=f"amount.{layer}").set_value(0.0).run()
    assert {found.name: found.removed == 0 for found in asked_of(sound(app)).layers}[f"{layer}.weight"]


def test_a_layer_left_alone_is_left_alone_by_hand_too(photos: OpenPhotos) -> None:
    app = sound(photos(byhand=["_conv_head"], excluded=["_conv_head"], fine="10"))
    assert [found.name for found in asked_of(app).excluded] == ["_conv_head.weight"]


def test_a_pattern_has_no_slider(photos: OpenPhotos) -> None:
    app = sound(photos(granularity="2:4"))
    assert [slider.key for slider in app.slider] == ["opacity"]
    assert "2 of every 4 weights are kept" in words(app)


def test_the_slider_runs_in_fine_steps_and_says_why(photos: OpenPhotos) -> None:
    app = sound(photos())
    slider = app.slider(key="fine")
    assert (slider.min, slider.max, slider.step) == (0, 60, 0.5)
    assert "Retrained networks stay accurate" in app.toggle(key="wide").help
    app.toggle(key="wide").set_value(True).run()
    assert app.slider(key="sparsity").value == pytest.approx(25, abs=0.1)
    assert pictures_at(sound(app)) == {"25.0000% sparsity"}
    app.slider(key="sparsity").set_value(90.0).run()
    app.toggle(key="wide").set_value(False).run()
    assert app.slider(key="fine").value == 60


def test_a_link_with_a_high_sparsity_opens_the_whole_range(photos: OpenPhotos) -> None:
    app = sound(photos(sparsity="80"))
    assert app.toggle(key="wide").value is True
    assert "80.0 % sparsity" in app.header[0].value


def test_one_amount_in_two_units(photos: OpenPhotos) -> None:
    app = sound(photos(fine="50"))
    app.segmented_control(key="unit").set_value("ratio").run()
    assert app.select_slider(key="ratio").value == "2"
    app.segmented_control(key="unit").set_value("percent").run()
    assert app.slider(key="fine").value == pytest.approx(50, abs=1)


def test_each_network_finds_its_own_values_again(explore: OpenPage) -> None:
    app = explore(sparsity="90", seed="334", schedule="iterative-reset", layer="conv1", cam="grad-cam")
    app.selectbox(key="model").set_value(LITE).run()
    assert app.slider(key="fine").value == 25
    app.slider(key="fine").set_value(40.0)
    app.selectbox(key="photo").set_value("coffee")
    app.selectbox(key="layer").set_value("_conv_head").run()
    assert "40.0 % sparsity" in sound(app).header[0].value
    app.selectbox(key="model").set_value("thesis-cnn").run()
    values = (
        app.slider(key="sparsity").value,
        app.segmented_control(key="seed").value,
        app.selectbox(key="schedule").value,
    )
    assert values == (90, "334", "iterative-reset")
    assert app.selectbox(key="layer").value == "conv1"
    assert pictures_at(sound(app)) == {f"{1 - 243 / 2324:.4%} sparsity"}
    app.selectbox(key="model").set_value(LITE).run()
    assert (app.slider(key="fine").value, app.selectbox(key="photo").value, app.selectbox(key="layer").value) == (
        40,
        "coffee",
        "_conv_head",
    )
    assert "40.0 % sparsity" in sound(app).header[0].value


def test_choosing_a_class_begins_with_the_predicted_one(photos: OpenPhotos) -> None:
    app = sound(photos(photo="coffee"))
    app.selectbox(key="target").set_value("class").run()
    assert app.selectbox(key="class").value == "espresso"
    app.selectbox(key="class").set_value("cup").run()
    assert "CamSpec(method='grad-cam', layer='_bn1', target=968)" in sound(app).code[0].value


@pytest.mark.parametrize(
    ("name", "value"),
    [("class", "no such thing"), ("layer", "conv9"), ("fine", "70"), ("excluded", "fc"), ("level", "3")],
)
def test_what_the_network_does_not_know_is_said(photos: OpenPhotos, name: str, value: str) -> None:
    app = sound(photos(**{name: value}))
    assert f"`{name}={value}` cannot be used" in app.warning[0].value


def test_any_other_network_of_torchvision_can_be_named(explore: OpenPage) -> None:
    app = sound(explore(model="squeezenet1_0", weights="random", cam="grad-cam", layer="features.3", fine="10"))
    assert app.selectbox(key="model").value == "squeezenet1_0"
    assert "squeezenet1_0" in words(app)
    assert "1,248,424 parameters" in words(app)


def test_weights_can_be_chosen(photos: OpenPhotos) -> None:
    app = sound(photos())
    app.selectbox(key="weights").set_value("random").run()
    assert "weights='random'" in sound(app).code[0].value


def test_an_unknown_network_is_said(explore: OpenPage) -> None:
    app = explore(model="efficientnet-lite1")
    assert "did you mean efficientnet-lite0?" in app.warning[0].value
    assert pictures_at(app) == {"70.0086% sparsity"}


def to_the_end(app: AppTest, label: str) -> AppTest:
    """Begins work of many steps, and waits for its end."""
    next(button for button in app.button if button.label == label).click().run()
    return finished(app)


def finished(app: AppTest) -> AppTest:
    """Waits for the work in the background."""
    for task in state.of(app.session_state).waiting.tasks.values():
        assert task.ended(PATIENCE_S)
    return app.run()


def test_the_image_is_followed_over_all_sparsities(photos: OpenPhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    card = MODELS[LITE].value
    monkeypatch.setitem(card.__dict__, "grid", (0.0, 0.2, 0.4, 0.6))
    app = sound(photos())
    assert len(app.get("plotly_chart")) == 0
    to_the_end(app, "Compute this image over all sparsities")
    assert len(app.get("plotly_chart")) == 1
    assert not any(button.label.startswith("Follow") for button in app.button)


def test_a_small_network_is_followed_at_once(photos: OpenPhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.explore.photos.FOLLOWED_AT_ONCE", 10_000_000)
    monkeypatch.setitem(MODELS[LITE].value.__dict__, "grid", (0.0, 0.2, 0.4, 0.6))
    app = finished(sound(photos()))
    assert len(app.get("plotly_chart")) == 1
    assert not any(button.label.startswith("Follow") for button in app.button)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of three photographs; on one of them the object is marked."""
    root = tmp_path / "set"
    for kind, name in (("espresso", "coffee"), ("tabby", "cat"), ("missile", "rocket")):
        (root / kind).mkdir(parents=True)
        gallery_image(name).resize((224, 224)).save(root / kind / f"{name}.png")
    (root / "boxes.csv").write_text("path,x0,y0,x1,y1\nespresso/coffee.png,40,30,190,200\n")
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(root))
    return root


def test_a_marked_object_is_scored_and_outlined(photos: OpenPhotos, folder: Path) -> None:
    app = opened(sound(photos(source="folder", row="1")), "open_scores")
    labels = [metric.label for metric in app.metric]
    assert labels[1:] == ["Soft IoU", "Energy inside the boxes", "Pointing game", "Pearson correlation"]
    assert str(folder) not in words(app)
    before = [image.url for element in app.get("image") for image in element.proto.imgs if "sparsity" in image.alt]
    app.toggle(key="outline").set_value(True).run()
    after = [image.url for element in app.get("image") for image in element.proto.imgs if "sparsity" in image.alt]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_without_a_mark_there_is_nothing_to_outline(photos: OpenPhotos, folder: Path) -> None:
    app = opened(sound(photos(source="folder", row="3")), "open_scores")
    assert "label **tabby**" in words(app)
    labels = [metric.label for metric in app.metric]
    assert labels[1:] == ["Pearson correlation", "Spearman correlation", "Soft IoU of the two maps", "SSIM"]
    assert "No object is marked" in words(app)
    assert "outline" not in [toggle.key for toggle in app.toggle]


def test_right_answers_of_a_data_set_are_counted_on_a_click(photos: OpenPhotos, folder: Path) -> None:
    app = sound(photos(source="folder", fine="0"))
    next(button for button in app.button if button.label == "Measure accuracy on 3 photographs").click().run()
    assert "Accuracy, your folder" in [metric.label for metric in app.metric]
    assert "of 3 photographs are classified correctly" in words(sound(app))


def test_a_data_set_that_is_not_here_is_said(photos: OpenPhotos) -> None:
    app = sound(photos(source="folder"))
    assert "`SPARSIGHT_PHOTOS` does not name a folder" in app.warning[0].value


def test_a_fault_of_a_data_set_is_named_where_one_is_needed(photos: OpenPhotos, folder: Path) -> None:
    (folder / "boxes.csv").write_text("path,x0,y0,x1,y1\nespresso/coffee.png,40,30,190\n")
    app = sound(photos())
    assert "Accuracy needs a data set of photographs. Line 2 of your photographs/boxes.csv" in words(app)
    assert str(folder) not in words(app)


def test_a_row_behind_the_last_one(photos: OpenPhotos, folder: Path) -> None:
    assert "This set has 3 photographs" in words(sound(photos(source="folder", row="500")))


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
def test_an_own_photograph_in_any_mode(photos: OpenPhotos, tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("mine.jpg" if mode == "CMYK" else "mine.png")
    gallery_image("cat").convert(mode).save(path)
    app = photos(source="own")
    app.file_uploader(key="upload").upload(path.name, path.read_bytes(), "image/png")
    assert "your own image" in words(sound(app.run()))
    assert "my-image.png" in app.code[0].value


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """EfficientNet-lite0 as if its weights had to be downloaded; `load` says what a download
    does.
    """
    weights = MODELS[LITE].value.weights
    source = {"here": False, "load": None}

    def load(folder: Path, progress=None):
        return source["load"](folder, progress)

    source["real"] = weights["imagenet"].load
    monkeypatch.setitem(
        weights, "imagenet", replace(weights["imagenet"], load=load, found=lambda folder: source["here"])
    )
    yield source
    background().clear()


def test_absent_weights_are_offered_with_their_size(photos: OpenPhotos, absent: dict) -> None:
    app = photos()
    assert not app.exception
    assert "(18.8 MB) are not on this machine yet" in app.info[0].value
    assert not app.metric
    assert "Downloaded on first use" in app.selectbox(key="model").help


def test_a_download_ends_with_the_pictures(photos: OpenPhotos, absent: dict) -> None:
    def arrive(folder: Path, progress):
        if progress:  # asked for by the button; Home's example loads without it
            progress(10, 19)
            absent["here"] = True
        return absent["real"](folder, progress)

    absent["load"] = arrive
    app = photos()
    app.button[[button.label for button in app.button].index("Download 18.8 MB")].click().run()
    assert pictures_at(sound(app))


def test_a_download_that_fails_says_why_and_can_be_tried_again(photos: OpenPhotos, absent: dict) -> None:
    def fail(folder: Path, progress):
        progress(9, 19)
        raise MissingData("The download broke off.", "It needs the internet.", "Place the file by hand.")

    absent["load"] = fail
    app = photos()
    app.button[[button.label for button in app.button].index("Download 18.8 MB")].click().run()
    assert not app.exception
    assert "The download broke off." in app.error[0].value
    assert "Try again" in [button.label for button in app.button]


def opened(app: AppTest, *keys: str) -> AppTest:
    for key in keys:
        app.session_state[key] = True
    return sound(app.run())


def test_the_plan_names_every_layer_and_what_is_left_alone(photos: OpenPhotos) -> None:
    app = opened(photos(granularity="filter", fine="10", excluded=["classifier"]), "open_plan")
    assert "layers" in {chart.key for chart in app.get("plotly_chart")}
    rows = app.dataframe[0].value.set_index("layer")
    assert len(rows) == len(MODELS[LITE].value.prunable)
    assert rows.loc["_fc", "sparsity"] == "excluded"
    assert rows.loc["_fc", "removed"] == "0"
    assert any(share not in ("0.0 %", "excluded") for share in rows["sparsity"])
    assert "counting only convolution weights" in words(app)
    assert "Many studies exclude it" not in words(app)


def test_the_plan_warns_of_a_pruned_classifier_and_says_where_networks_collapse(photos: OpenPhotos) -> None:
    app = opened(photos(), "open_plan")
    assert "Many studies exclude it" in words(app)
    assert "collapse between 50% and 75%" in words(app)


@pytest.mark.long
def test_costs_are_counted_when_somebody_looks_and_timed_on_a_click(photos: OpenPhotos) -> None:
    app = opened(photos(granularity="filter", fine="10"), "open_cost")
    costs = app.table[1].value
    assert list(costs.columns[1:]) == ["dense", "pruned, zeros in place", "pruned, empty channels removed"]
    numbers = [[int(cell.replace(",", "")) for cell in row[1:]] for row in costs.values[:4]]
    for dense, masked, small in (numbers[0], numbers[2]):  # all of them: zeros in place are still there
        assert 0 < small < masked == dense
    for dense, masked, small in (numbers[1], numbers[3]):  # without zeros: what is taken out was nearly all zero
        assert 0 < small <= masked < dense
    shown = app.table[0].value
    # The same count of all parameters left as beside "Kept weights".
    assert shown.iloc[1, 2].split(" of ")[0] in words(app)
    assert "Zeros in place save no time" in words(app)
    assert list(costs.iloc[6, 1:]) == ["–"] * 3
    to_the_end(app, "Measure inference time")
    assert all("ms" in cell for cell in sound(app.run()).table[1].value.iloc[6, 1:])


def test_layers_are_pruned_one_at_a_time(explore: OpenPage) -> None:
    app = opened(explore(sparsity="90"), "open_sensitivity")
    assert "Prunes each layer alone by 90.0 %" in words(app)
    to_the_end(app, "Scan layers")
    scanned = state.of(app.session_state).waiting.tasks["layer scan"].results
    assert [[layer.kept == layer.total for layer in answer.mask.layers].count(False) for answer in scanned] == [
        1,
        1,
        1,
    ]
    assert "Most sensitive: **" in words(sound(app))  # not "so far": all layers are done


@pytest.mark.parametrize("address", [{"schedule": "iterative-reset"}, {"granularity": "2:4"}])
def test_a_scan_says_what_it_cannot_do(explore: OpenPage, address: dict) -> None:
    app = opened(explore(**address), "open_sensitivity")
    assert "The scan prunes one layer at a time" in words(app)


def test_a_retrained_network_that_came_along_says_how_often_it_is_right(explore: OpenPage) -> None:
    address = {
        "model": "squeezenet1_1@imagenette-128",
        "weights": "merkle-global",
        "schedule": "retrained",
        "unit": "level",
        "level": "6",
    }
    app = explore(**address)
    assert not app.exception
    table = series_tables.load(
        Engine("cpu").catalogue,
        Place(
            model=ModelSpec(name=address["model"], weights=address["weights"], seed=0),
            data_name="imagenette-224-unseen",
        ),
    ).images
    right = {level: int((rows.predicted == rows.label).sum()) for level, rows in table.groupby("level")}
    (shown,) = [metric for metric in app.metric if metric.label == "Accuracy, imagenette-224-unseen"]
    assert shown.value == f"{right[6] / 5:.1f} %"
    assert shown.delta.replace("−", "-") == f"{(right[6] - right[0]) / 5:+.1f} points"
    assert f"{right[6]} of 500 photographs" in words(app)
    assert "Accuracy needs a data set" not in words(app)


def test_a_table_of_other_networks_says_nothing_of_these(explore: OpenPage, own_cache: Path) -> None:
    """A series that was trained anew has not been counted yet: the shipped table is of the shipped
    networks.
    """
    model, files = (
        ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-global", seed=0),
        Engine("cpu").store.files,
    )
    key = VariantSpec(model=model, pruning=PruningSpec.at_level(3, "retrained")).key
    weights, facts = files.load(key)
    files.save(key, weights, {"seconds": 1.0})
    address = {"model": model.name, "weights": model.weights, "schedule": "retrained", "unit": "level"}
    assert "of 500 photographs" not in words(sound(explore(**address, level="3")))
    assert "of 500 photographs" in words(sound(explore(**address, level="4")))
    assert facts != files.facts(key)
