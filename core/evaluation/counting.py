"""How many answers of a network are right, counted batch by batch on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from core.measures import top1


@torch.no_grad()
def count_right(answer: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]]) -> int:
    """How many images are classified correctly; never one whose logits are not finite.

    Args:
        answer: from images to logits (N, C).
        batches: images, and labels (N,).
    """
    right = [(top1(answer(images)) == labels).sum() for images, labels in batches]
    return int(torch.stack(right).sum()) if right else 0
