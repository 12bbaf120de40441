"""A small network with every kind of layer that groups of weights differ in, and what criteria need
to know of it.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from core.pruning.calibration import Calibration, calibrate
from core.pruning.groups import conv_groups
from core.pruning.scores import CRITERIA, Evidence, Scores

FIXED = ("weight", "kernel", "channel", "filter")


class Small(nn.Module):
    """Plain, depthwise, grouped and pointwise convolutions, and a linear layer of 24 features."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(3, 4, 3, padding=1)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.grouped = nn.Conv2d(4, 6, 3, groups=2)
        self.pointwise = nn.Conv2d(6, 6, 1)
        self.fc = nn.Linear(24, 5)

    def forward(self, images: Tensor) -> Tensor:
        h = self.plain(images).relu()
        h = self.grouped(self.depthwise(h).relu()).relu()
        return self.fc(nn.functional.adaptive_avg_pool2d(self.pointwise(h).relu(), 2).flatten(1))


@cache
def small(seed: int = 0) -> Small:
    network = Small()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in network.parameters():
            values.copy_(torch.randn(values.shape, generator=generator) * 0.4)
    return network.eval().requires_grad_(False)


@cache
def small_images() -> Tensor:
    return torch.rand(6, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def small_weights(seed: int = 0) -> dict[str, Tensor]:
    return {name: values.clone() for name, values in small(seed).named_parameters() if name.endswith("weight")}


@cache
def measured() -> Calibration:
    return calibrate(small(), small_weights(), small_images(), torch.tensor([0, 1, 2, 3, 4, 0]))


def evidence(granularity: str = "weight", weights: dict[str, Tensor] | None = None, seed: int = 7) -> Evidence:
    return Evidence(small_weights() if weights is None else weights, granularity, seed, measured, conv_groups(small()))


def scores(criterion: str, granularity: str = "weight") -> Scores:
    return CRITERIA[criterion].value(evidence(granularity))
