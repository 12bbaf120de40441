"""Rows of maps: what is left visible, what a pointer reads, and the figure taken away."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as made
from PIL import Image

from core.engine.engine import Engine
from core.figures import sheets, strips
from core.figures.strips import SHOWS, Look, Strip, amount_text, read_out, table, tiles, visible
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec
from tests.made import Made

AMOUNTS = (0.3, 0.9)


@pytest.fixture(scope="module")
def strip(engine: Engine) -> Strip:
    variants = [VariantSpec(pruning=PruningSpec.one_shot(amount)) for amount in AMOUNTS]
    variants.append(VariantSpec(pruning=PruningSpec.at_level(25)))
    return Strip(title="a seven", answers=tuple(engine.compare(v, ImageRef(name="3500"), CamSpec()) for v in variants))


@settings(deadline=None)
@given(made.arrays(np.float32, (8, 8), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
def test_the_strongest_tenth_stays_visible(engine: Engine, values: np.ndarray) -> None:
    side = engine.heatmap(VariantSpec(), ImageRef(name="3500"), CamSpec())
    side = replace(side, map=values, state="ok")
    left = visible(side, np.ones((8, 8), np.float32))
    order = sorted(range(64), key=lambda place: (-values.flat[place], place))  # strongest first, ties by position
    assert set(np.flatnonzero(left)) == set(order[:6])  # floor(0.1 x 64)


def test_nothing_is_visible_where_the_map_is_empty(strip: Strip) -> None:
    empty = strip.answers[-1].pruned
    assert empty.state == "empty"
    assert not visible(empty, strip.answers[-1].picture.clean).any()


def test_a_photograph_keeps_its_colours(strip: Strip) -> None:
    side = strip.answers[0].reference
    image = np.random.default_rng(0).random((28, 28, 3), dtype=np.float32)
    left = visible(side, image)
    shown = left.any(axis=2)
    assert shown.sum() == 78  # floor(0.1 x 784)
    assert (left[shown] == image[shown]).all()


def test_a_tile_says_what_was_asked_for_where_the_network_had_zeros_before() -> None:
    assert amount_text(Made(sparsity=0.5).build()) == "50.0 %"
    assert (
        amount_text(Made(kept=(12, 96, 668), already_zero=(24, 192, 1332), sparsity=0.3).build())
        == "66.6 % (30 % requested)"
    )


@pytest.mark.parametrize("show", SHOWS)
def test_a_row_is_input_dense_and_every_amount(strip: Strip, show: str) -> None:
    row = tiles(strip, Look(show=show, side_px=56))
    assert [tile.title for tile in row] == ["Input", "Dense", "30.0 %", "90.0 %", "level 25, 99.91 %"]
    assert {tile.picture.size for tile in row} == {(56, 56)}
    assert all(tile.alt for tile in row)
    assert row[0].values is None
    assert "map is empty" in row[-1].lines
    assert f"says 7, {strip.answers[0].reference.prediction.confidence:.2f}" in row[1].lines


def test_a_changed_answer_is_said(strip: Strip) -> None:
    row = tiles(strip, Look(side_px=56))
    for tile, answer in zip(row[2:], strip.answers, strict=True):
        assert tile.lines[1].startswith("now" if answer.flipped else "says")


def test_what_a_pointer_reads_is_the_map(strip: Strip) -> None:
    values = tiles(strip, Look(side_px=56))[2].values
    assert values is not None
    grid = read_out(values)
    steps = np.frombuffer(base64.b64decode(str(grid["steps"])), np.uint8).reshape(grid["height"], grid["width"])
    assert np.abs(steps / 255 - strip.answers[0].pruned.map).max() <= 0.5 / 255 + 1e-6


def test_a_large_map_is_read_in_means() -> None:
    values = np.random.default_rng(1).random((224, 224), dtype=np.float32)
    coarse = strips._readable(values)
    assert coarse.shape == (56, 56)
    assert np.allclose(coarse, values.reshape(56, 4, 56, 4).mean(axis=(1, 3)), atol=1e-5)


def test_the_table_holds_every_number(strip: Strip) -> None:
    rows = list(csv.DictReader(io.StringIO(table([strip]))))
    assert [float(row["sparsity"]) for row in rows] == [answer.mask.sparsity for answer in strip.answers]
    assert rows[-1]["similarity:pearson"] == ""  # undefined: the map is empty
    assert float(rows[0]["truth:soft-iou"]) == pytest.approx(strip.answers[0].overlap_pruned["soft-iou"])
    assert table([]).startswith("row,")


def test_one_figure_to_take_away(strip: Strip) -> None:
    rows = [sheets.Row(title="A <b> & c", tiles=tiles(strip, Look(side_px=56)))] * 2
    page = Image.open(io.BytesIO(sheets.png(rows, "0 to 1")))
    assert page.width >= 5 * 56
    assert page.height >= 2 * 56
    drawing = ElementTree.fromstring(sheets.svg(rows, "0 to 1"))
    spaces = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{spaces}image")) == 10
    texts = [element.text for element in drawing.findall(f"{spaces}text")]
    assert texts.count("A <b> & c") == 2
    assert texts[-1] == "0 to 1"
