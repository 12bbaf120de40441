"""Benches of retraining: the documented keys, the same work on both sides, and counts that would
tell a difference.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from bench import mask, resume, train
from bench.measure import BENCHES
from core.data.decode import decode, finished
from core.data.folders import read_folder
from core.engine.engine import Engine
from core.models.cards import InputRule

pytestmark = pytest.mark.long

KEYS = ("bench", "device", "threads", "n", "ours_s", "ours_p95_s", "peer", "peer_s", "ratio")


@pytest.fixture(autouse=True)
def made_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_DATA", raising=False)
    monkeypatch.setattr(train, "SIDE_PX", 32)
    monkeypatch.setattr(train, "RULE", InputRule(size_px=(32, 32)))


def check(row: dict[str, Any], name: str, n: int) -> None:
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert set(KEYS) <= set(row)
    assert (row["bench"], row["n"]) == (name, n)
    assert 0 < row["ours_s"] <= row["ours_p95_s"] < math.inf


def test_they_are_registered() -> None:
    assert {"train", "train-gpu", "mask", "resume"} <= set(BENCHES)


def test_train_sees_the_same_images_on_both_sides(engine: Engine) -> None:
    row = BENCHES["train"].value(engine, 1)
    check(row, "train", train.ROUNDS)
    assert (row["images"], row["source"]) == (64, "made photographs")
    assert "DataLoader" in row["peer"]
    assert row["images_per_s"] == pytest.approx(64 / row["ours_s"], rel=0.01)


def test_both_sides_learn(tmp_path: Path) -> None:
    """A bench of a loop that does not train would be worth nothing: both losses are those of ten
    classes, and fall.
    """
    train.make_photographs(tmp_path, 20, 2)
    data = finished(decode([read_folder(tmp_path)], train.RULE, tmp_path))[0]
    ours, peer = train.our_epochs(data, torch.device("cpu")), train.peer_epochs(tmp_path, torch.device("cpu"))
    assert next(ours).losses[0] == pytest.approx(math.log(2), abs=0.3)
    assert next(peer) == pytest.approx(math.log(2), abs=0.3)


def test_real_photographs_are_taken_where_they_are(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_DATA", str(real_data))
    with train.photographs(tmp_path, 30) as (name, place):
        found = read_folder(place)
    assert name == "imagenette-128"
    assert len(found) == 30
    assert len(found.classes) == 10


def test_mask_counts_what_it_enforces(engine: Engine) -> None:
    row = mask.mask(engine, 2, batch=4, side_px=32)
    check(row, "mask", 2)
    assert row["masked_weights"] == sum(
        values.numel() for values in mask.build("squeezenet1_1", 10).parameters() if values.dim() == 4
    )
    assert row["share"] == pytest.approx(row["enforce_s"] / row["ours_s"], abs=1e-3)


def test_without_a_gpu_it_is_said_and_the_same_code_runs_on_the_cpu(engine: Engine) -> None:
    if engine.device.type != "cuda":
        row = BENCHES["train-gpu"].value(engine, None)
        assert row["ours_s"] is None
        assert "needs a GPU" in row["skipped"]
    row = train.train_networks(torch.device("cpu"), 1, ("squeezenet1_1", "resnet18"), 2)
    check(row, "train-gpu", 1)
    assert [line["network"] for line in row["rows"]] == ["squeezenet1_1", "resnet18"]
    assert all(line["images_per_s"] > 0 and line["share_of_peak"] is None for line in row["rows"])
    assert row["precision"] == "float32"


def test_the_operations_of_a_step_are_counted_from_the_network() -> None:
    _, peer, operations = train._steps("resnet18", torch.device("cpu"), 2)
    network = train.build("resnet18", 10).eval()
    places: list[int] = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(
                lambda module, inputs, output: places.append(module.weight.numel() * output[0, 0].numel())
            )
    network(torch.zeros(1, 3, train.SIDE_PX, train.SIDE_PX))
    assert operations == 6 * 2 * sum(places)
    peer()


def test_resume_kills_a_process_at_work_and_finds_identical_weights(engine: Engine) -> None:
    row = BENCHES["resume"].value(engine, 1)
    check(row, "resume", 1)
    assert row["identical"] == 1
    assert row["killed"] == 1
    assert len(row["moments"]) == 1
    assert 0 < row["training_s"] < row["undisturbed_s"]


def test_resume_would_tell_a_difference(tmp_path: Path) -> None:
    one = {"a": {"w": torch.ones(3)}}
    assert resume.are_same(one, {"a": {"w": torch.ones(3)}})
    assert not resume.are_same(one, {"a": {"w": torch.ones(3) + F.one_hot(torch.tensor(1), 3) * 1e-7}})
    assert not resume.are_same(one, {"a": {"w": torch.ones(3), "b": torch.ones(1)}})
