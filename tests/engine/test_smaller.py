"""A network that was shrunk is a network of its own: saved, opened again with equal outputs, pruned
further, deleted; a damaged file costs nothing but itself.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.base.errors import BadFile, BadSpec, SparsightError, UnknownName
from core.engine.engine import Engine
from core.engine.smaller import TOLERANCE, check_rebuilt, share
from core.models import own
from core.models.building import blank, skeleton
from core.models.cards import InputRule
from core.models.own import ModuleFacts
from core.models.smaller import LayerSize, Smaller, build, changed, sizes
from core.models.zoo import named
from core.pruning.coupling import CannotRemove
from core.pruning.structured import physical
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from tests.pruning.test_structured import lively, prune_filters, prune_weights

# Plain, with concatenations, with additions, with depthwise convolutions, with linear layers.
ARCHITECTURES = [
    *("thesis-cnn", "squeezenet1_1"),
    *(
        pytest.param(name, marks=pytest.mark.long)
        for name in (
            "efficientnet-lite0",
            "resnet18",
            "googlenet",
            "mobilenet_v2",
            "mobilenet_v3_large",
            "densenet121",
            "vgg16_bn",
        )
    ),
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path)


def pruned(engine: Engine, name: str, sparsity: float = 0.3) -> VariantSpec:
    """A variant without a share of the filters of each layer but the classifier."""
    model = engine.catalogue.default_model(name)
    if engine.store.missing(model):
        model = ModelSpec(name=name, weights="random", seed=1)
    pruning = PruningSpec.one_shot(sparsity, "layer", granularity="filter", excluded=(engine.card(model).classifier,))
    return VariantSpec(model=model, pruning=pruning)


def logits(engine: Engine, variant: VariantSpec, images: torch.Tensor) -> torch.Tensor:
    with engine.store.borrow(variant) as network, torch.no_grad():
        return network(images)


def near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    assert float((expected[0] - expected[1]).abs().max()) > 0, "an answer that never changes proves nothing"
    return float((found - expected).abs().max()) <= TOLERANCE * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_gives_the_same_outputs_after_a_restart(engine: Engine, name: str) -> None:
    variant = pruned(engine, name)
    model = engine.save_smaller(variant)
    again, card = Engine("cpu", engine.folder), engine.card(variant.model)
    images = card.input(torch.rand(2, *card.input_shape, generator=torch.Generator().manual_seed(3)))
    found = logits(again, VariantSpec(model=model), images)
    small, report = engine.physical(variant)
    with torch.no_grad():
        assert near(found, small(images))
    assert near(found, logits(engine, variant, images))
    assert again.card(model).parameters == report.parameters_after < card.parameters
    assert (again.card(model).classes, again.card(model).input) == (card.classes, card.input)
    assert again.card(model).shapes == {key: tuple(values.shape) for key, values in small.state_dict().items()}
    assert engine.save_smaller(variant) == model


@pytest.mark.parametrize(
    "name", ["squeezenet1_1@imagenette-128", pytest.param("efficientnet-lite0", marks=pytest.mark.long)]
)
def test_it_is_explained_as_the_masked_network_is(engine: Engine, name: str) -> None:
    variant = pruned(engine, name)
    model = engine.save_smaller(variant)
    image = ImageRef(source="gallery", name="coffee")
    for method in ("grad-cam", "layer-cam", "eigen-cam"):
        cam = CamSpec(method=method, target="own")
        masked, smaller = engine.heatmap(variant, image, cam), engine.heatmap(VariantSpec(model=model), image, cam)
        assert smaller.map == pytest.approx(masked.map, abs=1e-4)
        assert smaller.prediction.probabilities == pytest.approx(masked.prediction.probabilities, abs=1e-5)


def test_people_read_what_it_was(engine: Engine) -> None:
    variant = pruned(engine, "squeezenet1_1@imagenette-128")
    model = engine.save_smaller(variant)
    entry = Engine("cpu", engine.folder).catalogue[model.name]
    assert entry.title == "SqueezeNet 1.1, ten Imagenette classes, 30 % of filters removed"
    assert model.name.startswith("own-squeezenet1_1-")
    removed = engine.physical(variant)[1].removed_channels
    assert f"{removed:,} of 2,944 filters" in entry.value.notes[0]
    assert variant.key in entry.value.notes[0]
    titled = engine.save_smaller(variant, "My small one")
    assert engine.catalogue.title(titled) == "My small one"
    assert titled == model  # another title, the same network


@pytest.mark.parametrize(("part", "text"), [(0.3, "30 %"), (0.001, "0.1 %"), (0.996, "99.60 %"), (0.99999, "above")])
def test_a_share_is_never_rounded_to_none_or_all(part: float, text: str) -> None:
    assert share(part).startswith(text)


def test_it_is_pruned_and_shrunk_again(engine: Engine) -> None:
    first = engine.save_smaller(pruned(engine, "efficientnet-lite0"))
    further = VariantSpec(
        model=first, pruning=PruningSpec.one_shot(0.3, "layer", granularity="filter", excluded=("_fc.weight",))
    )
    second = engine.save_smaller(further)
    again = Engine("cpu", engine.folder)
    images = torch.rand(2, *again.card(second).input_shape)
    assert near(logits(again, VariantSpec(model=second), images), logits(engine, further, images))
    one, two = (own.smaller_of(again.catalogue.files, model.name) for model in (first, second))
    assert one is not None
    assert two is not None
    assert (one.title, one.filters_before) == (two.title, two.filters_before)
    assert two.filters == one.filters - engine.physical(further)[1].removed_channels
    assert again.catalogue.title(second).endswith("% of filters removed")
    assert again.catalogue.title(second).count("removed") == 1


def test_comparisons_references_and_sweeps_take_it(engine: Engine) -> None:
    variant = pruned(engine, "thesis-cnn")
    model = engine.save_smaller(variant)
    answer = engine.compare(VariantSpec(model=model), ImageRef(name="7"), CamSpec(target="own"), reference=variant)
    assert answer.agreement.value == pytest.approx(1, abs=1e-4)
    spec = SweepSpec(models=(model,), prunings=(PruningSpec(), PruningSpec.one_shot(0.2)), images=20)
    assert len(list(Sweep(engine, spec).run())) == 2


def test_weights_of_ones_own_can_be_shrunk(engine: Engine) -> None:
    """One channel of input, three classes, no ImageNet: all of it stays."""
    rule = InputRule(size_px=(64, 64), mean=(0.5,), std=(0.25,))
    about = own.About(architecture="googlenet", classes=("ant", "bee", "wasp"), input=rule)
    network = lively(blank(own.full_builder(about, named("googlenet"))))
    torch.save(network.state_dict(), engine.folder / "mine.pth")
    model = engine.add_model(engine.folder / "mine.pth", about)
    pruning = PruningSpec.one_shot(0.4, "layer", granularity="filter", excluded=("fc.weight",))
    variant = VariantSpec(model=model, pruning=pruning)
    smaller = engine.save_smaller(variant)
    card = Engine("cpu", engine.folder).card(smaller)
    assert (card.classes, card.input) == (("ant", "bee", "wasp"), rule)
    images = torch.rand(2, 1, 64, 64)
    assert near(logits(engine, VariantSpec(model=smaller), images), logits(engine, variant, images))


def test_it_can_be_deleted(engine: Engine) -> None:
    model = engine.save_smaller(pruned(engine, "thesis-cnn"))
    engine.heatmap(VariantSpec(model=model), ImageRef(name="7"), CamSpec(target="own"))
    engine.forget(model)
    for each in (engine, Engine("cpu", engine.folder)):
        assert model.name not in each.catalogue
        with pytest.raises(UnknownName):
            each.card(model)
    with pytest.raises(UnknownName, match="own network"):
        engine.forget(model)


def test_what_cannot_be_saved_is_said(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match="No whole channel"):
        engine.save_smaller(VariantSpec())
    with pytest.raises(CannotRemove, match="ShuffleNet"):
        engine.save_smaller(pruned(engine, "shufflenet_v2_x1_0"))
    facts = ModuleFacts(target_layer="0", input=InputRule(size_px=(8, 8), mean=(0.0,), std=(1.0,)))
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    with pytest.raises(BadSpec, match="module of a notebook"):
        engine.save_smaller(pruned(engine, engine.add_module(module, facts).name))
    with pytest.raises(BadSpec, match="bfloat16"):
        Engine("cpu", tmp_path, precision="bfloat16").save_smaller(pruned(engine, "thesis-cnn"))
    assert not engine.catalogue.files.keys("own-")


def test_a_network_that_differs_when_it_is_built_again_is_not_saved() -> None:
    card = named("thesis-cnn")
    network = lively(card.blank())
    other = card.blank()
    other.relu1 = nn.Sigmoid()
    with pytest.raises(CannotRemove, match="built again"):
        check_rebuilt(other, network, card)
    check_rebuilt(card.blank(), network, card)


def test_mnasnet_is_read_although_torchvision_wants_a_version_in_its_weights(engine: Engine) -> None:
    model = ModelSpec(name="mnasnet1_0", weights="random", seed=1)
    for pruning in (PruningSpec(), PruningSpec.one_shot(0.3)):
        variant = VariantSpec(model=model, pruning=pruning)
        assert engine.heatmap(variant, ImageRef(source="gallery", name="cat"), CamSpec(target="own")).usable


# --- damaged files


def damages() -> Iterator[tuple[str, Any]]:
    """Ways to change the description, by name."""
    yield "a layer that does not exist", {"conv7": vars(LayerSize(inputs=1, outputs=2))}
    yield "a layer of another kind", {"relu1": vars(LayerSize(inputs=1, outputs=2))}
    yield "no channels", {"conv1": vars(LayerSize(inputs=1, outputs=0))}
    yield "absurdly many channels", {"conv1": vars(LayerSize(inputs=1, outputs=10**12))}
    yield "half a channel", {"conv1": {"inputs": 1, "outputs": 2.5, "groups": 1, "bias": True}}
    yield "groups that do not divide", {"conv2": {"inputs": 3, "outputs": 8, "groups": 2, "bias": True}}
    yield "an unknown fact", {"conv1": {"inputs": 1, "outputs": 2, "colour": "red"}}
    yield "other sizes than the tensors", {"conv1": vars(LayerSize(inputs=1, outputs=2))}
    yield "a list", ["conv1"]
    yield "nothing", None


@pytest.mark.parametrize(("what", "layers"), list(damages()))
def test_a_damaged_description_is_refused_and_the_list_goes_on(engine: Engine, what: str, layers: Any) -> None:
    good = engine.save_smaller(pruned(engine, "thesis-cnn"))
    files, key = engine.catalogue.files, own.file_key(good.name)
    tensors, facts = files.load(key)
    bad = ModelSpec(name=f"own-thesis-cnn-{'0' * 16}", weights="own", seed=0)
    described = {name: value for name, value in facts["smaller"].items() if name != "layers"}
    files.save(own.file_key(bad.name), tensors, facts | {"smaller": described | {"layers": layers}})
    again = Engine("cpu", engine.folder)
    assert again.heatmap(VariantSpec(model=good), ImageRef(name="7"), CamSpec()).usable
    with pytest.raises(SparsightError) as caught:
        again.heatmap(VariantSpec(model=bad), ImageRef(name="7"), CamSpec())
    assert isinstance(caught.value, BadFile | UnknownName)
    if bad.name not in again.catalogue:
        assert any(bad.name in error.wrong for error in again.catalogue.damaged)


def test_a_file_that_is_cut_off_or_altered_is_refused(engine: Engine) -> None:
    good, bad = (engine.save_smaller(pruned(engine, "thesis-cnn", share)) for share in (0.3, 0.5))
    path = engine.catalogue.files.find(own.file_key(bad.name))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    again = Engine("cpu", engine.folder)
    with pytest.raises(BadFile, match="checksum"):
        again.heatmap(VariantSpec(model=bad), ImageRef(name="7"), CamSpec())
    path.write_bytes(content[:40])
    again = Engine("cpu", engine.folder)
    assert bad.name not in again.catalogue
    assert len(again.catalogue.damaged) == 1
    assert again.heatmap(VariantSpec(model=good), ImageRef(name="7"), CamSpec()).usable


# --- for all prunings


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.0, 1.0), st.booleans(), st.sampled_from(["thesis-cnn", "squeezenet1_1"]))
@pytest.mark.long
def test_sizes_rebuild_every_smaller_network(seed: int, amount: float, whole: bool, name: str) -> None:
    card = named(name)
    network = lively(card.blank(), seed)
    network = prune_filters(network, (amount, amount / 2), seed) if whole else prune_weights(network, amount, seed)
    side = 28 if card.reads_digits else 48
    images = torch.rand(2, card.input.channels, side, side, generator=torch.Generator().manual_seed(seed))
    small, report = physical(network, images)
    layers = changed(card.skeleton, small)
    assert bool(layers) == bool(report.layers) or any(size.bias for size in layers.values())
    smaller = Smaller(layers=layers, rescales=None, title=name, variant="", filters=0, filters_before=0)
    smaller = Smaller.read(json.loads(json.dumps(smaller.facts())))
    rebuilt = blank(partial(build, card.build, smaller)).eval()
    assert sizes(rebuilt) == sizes(small)
    assert sizes(skeleton(partial(build, card.build, smaller))) == sizes(small)
    rebuilt.load_state_dict(copy.deepcopy(small.state_dict()))
    with torch.no_grad():
        assert torch.equal(rebuilt(images), small(images))
