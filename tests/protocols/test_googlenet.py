"""The GoogLeNet study: the right masks in each series, one dense network for all, found again after
a kill, tables that count.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.base.errors import BadSpec, MissingData, UnknownName
from core.data.decode import TrainingImages
from core.data.parts import Images
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.engine.engine import Engine
from core.jobs.control import Control, Stopped
from core.models import description
from core.models.cards import Card
from core.protocols.googlenet import protocol as vonrad
from core.protocols.googlenet import tables as vonrad_tables
from core.protocols.googlenet.protocol import PRUNINGS, Plan, Series, all_series, describe, run
from core.protocols.googlenet.tables import VonradTables, load, study
from core.stats.intervals import wilson
from core.training.place import Place
from core.training.series import key_of

CPU = torch.device("cpu")
CLASSES = ("red", "green")
PLAN = Plan(
    architecture="squeezenet1_1",
    data="colours",
    size_px=48,
    rates=(0.5, 0.8),
    prunings=tuple(PRUNINGS),
    epochs=1,
    dense_epochs=1,
    curve_epochs=2,
    every=2,
    start="random",
    optimiser="adamw",
)
Trained = tuple[Files, VonradTables]
pytestmark = pytest.mark.usefixtures("one_thread")


def photographs(count: int, seed: int) -> TrainingImages:
    """Noise that is red or green by its class."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 120, (count, 3, 48, 48), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    for place in (0, 1):
        images[labels == place, place] += 100
    return TrainingImages(images, labels, CLASSES)


IMAGES = Images(photographs(33, 0), photographs(20, 1), photographs(30, 2))


def card() -> Card:
    return describe(PLAN, CLASSES).card()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    files = Files(tmp_path_factory.mktemp("vonrad"))
    list(study(PLAN, IMAGES, None, Engine("cpu", files.write_root)))
    return files, load([files.write_root], PLAN.model)


def network(files: Files, made: Series, level: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    return unpack_sparse(files.load(key_of(made.spec, level))[0])


def each_pruned() -> list[Series]:
    return [made for made in all_series(PLAN, card()) if made.pruning != "dense"]


def groups(kept: torch.Tensor, pruning: str) -> torch.Tensor:
    """Which groups of a weight are kept; all weights of a group share its fate."""
    o, i = kept.shape[:2]
    if PRUNINGS[pruning].granularity == "weight":
        return kept.flatten()
    rows = {
        "filter": kept.reshape(o, -1),
        "kernel": kept.reshape(o * i, -1),
        "channel": kept.transpose(0, 1).reshape(i, -1),
    }
    found = rows[PRUNINGS[pruning].granularity]
    assert (found.all(1) | ~found.any(1)).all()
    return found.any(1)


@pytest.mark.long
@pytest.mark.parametrize("made", each_pruned(), ids=lambda made: made.spec.name)
def test_every_level_removes_its_share_of_the_right_groups(trained: Trained, made: Series) -> None:
    way = PRUNINGS[made.pruning]
    left_whole = {"classifier": "classifier.1.weight", "stem": "features.0.weight"}[way.spared]
    for level, rate in enumerate(made.spec.targets):
        weights, mask = network(trained[0], made, level)
        assert all((weights[name][~kept] == 0).all() for name, kept in mask.items())
        assert left_whole not in mask or mask[left_whole].all()
        kept = {name: groups(mask[name], made.pruning) for name in card().prunable if name != left_whole}
        totals = kept.values() if way.scope == "layer" else [torch.cat(list(kept.values()))]
        assert [int((~found).sum()) for found in totals] == [int(rate * len(found) + 0.5) for found in totals]


@pytest.mark.long
def test_a_filter_takes_its_bias_along(trained: Trained) -> None:
    made = next(made for made in each_pruned() if made.spec.name == "vonrad-filters-one-shot")
    weights, mask = network(trained[0], made, 2)
    gone = ~mask["features.3.squeeze.weight"].flatten(1).any(1)
    assert gone.sum() == 13
    assert (weights["features.3.squeeze.bias"][gone] == 0).all()


@pytest.mark.long
def test_all_series_begin_with_one_dense_network(trained: Trained) -> None:
    (dense, *_) = all_series(PLAN, card())
    first, _ = network(trained[0], dense, 0)
    for made in each_pruned():
        weights, _ = network(trained[0], made, 0)
        assert all(torch.equal(values, first[name]) for name, values in weights.items())


@pytest.mark.long
def test_without_retraining_what_is_kept_is_the_dense_networks(trained: Trained) -> None:
    for made in (made for made in each_pruned() if made.retraining == "none"):
        dense, _ = network(trained[0], made, 0)
        weights, mask = network(trained[0], made, 2)
        assert all(torch.equal(weights[name], dense[name] * kept) for name, kept in mask.items())


@pytest.mark.long
def test_iterative_masks_nest_and_differ_from_one_shot(trained: Trained) -> None:
    one, two = (
        {made.spec.name: made for made in each_pruned()}[f"vonrad-unstructured-{how}"]
        for how in ("one-shot", "iterative")
    )
    half, most = network(trained[0], two, 1)[1], network(trained[0], two, 2)[1]
    assert not any((most[name] & ~half[name]).any() for name in most)
    at_once = network(trained[0], one, 2)[1]
    assert any((most[name] != at_once[name]).any() for name in most)


@pytest.mark.long
def test_the_table_has_a_row_a_network_and_an_epoch(trained: Trained) -> None:
    levels, epochs = trained[1].levels, trained[1].epochs
    assert len(levels) == 1 + 4 * (3 * 2 + 1)
    assert len(epochs) == 1 + 4 * (2 * 2 + 2)
    assert set(levels[levels.retraining == "curve"].epochs) == {2}
    assert (levels[levels.retraining == "none"].epochs == 0).all()
    assert set(levels[levels.retraining == "iterative"].training_images) == {17}
    assert set(levels[levels.pruning == "dense"].training_images) == {33}


@pytest.mark.long
def test_counts_in_the_table(trained: Trained) -> None:
    files, tables = trained
    for made in each_pruned():
        rows = tables.series(made.pruning, made.retraining, 0)
        weights, mask = network(files, made, len(made.spec.targets) - 1)
        row = rows.iloc[-1]
        built = card().build()
        built.load_state_dict(weights)
        seen = card().input(IMAGES.test.images.float() / 255)
        assert row.correct == int((built.eval()(seen).argmax(1) == IMAGES.test.labels).sum())
        assert (row.low, row.high) == wilson(int(row.correct), 30)
        prunable = [mask[name] for name in card().prunable]
        assert row.sparsity == pytest.approx(
            1 - sum(int(kept.sum()) for kept in prunable) / sum(kept.numel() for kept in prunable)
        )
        assert row.parameters_left == sum(int(values.count_nonzero()) for values in weights.values())
        assert row.multiply_adds_left < row.multiply_adds == tables.dense(0).multiply_adds.iloc[0]
        if made.pruning == "filters":
            assert row.physical_parameters < row.parameters_left * 1.1
            assert row.physical_multiply_adds < 0.3 * row.multiply_adds


@pytest.mark.long
def test_the_curve_is_its_own_series_or_the_one_shot_level(trained: Trained) -> None:
    assert list(trained[1].curve("filters", vonrad.CURVE_RATE, 0).epoch) == [1, 2]
    assert list(trained[1].curve("filters", 0.8, 0).epoch) == [1]
    plan = replace(PLAN, rates=vonrad.RATES, curve_epochs=None, epochs=None)
    assert "curve" not in {made.retraining for made in all_series(plan, card())}


@pytest.mark.long
def test_a_second_run_finds_everything_and_writes_the_same(trained: Trained) -> None:
    files, tables = trained
    told = list(study(PLAN, IMAGES, None, Engine("cpu", files.write_root)))
    assert all(step.found for _, step in told)
    assert load([files.write_root], PLAN.model).levels.equals(tables.levels)


@pytest.mark.long
def test_stopped_anywhere_it_goes_on_and_ends_the_same(trained: Trained, tmp_path: Path) -> None:
    plan = replace(PLAN, prunings=("unstructured",))
    running = study(plan, IMAGES, None, Engine("cpu", tmp_path))
    for _ in range(7):
        next(running)
    running.close()
    (tmp_path / "stop").touch()
    with pytest.raises(Stopped):
        list(study(plan, IMAGES, None, Engine("cpu", tmp_path), Control(tmp_path)))
    list(study(plan, IMAGES, None, Engine("cpu", tmp_path)))
    columns = [name for name in vonrad_tables.LEVELS if name != "seconds"]
    ours = load([tmp_path], plan.model).levels[columns]
    whole = trained[1].levels
    assert ours.equals(whole[whole.pruning.isin(["dense", "unstructured"])][columns].reset_index(drop=True))


@pytest.mark.long
def test_networks_of_another_plan_are_not_taken_for_ours(trained: Trained) -> None:
    with pytest.raises(BadSpec, match="was trained differently"):
        list(run(replace(PLAN, rates=(0.6, 0.8)), IMAGES, None, Place(trained[0], CPU)))
    with pytest.raises(BadSpec, match="was trained differently"):
        list(run(replace(PLAN, every=3), IMAGES, None, Place(trained[0], CPU)))


@pytest.mark.long
def test_its_card_is_found(trained: Trained) -> None:
    (found,) = description.find([trained[0].write_root])
    assert len(found.runs) == 4 * (3 + 1)  # with the curve
    assert found.runs["vonrad-filters-iterative"].targets == (0.0, 0.5, 0.8)


@pytest.mark.long
def test_other_seeds_join_the_table(trained: Trained) -> None:
    files, tables = trained
    list(
        study(
            replace(PLAN, seed=1, prunings=("filters",), rates=(0.5,), curve_epochs=1),
            IMAGES,
            None,
            Engine("cpu", files.write_root),
        )
    )
    both = load([files.write_root], PLAN.model)
    assert both.seeds() == [0, 1]
    assert len(both.levels) == len(tables.levels) + 5
    assert set(both.facts["runs"]) == {"0", "1"}


def test_bad_plans() -> None:
    for wrong in ({"rates": ()}, {"rates": (0.0, 0.5)}, {"prunings": ()}, {"epochs": 0}, {"every": 0}):
        with pytest.raises(BadSpec):
            replace(PLAN, **wrong)  # type: ignore[arg-type]
    with pytest.raises((BadSpec, UnknownName)):
        replace(PLAN, prunings=("all",))
    with pytest.raises(BadSpec):
        describe(replace(PLAN, architecture="alexnet"), CLASSES)


def test_no_tables(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="GoogLeNet"):
        load([tmp_path], "squeezenet1_1@nothing")


def test_what_departs_from_the_paper_is_said() -> None:
    assert "every second training image" in " ".join(PLAN.departures)
    assert "began with the weights of own.pth" in " ".join(Plan(weights="own.pth").departures)
    assert Plan().departures == ("imagenette at 224 px instead of ImageNet at 224 px.",)


def test_googlenet_gets_the_scaling_that_its_weights_expect() -> None:
    found = describe(Plan(), CLASSES)
    assert (found.mean, found.std) == ((0.5,) * 3, (0.5,) * 3)
    names = {made.spec.name: made.spec.pruning for made in all_series(Plan(), found.card())}
    assert names["vonrad-connections-one-shot"].excluded == ("conv1.conv.weight",)
    assert names["vonrad-filters-one-shot"].excluded == ("fc.weight",)
    assert len(names) == 1 + 3 * 3
