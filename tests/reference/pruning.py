"""Slow, obvious definitions of pruning."""

from __future__ import annotations

import math
from fractions import Fraction

import torch
from torch import Tensor


def remove_lowest(scores: list[float], count: int) -> list[bool]:
    """True = kept. The `count` lowest scores go; among equals the one that stands first goes first."""
    order = sorted(range(len(scores)), key=lambda place: (scores[place], place))
    gone = set(order[:count])
    return [place not in gone for place in range(len(scores))]


def rounded_half_up(share: str, total: int) -> int:
    """round(share x total) in exact fractions, halves up."""
    return math.floor(Fraction(share) * total + Fraction(1, 2))


def openlth_step(scores: list[float], alive: list[bool], share: str = "0.2") -> list[bool]:
    """OpenLTH: threshold = the k-th smallest living score, counted from 0, k = ceil(share x living); keep what is larger."""
    living = sorted(score for score, lives in zip(scores, alive, strict=True) if lives)
    k = math.ceil(Fraction(share) * len(living))
    if k >= len(living):
        return [False] * len(scores)
    return [lives and score > living[k] for score, lives in zip(scores, alive, strict=True)]


def has_path(conv1: Tensor, conv2: Tensor, fc: Tensor) -> bool:
    """Whether kept weights of the thesis CNN join its input to an output: conv1 (4,1,3,3), conv2 (8,4,3,3), fc (10,200) bool."""
    for output in range(10):
        for feature in range(200):
            channel = feature // 25  # the 200 features are 8 channels of 5 x 5
            if not fc[output, feature]:
                continue
            for between in range(4):
                if bool(conv2[channel, between].any()) and bool(conv1[between].any()):
                    return True
    return False


def random_mask(shape: tuple[int, ...], density: float, seed: int) -> Tensor:
    """A random bool mask."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < density
