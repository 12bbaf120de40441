"""The noise floor: how much dense networks of different seeds agree."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.models.zoo import default_model
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.stats.bootstrap import mean_interval
from core.sweeps.floor import (
    FILE,
    FloorQuestion,
    crossing,
    known_floor,
    measure_floor,
    per_image,
    question_of,
    write_floors,
)
from tests.protocols import small_series

ASKED = FloorQuestion(
    model=ModelSpec(), cam=CamSpec(method="grad-cam", layer="conv2"), data=DataSpec(noise=0.2), images=12
)


INCLUDED = shipped_folder() / FILE


@pytest.fixture
def own(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path / "cache")


def test_it_is_the_mean_over_pairs_of_single_comparisons(own: Engine) -> None:
    assert known_floor(own, ASKED) is None
    steps: list[tuple[int, int]] = []
    floor = measure_floor(own, ASKED, lambda done, total: steps.append((done, total)))
    assert floor is not None
    assert steps == [(1, 3), (2, 3), (3, 3)]
    values = per_image(own, ASKED)
    assert values is not None
    for row, value in values.items():
        found = []
        for first, second in combinations((333, 334, 335), 2):
            variant, reference = (VariantSpec(model=ModelSpec(seed=seed)) for seed in (second, first))
            answer = own.compare(variant, ImageRef(name=str(row)), ASKED.cam, reference)
            found.append(answer.similarity["pearson"])
        expected = [each for each in found if each is not None]
        assert value == pytest.approx(np.mean(expected), abs=1e-5)
    interval = mean_interval(values)
    assert (floor.mean, floor.low, floor.high, floor.n) == (interval.value, interval.low, interval.high, 12)
    assert floor.seeds == (333, 334, 335)
    assert known_floor(own, ASKED) == floor
    assert not floor.is_above(floor.mean)
    assert floor.is_above(floor.low - 0.01)
    assert not floor.is_above(None)


def test_a_written_floor_is_read_as_long_as_networks_and_images_are_the_same(own: Engine, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / FILE
    write_floors(own, [ASKED], path)
    floor, other = known_floor(own, ASKED), Engine("cpu", tmp_path / "other")
    assert floor is not None
    (tmp_path / "other").mkdir(exist_ok=True)
    (tmp_path / "other" / FILE).write_bytes(path.read_bytes())
    read = known_floor(other, ASKED)
    assert read is not None
    assert (read.mean, read.low, read.high) == pytest.approx((floor.mean, floor.low, floor.high), abs=1e-6)
    for changed in (
        replace(ASKED, cam=CamSpec(method="grad-cam", layer="relu2")),
        replace(ASKED, images=13),
        replace(ASKED, data=DataSpec()),
    ):
        assert known_floor(other, changed) is None
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for name in ("networks", "inputs"):
        with (tmp_path / "other" / FILE).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerow(rows[0] | {name: "0" * 16})
        assert known_floor(other, ASKED) is None


@pytest.mark.parametrize("harm", [b"\xff\xfe", b"\0", b",,,,\n", b'"'])
def test_a_damaged_table_is_passed_over(own: Engine, tmp_path: Path, harm: bytes) -> None:
    """It lies before the included one, whose rows still count."""
    content = INCLUDED.read_bytes()
    row = next(csv.DictReader(content.decode().splitlines()))
    asked = question_of(own, VariantSpec(), CamSpec(method="grad-cam", layer="conv2"), DataSpec(noise=0.2))
    assert asked is not None
    included = known_floor(own, asked)
    assert included is not None
    (tmp_path / "cache").mkdir(exist_ok=True)
    place = content.index(row["mean"].encode())
    (tmp_path / "cache" / FILE).write_bytes(content[:place] + harm + content[place:])
    assert known_floor(own, asked) == included


def test_a_network_of_one_seed_has_none(engine: Engine) -> None:
    lite = VariantSpec(model=default_model("efficientnet-lite0"))
    assert question_of(engine, VariantSpec(), CamSpec(), DataSpec()) is not None
    assert len(FloorQuestion(model=lite.model, cam=CamSpec(), data=DataSpec()).seeds(engine)) == 1


@pytest.mark.long
def test_a_series_of_ones_own_has_one_of_its_seeds(tmp_path: Path) -> None:
    photos, cache = small_series.photographs(tmp_path / "photos"), tmp_path / "cache"
    for seed in (0, 1):
        small_series.train(cache, photos, targets=(0.0, 0.5), seed=seed)
    own = Engine("cpu", cache)
    variant = VariantSpec(
        model=own.catalogue.default_model(small_series.NAME), pruning=PruningSpec.at_level(1, "retrained")
    )
    data = DataSpec(name=f"folder:{photos / 'val'}")
    asked = question_of(own, variant, CamSpec(method="grad-cam"), data)
    assert asked is not None
    floor = measure_floor(own, asked)
    assert floor is not None
    assert (floor.seeds, floor.n) == ((0, 1), 24)
    first, second = (VariantSpec(model=replace(variant.model, seed=seed)) for seed in (0, 1))
    images = [ImageRef(source=data.name, name=str(row), noise=0.0) for row in range(24)]
    found = [own.compare(second, image, asked.cam, first).similarity["pearson"] for image in images]
    assert floor.mean == pytest.approx(np.mean([value for value in found if value is not None]), abs=1e-5)


@pytest.mark.parametrize("row", list(csv.DictReader(INCLUDED.read_text().splitlines())), ids=lambda row: row["cam"])
def test_the_included_floors_are_those_of_the_included_networks(engine: Engine, own: Engine, row: dict) -> None:
    method, _, rest = row["cam"].partition("@")
    data = DataSpec(noise=0.2 if "noise" in row["data"] else 0.0)
    cam = CamSpec(method=method, layer=rest.partition(">")[0])
    asked = question_of(engine, VariantSpec(), cam, data)
    assert asked is not None
    included = known_floor(engine, asked)
    assert included is not None
    for sweep in asked.sweeps(own):
        assert not any(step.found for step in sweep.run())
    values = per_image(own, asked)
    assert values is not None
    found = mean_interval(values)
    assert (included.mean, included.low, included.high) == pytest.approx((found.value, found.low, found.high), abs=1e-3)
    assert included.n == found.n == int(row["n"])


shares = st.floats(-1, 1, width=16)


@given(
    st.lists(st.lists(st.one_of(shares, st.just(float("nan"))), min_size=4, max_size=4), min_size=1, max_size=6),
    st.lists(shares, min_size=4, max_size=4),
)
def test_a_curve_crosses_where_it_stays_below(levels: list[list[float]], floor: list[float]) -> None:
    sparsities = [level / 10 for level in range(len(levels))]
    found = crossing(sparsities, np.array(levels), np.array(floor))
    expected = None
    for level in reversed(range(len(levels))):
        known = [value for value in levels[level] if value == value]
        if known and np.mean(known) >= np.mean(floor):
            break
        expected = sparsities[level]
    assert found.sparsity == expected
    if found.low is not None and found.high is not None:
        assert found.low <= found.high


def test_a_clear_crossing_has_a_narrow_interval() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (4, 50))
    similarity = np.array([0.9, 0.8, 0.3, 0.1])[:, None] + noise
    found = crossing([0.0, 0.5, 0.8, 0.9], similarity, np.full(50, 0.5))
    assert (found.sparsity, found.low, found.high, found.n) == (0.8, 0.8, 0.8, 50)
