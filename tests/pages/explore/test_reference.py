"""Explore and Compare beside another network than the own dense one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from core import CamSpec, DataSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.models.building import untrained
from core.models.cards import InputRule
from core.models.own import About
from core.models.zoo import named
from core.sweeps.floor import known_floor, question_of
from pages.parts.common import state
from pages.parts.common.address import class_names
from tests.pages.conftest import DIGITS, PATIENCE_S, OpenPage, open_page, words

SEED = VariantSpec(model=ModelSpec(seed=334))


def alts(app: AppTest) -> list[str]:
    return [image.alt for element in app.get("image") for image in element.proto.imgs]


def test_the_usual_reference_is_the_dense_network(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    assert app.selectbox(key="ref").value == "dense"
    assert "ref" not in app.query_params
    assert "**Dense − pruned**" in words(app)


def test_another_seed_is_named_everywhere(explore: OpenPage, engine: Engine) -> None:
    app = explore(ref="seed.334", digit="7", nth="1", **DIGITS)
    assert not app.exception
    assert not app.error
    image = ImageRef(name="3500")
    answer = engine.compare(VariantSpec(pruning=PruningSpec.one_shot(0.7)), image, CamSpec(layer="relu2"), SEED)
    head = app.header[0].value
    assert f"as the dense network of seed 334 does ({answer.reference.prediction.confidence:.2f})" in head
    assert "**Dense network of seed 334**" in words(app)
    assert "**Reference − this network**" in words(app)
    assert "Heatmap of the dense network of seed 334, beside the one at 70.0086% sparsity" in alts(app)
    assert "Heatmap of this network at 70.0086% sparsity" in alts(app)
    assert "the dense network's" not in head


def test_choosing_and_leaving_a_reference_changes_pictures_and_address(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    before = [image.url for element in app.get("image") for image in element.proto.imgs]
    app.selectbox(key="ref").select("seed.335").run()
    assert app.query_params["ref"] == "seed.335"
    assert "seed 335" in app.header[0].value
    assert [image.url for element in app.get("image") for image in element.proto.imgs] != before
    app.selectbox(key="ref").select("dense").run()
    assert "ref" not in app.query_params
    assert [image.url for element in app.get("image") for image in element.proto.imgs] == before


@pytest.mark.parametrize("ref", ["level.3", "sparsity.30", "seed.335,level.2", "model.thesis-cnn/mnist-55000/335"])
def test_a_link_with_a_reference_is_opened_and_written_again(explore: OpenPage, ref: str) -> None:
    app = explore(ref=ref, **DIGITS)
    assert not app.exception
    assert not app.error
    assert not app.warning
    assert app.query_params["ref"] == ref
    assert app.selectbox(key="ref").value == ref


def test_a_reference_of_another_network_is_not_kept_for_the_next_one(explore: OpenPage) -> None:
    app = explore(ref="seed.334", **DIGITS)
    app.selectbox(key="model").select("efficientnet-lite0").run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="ref").value == "dense"
    app.selectbox(key="model").select("thesis-cnn").run()
    assert app.selectbox(key="ref").value == "seed.334"


def test_a_reference_that_cannot_be_used_is_said(explore: OpenPage) -> None:
    app = explore(ref="seed.1", **DIGITS)
    assert "`ref=seed.1` cannot be used" in app.warning[0].value
    assert app.selectbox(key="ref").value == "dense"


def test_sections_ask_beside_the_same_reference(explore: OpenPage) -> None:
    app = explore(ref="seed.334", **DIGITS)
    for name in ("open_scores", "open_predictions", "open_typical", "open_sweep", "open_threshold"):
        app.session_state[name] = True
    app.run()
    assert not app.exception
    assert not app.error
    assert "the heatmaps of the dense network of seed 334 and of this network" in words(app)
    assert "is it that of the dense network of seed 334" in words(app)
    assert "dense network of seed 334" in list(app.table[0].value.columns)


def test_the_code_names_the_reference(explore: OpenPage) -> None:
    app = explore(ref="seed.334", **DIGITS)
    (code,) = [block.value for block in app.code if "engine.compare" in block.value]
    assert "reference = VariantSpec(model=ModelSpec(seed=334), pruning=PruningSpec())" in code
    assert "engine.compare(variant, image, cam, reference)" in code


def test_compare_has_a_row_for_every_seed() -> None:
    app = open_page("compare", rows="references", amounts="0, 50", digit="7", nth="1", **DIGITS)
    assert not app.exception
    assert not app.error
    drawn = [json.loads(each.proto.json) for each in _walk(app.main) if getattr(each, "type", "") == "bidi_component"]
    (matrix,) = [data for data in drawn if "heads" in data]
    titles = [row["title"] for row in matrix["rows"]]
    assert titles == [
        "Beside: Its dense network",
        "Beside: Dense network of seed 334",
        "Beside: Dense network of seed 335",
    ]
    assert [bool(row["dense"]) for row in matrix["rows"]] == [True, True, True]
    assert len({row["dense"]["src"] for row in matrix["rows"]}) == 3
    assert "have the same answer on both sides" in app.header[0].value


def _walk(block: Any) -> Any:
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from _walk(child)


def test_the_target_class_starts_as_a_class_of_this_network(explore: OpenPage) -> None:
    app = explore(ref="seed.334", digit="7", nth="1", **DIGITS)
    app.selectbox(key="target").set_value("class").run()
    assert app.selectbox(key="class").value == class_names("thesis-cnn")[7]


def test_the_noise_floor_stands_beside_the_agreement(explore: OpenPage, engine: Engine) -> None:
    app = explore(**DIGITS)
    asked = question_of(engine, VariantSpec(), CamSpec(layer="relu2"), DataSpec(noise=0.2))
    assert asked is not None
    floor = known_floor(engine, asked)
    assert floor is not None
    interval = f"95 % interval {floor.low:.2f} to {floor.high:.2f}"
    text = f"two dense networks of different seeds agree by {floor.mean:.2f} (n = {floor.n} images, {interval})"
    assert text in words(app)
    assert "two dense networks" not in words(explore(ref="seed.334", **DIGITS))


def test_the_noise_floor_stands_beside_many_images(explore: OpenPage, engine: Engine) -> None:
    app = explore(**DIGITS)
    app.session_state["open_typical"] = True
    app.run()
    next(button for button in app.button if button.label.startswith("Compare on 100")).click().run()
    task = state.of(app.session_state).waiting.tasks["typical"]
    assert task.ended(PATIENCE_S)
    text = words(app.run())
    found = re.search(r"two dense networks of different seeds agree by 0\.\d\d .*?; (\d+) of the (\d+) images", text)
    assert found
    asked = question_of(engine, VariantSpec(), CamSpec(layer="relu2"), DataSpec(noise=0.2))
    assert asked is not None
    floor, values = known_floor(engine, asked), [one.value for one in task.results if one.value is not None]
    assert floor is not None
    assert found.groups() == (str(sum(value < floor.mean for value in values)), str(len(values)))
    drawn = next(chart.proto.spec for chart in app.get("plotly_chart") if "of 100 images" in chart.proto.spec)
    assert "two dense networks of different seeds: 0." in drawn


def test_less_than_two_seeds_agree_is_said_first(explore: OpenPage, engine: Engine) -> None:
    variant = VariantSpec(model=ModelSpec(seed=335), pruning=PruningSpec.at_level(17))
    answers = (engine.compare(variant, ImageRef(name=str(row)), CamSpec(layer="relu2")) for row in range(3500, 3600))
    below = next(
        answer
        for answer in answers
        if answer.agreement.value is not None and answer.agreement.value < 0.1 and not answer.flipped
    )
    nth = str(int(below.picture.image.name) - 3499)
    app = explore(seed="335", schedule="iterative-reset", unit="level", level="17", digit="7", nth=nth, **DIGITS)
    assert "less than two dense networks of different seeds agree" in app.header[0].value


def test_a_floor_that_is_not_included_is_measured_in_the_background(explore: OpenPage, own_cache: Path) -> None:
    app = explore(**DIGITS | {"cam": "hires-cam"})
    for _ in range(100):
        if "two dense networks" in words(app):
            break
        time.sleep(0.2)
        app.run()
    assert "two dense networks of different seeds agree by" in words(app)
    assert list(own_cache.rglob("hires-cam@relu2-dense~*.parquet"))


def own_network(title: str, classes: tuple[str, ...] = (), size: int = 224) -> ModelSpec:
    """An untrained SqueezeNet as a person's own."""
    state = untrained(named("squeezenet1_1").build, 1)
    if classes:
        state |= {name: values[: len(classes)] for name, values in state.items() if name.startswith("classifier.1")}
    rule = InputRule(size_px=(size, size))
    about = About(architecture="squeezenet1_1", classes=classes, title=title, input=rule)
    return Engine("cpu").add_model(save({name: values.clone() for name, values in state.items()}), about)


def test_how_two_networks_are_compared_is_said(own_cache: Path, explore: OpenPage) -> None:
    """One sees the centre of the photograph, the other all of it."""
    model = own_network("Whole photograph", size=227)
    app = explore(model=model.name, ref="model.efficientnet-lite0/imagenet/0", photo="coffee", cam="grad-cam", fine="0")
    assert not app.exception
    assert "see different parts of the photograph" in words(app)
    assert "is seen by one only and counts as no evidence of the other" in words(app)
    app = explore(model=model.name, photo="coffee", cam="grad-cam", fine="0")
    assert "see different parts" not in words(app)


def test_an_own_network_that_guesses_is_remarked(own_cache: Path, explore: OpenPage) -> None:
    state = untrained(named("squeezenet1_1").build, 1)
    state["classifier.1.weight"] *= 0.01
    model = Engine("cpu").add_model(save(state), About(architecture="squeezenet1_1", title="Untrained"))
    app = explore(model=model.name, photo="coffee", cam="grad-cam", fine="0")
    assert "Untrained is hardly surer than guessing here" in words(app)
    assert "check its input" in words(app)
    app = explore(model="efficientnet-lite0", photo="coffee", cam="grad-cam", fine="0")
    assert "hardly surer than guessing" not in words(app)


def test_photographs_without_a_class_of_the_network_are_not_called_absent(
    own_cache: Path, explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos" / "hornet").mkdir(parents=True)
    Image.new("RGB", (40, 40)).save(tmp_path / "photos" / "hornet" / "1.png")
    model = own_network("Insects", ("ant", "bee", "wasp"))
    assert "there is none on this machine" in words(explore(model=model.name, photo="coffee", cam="grad-cam"))
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(tmp_path / "photos"))
    said = words(explore(model=model.name, photo="coffee", cam="grad-cam"))
    assert "there is none on this machine" not in said
    assert "The data sets on this machine have none" in said


def test_no_curve_below_the_sparsity_of_a_network_that_is_sparse_already(own_cache: Path, explore: OpenPage) -> None:
    state = untrained(named("squeezenet1_1").build, 1)
    for name in named("squeezenet1_1").prunable:
        state[name] *= torch.rand(state[name].shape, generator=torch.Generator().manual_seed(0)) < 0.3
    model = Engine("cpu").add_model(save(state), About(architecture="squeezenet1_1"))
    app = explore(model=model.name, photo="coffee", cam="grad-cam", fine="20")
    assert not app.exception
    assert "A curve up to 60.0 % would be one point" in words(app)
    assert not app.get("plotly_chart")
