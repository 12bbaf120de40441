"""Cards of networks for photographs: what the table says is what torchvision says, and every card
can be built, loaded and looked at.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights

from core.base.errors import BadFile, BadSpec, MissingData, UnknownName
from core.engine.engine import Engine
from core.figures.facts import comparison_facts
from core.models import torchvision_cnns
from core.models.building import blank
from core.models.building import untrained as draw
from core.models.cards import RANDOM
from core.models.dense import dense_weights, is_there
from core.models.layers import last_layer, logits_layer, watch
from core.models.torchvision_cnns import BY_HAND, KNOWN, remote
from core.models.zoo import MODELS, default_model, named
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from tests.models.networks import PHOTO_CARDS, images, untrained, without_large


@pytest.mark.parametrize("name", KNOWN)
def test_the_table_says_what_torchvision_says(name: str) -> None:
    known, theirs = KNOWN[name], get_model_weights(name).DEFAULT
    assert theirs.url.endswith(f"/{known.file}")
    assert known.mebibytes == theirs.meta["_file_size"]
    found = named(name)
    assert found.parameters == theirs.meta["num_params"]
    rule = theirs.transforms()
    assert [found.input.size_px[0], found.input.size_px[1]] == rule.crop_size * 2
    assert [found.input.resize_px] == rule.resize_size
    assert (list(found.input.mean), list(found.input.std)) == (rule.mean, rule.std)
    assert found.input.interpolation == rule.interpolation.value
    assert list(found.classes) == theirs.meta["categories"]
    assert remote(name).digest in known.file
    assert len(remote(name).digest) >= 8


@pytest.mark.parametrize("name", PHOTO_CARDS)
def test_target_layer_and_classifier_are_those_that_one_pass_finds(name: str) -> None:
    found = named(name)
    assert last_layer(found.layers) == found.target_layer
    runs = watch(found._skeleton, torch.zeros(1, *found.input_shape, device="meta"))
    assert f"{logits_layer(runs)}.weight" == found.classifier
    assert found.shapes[found.classifier][0] == len(found.classes) == 1000


@pytest.mark.parametrize("name", without_large(KNOWN))
def test_without_in_place_activations_the_answers_stay_the_same(name: str) -> None:
    """Against the network as torchvision makes it, its activations in place, with the same random
    weights.
    """
    ours = untrained(name)
    extra = {"aux_logits": True, "init_weights": False, "transform_input": True} if name == "googlenet" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        theirs = blank(lambda: get_model(name, weights=None, **extra)).eval()
    left = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert any(getattr(module, "inplace", False) for module in theirs.modules()) or name in (
        "googlenet",
        "convnext_tiny",
    )
    assert all(key.startswith("aux") for key in left.missing_keys)
    assert left.unexpected_keys == []
    assert not any(getattr(module, "inplace", False) for module in ours.modules())
    with torch.no_grad():
        logits = ours(images())
        assert torch.equal(logits, theirs(images()))
    assert logits.shape == (2, 1000)
    assert torch.isfinite(logits).all()
    assert logits.std() > 0


SMALL = ("thesis-cnn", "efficientnet-lite0", "squeezenet1_1")
LARGE = ("alexnet", "vgg16", "vgg16_bn")  # made by the same code; they would only take time


@pytest.mark.parametrize(
    "name",
    [*SMALL, *(pytest.param(name, marks=pytest.mark.long) for name in PHOTO_CARDS if name not in SMALL + LARGE)],
)
def test_random_weights_come_from_the_seed(name: str, tmp_path: Path) -> None:
    first, again, other = (
        dense_weights(named(name), ModelSpec(name=name, weights=RANDOM, seed=seed), tmp_path) for seed in (1, 1, 2)
    )
    assert first is not None
    assert again is not None
    assert other is not None
    found = named(name)
    assert {key: tuple(values.shape) for key, values in first.items()} == found.shapes
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert all(not torch.equal(first[key], other[key]) for key in found.prunable)
    for key in found.prunable:  # Kaiming: variance 2 / fan-in, within five standard errors
        fan_in, count = first[key][0].numel(), first[key].numel()
        assert abs(first[key].var() * fan_in / 2 - 1) < 5 * (2 / count) ** 0.5


def test_a_layer_with_values_of_its_own_begins_as_its_code_says() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(), nn.GroupNorm(2, 4))

    first, again, other = draw(build, 1), draw(build, 1), draw(build, 2)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["0.weight"], other["0.weight"])
    assert first["1.weight"].item() == 0.25


def test_every_other_cnn_of_torchvision_by_its_name() -> None:
    found = named("resnet34")
    assert (found.target_layer, found.classifier, found.parameters) == ("layer4", "fc.weight", 21_797_672)
    assert "'layer4' was found automatically" in found.notes[0]
    assert default_model("resnet34") == ModelSpec(name="resnet34", weights="imagenet", seed=0)
    assert "resnet34" not in MODELS
    assert MODELS["resnet18"].value.notes == ()


def test_a_target_layer_found_automatically_is_said_beside_the_answer(engine: Engine) -> None:
    variant = VariantSpec(
        model=ModelSpec(name="squeezenet1_0", weights=RANDOM, seed=0), pruning=PruningSpec.one_shot(0.2)
    )
    answer = engine.compare(variant, ImageRef(source="gallery", name="cat"), CamSpec(target="own"))
    assert comparison_facts(answer)["notes"][0].startswith("The target layer 'features' was found automatically")


@pytest.mark.parametrize("name", ["squeezenet1_0", "inception_v3", "regnet_x_400mf", "vgg11", "efficientnet_b1"])
def test_layers_found_automatically_make_maps(name: str) -> None:
    found = named(name)
    (layer,) = [layer for layer in found.layers if layer.name == found.target_layer]
    assert layer.height * layer.width > 1
    assert layer.stride_px >= 8
    assert found.classifier in found.prunable


@pytest.mark.parametrize("name", ["vit_b_16", "swin_t", "swin_v2_b", "maxvit_t"])
def test_vision_transformers_are_refused(name: str) -> None:
    with pytest.raises(BadSpec, match="vision transformer"):
        named(name)


@pytest.mark.parametrize(
    ("name", "nearest"), [("resnet-18", "resnet18"), ("VGG16", "vgg16"), ("efficentnet-lite0", "efficientnet-lite0")]
)
def test_an_unknown_name_suggests_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UnknownName, match="There is no model") as caught:
        named(name)
    assert nearest in caught.value.nearest or name.isupper()


def test_unknown_weights_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"There is no set of weights 'imagnet'.*Did you mean 'imagenet'"):
        dense_weights(named("resnet18"), ModelSpec(name="resnet18", weights="imagnet", seed=0), tmp_path)


def test_offline_weights_name_the_file_and_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = remote("resnet18")
    monkeypatch.setattr(
        torchvision_cnns,
        "remote",
        lambda name: torchvision_cnns.Remote(f"http://127.0.0.1:9/{known.file}", known.digest, 9),
    )
    assert not is_there(named(default_model("resnet18").name), default_model("resnet18"), tmp_path)
    with pytest.raises(MissingData, match=r"resnet18-f37072fd\.pth") as caught:
        dense_weights(named(default_model("resnet18").name), default_model("resnet18"), tmp_path)
    assert str(tmp_path) in caught.value.next_step
    (tmp_path / known.file).write_bytes(b"something else")
    assert is_there(named(default_model("resnet18").name), default_model("resnet18"), tmp_path)
    with pytest.raises(BadFile, match="f37072fd"):
        dense_weights(named(default_model("resnet18").name), default_model("resnet18"), tmp_path)


def test_weights_put_there_by_hand(tmp_path: Path) -> None:
    model, state = ModelSpec(name="squeezenet1_1", weights=BY_HAND, seed=0), untrained("squeezenet1_1").state_dict()
    with pytest.raises(MissingData, match=r"squeezenet1_1\.pth"):
        dense_weights(named(model.name), model, tmp_path)
    path = tmp_path / BY_HAND / "squeezenet1_1.pth"
    path.parent.mkdir()
    assert not is_there(named(model.name), model, tmp_path)
    torch.save({name: values.half() for name, values in state.items()}, path)
    assert is_there(named(model.name), model, tmp_path)
    found = dense_weights(named(model.name), model, tmp_path)
    assert found is not None
    assert {values.dtype for values in found.values()} == {torch.float32}
    torch.testing.assert_close(found["classifier.1.weight"], state["classifier.1.weight"], atol=1e-3, rtol=1e-2)
    assert "checksum is not torchvision's" in named("squeezenet1_1").weights[BY_HAND].summary
    torch.save(dict(list(state.items())[1:]), path)
    with pytest.raises(BadFile, match=r"Missing: features\.0\.weight"):
        dense_weights(named(model.name), model, tmp_path)


def test_torchvision_is_imported_with_the_first_question_only() -> None:
    code = (
        "import sys; from core.models.zoo import MODELS; [e.value.weights for e in MODELS.values()];"
        " sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
