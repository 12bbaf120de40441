"""A person's own networks: weights for an architecture, or any module; what does not fit is said in
plain words.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor, nn

from core.base.errors import BadFile, BadSpec, UnknownName
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.engine.engine import Engine
from core.models import own
from core.models.cards import InputRule
from core.models.catalogue import Catalogue
from core.models.modules import ModuleFacts
from core.models.own import About, from_module
from core.models.zoo import MODELS, named
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from tests.models.networks import images, untrained
from tests.models.test_checkpoints import Opens

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
    state = retrained("squeezenet1_1", 3) | {"features.0.weight": torch.zeros(32, 3, 3, 3)}
    with pytest.raises(BadFile, match=r"features\.0\.weight 32 x 3 x 3 x 3 instead of 64 x 3 x 3 x 3"):
        catalogue.add(save(state), About(architecture="squeezenet1_1"))


@pytest.mark.parametrize(("channels", "architecture"), [(1, "squeezenet1_1"), (4, "resnet18"), (3, "thesis-cnn")])
def test_first_convolutions_of_other_channels_are_rebuilt(engine: Engine, channels: int, architecture: str) -> None:
    state = retrained(architecture, 3)
    stem = next(iter(state))
    state[stem] = torch.rand(len(state[stem]), channels, *state[stem].shape[2:])
    model = engine.add_model(save(state), About(architecture=architecture))
    card = engine.card(model)
    assert (card.shapes[stem][1], card.input.channels) == (channels, channels)
    assert "first convolution was made for" in card.notes[0]
    if not card.reads_digits:
        answer = engine.heatmap(VariantSpec(model=model), ImageRef(source="gallery", name="cat"), CamSpec())
        assert answer.prediction.probabilities.shape == (3,)


def test_a_first_convolution_of_two_channels_is_refused(catalogue: Catalogue) -> None:
    state = retrained("squeezenet1_1", 3) | {"features.0.weight": torch.zeros(64, 2, 3, 3)}
    with pytest.raises(BadSpec, match="reads 2 channels"):
        catalogue.add(save(state), About(architecture="squeezenet1_1"))


def test_zeros_are_counted_and_stay_on_the_card(catalogue: Catalogue) -> None:
    """Every third weight of a digit network is left: what prune.remove and other tools leave."""
    state = retrained("thesis-cnn", 10)
    total = zeros = 0
    for name in named("thesis-cnn").prunable:
        state[name].view(-1)[torch.arange(state[name].numel()) % 3 > 0] = 0
        total, zeros = total + state[name].numel(), zeros + int((state[name] == 0).sum())
    assert total == 2324
    model = catalogue.add(save(state), About(architecture="thesis-cnn"))
    note = f"Already {zeros / total:.1%} sparse: {zeros:,} of its 2,324 prunable weights are exactly zero.".replace(
        "%", " %"
    )
    assert catalogue.card(model).notes == (note,)
    assert Catalogue(catalogue.files).card(model).notes == (note,)


def test_the_set_of_weights_is_stated_and_can_be_chosen(catalogue: Catalogue, tmp_path: Path) -> None:
    state, path = retrained("squeezenet1_1", 3), tmp_path / "last.ckpt"
    average = {name: values * 0.5 for name, values in state.items()}
    torch.save({"model": state, "model_ema": average}, path)
    first = catalogue.add(path, About(architecture="squeezenet1_1"))
    other = catalogue.add(path, About(architecture="squeezenet1_1", weight_set="ema"))
    assert "this is 'model'. Others: model_ema." in catalogue.card(first).notes[0]
    assert "this is 'model_ema', averages" in catalogue.card(other).notes[0]
    for model, expected in ((first, state), (other, average)):
        stored = unpack_sparse(catalogue.files.load(own.file_key(model.name))[0])[0]
        assert all(torch.equal(stored[name], expected[name]) for name in expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(catalogue: Catalogue, value: float) -> None:
    state = retrained("squeezenet1_1", 3)
    state["features.3.squeeze.weight"][0, 0] = value
    with pytest.raises(BadFile, match=r"1 of the 1,024 values of 'features\.3\.squeeze\.weight' are NaN or infinite"):
        catalogue.add(save(state), About(architecture="squeezenet1_1"))


@pytest.mark.long
def test_more_classes_than_any_data_set_has_are_refused(catalogue: Catalogue) -> None:
    state = untrained("shufflenet_v2_x0_5").state_dict() | {"fc.weight": torch.zeros(100_001, 1024)}
    with pytest.raises(BadFile, match="of 100,001 classes"):
        catalogue.add(save(state | {"fc.bias": torch.zeros(100_001)}), About(architecture="shufflenet_v2_x0_5"))


@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        *(pytest.param("resnet18", head, marks=pytest.mark.long) for head in ("fc.1", "last_linear")),
        ("mobilenet_v2", "classifier"),
        ("squeezenet1_1", "head.0"),
    ],
)
def test_heads_under_other_usual_names_are_found(catalogue: Catalogue, architecture: str, head: str) -> None:
    state, home = retrained(architecture, 3), named(architecture).classifier.removesuffix(".weight")
    moved = {name.replace(f"{home}.", f"{head}.") if name.startswith(home) else name: v for name, v in state.items()}
    model = catalogue.add(save(moved), About(architecture=architecture, classes=PETS))
    assert catalogue.card(model).shapes == {name: tuple(values.shape) for name, values in state.items()}
    two = moved | {f"{head}.7.weight": torch.zeros(3, state[f"{home}.weight"].shape[1])}
    if architecture == "resnet18":
        with pytest.raises(BadFile, match=f"Not part of the network: {head}"):
            catalogue.add(save(two), About(architecture=architecture, classes=PETS))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"mean": (123.7, 116.3, 103.5)}, "Divide both by 255"),
        ({"value_range": (0.0, 255.0)}, "Multiply both by 255"),
        ({"channel_order": "GBR"}, "RGB or BGR"),
        ({"value_range": (0.0, 100.0)}, "0 to 1, 0 to 255 or -1 to 1"),
        ({"size_px": (64, 64, 3)}, r"size_px is \(height, width\)"),
        ({"size_px": (96, float("nan"))}, "8 to 1024"),
        ({"mean": (0.5,) * 4, "std": (0.5,) * 4}, "4 channels.*takes 3"),
    ],
)
def test_inputs_that_cannot_be_meant_are_refused(catalogue: Catalogue, rule: dict[str, object], text: str) -> None:
    made = InputRule(**{"size_px": (96, 96)} | rule)  # type: ignore[arg-type]
    with pytest.raises(BadSpec, match=text) as caught:
        catalogue.add(save(retrained("squeezenet1_1", 3)), About(architecture="squeezenet1_1", input=made))
    assert caught.value.next_step


@pytest.mark.parametrize("order", ["RGB", "BGR"])
@pytest.mark.parametrize("values", [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_input_rule_is_its_definition(order: str, values: tuple[float, float], channels: int) -> None:
    """Pixel by pixel: low + (high - low) * value, minus the mean, divided by the deviation."""
    low, high = values
    mean = tuple(low + (high - low) * share for share in (0.2, 0.4, 0.6, 0.8)[:channels])
    std = (0.5, 0.25, 2.0, 4.0)[:channels]
    rule = InputRule(size_px=(2, 3), mean=mean, std=std, channel_order=order, value_range=values)
    image = torch.rand(2, min(channels, 3), 2, 3)
    seen = rule(image)
    assert seen.shape == (2, channels, 2, 3)
    for channel in range(channels):
        source = 2 - channel if order == "BGR" and channels > 1 and channel < 3 else channel
        pixels = torch.ones(2, 2, 3) if channel == 3 else image[:, source]
        expected = (low + (high - low) * pixels - mean[channel]) / std[channel]
        torch.testing.assert_close(seen[:, channel], expected)


def test_cards_from_before_channel_orders_are_read(catalogue: Catalogue) -> None:
    about = About(architecture="squeezenet1_1", classes=PETS, input=SMALL)
    model = catalogue.add(save(retrained("squeezenet1_1", 3)), about)
    tensors, facts = catalogue.files.load(own.file_key(model.name))
    del facts["notes"], facts["about"]["weight_set"]
    del facts["about"]["input"]["channel_order"], facts["about"]["input"]["value_range"]
    catalogue.files.save(own.file_key(model.name), tensors, facts)
    assert Catalogue(catalogue.files).card(model).input == SMALL


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
        ({"input": InputRule(size_px=(20, 24), mean=(0.0, 0.0), std=(1.0, 1.0))}, BadSpec, "three or four channels"),
    ],
)
def test_facts_that_do_not_fit_a_module_are_said(facts: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        from_module(Plain(), ModuleFacts(**{"target_layer": "second", "input": GREY} | facts))  # type: ignore[arg-type]


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


def test_weights_of_caffe_need_their_own_preprocessing(real_data: Path, tmp_path: Path) -> None:
    """SqueezeNet 1.0 after Deep Compression, on the gallery's cup of espresso."""
    engine, file = Engine("cpu", tmp_path), real_data / "weights" / "squeezenet1_0_deepcompression_fp32.pth"
    caffe = InputRule(
        size_px=(227, 227),
        resize_px=256,
        mean=(104.0, 117.0, 123.0),
        std=(1.0,) * 3,
        channel_order="BGR",
        value_range=(0.0, 255.0),
    )
    answers = {}
    for rule in (caffe, None):
        model = engine.add_model(file, About(architecture="squeezenet1_0", input=rule))
        card = engine.card(model)
        assert "Already 66.6 % sparse: 828,527 of its 1,244,448 prunable weights are exactly zero." in card.notes
        found = engine.heatmap(VariantSpec(model=model), ImageRef(source="gallery", name="coffee"), CamSpec())
        top = found.prediction.top
        assert top is not None
        answers[rule] = card.classes[top], round(float(found.prediction.probabilities[top]), 3)
    assert answers == {caffe: ("espresso", 0.87), None: ("loudspeaker", 0.005)}


def test_another_title_keeps_the_network(catalogue: Catalogue) -> None:
    model = catalogue.add(save(untrained("thesis-cnn").state_dict()), About(architecture="thesis-cnn", title="First"))
    changed = catalogue.change(model.name, replace(catalogue.about(model.name), title="Second"))
    assert changed == model
    assert catalogue.title(model) == "Second"
    assert Catalogue(catalogue.files).title(model) == "Second"


def test_the_same_weights_under_another_title_are_one_network(catalogue: Catalogue) -> None:
    content = save(untrained("thesis-cnn").state_dict())
    one, two = (catalogue.add(content, About(architecture="thesis-cnn", title=title)) for title in ("One", "Two"))
    assert one == two
    assert Catalogue(catalogue.files).title(one) == "Two"


def test_other_classes_make_another_network_of_the_same_weights(catalogue: Catalogue) -> None:
    """A cached answer of the old name is never shown for the new one."""
    model = catalogue.add(save(untrained("thesis-cnn").state_dict()), About(architecture="thesis-cnn", title="T"))
    before = unpack_sparse(catalogue.files.load(own.file_key(model.name))[0])[0]
    swapped = ("1", "0", *map(str, range(2, 10)))
    changed = catalogue.change(model.name, replace(catalogue.about(model.name), classes=swapped))
    assert changed.name != model.name
    assert model.name not in catalogue
    assert catalogue.card(changed).classes == swapped
    assert catalogue.title(changed) == "T"
    after = unpack_sparse(catalogue.files.load(own.file_key(changed.name))[0])[0]
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert list(Catalogue(catalogue.files)) == list(catalogue)


def test_facts_that_do_not_fit_change_nothing(catalogue: Catalogue) -> None:
    model = catalogue.add(save(untrained("thesis-cnn").state_dict()), About(architecture="thesis-cnn"))
    about = catalogue.about(model.name)
    with pytest.raises(BadSpec, match="are of the architecture thesis-cnn"):
        catalogue.change(model.name, replace(about, architecture="resnet18"))
    with pytest.raises(BadSpec, match="2 class names"):
        catalogue.change(model.name, replace(about, classes=("a", "b")))
    assert catalogue.about(model.name) == about


def test_an_own_network_is_deleted_with_what_was_made_of_it(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    model = engine.add_model(save(untrained("thesis-cnn").state_dict()), About(architecture="thesis-cnn"))
    engine.keep(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.5)))
    engine.forget(model)
    assert model.name not in engine.catalogue
    assert not list(tmp_path.rglob("*.safetensors"))
    with pytest.raises(UnknownName):
        engine.report(VariantSpec(model=model))


def test_known_weights_keep_their_title_and_new_ones_take_that_of_the_file(catalogue: Catalogue) -> None:
    content = save(untrained("thesis-cnn").state_dict())
    model = catalogue.add(content, About(architecture="thesis-cnn"), "digits_small.pth")
    assert catalogue.title(model) == "digits_small"
    catalogue.change(model.name, replace(catalogue.about(model.name), title="Mine"))
    assert catalogue.add(content, About(architecture="thesis-cnn"), "digits_small.pth") == model
    assert Catalogue(catalogue.files).title(model) == "Mine"


def test_a_retrained_network_is_no_architecture(catalogue: Catalogue) -> None:
    """Its own networks would not be found again after a restart."""
    name = "squeezenet1_1@imagenette-128"
    shipped = Engine("cpu", catalogue.files.write_root).catalogue
    with pytest.raises(BadSpec, match="Choose squeezenet1_1, and state"):
        shipped.add(save(shipped.named(name).build().state_dict()), About(architecture=name))


def test_another_network_of_a_similar_digest_is_not_suggested(catalogue: Catalogue) -> None:
    model = catalogue.add(save(untrained("thesis-cnn").state_dict()), About(architecture="thesis-cnn"))
    with pytest.raises(UnknownName) as caught:
        catalogue.named(f"{model.name[:-1]}{'0' if model.name[-1] != '0' else '1'}")
    assert caught.value.nearest is None
