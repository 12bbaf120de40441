"""The store hands out pruned networks: right weights, one lock each, within its budget, with clear
errors.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from core.base.errors import BadFile, BadSpec, MissingData, UnknownName
from core.base.settings import shipped_folder
from core.disk.files import Files
from core.engine.engine import Engine
from core.models.catalogue import Catalogue
from core.protocols.lukkien.protocol import SEEDS, WEIGHTS_LEFT
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.store import Budgets, ModelStore

CPU = torch.device("cpu")
SHIPPED = shipped_folder()


def one_shot(sparsity: float, **more) -> VariantSpec:
    return VariantSpec(pruning=PruningSpec.one_shot(sparsity, **more))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_shipped_level_has_the_thesis_count(engine: Engine, seed: int) -> None:
    variants = [VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.at_level(level)) for level in range(26)]
    reports = [engine.report(variant) for variant in variants]
    assert tuple(report.kept for report in reports) == WEIGHTS_LEFT
    assert {report.other_parameters for report in reports} == {22}
    assert not reports[0].collapsed
    assert reports[25].collapsed  # two weights cannot join three layers


def test_counts_are_those_of_the_network_that_runs(engine: Engine) -> None:
    for sparsity in (0.0, 0.3, 0.895, 1.0):
        with engine.store.borrow(one_shot(sparsity)) as network:
            alive = sum(int((p != 0).sum()) for name, p in network.named_parameters() if name.endswith("weight"))
        assert alive == engine.report(one_shot(sparsity)).kept == 2324 - round(sparsity * 2324)


def test_the_dense_network_is_level_0(engine: Engine) -> None:
    with (
        engine.store.borrow(VariantSpec()) as dense,
        engine.store.borrow(VariantSpec(pruning=PruningSpec.at_level(0))) as level_0,
    ):
        assert all(torch.equal(a, b) for a, b in zip(dense.parameters(), level_0.parameters(), strict=True))


def test_networks_are_frozen_and_evaluating(engine: Engine) -> None:
    with engine.store.borrow(one_shot(0.5)) as network:
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_compression_ratio_counts_all_parameters(engine: Engine) -> None:
    report = engine.report(VariantSpec(pruning=PruningSpec.at_level(25)))
    assert report.compression_ratio == (2324 + 22) / (2 + 22)
    assert report.density == 2 / 2324


def test_one_network_is_lent_to_one_thread_at_a_time(engine: Engine) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def use(_: int) -> None:
        nonlocal inside, most
        with engine.store.borrow(one_shot(0.42)):
            with lock:
                inside += 1
                most = max(most, inside)
            threading.Event().wait(0.002)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(40)))
    assert most == 1


def test_eight_threads_get_the_serial_answers(tmp_path: Path) -> None:
    questions = [(one_shot([0.3, 0.6, 0.9][row % 3]), ImageRef(name=str(row * 40))) for row in range(96)]
    serial, parallel = Engine("cpu", tmp_path / "a"), Engine("cpu", tmp_path / "b")
    expected = [serial.heatmap(*question, CamSpec()).saliency for question in questions]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda question: parallel.heatmap(*question, CamSpec()).saliency, questions))
    differing = sum(bool(abs(a - b).max() > 1e-5) for a, b in zip(expected, found, strict=True))
    assert differing == 0


def test_memory_stays_within_the_budget() -> None:
    store = ModelStore(Catalogue(Files(SHIPPED)), CPU, Budgets(device_bytes=50_000, ram_bytes=200_000))
    for step in range(60):
        with store.borrow(one_shot(step / 60)):
            pass
    device, ram = store.parts()
    assert device.bytes <= 50_000
    assert ram.bytes <= 200_000
    assert device.evicted > 0
    assert device.hits + device.misses == 60


@pytest.mark.parametrize(
    ("variant", "error"),
    [
        (VariantSpec(model=ModelSpec(seed=999)), MissingData),
        (VariantSpec(model=ModelSpec(weights="mnist-60000")), MissingData),
        (VariantSpec(pruning=PruningSpec.at_level(26)), BadSpec),
        (VariantSpec(model=ModelSpec(name="thesis-cnnn")), UnknownName),
        (one_shot(0.5, criterion="magnitud"), UnknownName),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, variant: VariantSpec, error: type[Exception]) -> None:
    store = ModelStore(Catalogue(Files(tmp_path, [SHIPPED])), CPU)
    with pytest.raises(error) as caught, store.borrow(variant):
        pass
    assert caught.value.next_step


def test_a_missing_network_says_how_to_train_it(tmp_path: Path) -> None:
    store = ModelStore(Catalogue(Files(tmp_path)), CPU)
    with pytest.raises(MissingData, match=r"protocol run lukkien --train-on 55000 --seeds 333"):
        store.mask(VariantSpec())
    assert store.missing(ModelSpec())


def test_a_truncated_network_is_reported_and_a_sound_copy_used(tmp_path: Path) -> None:
    key = VariantSpec(pruning=PruningSpec.at_level(3)).key
    whole = (SHIPPED / f"{key}.safetensors").read_bytes()
    broken = tmp_path / "only" / f"{key}.safetensors"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile):
        ModelStore(Catalogue(Files(tmp_path / "only")), CPU).mask(VariantSpec(pruning=PruningSpec.at_level(3)))
    broken.write_bytes(whole[: len(whole) // 2])
    mask = ModelStore(Catalogue(Files(tmp_path / "only", [SHIPPED])), CPU).mask(
        VariantSpec(pruning=PruningSpec.at_level(3))
    )
    assert sum(int(kept.sum()) for kept in mask.values()) == WEIGHTS_LEFT[3]


def test_a_foreign_network_is_refused(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.save(VariantSpec(pruning=PruningSpec.at_level(0)).key, {"dense/conv1.weight": torch.zeros(8, 3, 5, 5)}, {})
    with pytest.raises(BadFile, match="another network"):
        ModelStore(Catalogue(files), CPU).mask(VariantSpec())


def test_layers_are_counted_in_the_order_of_the_network(engine: Engine) -> None:
    names = ["conv1.weight", "conv2.weight", "fc.weight"]
    assert [layer.name for layer in engine.report(VariantSpec(pruning=PruningSpec.at_level(9))).layers] == names
    assert [layer.name for layer in engine.report(one_shot(0.9)).layers] == names
