"""What does not fit goes from the device to RAM to disk with a note; memory that runs out is
survived or explained; nobody hangs.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.base.device import is_out_of_memory
from core.base.errors import BadSpec, OutOfMemory
from core.base.settings import shipped_folder
from core.disk.files import Files
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.models.catalogue import Catalogue
from core.models.zoo import named
from core.pruning.repair import reestimate
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import Budgets
from core.store.memory import MemoryCache
from core.store.places import Place, Places
from core.store.sources import Origin, Sources
from core.store.store import ModelStore
from core.store.weights import network_bytes

CPU = torch.device("cpu")
FILES = Files(shipped_folder())
THESIS = network_bytes(named("thesis-cnn"))
HALF = VariantSpec(pruning=PruningSpec.one_shot(0.5))
PHOTO = ModelSpec(name="squeezenet1_1", weights=RANDOM, seed=0)
COFFEE = ImageRef(source="gallery", name="coffee")


def store(device_bytes: int, ram_bytes: int, precision: str = "float32") -> ModelStore:
    return ModelStore(
        Catalogue(FILES), CPU, Budgets(device_bytes=device_bytes, ram_bytes=ram_bytes), precision=precision
    )


def places(device_bytes: int, ram_bytes: int) -> Places:
    """As on a machine with a GPU: two caches, two sources.

    Both are on the CPU; nothing else differs.
    """
    near, far = MemoryCache("device", device_bytes), MemoryCache("RAM", ram_bytes)
    in_ram = Sources(Origin(Catalogue(FILES), Path("nowhere")), far, CPU)
    return Places(Place(near, CPU, Sources(in_ram.origin, near, CPU, in_ram), torch.float32), in_ram)


class TestWithAGpu:
    @pytest.mark.parametrize(
        ("device", "ram", "tier", "in_place", "note"),
        [
            (2 * THESIS, 0, "device", False, None),
            (2 * THESIS - 1, THESIS, "device", False, "dense weights stay in RAM"),
            (THESIS - 1, 2 * THESIS, "RAM", False, "it runs on the CPU"),
            (THESIS - 1, 2 * THESIS - 1, "RAM", True, "read from disk"),
        ],
    )
    def test_a_pruned_network_goes_where_it_fits(
        self, device: int, ram: int, tier: str, in_place: bool, note: str | None
    ) -> None:
        found = places(device, ram)
        place = found.of(HALF, named("thesis-cnn"))
        assert (place.cache.name, place.in_place) == (tier, in_place)
        notes = found.notes_of("device") + found.notes_of("RAM")
        assert len(notes) == (note is not None)
        assert note is None or note in notes[0]

    @pytest.mark.parametrize(
        ("device", "ram", "tier", "note"),
        [
            (THESIS, 0, "device", None),
            (THESIS - 1, THESIS, "RAM", "runs on the CPU"),
            (0, 0, "RAM", "read from disk each time"),
        ],
    )
    def test_a_dense_network_goes_where_it_fits(self, device: int, ram: int, tier: str, note: str | None) -> None:
        found = places(device, ram)
        assert found.of(VariantSpec(), named("thesis-cnn")).cache.name == tier
        notes = found.notes_of("device") + found.notes_of("RAM")
        assert note is None or note in notes[0]

    def test_a_note_goes_when_there_is_room_again(self) -> None:
        found = places(THESIS - 1, 4 * THESIS)
        found.of(HALF, named("thesis-cnn"))
        assert found.notes_of("device")
        found.near.cache.resize(4 * THESIS)
        found.of(HALF, named("thesis-cnn"))
        assert found.notes_of("device") == ()


@pytest.mark.parametrize(("device", "ram"), [(10 * THESIS, 10 * THESIS), (0, 3 * THESIS), (0, 0), (THESIS, THESIS)])
@pytest.mark.parametrize(
    "variant",
    [HALF, VariantSpec(), VariantSpec(pruning=PruningSpec.at_level(7))],
    ids=lambda variant: variant.pruning.key,
)
def test_every_way_gives_the_same_network(device: int, ram: int, variant: VariantSpec) -> None:
    with store(1 << 30, 1 << 30).borrow(variant) as wanted, store(device, ram).borrow(variant) as found:
        for (name, one), other in zip(wanted.state_dict().items(), found.state_dict().values(), strict=True):
            assert torch.equal(one, other), name


def test_too_little_memory_is_said_in_parts_and_answers_come() -> None:
    tight = store(0, 0)
    with tight.borrow(HALF):
        pass
    assert any("read from disk" in note for part in tight.parts() for note in part.notes)
    assert tight.report(HALF).kept == 1162


class TestOutOfMemory:
    def test_it_is_known_by_what_is_raised(self) -> None:
        for error in (
            MemoryError(),
            torch.OutOfMemoryError("CUDA out of memory"),
            RuntimeError("[enforce fail] not enough memory: 9 bytes"),
        ):
            assert is_out_of_memory(error)
        assert not is_out_of_memory(RuntimeError("shapes"))
        assert not is_out_of_memory(ValueError("not enough memory"))

    def test_the_real_allocator_is_explained(self) -> None:
        with pytest.raises(OutOfMemory, match="is not enough") as caught:
            store(1 << 20, 1 << 20).use(HALF, lambda network: torch.empty(1 << 60, dtype=torch.uint8))
        assert "SPARSIGHT_RAM_BYTES" in caught.value.next_step

    def test_once_is_survived_and_what_was_kept_is_let_go(self) -> None:
        one, calls = store(1 << 20, 1 << 20), []
        with one.borrow(VariantSpec(pruning=PruningSpec.one_shot(0.2))):
            pass
        assert one.parts()[0].entries == 1

        def first_fails(network: nn.Module) -> int:
            calls.append(one.parts()[0].entries)
            if len(calls) == 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return 7

        assert one.use(HALF, first_fails) == 7
        assert calls == [2, 1]  # the other one is gone, this one made anew

    def test_another_error_is_not_asked_again(self) -> None:
        calls = []

        def broken(network: nn.Module) -> None:
            calls.append(1)
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            store(1 << 20, 1 << 20).use(HALF, broken)
        assert calls == [1]

    def test_heatmaps_survive_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engine, failed = Engine("cpu", tmp_path), []
        wanted = engine.heatmap(HALF, ImageRef(name="7"), CamSpec()).map
        fresh, real = Engine("cpu", tmp_path), nn.Conv2d.forward

        def forward(self: nn.Conv2d, inputs: Tensor) -> Tensor:
            if not failed:
                failed.append(1)
                raise torch.OutOfMemoryError("CUDA out of memory")
            return real(self, inputs)

        monkeypatch.setattr(nn.Conv2d, "forward", forward)
        assert np.array_equal(fresh.heatmap(HALF, ImageRef(name="7"), CamSpec()).map, wanted)
        assert failed


@pytest.mark.timeout(120)
def test_two_tabs_with_networks_that_do_not_fit_together_are_both_answered(tmp_path: Path) -> None:
    models = [PHOTO, ModelSpec(name="shufflenet_v2_x1_0", weights=RANDOM, seed=0)]
    largest = max(network_bytes(named(model.name)) for model in models)
    questions = [
        (VariantSpec(model=models[i % 2], pruning=PruningSpec.one_shot(random.Random(i).choice([0.1, 0.3]))), COFFEE)
        for i in range(8)
    ]
    roomy, tight = (
        Engine("cpu", tmp_path),
        Engine("cpu", tmp_path, Budgets(device_bytes=largest, ram_bytes=largest * 5 // 4)),
    )
    wanted = [roomy.heatmap(*question, CamSpec()).map for question in questions]
    with ThreadPoolExecutor(2) as tabs:
        found = list(tabs.map(lambda question: tight.heatmap(*question, CamSpec()).map, questions))
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(wanted, found, strict=True))
    assert [part.waiting for part in tight.store.parts()] == [0, 0]
    assert all(part.peak_bytes <= part.budget_bytes for part in tight.store.parts())


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
class TestPrecision:
    def test_half_the_memory_and_answers_near_those_of_float32(self, precision: str) -> None:
        half, full = store(1 << 30, 1 << 30, precision), store(1 << 30, 1 << 30)
        images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        for variant in (HALF, VariantSpec()):
            with half.borrow(variant) as rounded, full.borrow(variant) as exact, torch.no_grad():
                assert {values.dtype for values in rounded.parameters()} == {getattr(torch, precision)}
                found, wanted = rounded(images), exact(images)
            assert found.dtype == torch.float32
            difference = float((found - wanted).abs().max())
            assert 0 < difference < 0.05 * float(wanted.abs().max())  # 8 bits of mantissa: 0.4 % a step
        assert half.parts()[0].bytes == 2 * network_bytes(named("thesis-cnn"), torch.float16)

    def test_heatmaps_say_what_rounding_did(self, precision: str, tmp_path: Path) -> None:
        from core.engine.precision import rounding

        engine, image = Engine("cpu", tmp_path, precision=precision), ImageRef(name="7")
        answer = engine.heatmap(HALF, image, CamSpec())
        exact = Engine("cpu", tmp_path).heatmap(HALF, image, CamSpec())
        found = rounding(engine, answer)
        assert found.heatmap == np.abs(answer.map - exact.map).max() > 0
        assert found.probability == np.abs(answer.prediction.probabilities - exact.prediction.probabilities).max()
        assert found.same_class
        assert precision in found.text

    def test_kept_variants_have_files_of_their_own(self, precision: str, tmp_path: Path) -> None:
        half, full = Engine("cpu", tmp_path, precision=precision), Engine("cpu", tmp_path)
        assert half.keep(HALF) != full.keep(HALF)
        again = Engine("cpu", tmp_path, precision=precision)
        with half.store.borrow(HALF) as wanted, again.store.borrow(HALF) as found:
            assert not again.store._near.has_index(HALF, again.store.stamps.of(HALF))  # it was read
            assert all(
                torch.equal(one, other) for one, other in zip(wanted.parameters(), found.parameters(), strict=True)
            )


def test_precision_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_PRECISION", "bfloat16")
    assert Engine("cpu", tmp_path).store.precision == "bfloat16"
    assert Engine("cpu", tmp_path, precision="float16").store.precision == "float16"
    monkeypatch.setenv("SPARSIGHT_PRECISION", "int3")
    with pytest.raises(BadSpec, match="int3"):
        Engine("cpu", tmp_path)


def test_repair_measures_norms_again_on_the_calibration_images(engine: Engine) -> None:
    model = ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0)
    plain = VariantSpec(model=model, pruning=PruningSpec.one_shot(0.3))
    repaired = VariantSpec(model=model, pruning=PruningSpec.one_shot(0.3, repair="batch-norm"))
    assert plain.key != repaired.key
    with engine.store.borrow(plain) as network:
        before = {name: values.clone() for name, values in network.state_dict().items()}
        twin = named(model.name).build()
        twin.load_state_dict(before)
        reestimate(twin.eval(), [engine.store._images(model)[0]])
    with engine.store.borrow(repaired) as network:
        found = network.state_dict()
    moved = [name for name, values in twin.state_dict().items() if not torch.equal(values, before[name])]
    assert moved
    assert all("running" in name or "num_batches" in name for name in moved)
    assert all(
        torch.allclose(found[name], values, atol=1e-5)
        for name, values in twin.state_dict().items()
        if "num_batches" not in name
    )
    with engine.store.borrow(plain) as network:  # a buffer that is used again does not carry them on
        assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
