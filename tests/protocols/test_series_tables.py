"""A trained series over photographs: every number beside a slow count, resumed, and noticed when
networks or photographs change.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import DataSpec, Engine, ModelSpec
from core.base.errors import BadFile, BadSpec, MissingData
from core.data.folders import name_of
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse
from core.measures import pearson
from core.models.zoo import named
from core.protocols.merkle import protocol as merkle
from core.protocols.merkle import summary as merkle_summary
from core.protocols.series import images as series_images
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place, evaluate_series, level_of
from core.saliency.cams import saliency_maps
from core.saliency.capture import fixed_classes, own_class
from core.saliency.normalise import normalise
from core.stats.intervals import wilson
from tests.protocols import small_series
from tests.protocols.small_series import NAME

MODEL = ModelSpec(name=NAME, weights="merkle-layer", seed=0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a trained series (cache) and photographs (shown), of which one cannot be read
    and two have a box.
    """
    folder = tmp_path_factory.mktemp("series")
    data = small_series.photographs(folder / "data")
    small_series.train(folder / "cache", data)
    shown = small_series.photographs(folder / "shown", 5, ("",))
    (shown / "tench" / "0-2.png").write_bytes(b"no picture")
    (shown / "boxes.csv").write_text("path,x0,y0,x1,y1\ntench/0-0.png,10,8,24,20\ncassette player/1-1.png,11,8,25,20\n")
    return folder


@pytest.fixture
def cache(home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home / "cache", tmp_path / "cache"))


def evaluated(cache: Path, shown: Path) -> tuple[Engine, Place, list[str]]:
    engine, data = Engine("cpu", cache), DataSpec(name=f"folder:{shown}")
    place = Place(model=MODEL, data_name=name_of(data.name))
    steps = list(evaluate_series(place, engine, engine.inputs(data, MODEL)))
    assert [step.variant for step in steps] == [variant for variant, _ in engine.levels(MODEL)]
    return engine, place, ["found" if step.found else "evaluated" for step in steps]


def test_every_number_is_what_a_slow_count_says(cache: Path, home: Path) -> None:
    engine, place, states = evaluated(cache, home / "shown")
    assert states == ["evaluated"] * 3
    table = series_tables.load(engine.catalogue, place)
    inputs, found = engine.inputs(DataSpec(name=f"folder:{home / 'shown'}"), MODEL), engine.card(MODEL)
    (batch,) = inputs.batches()
    labels = inputs.labels[batch.rows]
    seen = {}
    for level, (variant, _) in enumerate(engine.levels(MODEL)):
        with engine.store.borrow(variant) as network:
            own = saliency_maps(network, batch.images, "grad-cam", found.target_layer, own_class)
            classes = seen[0][0].targets if level else own.targets
            same = saliency_maps(network, batch.images, "grad-cam", found.target_layer, fixed_classes(classes))
        seen[level] = own, same
        rows = table.images[table.images.level == level]
        assert list(rows.image) == [0, 1, 2, 3, 4, 5, 6, 8, 9] == batch.rows.tolist()
        assert list(rows.predicted) == own.logits.argmax(1).tolist()
        assert list(rows.label) == labels.tolist()
        assert rows["right-top5"].all()  # of two classes
        peak = float(own.maps.max())
        assert peak > 0
        scaled = own.maps.numpy() / peak
        dense = seen[0][0].maps.numpy() / float(seen[0][0].maps.max())
        for row, (ours, theirs) in enumerate(zip(scaled, dense, strict=True)):
            wanted = {
                "raw-mean": ours.mean(),
                "raw-variance": ((ours - ours.mean()) ** 2).mean(),
                "raw-non-zero": np.count_nonzero(ours),
                "raw-l1": np.abs(ours - theirs).sum(),
                "agrees": own.targets[row] == seen[0][0].targets[row],
            }
            for name, value in wanted.items():
                assert rows[name].iloc[row] == pytest.approx(float(value), abs=1e-4), name
        cells = [normalise(maps, tuple(maps.shape[1:]))[0] for maps in (seen[0][1].maps, same.maps)]
        np.testing.assert_allclose(rows.pearson, pearson(*cells).numpy(), atol=1e-4)
    names = [photo.name for photo in inputs.photos.photos]
    marked = {names.index("tench/0-0.png"), names.index("cassette player/1-1.png")}
    assert set(table.images.image[table.images["box-iou"].notna()]) == marked


def test_levels_have_counts_and_intervals(cache: Path, home: Path) -> None:
    engine, place, _ = evaluated(cache, home / "shown")
    table = series_tables.load(engine.catalogue, place)
    rows = table.levels(table.quantities())
    assert set(rows.level) == {0, 1, 2}
    assert "top5" not in set(rows.quantity) | set(table.levels(["top5", "accuracy"]).quantity)  # of two classes
    images = table.images[table.images.level == 1]
    right = int((images.predicted == images.label).sum())
    row = rows[(rows.level == 1) & (rows.quantity == "accuracy")].iloc[0]
    assert (row.value, row.n) == (right / 9, 9)
    assert (row.low, row.high) == pytest.approx(wilson(right, 9))
    mean = rows[(rows.level == 1) & (rows.quantity == "map-mean")].iloc[0]
    assert mean.value == pytest.approx(images["raw-mean"].mean())
    assert mean.low <= mean.value <= mean.high
    dense = rows[(rows.level == 0) & (rows.quantity == "l1")].iloc[0]
    assert (dense.value, dense.low, dense.high) == (0, 0, 0)
    report = engine.report(engine.levels(MODEL)[2][0])
    assert (rows[rows.level == 2].ratio == report.compression_ratio).all()
    assert (rows[rows.level == 2].conv_ratio == report.conv_compression_ratio).all()
    one = table.levels(["accuracy"], of_class="tench")
    assert set(one.n) == {4}
    with pytest.raises(BadSpec, match="No image is left"):
        table.levels(["accuracy"], of_class="dog")
    every = table.images.assign(right=table.images.predicted == table.images.label).groupby("image").right.all()
    if every.any():
        assert set(table.levels(["map-mean"], images="right").n) == {int(every.sum())}
    else:
        with pytest.raises(BadSpec, match="every level classifies correctly"):
            table.levels(["map-mean"], images="right")


def test_empty_maps_score_0_and_an_overflowing_network_gives_no_answer(cache: Path, home: Path) -> None:
    """Level 1 has lost its classifier's weights, level 2 has weights beyond the largest number."""
    files = Files(cache)
    for level, factor in ((1, 0.0), (2, torch.inf)):
        tensors, facts = files.load(f"{MODEL.key}/retrained/level-0{level}")
        weights, mask = unpack_sparse(tensors)
        weights[named("squeezenet1_1").classifier] *= factor
        files.save(f"{MODEL.key}/retrained/level-0{level}", pack_sparse(weights, mask), facts)
    engine, place, _ = evaluated(cache, home / "shown")
    table = series_tables.load(engine.catalogue, place)
    images = table.images[table.images.level > 0].set_index("level")
    rows = table.levels(table.quantities()).set_index(["level", "quantity"])
    fits = ["truth-soft-iou", "pointing-game", "energy-inside", "box-iou"]
    for name in fits:
        assert rows.loc[(1, name), ["value", "n", "empty_maps"]].tolist() == [0, 2, 2]
        assert np.isnan(rows.loc[(1, name)].without_empty)
        assert rows.loc[(0, name)].without_empty == rows.loc[(0, name)].value
        assert rows.loc[(2, name), ["n", "empty_maps"]].tolist() == [0, 0]
    assert images.loc[1]["empty"].all()
    assert not images.loc[2][["empty", "usable", "right-top5", "agrees"]].any(axis=None)
    assert images[["pearson", "ssim", "soft-iou-of-maps"]].isna().all(axis=None)
    assert images.loc[2][["raw-mean", "raw-non-zero", "raw-l1"]].isna().all(axis=None)
    assert table.unanswered() == {2: 9}
    assert rows.loc[(2, "accuracy")].value == 0
    assert any("Level 2: 9 images without a finite answer" in str(part) for part in merkle_summary.text(table))


def halve(cache: Path, level: int) -> None:
    """Halve the weights of a level, as if it were trained anew."""
    files, key = Files(cache), f"{MODEL.key}/retrained/level-0{level}"
    tensors, facts = files.load(key)
    weights, mask = unpack_sparse(tensors)
    files.save(key, pack_sparse({name: values / 2 for name, values in weights.items()}, mask), facts)


def test_it_goes_on_where_it_was_and_sees_what_changed(cache: Path, home: Path) -> None:
    files, last = Files(cache), f"{MODEL.key}/retrained/level-02"
    stored, facts = files.load(last)
    files.delete(last)
    with pytest.raises(MissingData, match="level-02"):
        evaluated(cache, home / "shown")
    files.save(last, stored, facts)
    engine, place, states = evaluated(cache, home / "shown")
    assert states == ["found", "found", "evaluated"]
    whole = series_tables.load(engine.catalogue, place).images
    halve(cache, 1)
    assert evaluated(cache, home / "shown")[2] == ["found", "evaluated", "found"]
    after = series_tables.load(engine.catalogue, place).images
    assert [whole[whole.level == level].equals(after[after.level == level]) for level in range(3)] == [
        True,
        False,
        True,
    ]
    shutil.copytree(home / "shown", cache / "shown")
    (cache / "shown" / "tench" / "0-4.png").unlink()
    assert evaluated(cache, cache / "shown")[2] == ["evaluated"] * 3


def test_a_network_trained_anew_at_level_0_makes_all_numbers_anew(cache: Path, home: Path) -> None:
    evaluated(cache, home / "shown")
    halve(cache, 0)
    assert evaluated(cache, home / "shown")[2] == ["evaluated"] * 3


def test_a_level_of_another_dense_network_is_left_out(cache: Path, home: Path) -> None:
    """A run that ended after level 0: the other tables are those of the network before it."""
    engine, place, _ = evaluated(cache, home / "shown")
    others = [path for path in place.files(cache) if level_of(path) > 0]
    kept = [path.read_bytes() for path in others]
    halve(cache, 0)
    evaluated(cache, home / "shown")
    for path, content in zip(others, kept, strict=True):
        path.write_bytes(content)
    assert set(series_tables.load(engine.catalogue, place).facts) == {0}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table at all" * 99])
def test_a_damaged_table_is_said_and_made_again(cache: Path, home: Path, content: bytes) -> None:
    engine, place, _ = evaluated(cache, home / "shown")
    assert len(place.files(cache)) == 9  # three levels, each with answers and two heatmaps
    place.files(cache)[0].write_bytes(content)
    with pytest.raises(BadFile):
        series_tables.load(engine.catalogue, place)
    assert evaluated(cache, home / "shown")[2] == ["evaluated", "found", "found"]
    for path in place.files(cache):
        path.unlink()
    with pytest.raises(MissingData, match="There are no results of squeezenet1_1@tiny"):
        series_tables.load(engine.catalogue, place)


def test_photographs_of_other_classes_are_refused(cache: Path, home: Path) -> None:
    shutil.copytree(home / "shown", cache / "other")
    for old, new in (("tench", "house"), ("cassette player", "street")):
        (cache / "other" / old).rename(cache / "other" / new)
    (cache / "other" / "boxes.csv").unlink()
    with pytest.raises(BadSpec, match="knows no class"):
        evaluated(cache, cache / "other")


def test_names_of_data_sets_hold_no_path() -> None:
    names = [
        "digits",
        "folder:/a/b/photos",
        "folder:/a/imagenette.zip",
        "folder:/a/imagenette.zip/val",
        "folder:photos/val",
        "folder:/",
        "folder:..",
    ]
    assert [name_of(name) for name in names] == [
        "digits",
        "photos",
        "imagenette",
        "imagenette-val",
        "val",
        "folder",
        "folder",
    ]


def test_found_series_are_listed(cache: Path, home: Path) -> None:
    engine, place, _ = evaluated(cache, home / "shown")
    assert place in series_images.found(engine.roots)


def test_published_values_stand_at_their_levels() -> None:
    assert series_tables.published("accuracy", 0.5) == 0.9729
    assert series_tables.published("l1", 0.0) is None
    assert series_tables.published("l1", 1 - 1 / 64) == 5.32
    assert series_tables.published("accuracy", 0.3) is None
    assert series_tables.published("pearson", 0.5) is None
    assert all(len(values) == len(merkle.TARGETS) for values in merkle.PUBLISHED.values())
