"""Networks that this project retrained: found at the start and later, each run with levels of its
own, asked like any other.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.checks import checked
from core.base.errors import BadFile, BadSpec, MissingData
from core.cli.main import main
from core.disk.files import Files
from core.disk.sparse import pack_sparse
from core.models import description as finetuned
from core.models.catalogue import Catalogue
from core.models.description import Description, Run
from core.models.zoo import named
from core.protocols.lukkien.protocol import WEIGHTS_LEFT
from core.pruning.mask import full_mask
from tests.protocols import small_series
from tests.protocols.small_series import NAME

LAYER = ModelSpec(name=NAME, weights="merkle-layer", seed=0)
CAT = ImageRef(source="gallery", name="cat", noise=0.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one network, of three and of two levels."""
    folder = tmp_path_factory.mktemp("series")
    data = small_series.photographs(folder / "data")
    small_series.train(folder / "cache", data)
    small_series.train(folder / "cache", data, "short", (0.0, 0.3), seed=4)
    return folder / "cache"


def test_each_run_has_levels_and_seeds_of_its_own(cache: Path) -> None:
    engine = Engine("cpu", cache)
    short = ModelSpec(name=NAME, weights="short", seed=4)
    assert [(variant.pruning.level, target) for variant, target in engine.levels(LAYER)] == [
        (0, 0.0),
        (1, 0.5),
        (2, 0.75),
    ]
    assert [target for _, target in engine.levels(short)] == [0.0, 0.3]
    assert (engine.catalogue.series_of(LAYER).seeds, engine.catalogue.series_of(short).seeds) == ((0,), (4,))
    assert engine.catalogue.default_model(NAME) in (LAYER, short)
    assert engine.levels(ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0)) == ()
    with pytest.raises(BadSpec, match="no level 2"):
        engine.report(VariantSpec(model=short, pruning=PruningSpec.at_level(2, "retrained")))


def test_explore_asks_a_trained_level_like_any_other_network(cache: Path) -> None:
    engine = Engine("cpu", cache)
    for variant, target in engine.levels(LAYER):
        answer = engine.compare(variant, CAT, CamSpec(method="grad-cam"))
        assert answer.mask.sparsity == pytest.approx(target, abs=1e-3)
        assert answer.mask.conv_compression_ratio == pytest.approx(1 / (1 - target), rel=1e-2)
        assert answer.pruned.map.shape == (64, 64)
        assert len(answer.pruned.prediction.probabilities) == 2
    assert engine.series(VariantSpec(model=LAYER, pruning=PruningSpec.at_level(1, "retrained"))) == tuple(
        v for v, _ in engine.levels(LAYER)
    )
    dense = engine.heatmap(VariantSpec(model=LAYER), CAT, CamSpec())
    first = engine.heatmap(engine.levels(LAYER)[0][0], CAT, CamSpec())
    assert (dense.map == first.map).all()


def test_a_level_that_is_not_trained_or_cut_short_is_said(cache: Path, tmp_path: Path) -> None:
    shutil.copytree(cache, tmp_path / "cache")
    home = tmp_path / "cache" / LAYER.key / "retrained"
    (home / "level-01.safetensors").unlink()
    whole = (home / "level-02.safetensors").read_bytes()
    (home / "level-02.safetensors").write_bytes(whole[: len(whole) // 2])
    engine = Engine("cpu", tmp_path / "cache")
    (_, missing, cut) = (variant for variant, _ in engine.levels(LAYER))
    with pytest.raises(MissingData, match=r"level-01 is not on this machine") as said:
        engine.heatmap(missing, CAT, CamSpec())
    assert "page Retrain" in said.value.next_step
    with pytest.raises(BadFile, match="cannot be used"):
        engine.heatmap(cut, CAT, CamSpec())
    with pytest.raises(MissingData):  # the damaged file was set aside
        engine.heatmap(cut, CAT, CamSpec())


def test_what_a_job_adds_is_found_without_a_restart(cache: Path, tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    one = finetuned.read(cache / NAME / finetuned.FILE)
    finetuned.write(tmp_path, replace(one, runs={"short": one.runs["short"]}))
    assert engine.catalogue.refresh() == (NAME,)
    assert engine.catalogue.refresh() == ()
    assert set(engine.card(LAYER).weights) == {"short"}
    finetuned.add_runs(tmp_path, one)
    assert engine.catalogue.refresh() == (NAME,)
    assert set(engine.card(LAYER).weights) == {"short", "merkle-layer"}
    finetuned.add_runs(tmp_path, replace(one, runs={"short": replace(one.runs["short"], seeds=(9,))}))
    engine.catalogue.refresh()
    assert engine.catalogue.series_of(ModelSpec(name=NAME, weights="short", seed=9)).seeds == (4, 9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "perceptron"}, "architecture 'perceptron'"),
        ({"data": "other"}, "it describes squeezenet1_1@other"),
        ({"classes": ["one"]}, "1 classes"),
        ({"runs": {}}, "0 runs"),
        ({"runs": {"a": {"summary": "", "targets": [0.5], "seeds": [0]}}}, "levels"),
        ({"runs": {"a": {"summary": "", "targets": [0, 2], "seeds": [0]}}}, "2"),
        ({"runs": {"a": {"summary": "", "targets": [0], "seeds": []}}}, "seeds"),
        ({"runs": ["a"]}, "list"),
        ({"size_px": "big"}, "pixels"),
        ({"std": [0, 1, 1]}, "deviation"),
        ({"format": 99}, "format 99"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_damaged_card_is_named_and_skipped(cache: Path, tmp_path: Path, change: dict, said: str) -> None:
    sound = json.loads((cache / NAME / finetuned.FILE).read_text())
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / finetuned.FILE).write_text(json.dumps(checked(sound | change)))
    engine = Engine("cpu", tmp_path)
    (problem,) = engine.catalogue.damaged
    assert said in problem.wrong
    assert str(tmp_path / NAME / finetuned.FILE) in problem.wrong


FIELDS = st.sampled_from(["format", "runs", "classes", "mean", "std", "levels", "seeds"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=7),
)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_content_of_a_card_breaks_the_start(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("card") / NAME / finetuned.FILE
    path.parent.mkdir()
    path.write_bytes(content)
    descriptions, damaged = finetuned.look([path.parents[1]])
    assert (descriptions, len(damaged)) == ([], 1)


def test_the_first_format_is_read(tmp_path: Path) -> None:
    old = {
        "architecture": "squeezenet1_1",
        "data": "old",
        "classes": ["a", "b"],
        "size_px": 64,
        "target_layer": "features.12",
        "classifier": "classifier.1.weight",
        "levels": 2,
        "runs": {"merkle-layer": "text"},
        "seeds": [0, 1],
        "format": 1,
    }
    path = tmp_path / "squeezenet1_1@old" / finetuned.FILE
    path.parent.mkdir()
    path.write_text(json.dumps(old | {"mean": [0, 0, 0], "std": [1, 1, 1]}))
    assert finetuned.read(path).runs == {"merkle-layer": Run(summary="text", targets=(0.0, 0.5, 0.75), seeds=(0, 1))}


def test_one_name_is_one_network(cache: Path, tmp_path: Path) -> None:
    one = finetuned.read(cache / NAME / finetuned.FILE)
    finetuned.write(tmp_path, replace(one, classes=("a", "b", "c")))
    level = tmp_path / NAME / "merkle-layer" / "seed-0" / "retrained" / "level-00.safetensors"
    level.parent.mkdir(parents=True)
    level.touch()
    with pytest.raises(BadSpec, match=r"already names another network: 3 classes \(a, b, c\)"):
        finetuned.add_runs(tmp_path, one)
    (first,), (problem,) = finetuned.look([cache, tmp_path])
    assert first.classes == one.classes
    assert "different network" in problem.wrong


def test_a_card_whose_run_came_to_nothing_is_replaced(cache: Path, tmp_path: Path) -> None:
    one = finetuned.read(cache / NAME / finetuned.FILE)
    finetuned.write(tmp_path, replace(one, classes=("a", "b", "c")))
    finetuned.add_runs(tmp_path, one)
    assert finetuned.read(tmp_path / NAME / finetuned.FILE) == one


def test_runs_of_other_levels_are_not_mixed() -> None:
    run = Run(summary="", targets=(0.0, 0.5), seeds=(1,))
    assert run.and_also(replace(run, seeds=(0, 2))).seeds == (0, 1, 2)
    assert run.and_also(replace(run, targets=(0.0, 0.3), seeds=(0, 2))) == run


def test_the_levels_of_the_thesis_are_those_of_its_protocol() -> None:
    targets = named("thesis-cnn").series_of(ModelSpec().weights).targets
    assert [round((1 - target) * WEIGHTS_LEFT[0]) for target in targets] == list(WEIGHTS_LEFT)


def test_a_series_that_leaves_layers_alone_is_read(tmp_path: Path) -> None:
    """VGG-16 keeps its linear layers in Less is More; resnet18's head stands for them here."""
    description = Description(
        architecture="resnet18",
        data="x",
        classes=("a", "b"),
        size_px=32,
        target_layer="layer4",
        classifier="fc.weight",
        runs={"merkle-layer": Run(summary="", targets=(0.0, 0.5), seeds=(0,))},
    )
    finetuned.write(tmp_path, description)
    engine, model = Engine("cpu", tmp_path), ModelSpec(name="resnet18@x", weights="merkle-layer", seed=0)
    found = engine.card(model)
    state = found.build().state_dict()
    convs = tuple(name for name, kind in found.kinds.items() if kind == "conv")
    mask = full_mask(state, convs)
    mask[convs[0]][:1] = False
    variant = engine.levels(model)[1][0]
    Files(tmp_path).save(variant.key, pack_sparse(state, mask), {})
    report = engine.report(variant)
    assert {layer.name: layer.removed for layer in report.layers if layer.removed} == {convs[0]: 147}
    assert report.total == sum(state[name].numel() for name in found.prunable)


def test_the_command_line_asks_for_a_trained_level(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["heatmap", "--model", NAME, "--weights", "merkle-layer", "--level", "2", "--photo", "cat", "--json"]
    Engine("cpu", cache)
    assert main([*words, "--folder", str(cache), "--device", "cpu"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["variant"] == f"{LAYER.key}/retrained/level-02"
    assert found["mask"]["sparsity"] == pytest.approx(0.75, abs=1e-3)


def test_threads_that_look_at_once_share_a_look_that_began_after_they_asked(tmp_path: Path) -> None:
    catalogue = Catalogue(Files(tmp_path))
    begun, go_on, looks = threading.Event(), threading.Event(), []

    def slow_keys(prefix: str) -> list[str]:
        looks.append(prefix)
        begun.set()
        go_on.wait(20)
        return []

    catalogue.files.keys = slow_keys  # type: ignore[method-assign]
    first = threading.Thread(target=catalogue.refresh)
    first.start()
    assert begun.wait(20)
    others = [threading.Thread(target=catalogue.refresh) for _ in range(8)]  # the first look may miss what is new now
    for thread in others:
        thread.start()
    time.sleep(0.3)
    go_on.set()
    for thread in (first, *others):
        thread.join(20)
    assert len(looks) == 2
