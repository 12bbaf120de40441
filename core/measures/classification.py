"""What networks predict: logits (N, C) to probabilities, counts and shares."""

from __future__ import annotations

import torch
from torch import Tensor


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the classes, (N, C) to (N, C), in float32 at least."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(dim=1)


def top1(logits: Tensor) -> Tensor:
    """The predicted class of each image, (N,) long; the lowest index among equals, -1 where the logits are no numbers."""
    return logits.argmax(dim=1).masked_fill(logits.isnan().any(dim=1), -1)


def top1_correct(logits: Tensor, labels: Tensor) -> int:
    """How many of N images are predicted right: logits (N, C), labels (N,)."""
    return int((top1(logits) == labels).sum())


def agreement(a: Tensor, b: Tensor) -> float | None:
    """Share of images for which two sets of predicted classes (N,) are the same; None for no images."""
    return float((a == b).double().mean()) if len(a) else None
