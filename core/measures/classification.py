"""Predictions: logits (N, C) to probabilities, counts and shares.

Logits that are not all finite, because the network's outputs overflow, give no answer: the class is
NO_ANSWER, the probabilities are NaN, and it never counts as correct.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.specs import NO_ANSWER


def answered(logits: Tensor) -> Tensor:
    """Return which images have an answer, (N,) bool."""
    return torch.isfinite(logits).all(dim=1)


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the classes, (N, C) to (N, C), in float32 at least; NaN without an answer."""
    found = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(dim=1)
    return found.masked_fill(~answered(logits)[:, None], torch.nan)


def top1(logits: Tensor) -> Tensor:
    """Return the predicted class of each image, (N,) long; the lowest index among equals, NO_ANSWER
    without an answer.
    """
    return logits.argmax(dim=1).masked_fill(~answered(logits), NO_ANSWER)
