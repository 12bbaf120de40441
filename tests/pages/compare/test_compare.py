"""Compare: rows of maps over amounts; what cannot be used is said; what was stopped stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.engine.engine import Engine
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec
from tests.pages.conftest import DIGITS, open_page, words


def opened(**address: str | list[str]) -> AppTest:
    app = open_page("compare", **address)
    assert not app.exception
    return app


def matrix_of(app: AppTest) -> dict[str, Any]:
    drawn = [json.loads(each.proto.json) for each in _walk(app.main) if getattr(each, "type", "") == "bidi_component"]
    (found,) = [data for data in drawn if "heads" in data]
    return found


def rows_of(app: AppTest) -> list[dict[str, Any]]:
    return matrix_of(app)["rows"]


def _walk(block: Any) -> Any:
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from _walk(child)


def titles(row: dict[str, Any]) -> list[str]:
    return [tile["title"] for tile in row["cells"] if tile]


def test_one_image_over_the_usual_amounts() -> None:
    matrix = matrix_of(opened(**DIGITS))
    (row,) = matrix["rows"]
    assert matrix["heads"] == titles(row) == ["30.0 %", "50.0 %", "70.0 %", "80.0 %", "90.0 %", "95.0 %"]
    tiles = [row["input"], row["dense"], *row["cells"]]
    assert all(tile["src"].startswith("data:image/jpeg") and tile["alt"] for tile in tiles)


def test_what_is_drawn_is_what_the_engine_answers(engine: Engine) -> None:
    (row,) = rows_of(opened(amounts="50", digit="3", nth="4", **DIGITS))
    image = ImageRef(name=str(1500 + 3))
    answer = engine.compare(VariantSpec(pruning=PruningSpec.one_shot(0.5)), image, CamSpec())
    like, says = row["cells"][0]["lines"][:2]
    assert says.split(" ", 1)[1] == f"{answer.pruned.prediction.top}, {answer.pruned.prediction.confidence:.2f}"
    assert like == f"like dense {answer.similarity['pearson']:.2f}"
    assert row["cells"][0]["likeness"] == pytest.approx(answer.similarity["pearson"])


def test_amounts_in_every_unit() -> None:
    (row,) = rows_of(opened(amounts="50, 4x"))
    assert titles(row) == ["50.0 %", "75.7 %"]
    (row,) = rows_of(opened(amounts="3, 25", schedule="iterative-reset"))
    assert titles(row) == ["level 3, 48.9 %", "level 25, 99.91 %"]
    assert "map is empty" in row["cells"][1]["lines"]


@pytest.mark.parametrize("text", ["a lot", "200", "1,2,3,4,5,6,7,8,9,10,11,12,13"])
def test_amounts_that_cannot_be_read_are_said(text: str) -> None:
    app = opened(amounts=text)
    assert "Up to 12 amounts" in app.error[0].value


def test_several_images() -> None:
    rows = rows_of(opened(count="3", amounts="50"))
    assert len(rows) == 3
    assert len({row["input"]["src"] for row in rows}) == 3


def test_several_methods_of_one_image() -> None:
    rows = rows_of(opened(rows="cams", amounts="50", cams=["grad-cam", "fem"]))
    assert [row["title"] for row in rows] == ["Grad-CAM", "FEM"]
    assert [bool(row["input"]) for row in rows] == [True, False]  # one image, drawn once
    assert all(row["dense"] for row in rows)  # each method has a dense map of its own


def test_several_ways_to_prune() -> None:
    rows = rows_of(opened(rows="prunings", amounts="50", ways=["weight-global-magnitude", "weight-layer-random"]))
    assert [row["title"] for row in rows] == [
        "Single weights, global, Magnitude (L1)",
        "Single weights, per layer, Random",
    ]


def test_ways_to_prune_share_layers_left_alone_and_amounts_by_hand() -> None:
    ways = ["weight-global-magnitude", "2:4-global-magnitude"]
    asked = {"rows": "prunings", "amounts": "50", "ways": ways}
    assert [titles(row) for row in rows_of(opened(**asked))] == [["50.0 %"], ["49.9 %"]]
    # conv1, nine weights a row, is no multiple of four: without it 2:4 takes half. By hand 90 % of
    # it go; a pattern fixes every layer.
    assert [titles(row) for row in rows_of(opened(excluded=["conv1"], **asked))] == [["50.0 %"], ["50.0 %"]]
    by_hand = opened(byhand=["conv1"], **{"amount.conv1": "90"}, **asked)
    assert [titles(row) for row in rows_of(by_hand)] == [["50.6 %"], ["49.9 %"]]


def test_what_comes_back_is_seen_beside_what_was_only_pruned() -> None:
    rows = rows_of(opened(rows="schedules", amounts="5, 20"))
    assert [row["title"] for row in rows] == [
        "Iterative, weights reset",
        "Not retrained, global, L1",
        "Not retrained, per layer, L1",
    ]
    assert len({len(titles(row)) for row in rows}) == 1
    assert [bool(row["dense"]) for row in rows] == [True, False, False]  # all come from one dense network


def test_a_network_without_a_series_says_where_to_get_one() -> None:
    app = opened(rows="schedules", model="efficientnet-lite0")
    assert "has no trained series" in app.error[0].value


def test_the_usual_four_ways_to_prune() -> None:
    assert len(rows_of(opened(rows="prunings", amounts="50"))) == 4


@pytest.mark.parametrize("show", ["overlay", "visible", "difference", "cells"])
def test_every_look(show: str) -> None:
    (row,) = rows_of(opened(show=show, amounts="30, 95"))
    tiles = [row["input"], row["dense"], *row["cells"]]
    assert len({tile["src"] for tile in tiles}) == 4
    assert [bool(tile["values"] and tile["values"]["signed"]) for tile in tiles] == [False, False] + [
        show == "difference"
    ] * 2


def test_an_unknown_method_in_the_address_is_said() -> None:
    app = opened(rows="cams", cams="no-cam", amounts="50")
    assert "`cams=no-cam` cannot be used" in app.warning[0].value
    assert len(rows_of(app)) == 4


def test_the_headline_says_what_changes(engine: Engine) -> None:
    app = opened(amounts="30, 99.9")
    flips = [
        engine.compare(VariantSpec(pruning=PruningSpec.one_shot(amount)), ImageRef(name="3500"), CamSpec()).flipped
        for amount in (0.3, 0.999)
    ]
    assert f"**{2 - sum(flips)} of 2** pruned networks" in app.header[0].value
    assert (
        f"**{2 - sum(flips)} of 2** pruned networks" in opened(amounts="0, 30, 99.9").header[0].value
    )  # nothing is pruned at 0
    twice = opened(rows="cams", cams=["grad-cam", "grad-cam++"], amounts="30, 99.9").header[0].value
    assert f"**{2 - sum(flips)} of 2** pruned networks" in twice  # a network answers once, whatever the methods
    assert "Nothing is pruned here" in opened(amounts="0").header[0].value


def test_own_image_is_awaited() -> None:
    assert "Upload or paste" in words(opened(source="own"))


def test_ways_to_prune_beside_a_trained_series_and_a_fixed_pattern() -> None:
    ways = ["2:4-layer-magnitude", "weight-layer-random"]
    rows = rows_of(opened(rows="prunings", schedule="iterative-reset", amounts="30, 50", ways=ways))
    # what is left of a row of nine weights after two blocks of four stays, so a little less than
    # half goes
    assert [titles(row) for row in rows] == [["49.9 %"], ["30.0 %", "50.0 %"]]
    # A column is what was asked for: 2:4 asks for half.
    assert [[bool(tile) for tile in row["cells"]] for row in rows] == [[False, True], [True, True]]
    assert rows[0]["cells"][1]["lines"][0] == "49.9 %"  # what was removed differs from the column's head


def test_weights_that_are_not_here_are_offered_not_fetched() -> None:
    app = opened(model="vgg16")  # the cache folder is this test's own
    assert not app.error
    assert "(553.4 MB) are not on this machine yet" in app.info[0].value
    assert "Download 553.4 MB" in [button.label for button in app.button]
