"""Series that come along: rounded, counted again, within the limit, and asked like any other on a
machine that has nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import core.cli.main as command_line
from core import CamSpec, Engine, ImageRef, ModelSpec
from core.base.errors import BadSpec
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place
from core.protocols.ship import rounded
from tests.protocols import small_series
from tests.protocols.small_series import NAME

MODEL = ModelSpec(name=NAME, weights="merkle-layer", seed=0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two seeds of a series (cache), photographs (shown)."""
    folder = tmp_path_factory.mktemp("shipping")
    data = small_series.photographs(folder / "data")
    for seed in (0, 1):
        small_series.train(folder / "cache", data, seed=seed)
    small_series.photographs(folder / "shown", 4, ("",))
    return folder


def ship(home: Path, target: Path, *more: str) -> int:
    return command_line.main(
        [
            "ship",
            NAME,
            "--evaluate-on",
            str(home / "shown"),
            "--folder",
            str(home / "cache"),
            "--device",
            "cpu",
            "--to",
            str(target),
            *more,
        ]
    )


def test_what_is_shipped_is_all_that_another_machine_needs(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ship(home, tmp_path / "shipped", "--tables-of", "1", "--json") == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["model"], second["model"]) == (MODEL.key, f"{NAME}/merkle-layer/seed-1")
    assert second["right_answers"] == []
    engine = Engine("cpu", tmp_path / "shipped")
    assert engine.catalogue.series_of(MODEL).seeds == (0,)
    original = Engine("cpu", home / "cache")
    table = series_tables.load(engine.catalogue, Place(model=MODEL, data_name="shown"))
    for (variant, target), row in zip(engine.levels(MODEL), first["right_answers"], strict=True):
        assert engine.report(variant).sparsity == pytest.approx(target, abs=1e-3)
        shipped, there = (
            one.heatmap(variant, ImageRef(source="gallery", name="cat", noise=0.0), CamSpec())
            for one in (engine, original)
        )
        assert torch.allclose(
            torch.tensor(shipped.prediction.probabilities), torch.tensor(there.prediction.probabilities), atol=0.01
        )
        right = table.images[table.images.level == row["level"]]
        assert row["after"] == int((right.predicted == right.label).sum())
        assert row["photographs"] == 8
        assert table.right_before_rounding[row["level"]] == row["before"]
    assert series_tables.load(
        engine.catalogue, Place(model=ModelSpec(name=NAME, weights="merkle-layer", seed=1), data_name="shown")
    )
    Engine("cpu", home / "cache")
    sizes = [
        sum(path.stat().st_size for path in root.rglob("level-*.safetensors"))
        for root in (tmp_path / "shipped", home / "cache")
    ]
    assert sizes[0] < 0.6 * sizes[1] / 2


def test_no_path_of_this_machine_is_shipped(home: Path, tmp_path: Path) -> None:
    ship(home, tmp_path / "shipped")
    files = [path for path in (tmp_path / "shipped").rglob("*") if path.is_file()]
    assert len(files) == 2 * 3 * (1 + 3) + 1  # three levels a seed, each with a network and three tables; one card
    assert [path for path in files if str(home).encode() in path.read_bytes()] == []


def test_nothing_is_written_over_the_limit(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "other").write_bytes(bytes(1000))
    assert ship(home, tmp_path / "shipped", "--limit", "100000") == 1
    assert "in addition to 1,000: more than 100,000" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "shipped").rglob("*")] == ["other"]


@pytest.mark.long
def test_shipping_again_changes_nothing(home: Path, tmp_path: Path) -> None:
    ship(home, tmp_path / "shipped")
    before = {path: path.read_bytes() for path in (tmp_path / "shipped").rglob("*.safetensors")}
    ship(home, tmp_path / "shipped")
    assert before == {path: path.read_bytes() for path in (tmp_path / "shipped").rglob("*.safetensors")}


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (["--runs", "merkle-layr"], "merkle-layer"),
        (["--seeds", "7"], "seed of 7"),
        (["--evaluate-on", "nowhere"], "does not exist"),
    ],
)
def test_wrong_words_are_explained(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], wrong: str
) -> None:
    assert ship(home, tmp_path / "shipped", *more) == 1
    assert wrong in capsys.readouterr().err
    assert not (tmp_path / "shipped").exists()


def test_a_level_that_is_not_trained_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, key = Files(home / "cache"), f"{MODEL.key}/retrained/level-02"
    tensors, facts = files.load(key)
    files.delete(key)
    assert ship(home, tmp_path / "shipped", "--seeds", "0") == 1
    assert "not trained at level 2" in capsys.readouterr().err
    files.save(key, tensors, facts)


def test_rounding_keeps_masks_and_shapes() -> None:
    weights = {"a.weight": torch.tensor([[0.1, -2.0], [3.0, 0.0]]), "a.bias": torch.tensor([0.1])}
    mask = {"a.weight": torch.tensor([[True, False], [True, True]])}
    found, kept = unpack_sparse(rounded(pack_sparse(weights, mask)))
    assert torch.equal(kept["a.weight"], mask["a.weight"])
    assert found["a.weight"].dtype == torch.float16
    assert torch.equal(found["a.weight"].float(), torch.tensor([[0.1, 0.0], [3.0, 0.0]]).half().float())
    assert torch.equal(found["a.bias"], weights["a.bias"])
    dense, none = unpack_sparse(rounded(pack_sparse(weights, {"a.weight": torch.ones(2, 2, dtype=torch.bool)})))
    assert none == {}
    assert torch.equal(dense["a.weight"], weights["a.weight"].half())
    with pytest.raises(BadSpec, match=r"a\.weight has values"):
        rounded(pack_sparse({"a.weight": torch.tensor([1e6])}, {"a.weight": torch.tensor([True])}))
