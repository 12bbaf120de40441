"""Comparisons with another reference than the network's own dense one."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import CamSpec, Engine, ImageRef, PruningSpec, VariantSpec
from core.base.errors import BadSpec, MissingData, UnknownName
from core.engine.reference_name import reference_name
from core.models.cards import InputRule
from core.results import Comparison
from core.specs import ModelSpec
from tests.reference import frames as slow
from tests.small_networks import DENSE, LEVEL, MODEL, write_card, write_level, write_series

pytestmark = pytest.mark.device

OTHER = VariantSpec(model=ModelSpec(seed=334))
THIRD = VariantSpec(model=ModelSpec(seed=335))
HALF = VariantSpec(pruning=PruningSpec.one_shot(0.5))
LITE = VariantSpec(model=ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0))
COFFEE = ImageRef(source="gallery", name="coffee")


def same(one: Comparison, other: Comparison) -> bool:
    """Whether two answers hold the same maps, answers and scores."""
    arrays = [(one.difference, other.difference)]
    for mine, theirs in ((one.reference, other.reference), (one.pruned, other.pruned)):
        arrays += [
            (mine.map, theirs.map),
            (mine.saliency, theirs.saliency),
            (mine.prediction.probabilities, theirs.prediction.probabilities),
        ]
    facts = [(a.similarity, a.agreement, a.reference_name, a.notes, a.reference_class) for a in (one, other)]
    return all(np.array_equal(*pair) for pair in arrays) and facts[0] == facts[1]


@pytest.mark.parametrize("reference", [OTHER, VariantSpec(pruning=PruningSpec.at_level(3)), HALF])
def test_it_is_the_comparison_of_two_heatmaps_for_the_reference_s_class(engine: Engine, reference: VariantSpec) -> None:
    variant = VariantSpec(pruning=PruningSpec.one_shot(0.8))
    for row in (17, 1234, 4321):
        image = ImageRef(name=str(row))
        answer = engine.compare(variant, image, CamSpec(), reference)
        theirs = engine.heatmap(reference, image, CamSpec(target="own"))
        own = engine.heatmap(variant, image, CamSpec(target=theirs.prediction.top))
        assert np.array_equal(answer.reference.map, theirs.map)
        assert np.array_equal(answer.pruned.map, own.map)
        assert np.array_equal(answer.difference, theirs.map - own.map)
        assert answer.reference.target_class == answer.pruned.target_class == theirs.prediction.top
        assert answer.flipped == (theirs.prediction.top != own.prediction.top)
        cells = np.corrcoef(theirs.saliency.ravel(), own.saliency.ravel())[0, 1]
        if answer.similarity["pearson"] is not None:
            assert answer.similarity["pearson"] == pytest.approx(cells, abs=1e-5)
        assert answer.agreement == engine.agreement(variant, image, CamSpec(), reference)
        assert answer.question[2].target == "dense"


def test_without_a_reference_it_is_the_dense_network(engine: Engine) -> None:
    image = ImageRef(name="7")
    usual = engine.compare(HALF, image, CamSpec())
    assert usual is engine.compare(HALF, image, CamSpec(), VariantSpec())
    assert usual is engine.compare(HALF, image, CamSpec(), VariantSpec(), (("3", "8"),))
    assert usual.reference_name == "the dense network"
    assert usual.with_dense
    assert not engine.compare(HALF, image, CamSpec(), OTHER).with_dense


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([None, VariantSpec(), OTHER, THIRD, HALF, VariantSpec(pruning=PruningSpec.at_level(5))]),
    st.sampled_from([VariantSpec(), HALF, OTHER, VariantSpec(pruning=PruningSpec.at_level(9))]),
    st.sampled_from(["dense", "own", "label", 3]),
    st.integers(0, 3),
)
def test_the_cache_never_mixes_references(
    engine: Engine, reference: VariantSpec | None, variant: VariantSpec, target: str | int, row: int
) -> None:
    """The shared engine has answered with other references before; a new one has not."""
    question = variant, ImageRef(name=str(row)), CamSpec(target=target)
    fresh = Engine("cpu", engine.folder)
    assert same(engine.compare(*question, reference), fresh.compare(*question, reference))
    assert engine.compare(*question, reference) is engine.compare(*question, reference)


def test_two_references_in_two_threads(engine: Engine) -> None:
    images = [ImageRef(name=str(row)) for row in range(40, 52)]
    work = [(image, reference) for image in images for reference in (OTHER, THIRD, None)]
    fresh = Engine("cpu", engine.folder)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: fresh.compare(HALF, each[0], CamSpec(), each[1]), work))
    for (image, reference), answer in zip(work, found, strict=True):
        assert same(answer, engine.compare(HALF, image, CamSpec(), reference))


@pytest.mark.parametrize(
    ("variant", "reference", "name"),
    [
        (HALF, VariantSpec(), "the dense network"),
        (HALF, OTHER, "the dense network of seed 334"),
        (HALF, VariantSpec(pruning=PruningSpec.one_shot(0.3)), "the same network at 30.0 % sparsity"),
        (
            HALF,
            VariantSpec(pruning=PruningSpec.one_shot(0.3, "layer", "random")),
            "the same network at 30.0 % sparsity (Random, layer by layer)",
        ),
        (HALF, VariantSpec(pruning=PruningSpec.at_level(3)), "level 3 of its trained series"),
        (
            VariantSpec(pruning=PruningSpec.at_level(9)),
            VariantSpec(pruning=PruningSpec.at_level(3)),
            "level 3 of the same series",
        ),
        (
            VariantSpec(pruning=PruningSpec.at_level(9)),
            VariantSpec(model=ModelSpec(seed=335), pruning=PruningSpec.at_level(3)),
            "the network of seed 335, level 3",
        ),
        (
            LITE,
            VariantSpec(model=ModelSpec(name="squeezenet1_1", weights="imagenet", seed=0)),
            "SqueezeNet 1.1 (dense)",
        ),
    ],
)
def test_names_say_what_differs(engine: Engine, variant: VariantSpec, reference: VariantSpec, name: str) -> None:
    assert reference_name(engine.catalogue, variant, reference) == name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_series(tmp_path / "cache", ("cup", "espresso", "tabby"), seed=1)
    return tmp_path / "cache"


def test_networks_of_other_sizes_are_compared_in_the_frame_of_the_photograph(folder: Path) -> None:
    engine = Engine("cpu", folder)
    answer = engine.compare(LITE, COFFEE, CamSpec(target=967), LEVEL)  # espresso
    theirs = engine.heatmap(LEVEL, COFFEE, CamSpec(target=1))
    own = engine.heatmap(LITE, COFFEE, CamSpec(target=967))
    frames = [engine.picture(COFFEE, each.model).frame for each in (LEVEL, LITE)]
    cells = slow.resampled(theirs.saliency.tolist(), frames[0], frames[1], (3, 3))
    ours = slow.resampled(own.saliency.tolist(), frames[1], frames[1], (3, 3))
    assert answer.reference.saliency == pytest.approx(np.array(cells), abs=1e-4 * float(theirs.saliency.max() or 1))
    assert answer.similarity["pearson"] == pytest.approx(np.corrcoef(np.ravel(cells), np.ravel(ours))[0, 1], abs=1e-4)
    assert answer.reference.map.shape == answer.pruned.map.shape == answer.difference.shape == (224, 224)
    assert answer.reference.map.max() == pytest.approx(1)
    assert answer.pruned.saliency.shape == (7, 7)
    assert [note[:24] for note in answer.notes] == [
        "The two networks see dif",
        "The target layers of the",
        "The reference's heatmap ",
    ]
    # The small network sees all 600 x 400 pixels, this one the middle 350 x 350.
    assert f"{1 - 350 * 350 / (600 * 400):.1%}".replace("%", " %") in answer.notes[0]


def test_a_class_is_found_by_its_name_or_refused(folder: Path) -> None:
    engine = Engine("cpu", folder)
    answer = engine.compare(LEVEL, COFFEE, CamSpec(), LITE)
    assert answer.reference.prediction.classes[answer.reference.target_class] == "espresso"
    assert answer.pruned.target_class == answer.reference_class == 1
    rocket = ImageRef(source="gallery", name="rocket")
    with pytest.raises(BadSpec, match="'missile' of the reference is no class of this network"):
        engine.compare(LEVEL, rocket, CamSpec(), LITE)
    stated = engine.compare(LEVEL, rocket, CamSpec(), LITE, (("missile", "tabby"),))
    assert stated.pruned.target_class == 2
    assert stated.mapping == (("missile", "tabby"),)
    own = engine.compare(LEVEL, rocket, CamSpec(target="own"), LITE)
    assert own.reference_class is None
    assert own.flipped
    with pytest.raises(BadSpec, match="'tench' of this network is no class of the reference"):
        engine.compare(LITE, rocket, CamSpec(target=0), LEVEL)
    with pytest.raises(UnknownName):
        engine.compare(LEVEL, rocket, CamSpec(), LITE, (("missile", "dog"),))


def test_a_homonym_is_said(folder: Path) -> None:
    write_card(folder, ("cup", "espresso", "crane"))
    answer = Engine("cpu", folder).compare(LEVEL, COFFEE, CamSpec(target=2), LITE)
    assert any("a machine that lifts loads" in note for note in answer.notes)


def test_a_digit_is_no_photograph(folder: Path) -> None:
    with pytest.raises(BadSpec):
        Engine("cpu", folder).compare(LEVEL, COFFEE, CamSpec(), VariantSpec())


def test_an_exchanged_reference_is_noticed(folder: Path) -> None:
    variant, running = VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(0.4)), Engine("cpu", folder)
    before = running.compare(LITE, COFFEE, CamSpec(target=967), LEVEL)
    stamp = running.stamp(LITE, COFFEE, LEVEL)
    (folder.parent / "elsewhere").mkdir()
    for exchange in (
        lambda: write_level(folder, LEVEL, 2),
        lambda: write_card(folder, ("espresso", "cup", "tabby")),
        lambda: write_card(folder, ("cup", "espresso", "tabby"), "features.7"),
    ):
        exchange()
        found = running.compare(LITE, COFFEE, CamSpec(target=967), LEVEL)
        assert same(found, Engine("cpu", folder).compare(LITE, COFFEE, CamSpec(target=967), LEVEL))
        assert not same(found, before)
        assert running.stamp(LITE, COFFEE, LEVEL) != stamp
        before, stamp = found, running.stamp(LITE, COFFEE, LEVEL)
    assert found.stamp == stamp != running.stamp(LITE, COFFEE)
    running.compare(variant, COFFEE, CamSpec(target=0), LEVEL)
    (folder / f"{LEVEL.key}.safetensors").unlink()
    with pytest.raises(MissingData):
        running.compare(variant, COFFEE, CamSpec(target=0), LEVEL)
    shutil.rmtree(folder / MODEL.name)
    with pytest.raises(UnknownName):
        running.compare(LITE, COFFEE, CamSpec(target=967), DENSE)


def test_input_rules_of_one_frame_need_no_resampling(engine: Engine) -> None:
    """Networks that see the same part of a photograph keep their own maps."""
    model = ModelSpec(name="squeezenet1_1", weights="random", seed=0)
    answer = engine.compare(LITE, COFFEE, CamSpec(), VariantSpec(model=model))
    assert engine.card(model).input != engine.card(LITE.model).input
    assert isinstance(engine.card(model).input, InputRule)
    assert not any("different parts" in note for note in answer.notes)
    theirs = engine.heatmap(VariantSpec(model=model), COFFEE, CamSpec(target="own"))
    assert np.array_equal(answer.reference.map, theirs.map)
