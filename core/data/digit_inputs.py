"""A data set of digits as network inputs: complete, on the device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from core.data.batches import Batch, Inputs
from core.data.noise import add_background_noise

BATCH = 500


class DigitInputs(Inputs):
    """Digits for a network of ten classes; the truth is the ink of the clean image.

    Args:
        clean: (N, H, W) in [0, 1]. labels: (N,). seen: (N, H, W), the images with their noise; None
            for none. All on one device.
    """

    def __init__(self, clean: Tensor, labels: Tensor, seen: Tensor | None = None, title: str = "digits") -> None:
        self.clean, self.labels, self.seen, self.title = clean, labels, clean if seen is None else seen, title
        self.own_classes = torch.arange(10, device=labels.device)

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, noise: Tensor | None = None, high: float = 0.0) -> DigitInputs:
        """Args: images (N, H, W) uint8; noise (N, H, W) in [0, 1) or None for none; high: its upper
        end.
        """
        clean = images.float() / 255
        return cls(clean, labels, None if noise is None else add_background_noise(clean, noise, high))

    @property
    def digest(self) -> str:
        """Return a digest of the images as the network sees them, and their classes."""
        content = self.seen.cpu().numpy().tobytes() + self.labels.cpu().numpy().tobytes()
        return hashlib.sha256(content).hexdigest()[:16]

    def checksum(self, rows: Tensor) -> str:
        here = rows.to(self.labels.device)
        parts = (self.seen[here], self.clean[here], self.labels[here])
        return hashlib.sha256(b"".join(part.cpu().numpy().tobytes() for part in parts)).hexdigest()[:16]

    @property
    def truth_kind(self) -> str:
        return "ink"

    @property
    def bytes(self) -> int:
        return self.clean.nbytes + self.labels.nbytes + (0 if self.seen is self.clean else self.seen.nbytes)

    def without_noise(self) -> DigitInputs:
        """Return the same digits without noise."""
        return DigitInputs(self.clean, self.labels, title=self.title)

    def batches(self, truth: bool = False, rows: Tensor | None = None, size: int = BATCH) -> Iterator[Batch]:
        for part in (torch.arange(len(self)) if rows is None else rows).split(size):
            here = part.to(self.labels.device)
            yield Batch(part, self.seen[here].unsqueeze(1), self.labels[here], self.clean[here] if truth else None)
