"""Random augmentations per training image, drawn on the CPU so that every device sees the same
ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ROTATION_DEG, SHIFT, SCALE = 10.0, 0.125, (0.8, 1.2)


@dataclass(frozen=True, eq=False)
class Moves:
    """The transform of each image of a batch: two flips (N,) bool, angle in radians (N,), shift as
    a share of the side (N, 2), scale (N,).
    """

    mirrored: Tensor
    upside_down: Tensor
    angle: Tensor
    shift: Tensor
    scale: Tensor

    def part(self, start: int, end: int) -> Moves:
        return Moves(*(values[start:end] for values in vars(self).values()))


def draw(images: int, names: tuple[str, ...], generator: np.random.Generator) -> Moves:
    """Draws transforms for a number of images.

    Always draws all numbers, so that one augmentation does not change another.
    """
    uniform = torch.from_numpy(generator.random((6, images), dtype=np.float32))
    still = torch.zeros(images)
    turned, moved = "rotation-10" in names, "shift-and-scale" in names
    return Moves(
        mirrored=(uniform[0] < 0.5) & ("horizontal-flip" in names),
        upside_down=(uniform[1] < 0.5) & ("vertical-flip" in names),
        angle=(2 * uniform[2] - 1) * math.radians(ROTATION_DEG) if turned else still,
        shift=(2 * uniform[3:5].T - 1) * SHIFT if moved else torch.zeros(images, 2),
        scale=SCALE[0] + uniform[5] * (SCALE[1] - SCALE[0]) if moved else still + 1,
    )


def apply(images: Tensor, moves: Moves) -> Tensor:
    """Transforms images (N, C, H, W) in [0, 1] on any device.

    Flips alone are exact; all other transforms use one bilinear resampling, black outside.
    """
    mirrored, upside_down = moves.mirrored.to(images.device), moves.upside_down.to(images.device)
    if not (moves.angle.any() or moves.shift.any() or (moves.scale != 1).any()):
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        return torch.where(upside_down[:, None, None, None], images.flip(2), images)
    cos, sin = (moves.angle.cos() / moves.scale).to(images), (moves.angle.sin() / moves.scale).to(images)
    across, down = 1 - 2 * mirrored.to(images.dtype), 1 - 2 * upside_down.to(images.dtype)
    ratio = images.shape[2] / images.shape[3]
    shift = 2 * moves.shift.to(images)
    # The source of each output pixel: flips come last, so the inverse rotates and shifts first.
    rows = [
        torch.stack([cos * across, -sin * ratio * across, shift[:, 0]], dim=1),
        torch.stack([sin / ratio * down, cos * down, shift[:, 1]], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
