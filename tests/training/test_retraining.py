"""Jobs of retraining, from what they are told to the networks they leave; and everything that can
be wrong with what they are given.
"""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile, BadSpec, CacheNotWritable, MissingData, OutOfMemory, SparsightError, UnknownName
from core.data.decode import decode, finished
from core.data.folders import read_folder
from core.data.parts import part
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.engine.engine import Engine
from core.jobs.control import Control, Stopped
from core.models import description
from core.models.cards import InputRule
from core.specs import RETRAIN_SCHEDULES, PruningSpec, Ramp, RetrainSpec, TrainSpec, VariantSpec
from core.specs.written import read_retrain_spec
from core.training.finetune import Epoch, finetune
from core.training.loop import Diverged
from core.training.material import file_names
from core.training.retrain import estimate, retrain
from core.training.series import key_of, model_of
from tests.data.made_sets import write_folder, write_zip
from tests.training.test_finetune import goal
from tests.training.test_series import folder_of_photographs

QUICK = TrainSpec(rates=((0.01, 1),), batch_size=8, noise=0.0)
SPEC = RetrainSpec(
    name="test",
    model="squeezenet1_1@tiny",
    pruning=PruningSpec.one_shot(0.0, "layer"),
    targets=(0.0, 0.5),
    first=QUICK,
    each=QUICK,
    start="random",
)


def arguments(
    folder: Path, spec: RetrainSpec = SPEC, photographs: Path | None = None, **more: object
) -> dict[str, object]:
    place = photographs or folder / "photographs"
    if not place.exists():
        folder_of_photographs(place)
    return {
        "spec": asdict(spec),
        "photographs": str(place),
        "folder": str(folder / "cache"),
        "device": "cpu",
        "size_px": 32,
    } | more


def done(asked: dict[str, object]) -> list[dict[str, object]]:
    return list(retrain(asked, Control()))


def stored(asked: dict[str, object], spec: RetrainSpec, level: int):
    return unpack_sparse(Files(Path(str(asked["folder"]))).load(key_of(spec, level))[0])


# --- what a job leaves


def test_a_series_is_trained_and_has_its_card(tmp_path: Path) -> None:
    asked = arguments(tmp_path)
    lines = done(asked)
    assert [line["stage"] for line in lines] == ["decoding", "training", "epoch", "level", "epoch", "level"]
    assert (lines[1]["train"], lines[1]["skipped_images"]) == (24, 0)
    assert json.loads(json.dumps(lines)) == lines
    weights, mask = stored(asked, SPEC, 1)
    assert set(mask) == set(description.find([tmp_path / "cache"])[0].card().prunable)
    for name, kept in mask.items():
        assert (weights[name][~kept] == 0).all()
        assert int((~kept).sum()) == round(kept.numel() / 2)
    assert [line["found"] for line in done(asked) if line["stage"] == "level"] == [True, True]


def test_a_trained_level_answers_like_any_other_network(tmp_path: Path) -> None:
    """Excluded layers and whole filters with their biases, from the job to the engine's own
    count.
    """
    spec = replace(
        SPEC, pruning=PruningSpec.one_shot(0.0, "layer", granularity="filter", excluded=("classifier.1.weight",))
    )
    done(arguments(tmp_path, spec))
    engine = Engine("cpu", tmp_path / "cache")
    report = engine.report(VariantSpec(model=model_of(spec), pruning=PruningSpec.at_level(1, "retrained")))
    whole = {layer.name: layer.kept / layer.total for layer in report.layers}
    assert whole.pop("classifier.1.weight") == 1
    assert set(whole.values()) == {0.5}


def test_photographs_without_train_and_val_are_divided(tmp_path: Path) -> None:
    folder_of_photographs(tmp_path / "both", 20)
    (tmp_path / "plain").mkdir()
    for name in ("n01440764", "n03028079"):
        shutil.copytree(tmp_path / "both" / "train" / name, tmp_path / "plain" / name)
    lines = done(arguments(tmp_path, photographs=tmp_path / "plain"))
    assert (lines[0]["photographs"], lines[1]["train"], lines[1]["validation"]) == (40, 28, 6)


def test_masks_of_held_out_photographs_are_no_photographs(tmp_path: Path) -> None:
    files = {"cat/1.jpg": b"", "dog/2.png": b"", "masks/cat/1.png": b"", "masks/dog/3.png": b"", "._4.jpg": b""}
    for path in (write_folder(tmp_path / "a", files), write_zip(tmp_path / "a.zip", files)):
        assert file_names(str(path)) == {"1.jpg", "2.png"}


def test_held_out_photographs_are_left_out(tmp_path: Path) -> None:
    asked = arguments(tmp_path)
    shutil.copytree(tmp_path / "photographs" / "train" / "n01440764", tmp_path / "held" / "x")
    asked["held_out"] = str(tmp_path / "held")
    with pytest.raises(
        BadSpec, match="0 photographs of no class"
    ):  # every file of both classes has the name of a held-out one
        done(asked)
    for row in range(4, 12):
        (tmp_path / "held" / "x" / f"train{row}.jpg").unlink()
    lines = done(asked)
    assert (lines[0]["held_out"], lines[1]["train"]) == (4, 16)


def test_another_recipe_must_not_pass_for_this_one(tmp_path: Path) -> None:
    done(arguments(tmp_path))
    with pytest.raises(BadSpec, match="was trained differently"):
        done(arguments(tmp_path, replace(SPEC, each=replace(QUICK, batch_size=9))))
    with pytest.raises(BadSpec, match="already names another network"):
        done(arguments(tmp_path, replace(SPEC, name="other"), size_px=40))
    first = next((tmp_path / "photographs" / "train").rglob("*.jpg"))
    first.write_bytes(next((tmp_path / "photographs" / "val").rglob("*.jpg")).read_bytes())
    with pytest.raises(BadSpec, match="on 24 other images"):  # as many photographs of the same names
        done(arguments(tmp_path))


def test_a_run_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """Its files do not say which photographs it saw."""
    done(arguments(tmp_path))
    files = Files(tmp_path / "cache")
    for level in (0, 1):
        tensors, facts = files.load(key_of(SPEC, level))
        files.save(
            key_of(SPEC, level), tensors, {name: value for name, value in facts.items() if name != "photographs"}
        )
    assert [line["found"] for line in done(arguments(tmp_path)) if line["stage"] == "level"] == [True, True]


def test_what_it_will_cost_counts_every_level_as_it_is_trained(tmp_path: Path) -> None:
    each = replace(QUICK, rates=((0.01, 4),))
    epochs = {}
    for schedule in ("iterative", "none", "rate-rewinding"):
        epochs[schedule] = estimate(
            arguments(tmp_path, replace(SPEC, each=each, schedule=schedule, targets=(0.0, 0.5, 0.75))), n=1
        ).epochs
    assert epochs == {"iterative": 9, "none": 1, "rate-rewinding": 3}
    cost = estimate(arguments(tmp_path, replace(SPEC, first=replace(QUICK, precision="bfloat16"))), n=1)
    assert cost.device.endswith("bfloat16")


# --- specs as JSON


@given(
    schedule=st.sampled_from([schedule for schedule in RETRAIN_SCHEDULES if schedule != "gradual"]),
    targets=st.lists(st.integers(1, 99), min_size=0, max_size=4, unique=True).map(
        lambda each: (0.0, *(n / 100 for n in sorted(each)))
    ),
    granularity=st.sampled_from(["weight", "filter", "kernel"]),
    excluded=st.lists(st.sampled_from(["a.weight", "b.weight"]), unique=True),
    augment=st.lists(st.sampled_from(["horizontal-flip", "rotation-10"]), unique=True),
)
def test_a_spec_survives_json(schedule: str, targets: tuple, granularity: str, excluded: list, augment: list) -> None:
    recipe = replace(QUICK, augment=tuple(augment), shape="cosine")
    pruning = PruningSpec.one_shot(0.0, granularity=granularity, excluded=tuple(excluded))
    spec = replace(SPEC, schedule=schedule, targets=targets, first=recipe, pruning=pruning)
    facts = json.loads(json.dumps(asdict(spec)))
    older = {"pace" if name == "schedule" else name: value for name, value in facts.items()}
    assert read_retrain_spec(older) == spec
    back = read_retrain_spec(facts)
    assert (back, back.key) == (spec, spec.key)


def test_a_ramp_and_a_reset_survive_json() -> None:
    for spec in (
        replace(SPEC, schedule="gradual", ramp=Ramp(epochs=1, times=3)),
        replace(SPEC, schedule="reset", reset="epoch-1"),
    ):
        assert read_retrain_spec(json.loads(json.dumps(asdict(spec)))) == spec


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"colour": "red"},
        asdict(SPEC) | {"targets": None},
        asdict(SPEC) | {"pruning": {"colour": 1}},
        asdict(SPEC) | {"first": {"rates": [[1]]}},
        asdict(SPEC) | {"first": []},
    ],
)
def test_facts_that_are_no_spec(facts: dict[str, object]) -> None:
    with pytest.raises(BadSpec):
        read_retrain_spec(facts)


# --- bad photographs


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSpec, match="no photographs"):
        done(arguments(tmp_path, photographs=tmp_path / "empty"))
    with pytest.raises(MissingData, match="nowhere does not exist"):
        done(arguments(tmp_path) | {"photographs": str(tmp_path / "nowhere")})
    with pytest.raises(BadSpec, match="digits"):
        done(arguments(tmp_path) | {"photographs": "mnist-test"})


@pytest.mark.parametrize("layout", ["plain", "train and val"])
def test_one_class_is_said(tmp_path: Path, layout: str) -> None:
    place = folder_of_photographs(tmp_path / "photographs")
    for top in ("train", "val"):
        shutil.rmtree(place / top / "n03028079")
    if layout == "plain":
        shutil.rmtree(place / "val")
        (place / "train" / "n01440764").rename(place / "n01440764")
    with pytest.raises(BadSpec, match="photographs of one class"):
        done(arguments(tmp_path, photographs=place))


def test_corrupt_photographs_in_the_middle_are_named_skipped_and_counted(tmp_path: Path) -> None:
    place = folder_of_photographs(tmp_path / "photographs", 12)
    broken = place / "train" / "n01440764" / "train5.jpg"
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])  # its beginning is sound
    (place / "val" / "n03028079" / "val2.jpg").write_bytes(b"")
    asked = arguments(tmp_path, photographs=place)
    lines = done(asked)
    assert (lines[1]["train"], lines[1]["skipped_images"]) == (23, 2)
    assert any("train5.jpg" in said for said in lines[1]["skipped"])
    assert any("val2.jpg" in said for said in lines[1]["skipped"])
    facts = Files(tmp_path / "cache").facts(key_of(SPEC, 1))
    assert (facts["training_images"], facts["skipped_images"]) == (23, 1)
    assert "train5.jpg" in facts["skipped"][0]


def test_a_class_of_which_nothing_can_be_read_is_said(tmp_path: Path) -> None:
    place = folder_of_photographs(tmp_path / "photographs", 12)
    for found in (place / "train" / "n03028079").iterdir():
        found.write_bytes(b"no picture")
    with pytest.raises(BadSpec, match="12 readable training images are all of one class"):
        done(arguments(tmp_path, photographs=place))


def test_photographs_that_memory_has_no_room_for_train_the_same_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = arguments(tmp_path)
    done(asked)
    monkeypatch.setattr("core.data.decode.free_ram_bytes", lambda: 0)
    mapped = asked | {"folder": str(tmp_path / "other")}
    finished(
        decode([part(read_folder(tmp_path / "photographs"), "train")], InputRule(size_px=(32, 32)), tmp_path / "bytes")
    )
    # The file has no name, so nothing is left of a killed process either.
    assert list((tmp_path / "bytes").iterdir()) == []
    done(mapped)
    one, other = (stored(each, SPEC, 1)[0] for each in (asked, mapped))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_photographs_that_there_is_no_room_for_at_all_are_said_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = arguments(tmp_path)
    monkeypatch.setattr("core.data.decode.free_ram_bytes", lambda: 0)
    with room_for(24 * 3 * 32 * 32 - 1), pytest.raises(OutOfMemory, match=r"24 photographs of 32 x 32 pixels.*no room"):
        done(asked)


def test_decoding_says_how_far_it_is_and_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.decode.LEAST", 10)
    asked = arguments(tmp_path)
    told = [(line["decoded"], line["photographs"]) for line in done(asked) if "decoded" in line]
    assert told == [(10, 48), (20, 48), (30, 48), (40, 48)]
    (tmp_path / "job").mkdir()
    running = retrain(arguments(tmp_path, replace(SPEC, name="other")), Control(tmp_path / "job"))
    assert [next(running).get("decoded") for _ in range(2)] == [None, 10]
    (tmp_path / "job" / "stop").touch()
    with pytest.raises(Stopped):
        next(running)


def test_the_usual_network_for_photographs_can_be_retrained(tmp_path: Path) -> None:
    spec = replace(
        SPEC, model="efficientnet-lite0@tiny", start="pretrained", pruning=PruningSpec.one_shot(0.0, "global")
    )
    done(arguments(tmp_path, spec))
    report = Engine("cpu", tmp_path / "cache").report(
        VariantSpec(model=model_of(spec), pruning=PruningSpec.at_level(1, "retrained"))
    )
    assert report.sparsity == pytest.approx(0.5, abs=1e-4)


# --- bad recipes and bad moments


def test_a_loss_that_is_no_number_says_its_step_and_keeps_what_was_good(tmp_path: Path) -> None:
    wild = replace(QUICK, rates=((1e30, 1),))
    with pytest.raises(Diverged, match="step 2 of epoch 1"):
        done(arguments(tmp_path, replace(SPEC, each=wild)))
    files = Files(tmp_path / "cache")
    assert files.exists(key_of(SPEC, 0))
    assert not files.exists(key_of(SPEC, 1))
    weights, _ = stored(arguments(tmp_path), SPEC, 0)
    assert all(torch.isfinite(values).all() for values in weights.values())


@contextmanager
def room_for(most: int) -> Iterator[None]:
    """No file can become larger than this, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_is_said_and_the_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = goal(tmp_path / "whole")
    list(finetune(whole))
    made = goal(tmp_path / "full")
    running = finetune(made)
    next(running)
    with room_for(1000), pytest.raises(CacheNotWritable):
        next(running)
    assert [found.name for found in (tmp_path / "full").rglob("*.part")] == []  # nothing half-written is left behind
    again = goal(tmp_path / "full")
    told = list(finetune(again))
    assert [step.epoch for step in told if isinstance(step, Epoch)] == [1, 2, 3]
    for name, values in whole.subject.network.state_dict().items():
        assert torch.equal(values, again.subject.network.state_dict()[name])


def test_a_second_process_on_one_series_is_told(tmp_path: Path) -> None:
    first = retrain(arguments(tmp_path), Control())
    while next(first)["stage"] != "epoch":
        pass
    with pytest.raises(SparsightError, match="already being trained"):
        done(arguments(tmp_path, device=""))
    first.close()
    assert done(arguments(tmp_path, device=""))[-1]["level"] == 1


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"weights": "nowhere.pth", "spec": asdict(replace(SPEC, start="pretrained"))}, BadFile),
        ({"held_out": "nowhere.zip"}, MissingData),
        ({"device": "toaster"}, BadSpec),
        ({"spec": asdict(replace(SPEC, model="perceptron@tiny"))}, UnknownName),
        ({"spec": asdict(replace(SPEC, targets=(0.0, 0.9999)))}, BadSpec),
        ({"spec": asdict(replace(SPEC, pruning=PruningSpec.one_shot(0.0, excluded=("x",))))}, UnknownName),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(
    tmp_path: Path, more: dict[str, object], error: type
) -> None:
    with pytest.raises(error) as caught:
        done(arguments(tmp_path) | more)
    assert isinstance(caught.value, SparsightError)
    assert not (tmp_path / "cache").exists() or Files(tmp_path / "cache").keys() == []


def test_a_zip_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"no zip")
    with pytest.raises(BadFile):
        done(arguments(tmp_path, photographs=tmp_path / "photos.zip"))
