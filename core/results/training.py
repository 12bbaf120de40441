"""A network that was trained here, as it lies on disk."""

from __future__ import annotations

from dataclasses import dataclass

from core.specs import VariantSpec


@dataclass(frozen=True, kw_only=True)
class TrainedLevel:
    """One level of a trained series. target: the share of the pruned weights that was to go. bytes:
    on disk. own: it can be deleted, it did not come along.

    correct of total: right answers on the validation images, of its best epoch (from 1 on); None
    where its file does not say.
    """

    variant: VariantSpec
    target: float
    bytes: int
    own: bool
    epoch: int | None = None
    correct: int | None = None
    total: int | None = None
