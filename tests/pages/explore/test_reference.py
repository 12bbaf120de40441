"""Explore and Compare beside another network than the own dense one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import CamSpec, DataSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.floor import known_floor, question_of
from pages.parts.common.address import class_names
from tests.pages.conftest import DIGITS, OpenPage, open_page, words

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
