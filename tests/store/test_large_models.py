"""Large networks in one reused buffer, criteria measured on images, whole filters, layers left
alone; budgets as people write them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from core.base.errors import BadSpec
from core.base.ram import free_ram_bytes
from core.base.settings import parse_bytes
from core.engine.engine import Engine
from core.models.zoo import default_model, named
from core.pruning import CRITERIA
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import LEAST_BYTES, Budgets
from core.store.sources import Sources
from core.store.store import ModelStore
from core.store.weights import network_bytes

CPU = torch.device("cpu")
PHOTO = default_model("efficientnet-lite0")
COFFEE = ImageRef(source="gallery", name="coffee")


def pruned(sparsity: float, model: ModelSpec = PHOTO, **more) -> VariantSpec:
    return VariantSpec(model=model, pruning=PruningSpec.one_shot(sparsity, **more))


NETWORK_BYTES = network_bytes(named(PHOTO.name))


@pytest.fixture
def tight(engine: Engine) -> ModelStore:
    """A store whose device holds one pruned network: each is written over the one before."""
    return ModelStore(engine.catalogue, CPU, Budgets(device_bytes=NETWORK_BYTES), images=engine.store._images)


VARIANTS = [
    pruned(0.3),
    pruned(0.0),
    pruned(0.5, scope="layer"),
    pruned(0.2, granularity="filter", scope="layer"),
    pruned(0.3, criterion="random"),
    pruned(0.4, excluded=("_fc.weight", "_conv_stem.weight")),
    pruned(0.3),
]


def test_a_reused_buffer_holds_what_a_fresh_network_would(engine: Engine, tight: ModelStore) -> None:
    places = set()
    for variant in VARIANTS:
        with engine.store.borrow(variant) as fresh, tight.borrow(variant) as reused:
            for (name, wanted), found in zip(fresh.state_dict().items(), reused.state_dict().values(), strict=True):
                assert torch.equal(wanted, found), f"{variant.key}: {name}"
            places.add(reused.get_parameter("_fc.weight").data_ptr())
    assert len(places) == 1
    assert tight.parts()[0].entries == 1


def test_the_dense_network_is_never_overwritten(engine: Engine, tight: ModelStore) -> None:
    with tight.borrow(pruned(0.0).dense) as dense:
        before = {name: values.clone() for name, values in dense.state_dict().items()}
    for variant in VARIANTS:
        with tight.borrow(variant):
            pass
    with tight.borrow(pruned(0.0).dense) as dense:
        assert all(torch.equal(values, before[name]) for name, values in dense.state_dict().items())


def test_two_tabs_take_turns_with_one_buffer(engine: Engine, tight: ModelStore) -> None:
    image = named(PHOTO.name).input(torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)))
    wanted = {}
    for variant in VARIANTS[:3]:
        with engine.store.borrow(variant) as network, torch.no_grad():
            wanted[variant] = network(image)

    def ask(place: int) -> bool:
        variant = VARIANTS[place % 3]
        with tight.borrow(variant) as network, torch.no_grad():
            return torch.allclose(network(image), wanted[variant], atol=1e-4)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(24)))


def test_an_error_while_writing_leaves_no_wrong_network(tight: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with tight.borrow(pruned(0.3)) as network:
        wanted = network.get_parameter("_fc.weight").clone()

    def broken(*_: object) -> None:
        raise RuntimeError("no power")

    with monkeypatch.context() as patch:
        patch.setattr(Sources, "write", broken)
        with pytest.raises(RuntimeError, match="no power"), tight.borrow(pruned(0.5)):
            pass
    with tight.borrow(pruned(0.3)) as network:
        assert torch.equal(network.get_parameter("_fc.weight"), wanted)


@pytest.mark.parametrize(
    "criterion",
    [pytest.param(name, marks=pytest.mark.long) if name in ("snip", "taylor") else name for name in CRITERIA],
)
def test_every_criterion_prunes_every_network(engine: Engine, criterion: str) -> None:
    for model, total in ((ModelSpec(), 2324), (PHOTO, 4_608_992)):
        variant, asked = pruned(0.25, model, criterion=criterion), round(0.25 * total)
        report, mask = engine.report(variant), engine.store.mask(variant)
        assert report.total == total
        assert sum(int((~kept).sum()) for kept in mask.values()) == asked
        assert asked - report.already_zero <= report.removed <= asked


def test_criteria_measured_on_images_differ_from_magnitude(engine: Engine) -> None:
    masks = {
        name: engine.store.mask(pruned(0.5, ModelSpec(), criterion=name)) for name in ("magnitude", "snip", "wanda")
    }
    assert not torch.equal(masks["magnitude"]["fc.weight"], masks["snip"]["fc.weight"])
    assert not torch.equal(masks["magnitude"]["conv2.weight"], masks["wanda"]["conv2.weight"])


def test_a_store_without_images_says_so(engine: Engine) -> None:
    store = ModelStore(engine.catalogue, CPU)
    with pytest.raises(BadSpec, match="measured on images"), store.borrow(pruned(0.5, ModelSpec(), criterion="snip")):
        pass


def test_a_whole_filter_takes_its_bias_and_norm_along(engine: Engine) -> None:
    variant = pruned(0.25, granularity="filter", scope="layer")
    report = engine.report(variant)
    with engine.store.borrow(variant) as network:
        gone = (network.get_parameter("_conv_head.weight").flatten(1) == 0).all(1)
        assert int(gone.sum()) == round(0.25 * len(gone))
        assert (network.get_parameter("_bn1.weight")[gone] == 0).all()
        assert (network.get_parameter("_bn1.bias")[gone] == 0).all()
        alive = sum(int((p != 0).sum()) for p in network.parameters())
    with engine.store.borrow(variant.dense) as dense:
        zeros = sum(int((p == 0).sum()) for p in dense.parameters())
    left = report.kept + report.other_parameters - report.removed_others
    assert report.removed_others > 0
    assert left - zeros <= alive <= left


def test_layers_left_alone_are_counted_apart(engine: Engine) -> None:
    report = engine.report(pruned(0.5, excluded=("_fc.weight",)))
    assert [layer.name for layer in report.excluded] == ["_fc.weight"]
    assert report.excluded[0].kept == report.excluded[0].total == 1_280_000
    assert report.total == 4_608_992 - 1_280_000
    assert report.sparsity == pytest.approx(0.5, abs=1e-6)
    assert report.total + report.other_parameters == named(PHOTO.name).parameters


def test_one_slider_move_after_another_keeps_memory_level(tight: ModelStore) -> None:
    for step in range(1, 8):
        with tight.borrow(pruned(step / 20)):
            pass
        tight.report(pruned(step / 20))
    networks, _ = tight.parts()
    assert networks.entries == 1
    assert networks.bytes == networks.peak_bytes == NETWORK_BYTES


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("1000", 1000), ("2GB", 2 * 10**9), ("512 MB", 512 * 10**6), ("1.5gb", 15 * 10**8), (" 7KB ", 7000)],
)
def test_budgets_as_people_write_them(text: str, bytes_: int) -> None:
    assert parse_bytes(text, "A budget") == bytes_


@pytest.mark.parametrize("text", ["", "much", "-1", "2TB", "GB", "1e9", "nan"])
def test_budgets_that_cannot_be_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSpec, match="Write 2GB, for example"):
        parse_bytes(text, "A budget")
    if text:
        monkeypatch.setenv("SPARSIGHT_RAM_BYTES", text)
        with pytest.raises(BadSpec, match="SPARSIGHT_RAM_BYTES"):
            Budgets.usual(CPU)


def test_usual_budgets_are_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_RAM_BYTES", raising=False)
    usual = Budgets.usual(CPU)
    assert LEAST_BYTES <= usual.device_bytes + usual.ram_bytes <= max(2 * LEAST_BYTES, free_ram_bytes())
    monkeypatch.setenv("SPARSIGHT_DEVICE_BYTES", "123MB")
    assert Budgets.usual(CPU).device_bytes == 123 * 10**6


def test_an_engine_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_DEVICE_BYTES", "99MB")
    found = Engine("cpu", tmp_path)
    assert found.parts()[0].budget_bytes == 99 * 10**6
    assert found.heatmap(VariantSpec(model=PHOTO), COFFEE, CamSpec(method="grad-cam")).state == "ok"
