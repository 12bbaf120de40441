"""Tables of accuracies: what they hold, and that what is known is not evaluated again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.models.zoo import TABLE_SPARSITIES
from core.specs import ModelSpec, PruningSpec, VariantSpec
from core.store.accuracy_table import read_counts, write_counts
from core.sweeps.accuracy_table import DIGITS, store_accuracies, table_prunings

SHIPPED = shipped_folder()
SHIPPED_MODEL = ModelSpec()
OTHER_MODEL = ModelSpec(weights="mnist-60000", seed=1)


def test_a_table_holds_dense_every_level_and_every_way_of_one_shot() -> None:
    prunings = table_prunings(25)
    assert prunings[:27] == [PruningSpec(), *(PruningSpec.at_level(level) for level in range(26))]
    one_shot = prunings[27:]
    assert len(one_shot) == 4 * 60
    ways = {(pruning.scope, pruning.criterion) for pruning in one_shot}
    assert ways == {(scope, criterion) for scope in ("global", "layer") for criterion in ("magnitude", "random")}
    for way in ways:
        assert (
            tuple(pruning.sparsity for pruning in one_shot if (pruning.scope, pruning.criterion) == way)
            == TABLE_SPARSITIES
        )
    assert len({pruning.key for pruning in prunings}) == len(prunings)


def test_shorter_series_have_fewer_levels() -> None:
    assert len(table_prunings(2)) == len(table_prunings(25)) - 23


def test_tables_are_made_with_and_without_noise() -> None:
    assert [data.noise for data in DIGITS] == [0, 0.2]
    assert {data.name for data in DIGITS} == {"digits"}


def test_what_is_known_is_written_as_it_is(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    assert list(store_accuracies(engine, [SHIPPED_MODEL, ModelSpec(seed=334)], 25)) == [(1, 2), (2, 2)]
    for model in (SHIPPED_MODEL, ModelSpec(seed=334)):
        written = read_counts(tmp_path / model.key / "accuracy.csv").rows
        assert written == read_counts(SHIPPED / model.key / "accuracy.csv").rows
        assert len(written) == 2 * len(table_prunings(25))
    assert engine.parts()[0].entries == 0  # no network was needed


@pytest.fixture
def nearly_complete(tmp_path: Path) -> Path:
    """The dense network of a model that is not shipped, and its table but for two rows."""
    source = SHIPPED / VariantSpec(model=SHIPPED_MODEL, pruning=PruningSpec.at_level(0)).key
    target = tmp_path / VariantSpec(model=OTHER_MODEL, pruning=PruningSpec.at_level(0)).key
    target.parent.mkdir(parents=True)
    shutil.copy(source.with_suffix(".safetensors"), target.with_suffix(".safetensors"))
    network = Engine("cpu", tmp_path).store.checksum(VariantSpec(model=OTHER_MODEL))
    rows = [(pruning.key, data.key, 1, 5000, network) for pruning in table_prunings(0) for data in DIGITS]
    write_counts(tmp_path / OTHER_MODEL.key / "accuracy.csv", rows[2:])
    return tmp_path


def test_only_what_is_missing_is_evaluated(nearly_complete: Path) -> None:
    engine = Engine("cpu", nearly_complete)
    assert list(store_accuracies(engine, [OTHER_MODEL], 0)) == [(1, 1)]
    written = read_counts(nearly_complete / OTHER_MODEL.key / "accuracy.csv").rows
    assert len(written) == 2 * len(table_prunings(0))
    for data in DIGITS:
        counted = engine.evaluate_accuracy(VariantSpec(model=OTHER_MODEL), data)
        assert written["dense", data.key][:2] == (counted.correct, counted.total)
        assert counted.correct > 4000
        assert written["iterative-reset/level-00", data.key][:2] == (1, 5000)  # known, so not touched


def test_a_stopped_sweep_leaves_finished_models(tmp_path: Path) -> None:
    steps = store_accuracies(Engine("cpu", tmp_path), [SHIPPED_MODEL, ModelSpec(seed=334)], 25)
    next(steps)
    steps.close()
    assert (tmp_path / SHIPPED_MODEL.key / "accuracy.csv").is_file()
    assert not (tmp_path / ModelSpec(seed=334).key).exists()
