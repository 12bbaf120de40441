"""Series of retrained networks: the right masks at every level, found again after a kill, with a
card that a fresh process reads.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.base.errors import BadFile, BadSpec, MissingData, UnknownName
from core.data.decode import decode, finished
from core.data.folders import read_folder
from core.data.parts import load_images, part, split
from core.data.photo_sets import Photo, PhotoSet
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.models import architectures, description
from core.models.building import skeleton
from core.models.cards import Card, InputRule
from core.models.head import initial_weights
from core.models.zoo import named
from core.protocols.merkle import job as merkle_job
from core.protocols.merkle import protocol as merkle
from core.protocols.merkle.protocol import Plan
from core.specs import PruningSpec, RetrainSpec, TrainSpec
from core.training import series
from core.training.masks import Scored, level_mask
from core.training.place import Place
from core.training.retrain import estimate
from core.training.series import Material, Step, key_of, run_series
from tests.training.test_finetune import CPU, network, photographs

QUICK = TrainSpec(rates=((0.05, 1),), batch_size=16, noise=0.0)
TARGETS = (0.0, 0.5, 0.75)
SPEC = RetrainSpec(
    name="test-layer",
    model="tiny@colours",
    pruning=PruningSpec.one_shot(0.0, "layer", excluded=("9.weight",)),
    targets=TARGETS,
    first=QUICK,
    each=QUICK,
)


def tiny() -> Card:
    rule = InputRule(size_px=(12, 12), mean=(0.0,) * 3, std=(1.0,) * 3)
    return Card(
        build=network, target_layer="4", input=rule, classes=("red", "green", "blue"), weights={}, classifier="9.weight"
    )


def material(folder: Path) -> Material:
    return Material(tiny(), dict(network().state_dict()), photographs(67), photographs(40, 1), CPU, Files(folder))


def stored(made: Material, spec: RetrainSpec, level: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    return unpack_sparse(made.files.load(key_of(spec, level))[0])


@pytest.mark.parametrize("schedule", ["iterative", "one-shot", "reset", "none"])
@pytest.mark.parametrize("scope", ["layer", "global"])
def test_every_level_has_its_sparsity_and_masks_nest(tmp_path: Path, schedule: str, scope: str) -> None:
    spec = replace(SPEC, schedule=schedule, pruning=replace(SPEC.pruning, scope=scope))
    made = material(tmp_path)
    list(run_series(spec, made))
    before: dict[str, torch.Tensor] = {}
    for level, target in enumerate(TARGETS):
        weights, mask = stored(made, spec, level)
        assert mask.pop(
            "9.weight"
        ).all()  # left alone, and kept with the others, so that every prunable weight has its mask
        assert set(mask) == {"0.weight", "4.weight"}
        for name, kept in mask.items():
            assert (weights[name][~kept] == 0).all()
            if scope == "layer":
                assert kept.numel() - int(kept.sum()) == round(target * kept.numel())
            if before:
                assert not (kept & ~before[name]).any()
        total, left = sum(kept.numel() for kept in mask.values()), sum(int(kept.sum()) for kept in mask.values())
        assert total - left == round(target * total)
        before = mask


def test_the_smallest_weights_go(tmp_path: Path) -> None:
    made = material(tmp_path)
    list(run_series(SPEC, made))
    dense, _ = stored(made, SPEC, 0)
    _, mask = stored(made, SPEC, 1)
    del mask["9.weight"]  # left alone
    for name, kept in mask.items():
        assert dense[name].abs()[kept].min() >= dense[name].abs()[~kept].max()


def test_paces_begin_where_they_say(tmp_path: Path) -> None:
    """Without any training a level's weights are those that it begins with, masked."""
    still = TrainSpec(rates=((0.0, 1),), batch_size=67, weight_decay=0.0, noise=0.0)
    for schedule in ("iterative", "one-shot", "reset"):
        spec = replace(SPEC, schedule=schedule, each=still)
        made = material(tmp_path / schedule)
        list(run_series(spec, made))
        origin = made.start if schedule == "reset" else stored(made, spec, 0)[0]
        weights, mask = stored(made, spec, 2)
        for name, kept in mask.items():
            assert torch.equal(weights[name], origin[name] * kept)


def test_killed_between_and_within_levels_it_goes_on(tmp_path: Path) -> None:
    spec = replace(SPEC, first=replace(QUICK, rates=((0.05, 2),)), each=replace(QUICK, rates=((0.05, 2),)))
    whole = material(tmp_path / "whole")
    list(run_series(spec, whole))
    for steps in (1, 3, 5):
        made = material(tmp_path / f"killed-{steps}")
        running = run_series(spec, made)
        for _ in range(steps):
            next(running)
        del running
        told = list(run_series(spec, material(tmp_path / f"killed-{steps}")))
        assert any(step.found for step in told) == (steps >= 3)
        for level in range(3):
            for name, values in stored(whole, spec, level)[0].items():
                assert torch.equal(values, stored(made, spec, level)[0][name])
        assert [key for key in made.files.keys("tiny@colours") if "unfinished" in key] == []


def test_killed_after_a_level_is_stored_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(files: Files, key: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(series, "forget", killed)
        with pytest.raises(KeyboardInterrupt):
            list(run_series(SPEC, material(tmp_path)))
    made = material(tmp_path)
    assert made.files.exists(f"{key_of(SPEC, 0)}/unfinished")
    told = list(run_series(SPEC, made))
    assert told[0].found
    assert [key for key in made.files.keys("tiny@colours") if "unfinished" in key] == []


def test_what_is_told(tmp_path: Path) -> None:
    told: list[Step] = list(run_series(SPEC, material(tmp_path)))
    assert [(step.level, step.epoch is None) for step in told] == [
        (0, False),
        (0, True),
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    ]
    facts = Files(tmp_path).facts(key_of(SPEC, 1))
    assert facts["training_images"] == 67
    assert facts["outcome"]["history"][0]["total"] == 40


@pytest.mark.parametrize("targets", [(), (0.1, 0.5), (0.0, 0.5, 0.5), (0.0, 0.9, 0.5), (0.0, 1.0)])
def test_no_series(targets: tuple[float, ...]) -> None:
    with pytest.raises(BadSpec):
        replace(SPEC, targets=targets)


def test_level_0_keeps_everything() -> None:
    mask = level_mask(SPEC, Scored(tiny(), dict(network().state_dict())), 0.0)
    assert all(kept.all() for kept in mask.values())


def folder_of_photographs(folder: Path, per_class: int = 12, broken: bool = False) -> Path:
    generator = np.random.default_rng(0)
    for top in ("train", "val"):
        for place, name in enumerate(("n01440764", "n03028079")):
            home = folder / top / name
            home.mkdir(parents=True)
            for row in range(per_class):
                pixels = generator.integers(0, 120, (40, 40, 3)).astype(np.uint8)
                pixels[..., place] += 100
                target = io.BytesIO()
                Image.fromarray(pixels).save(target, "JPEG")
                (home / f"{top}{row}.jpg").write_bytes(b"no picture" if broken and row == 3 else target.getvalue())
    return folder


def test_merkle_trains_a_reduced_series(tmp_path: Path) -> None:
    photos = read_folder(folder_of_photographs(tmp_path / "data"))
    plan = Plan(architecture="squeezenet1_1", data="tiny", size_px=64, epochs=1, start="random")
    images = finished(load_images(photos, plan.backbone.rule, tmp_path, held_out={"train0.jpg"}))
    assert (len(images.train), len(images.validation) + len(images.test)) == (22, 24)
    files = Files(tmp_path / "cache")
    list(merkle.run(plan, images, None, Place(files, CPU)))
    (found,) = description.find([files.write_root])
    assert found.runs == {"merkle-layer": description.Run(summary=plan.summary, targets=merkle.TARGETS, seeds=(0,))}
    card = found.card()
    convs = [name for name, kind in card.kinds.items() if kind == "conv"]
    spec = plan.spec(())
    for level, rate in enumerate(merkle.RATES):
        weights, mask = unpack_sparse(files.load(key_of(spec, level))[0])
        assert set(mask) == set(convs)
        assert sum(int(kept.sum()) for kept in mask.values()) == pytest.approx(
            sum(kept.numel() for kept in mask.values()) / rate, rel=0.01
        )
        card.build().load_state_dict(weights)


def test_merkle_is_as_published() -> None:
    spec = Plan().spec(("classifier.0.weight",))
    assert spec.targets == (0, 0.5, 0.75, 0.875, 0.9375, 0.96875, 0.984375)
    assert (sum(e for _, e in spec.first.rates), sum(e for _, e in spec.each.rates)) == (100, 50)
    assert (spec.first.patience, spec.first.better, spec.first.batch_size, spec.first.momentum) == (10, 1.01, 64, 0.9)
    assert spec.pruning.scope == "layer"


def test_pretrained_weights_of_another_network_are_refused() -> None:
    found = merkle.describe(Plan(architecture="squeezenet1_1", data="x", size_px=64), ("a", "b"))
    with pytest.raises(BadSpec, match="do not fit squeezenet1_1"):
        initial_weights(found, {"conv1.weight": torch.zeros(1)}, 0)
    first, again = initial_weights(found, None, 3), initial_weights(found, None, 3)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_corrupt_photograph_is_named_and_counted(tmp_path: Path) -> None:
    photos = read_folder(folder_of_photographs(tmp_path, broken=True))
    (data,) = finished(decode([part(photos, "train")], InputRule(size_px=(16, 16)), tmp_path))
    assert len(data) == 22
    assert len(data.skipped) == 2
    assert all("train3.jpg" in text for text in data.skipped)


def test_empty_and_one_class_folders_are_refused(tmp_path: Path) -> None:
    photos = read_folder(folder_of_photographs(tmp_path))
    with pytest.raises(BadSpec, match="0 photographs of no class in test"):
        part(photos, "test")
    names = {f"train{row}.jpg" for row in range(12)} | {f"val{row}.jpg" for row in range(12)}
    with pytest.raises(BadSpec, match="at least two classes"):
        part(photos, "", names)


def test_a_split_is_the_same_every_time_and_leaves_nothing_out() -> None:
    photos = PhotoSet("fifty", ("a", "b"), [Photo(str(row), row % 2, Image.new) for row in range(50)])
    first, rest = split(photos, [20], 69)
    again, _ = split(photos, [20], 69)
    assert first.photos == again.photos != split(photos, [20], 70)[0].photos
    assert (len(first), len(rest)) == (20, 30)
    assert {photo.name for photo in (*first.photos, *rest.photos)} == {str(row) for row in range(50)}
    with pytest.raises(BadSpec):
        split(photos, [50], 0)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', "[1]"])
def test_a_damaged_card_is_left_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a@b" / description.FILE
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(BadFile):
        description.read(path)
    assert description.find([tmp_path]) == []


def test_runs_of_several_folders_come_together(tmp_path: Path) -> None:
    one = merkle.describe(Plan(architecture="squeezenet1_1", data="x", size_px=64), ("a", "b"))
    description.write(tmp_path / "one", one)
    description.write(
        tmp_path / "two",
        replace(one, runs={"other": description.Run(summary="another run", targets=(0, 0.3), seeds=(4,))}),
    )
    (found,) = description.find([tmp_path / "one", tmp_path / "two"])
    assert set(found.runs) == {"merkle-layer", "other"}
    assert found.card().seeds == (0, 4)
    assert json.loads((tmp_path / "one" / one.name / description.FILE).read_text())["architecture"] == "squeezenet1_1"


def test_what_a_run_will_cost_is_measured(tmp_path: Path) -> None:
    photos = folder_of_photographs(tmp_path / "data")
    plan = {"architecture": "squeezenet1_1", "data": "x", "size_px": 64, "epochs": 2}
    asked = {"plan": plan, "photographs": str(photos), "device": "cpu"}
    cost = estimate(asked, n=3, read=merkle_job.read_series)
    assert (cost.images, cost.epochs, cost.batch, cost.n) == (24, 14, 64, 3)
    assert 0 < cost.step_ms / 1000 * cost.epochs <= cost.seconds
    twice = estimate(asked | {"plan": plan | {"epochs": 4}}, n=3, read=merkle_job.read_series)
    assert twice.epochs == 28
    with pytest.raises(MissingData):
        estimate(asked | {"photographs": str(tmp_path / "nowhere")}, read=merkle_job.read_series)


@pytest.mark.parametrize("architecture", [*architectures.OFFERED, "inception_v3", "wide_resnet50_2"])
def test_every_network_can_be_given_other_classes(architecture: str) -> None:
    found = merkle.describe(
        Plan(architecture=architecture, data="x", size_px=96, normalise=True), ("a", "b", "c")
    ).card()
    assert dict(skeleton(found.build).named_parameters())[found.classifier].shape[0] == 3
    assert found.kinds[found.classifier] in ("linear", "conv")
    skeleton(found.build).get_submodule(found.target_layer)
    original = named(architecture)
    if architecture not in ("googlenet", "inception_v3"):  # they rescale ImageNet's mean themselves, to this
        assert (found.input.mean, found.input.std) == (original.input.mean, original.input.std)
    else:
        assert (found.input.mean, found.input.std) == ((0.5,) * 3, (0.5,) * 3)


def test_networks_that_cannot_be_retrained_are_said() -> None:
    with pytest.raises(UnknownName, match="efficientnet-lite0"):
        merkle.describe(Plan(architecture="efficientnet_lite"), ("a", "b"))
    with pytest.raises(BadSpec, match="vision transformer"):
        merkle.describe(Plan(architecture="vit_b_16"), ("a", "b"))
    with pytest.raises(BadSpec, match="does not accept 32 x 32 pixels"):
        merkle.describe(Plan(architecture="inception_v3", size_px=32), ("a", "b"))


@pytest.mark.parametrize("normalise", [True, False])
def test_the_input_is_as_published_unless_asked_otherwise(normalise: bool) -> None:
    plan = Plan(architecture="squeezenet1_1", data="x", size_px=64, normalise=normalise)
    rule = merkle.describe(plan, ("a", "b")).card().input
    assert (rule.mean == (0.0, 0.0, 0.0)) is not normalise
    assert ("normalised" in plan.summary) is normalise
