"""A network that was trained on this machine, as stored on disk."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.brief import brief
from core.specs import VariantSpec


@brief
@dataclass(frozen=True, kw_only=True)
class TrainedLevel:
    """One level of a trained series. target: the requested sparsity. bytes: on disk. own: trained
    on this machine, so it can be deleted.

    correct of total: correct answers on the validation images in the best epoch (counted from 1);
    None if its file does not say.
    """

    variant: VariantSpec
    target: float
    bytes: int
    own: bool
    epoch: int | None = None
    correct: int | None = None
    total: int | None = None
