"""Images for measured criteria: a fixed set that is always available, never a single image."""

from __future__ import annotations

import torch
from torch import Tensor

from core.data.gallery import GALLERY
from core.data.load_picture import Pictures
from core.models.cards import Card
from core.specs import ImageRef

EVERY = 50  # of the embedded digits: 100 of them, ten of each class


def calibration_images(pictures: Pictures, card: Card) -> tuple[Tensor, Tensor | None]:
    """Return network inputs (N, channels, H, W) and classes (N,): 100 embedded digits with their
    labels, or the photographs of the gallery with None, which stands for the network's own
    predictions.
    """
    if card.reads_digits:
        part = pictures.digits.part(torch.arange(0, len(pictures.digits), EVERY))
        return card.input(part.images.unsqueeze(1).float() / 255), part.labels
    photographs = [pictures.get(ImageRef(source="gallery", name=name), card).clean for name in GALLERY]
    return card.input(torch.stack([torch.from_numpy(clean.copy()).permute(2, 0, 1) for clean in photographs])), None
