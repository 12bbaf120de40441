"""A network over a whole data set: right answers, and heatmaps scored against the ink, image by image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.data.noise import add_background_noise
from core.measures.overlap import soft_iou
from core.saliency.cams import saliency_maps
from core.saliency.normalise import normalise

BATCH = 500


@dataclass(frozen=True, eq=False)
class Inputs:
    """Images ready for a network: clean and seen (N, H, W) in [0, 1], classes (N,); all on one device."""

    clean: Tensor
    seen: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, noise: Tensor | None, high: float) -> Inputs:
        """Args: images (N, H, W) uint8; noise (N, H, W) in [0, 1) or None for none; high: its upper end."""
        clean = images.float() / 255
        return cls(clean, clean if noise is None else add_background_noise(clean, noise, high), labels)

    def batches(self, size: int = BATCH) -> Iterator[Inputs]:
        for parts in zip(self.clean.split(size), self.seen.split(size), self.labels.split(size), strict=True):
            yield Inputs(*parts)


@dataclass(frozen=True, eq=False)
class PerImage:
    """One row an image, (N,), on the CPU; soft_iou is NaN where it is undefined (map and image both empty)."""

    predicted: Tensor
    soft_iou: Tensor
    map_mean: Tensor
    map_std: Tensor
    usable: Tensor  # bool: the map is neither empty nor constant nor invalid


def predict(network: nn.Module, inputs: Inputs) -> Tensor:
    """Predicted classes (N,)."""
    with torch.no_grad():
        return torch.cat([network(part.seen.unsqueeze(1)).argmax(1) for part in inputs.batches()])


def evaluate(network: nn.Module, inputs: Inputs, method: str, layer: str) -> PerImage:
    """Prediction, heatmap for the predicted class, and its soft IoU with the clean image, for every image."""
    rows = [_evaluate_batch(network, part, method, layer) for part in inputs.batches()]
    return PerImage(*(torch.cat(column).cpu() for column in zip(*rows, strict=True)))


def _evaluate_batch(network: nn.Module, part: Inputs, method: str, layer: str) -> tuple[Tensor, ...]:
    made = saliency_maps(network, part.seen.unsqueeze(1), method, layer, lambda logits: logits.argmax(1))
    maps, states = normalise(made.maps, part.clean.shape[-2:])
    usable = torch.tensor([state == "ok" for state in states])
    flat = maps.flatten(1)
    return made.targets, soft_iou(maps, part.clean), flat.mean(1), flat.std(1, correction=0), usable
