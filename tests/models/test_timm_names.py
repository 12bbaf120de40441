"""timm's weights under torchvision's names: the same outputs as in timm, for random weights."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save
from torch import nn

from core.base.errors import BadFile
from core.disk.files import Files
from core.models import torchvision_cnns
from core.models.cards import Card
from core.models.checkpoints.policy import read
from core.models.checkpoints.timm_names import renamed
from core.models.own import About, take_in
from core.models.zoo import named

timm = pytest.importorskip("timm")

SAME = {
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "mobilenet_v2": "mobilenetv2_100",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b1": "efficientnet_b1",
    "convnext_tiny": "convnext_tiny",
    "densenet121": "densenet121",
    "vgg11": "vgg11",
    "vgg13_bn": "vgg13_bn",
}
LARGE = ("vgg", "convnext", "densenet", "resnet50", "efficientnet_b1")


def card_of(name: str) -> Card:
    card = torchvision_cnns.named(name)
    assert card is not None
    return card


def drawn(name: str, classes: int) -> nn.Module:
    """timm's network with random weights; norms too, which begin as ones and zeros."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=classes)
    for key, values in network.state_dict().items():
        if key.endswith("running_var"):
            values.uniform_(0.5, 1.5)
        elif values.is_floating_point() and values.ndim == 1:
            values.add_(torch.randn_like(values) * 0.1)
    return network.eval()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name.startswith(LARGE) else name for name in SAME]
)
def test_outputs_are_those_of_timm(name: str, tmp_path) -> None:
    theirs = drawn(SAME[name], classes=7)
    entry = take_in(Files(tmp_path), save(theirs.state_dict()), About(architecture=name), card_of)
    ours = entry.value.blank()
    ours.load_state_dict(read(save(theirs.state_dict())).fit(entry.value.shapes).state)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(ours.eval()(images), expected, atol=1e-5 * float(expected.abs().max()), rtol=0)
    notes = " ".join(entry.value.notes)
    assert ("Names of timm" in notes) == (set(theirs.state_dict()) != set(card_of(name).shapes))


@pytest.mark.parametrize(
    ("name", "theirs"), [("mobilenet_v3_small", "mobilenetv3_small_100"), ("efficientnet_v2_s", "efficientnetv2_s")]
)
def test_networks_that_a_file_does_not_tell_apart_are_refused(name: str, theirs: str) -> None:
    with torch.device("meta"):
        names = timm.create_model(theirs).state_dict()
    with pytest.raises(BadFile, match="two epsilons") as caught:
        renamed(names, card_of(name).shapes)
    assert "add_module" in caught.value.next_step


def test_other_names_are_left_alone() -> None:
    shapes = named("mobilenet_v2").shapes
    assert renamed(shapes, shapes) == {}
    assert renamed(["blocks.0.0.conv_pw.weight"], named("resnet18").shapes) == {}
