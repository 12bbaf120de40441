"""A person's own networks: weights for an architecture, or any module; what does not fit is said in
plain words.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor, nn
from torch.nn.utils import prune

from core.base.errors import BadFile, BadSpec, UnknownName
from core.disk.files import Files
from core.engine.engine import Engine
from core.models import own
from core.models.cards import InputRule
from core.models.catalogue import Catalogue
from core.models.own import About, ModuleFacts, from_module
from core.models.zoo import MODELS, named
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from tests.models.networks import images, untrained
from tests.models.test_states import Opens

SMALL = InputRule(size_px=(96, 96), mean=(0.5,) * 3, std=(0.25,) * 3)
PETS = ("cat", "dog", "hamster")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(Files(tmp_path))


def retrained(name: str, classes: int) -> dict[str, Tensor]:
    """Random weights of an architecture with another number of classes."""
    state = untrained(name).state_dict()
    head = named(name).classifier
    bias = f"{head.removesuffix('weight')}bias"
    return {key: values[:classes].clone() if key in (head, bias) else values for key, values in state.items()}


@pytest.mark.parametrize(
    "architecture", ["squeezenet1_1", "efficientnet-lite0", "resnet18", "thesis-cnn", "shufflenet_v2_x0_5"]
)
def test_another_number_of_classes_replaces_the_layer_of_the_logits(catalogue: Catalogue, architecture: str) -> None:
    state = retrained(architecture, 3)
    model = catalogue.add(save(state), About(architecture=architecture, classes=PETS))
    found = catalogue.card(model)
    assert model.name.startswith(f"own-{architecture}-")
    assert found.classes == PETS
    assert found.shapes == {name: tuple(values.shape) for name, values in state.items()}
    assert found.input == named(architecture).input
    network = found.blank()
    network.load_state_dict(state)
    with torch.no_grad():
        assert network.eval()(torch.rand(1, *found.input_shape)).shape == (1, 3)


def test_an_engine_answers_for_it_after_a_restart_too(tmp_path: Path) -> None:
    engine, about = (
        Engine("cpu", tmp_path),
        About(architecture="squeezenet1_1", classes=PETS, input=SMALL, title="Pets"),
    )
    path = tmp_path / "pets.pth"
    torch.save(
        {"state_dict": {f"module.{name}": values for name, values in retrained("squeezenet1_1", 3).items()}}, path
    )
    model = engine.add_model(path, about)
    question = (
        VariantSpec(model=model, pruning=PruningSpec.one_shot(0.3)),
        ImageRef(source="gallery", name="cat"),
        CamSpec(),
    )
    answer = engine.compare(*question)
    assert answer.pruned.map.shape == (96, 96)
    assert answer.pruned.prediction.probabilities.shape == (3,)
    path.unlink()
    again = Engine("cpu", tmp_path)
    assert again.catalogue[model.name].title == "Pets"
    assert again.card(model).input == SMALL
    assert again.compare(*question).pruned.map == pytest.approx(answer.pruned.map)


def test_the_name_tells_weights_and_facts_apart(catalogue: Catalogue) -> None:
    state = retrained("squeezenet1_1", 3)
    about = About(architecture="squeezenet1_1", classes=PETS)
    first = catalogue.add(save(state), about)
    assert catalogue.add(save(state), about) == first
    assert len(first.name.rsplit("-", 1)[-1]) == 16
    assert catalogue.add(save(state), About(architecture="squeezenet1_1", classes=PETS, input=SMALL)) != first
    state["features.0.bias"] = state["features.0.bias"] + 1
    assert catalogue.add(save(state), about) != first


def test_classes_without_names_are_numbered(catalogue: Catalogue) -> None:
    model = catalogue.add(save(retrained("squeezenet1_1", 3)), About(architecture="squeezenet1_1"))
    assert catalogue.card(model).classes == ("0", "1", "2")
    model = catalogue.add(save(untrained("squeezenet1_1").state_dict()), About(architecture="squeezenet1_1"))
    assert catalogue.card(model).classes[0] == "tench"


def test_weights_of_another_architecture_are_listed_and_recognised(catalogue: Catalogue) -> None:
    with pytest.raises(BadFile) as caught:
        catalogue.add(save(retrained("resnet18", 7)), About(architecture="squeezenet1_1"))
    assert "Missing: features.0.weight, features.0.bias" in caught.value.wrong
    assert "and 47 more" in caught.value.wrong
    assert "Not part of the network: " in caught.value.wrong
    assert caught.value.next_step == "This looks like a resnet18: choose that architecture."
    assert not catalogue.files.keys()


def test_another_shape_is_listed(catalogue: Catalogue) -> None:
    state = retrained("squeezenet1_1", 3) | {"features.0.weight": torch.zeros(64, 1, 3, 3)}
    with pytest.raises(BadFile, match=r"features\.0\.weight 64 x 1 x 3 x 3 instead of 64 x 3 x 3 x 3"):
        catalogue.add(save(state), About(architecture="squeezenet1_1"))


def test_a_malicious_pickle_does_not_run(catalogue: Catalogue, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    torch.save(retrained("squeezenet1_1", 3) | {"x": Opens(trap)}, tmp_path / "evil.pt")
    with pytest.raises(BadFile, match="code"):
        catalogue.add(tmp_path / "evil.pt", About(architecture="squeezenet1_1"))
    assert not trap.exists()


@pytest.mark.parametrize(
    ("facts", "error", "text"),
    [
        ({"architecture": "resnet-18"}, UnknownName, "Did you mean 'resnet18'"),
        ({"architecture": "vit_b_16"}, BadSpec, "vision transformer"),
        ({"classes": ("cat", "dog")}, BadSpec, "2 class names are given, but the network has 3 classes"),
        ({"classes": ("cat", "dog", " ")}, BadSpec, "Each class needs a name"),
        ({"target_layer": "features.99"}, UnknownName, "features"),
        ({"target_layer": "classifier.1.weight"}, UnknownName, "layer"),
        ({"input": InputRule(size_px=(96, 96), mean=(0.5,), std=(0.5,))}, BadSpec, "takes 3"),
        ({"input": InputRule(size_px=(96, 96), std=(0.0, 1.0, 1.0))}, BadSpec, "positive deviation"),
        ({"input": InputRule(size_px=(96, 96), mean=(float("nan"), 0, 0))}, BadSpec, "is invalid"),
        ({"input": InputRule(size_px=(4, 96))}, BadSpec, "8 to 1024"),
        ({"input": InputRule(size_px=(8, 8))}, BadSpec, "does not accept images of 8 x 8 pixels"),
    ],
)
def test_facts_that_do_not_fit_are_said(
    catalogue: Catalogue, facts: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        catalogue.add(save(retrained("squeezenet1_1", 3)), About(**{"architecture": "squeezenet1_1"} | facts))  # type: ignore[arg-type]
    assert not catalogue.files.keys()


def test_a_layer_without_maps_is_no_target_layer(catalogue: Catalogue) -> None:
    with pytest.raises(BadSpec, match="not a stack of maps"):
        catalogue.add(save(retrained("resnet18", 3)), About(architecture="resnet18", target_layer="fc"))


def test_damaged_and_foreign_entries_are_left_out(catalogue: Catalogue) -> None:
    model = catalogue.add(save(retrained("squeezenet1_1", 3)), About(architecture="squeezenet1_1"))
    path = next(catalogue.files.write_root.rglob("*.safetensors"))
    for name, content in (
        ("own-a-1", b"damaged"),
        ("own-b-2", path.read_bytes().replace(b"squeezenet1_1", b"squeezenet9_9")),
    ):
        other = catalogue.files.write_root / name / "own" / "seed-0" / path.name
        other.parent.mkdir(parents=True)
        other.write_bytes(content)
    catalogue.files.save(f"{model.key}/one-shot", {"x": torch.zeros(1)}, {})
    assert [name for name in Catalogue(catalogue.files) if name not in MODELS] == [model.name]


class Plain(nn.Module):
    """A network from a notebook; its first activation works in place and it looks at values on its
    way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.second = nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 6, 3)
        self.head = nn.Linear(6, 5)

    def forward(self, images: Tensor) -> Tensor:
        h = self.second(self.relu(self.first(images)))
        if h.isnan().any():
            raise ValueError("not a number")
        return self.head(h.mean((2, 3)))


GREY = InputRule(size_px=(20, 24), mean=(0.0,), std=(1.0,))


def test_any_module_of_a_notebook(engine: Engine) -> None:
    torch.manual_seed(0)
    module = Plain().train()
    before = copy.deepcopy(module.state_dict())
    model = engine.add_module(module, ModuleFacts(target_layer="second", input=GREY, title="Mine"))
    found = engine.card(model)
    assert (found.classifier, found.classes, engine.catalogue[model.name].title) == (
        "head.weight",
        ("0", "1", "2", "3", "4"),
        "Mine",
    )
    assert [layer.name for layer in found.layers] == ["first", "relu", "second"]
    assert module.training
    assert module.relu.inplace
    assert all(torch.equal(before[name], values) for name, values in module.state_dict().items())
    answer = engine.compare(
        VariantSpec(model=model, pruning=PruningSpec.one_shot(0.2)),
        ImageRef(source="gallery", name="cat"),
        CamSpec(target="own"),
    )
    assert answer.reference.saliency.shape == (16, 20)
    with torch.no_grad():
        seen = torch.from_numpy(engine.picture(answer.reference.image, model).seen.copy())[None, None]
        expected = module.eval()(seen).softmax(1)[0]
    assert answer.reference.prediction.probabilities == pytest.approx(expected.numpy(), abs=1e-5)
    assert engine.add_module(module, ModuleFacts(target_layer="second", input=GREY, title="Mine")) == model


@pytest.mark.parametrize(
    ("facts", "error", "text"),
    [
        ({"target_layer": "secnd"}, UnknownName, "Did you mean 'second'"),
        ({"target_layer": "head"}, BadSpec, "not a stack of maps"),
        ({"classes": ("a", "b")}, BadSpec, "2 class names are given, but the network has 5 classes"),
        ({"input": InputRule(size_px=(20, 24), mean=(0.0, 0.0), std=(1.0, 1.0))}, BadSpec, "one or three channels"),
    ],
)
def test_facts_that_do_not_fit_a_module_are_said(facts: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        from_module(Plain(), ModuleFacts(**{"target_layer": "second", "input": GREY} | facts))  # type: ignore[arg-type]


def test_a_module_with_pruning_masks_is_refused() -> None:
    module = Plain()
    prune.l1_unstructured(module.second, "weight", 0.5)
    module(torch.rand(1, 1, 20, 24))  # the masked weight now belongs to a graph, which cannot be copied
    with pytest.raises(BadSpec, match=r"prune\.remove"):
        from_module(module, ModuleFacts(target_layer="second", input=GREY))


def test_a_class_out_of_range_is_said(engine: Engine) -> None:
    model = engine.add_module(Plain(), ModuleFacts(target_layer="second", input=GREY))
    with pytest.raises(BadSpec, match="There is no class 5"):
        engine.heatmap(VariantSpec(model=model), ImageRef(source="gallery", name="cat"), CamSpec(target=5))
    resnet = VariantSpec(model=ModelSpec(name="squeezenet1_1", weights="random", seed=0))
    with pytest.raises(BadSpec, match="There is no class 1000"):
        engine.heatmap(resnet, ImageRef(source="gallery", name="cat"), CamSpec(target=1000))


def test_safetensors_files_of_other_names_are_read_too(catalogue: Catalogue, tmp_path: Path) -> None:
    save_file(retrained("squeezenet1_1", 3), tmp_path / "weights.bin")
    assert catalogue.add(tmp_path / "weights.bin", About(architecture="squeezenet1_1")).name.startswith(own.PREFIX)
    assert images(1).shape == (1, 3, 96, 96)
