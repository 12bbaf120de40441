"""Trained weights on 500 photographs that they have not seen: the accuracies that data/README.md
states, within half a point.

These photographs are 224 x 224 already, so nothing is cut away from them.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.base.errors import BadFile
from core.data.folders import read_folder
from core.data.photo_inputs import PhotoInputs
from core.evaluation import evaluate
from core.models.cards import Card, InputRule
from core.models.checkpoints.policy import read
from core.models.dense import dense_weights
from core.models.modules import ModuleFacts
from core.models.own import from_module
from core.models.torchvision_cnns import BY_HAND
from core.models.zoo import default_model, named
from core.specs import ModelSpec

pytestmark = pytest.mark.long

CPU = torch.device("cpu")


def seen_whole(found: Card, side_px: int) -> Card:
    """The card with another size of input, without cutting."""
    made = copy.copy(found)
    rule = found.input
    made.__dict__["input"] = InputRule(
        size_px=(side_px, side_px), mean=rule.mean, std=rule.std, interpolation=rule.interpolation
    )
    return made


def percent_right(network: nn.Module, found: Card, data: Path) -> tuple[float, float]:
    """Of a thousand classes, and among the ten that the photographs have."""
    inputs = PhotoInputs(read_folder(data / "imagenette-224-unseen.zip"), found, CPU)
    counts = evaluate.count(network.requires_grad_(False).eval(), inputs)
    assert counts.total == 500
    assert counts.among is not None
    return 100 * counts.correct / counts.total, 100 * counts.among / counts.total


def loaded(model: ModelSpec, folder: Path) -> nn.Module:
    network, state = named(model.name).blank(), dense_weights(named(model.name), model, folder)
    assert state is not None
    network.load_state_dict(state)
    return network


def test_efficientnet_lite0(real_data: Path, tmp_path: Path) -> None:
    model = default_model("efficientnet-lite0")
    assert percent_right(loaded(model, tmp_path), seen_whole(named(model.name), 224), real_data) == pytest.approx(
        (69.6, 98.0), abs=0.5
    )


def test_squeezenet1_1_put_there_by_hand(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "weights" / "squeezenet1_1_torchvision_fp16.pth"
    (tmp_path / BY_HAND).mkdir()
    shutil.copy(file, tmp_path / BY_HAND / "squeezenet1_1.pth")
    model = ModelSpec(name="squeezenet1_1", weights=BY_HAND, seed=0)
    assert percent_right(loaded(model, tmp_path), seen_whole(named(model.name), 224), real_data) == pytest.approx(
        (59.0, 95.2), abs=0.5
    )
    shutil.copy(file, tmp_path / "squeezenet1_1-b8a52dc0.pth")  # torchvision's name, but not torchvision's file
    with pytest.raises(BadFile, match="b8a52dc0"):
        dense_weights(named(default_model("squeezenet1_1").name), default_model("squeezenet1_1"), tmp_path)


class AsCaffe(nn.Module):
    """A network trained with Caffe: blue first, 0 to 255, minus the mean of each channel."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor([104.0, 117.0, 123.0])[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images.flip(1) * 255 - self.mean)


def test_squeezenet1_0_after_deep_compression(real_data: Path, tmp_path: Path) -> None:
    """As a module of a notebook; 415,921 of its weights are not zero."""
    base = named("squeezenet1_0")
    network = base.blank()
    state = read(real_data / "weights" / "squeezenet1_0_deepcompression_fp32.pth").strict(base.shapes, "", "")
    network.load_state_dict(state)
    network.classifier[1].padding = (1, 1)
    assert sum(int((state[name] != 0).sum()) for name in base.prunable) == 415_921
    rule = InputRule(size_px=(227, 227), mean=(0.0,) * 3, std=(1.0,) * 3)
    facts = ModuleFacts(target_layer="network.features", input=rule, classes=base.classes)
    found = from_module(AsCaffe(network), facts).value
    assert found.classifier == "network.classifier.1.weight"
    assert percent_right(AsCaffe(network), found, real_data) == pytest.approx((57.1, 96.3), abs=0.5)
