"""Blur a heatmap on purpose, to show what a score of overlap rewards.

Not a measure itself.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.base.errors import BadSpec
from core.measures.base import optional
from core.measures.overlap import soft_iou
from core.results import Heatmap, frozen_array

MOST_PX = 8.0


def blurred(side: Heatmap, sigma_px: float) -> Heatmap:
    """Apply a Gaussian blur to the (H, W) map of a heatmap and scale it to [0, 1] again; an
    unusable one is returned unchanged.

    Args:
        sigma_px: standard deviation in pixels of the network's input, 0 to MOST_PX.

    Raises:
        BadSpec: sigma is out of range.
    """
    if not 0 <= sigma_px <= MOST_PX:
        raise BadSpec(f"A blur of {sigma_px} pixels cannot be used.", f"It must be from 0 to {MOST_PX:g}.")
    if sigma_px == 0 or not side.usable:
        return side
    reach = min(math.ceil(3 * sigma_px), min(side.map.shape) - 1)
    steps = torch.arange(-reach, reach + 1.0)
    weights = torch.exp(-(steps**2) / (2 * sigma_px**2))
    weights = weights / weights.sum()
    padded = functional.pad(torch.from_numpy(side.map.copy())[None, None], (reach,) * 4, mode="reflect")
    rows = functional.conv2d(padded, weights.view(1, 1, 1, -1))
    soft = functional.conv2d(rows, weights.view(1, 1, -1, 1))[0, 0]
    soft = soft - soft.min()
    return replace(side, map=frozen_array((soft / soft.max()).numpy()))


def soft_iou_of(one: NDArray, other: NDArray) -> float | None:
    """Return the soft IoU of two single maps (H, W) in [0, 1]; None if undefined."""
    return optional(soft_iou(torch.from_numpy(one.copy())[None], torch.from_numpy(other.copy())[None])[0])
