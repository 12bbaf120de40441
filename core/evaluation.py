"""A network over a whole data set: right answers, and heatmaps scored against the ink, image by image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.data.noise import add_background_noise
from core.measures.fitting import Fits, choose_threshold, fit
from core.measures.overlap import soft_iou
from core.saliency.cams import saliency_maps
from core.saliency.capture import own_class
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
    """One row an image, (N,), on the CPU; soft_iou is NaN where it is undefined (map and image both empty).

    fitted: the other ways of fitting map to ink, by name, empty when not asked for; threshold: of "best-single-threshold".
    """

    predicted: Tensor
    soft_iou: Tensor
    map_mean: Tensor
    map_std: Tensor
    usable: Tensor  # bool: the map is neither empty nor constant nor invalid
    fitted: dict[str, Tensor]
    threshold: float | None


def predict(network: nn.Module, inputs: Inputs) -> Tensor:
    """Predicted classes (N,)."""
    with torch.no_grad():
        return torch.cat([network(part.seen.unsqueeze(1)).argmax(1) for part in inputs.batches()])


def evaluate(network: nn.Module, inputs: Inputs, method: str, layer: str, fitted: bool = False) -> PerImage:
    """Prediction, heatmap for the predicted class, and its soft IoU with the clean image, for every image.

    Args:
        network: on the inputs' device. method, layer: of the heatmap. fitted: also every registered way of fitting map to ink.
    """
    batches = [_evaluate_batch(network, part, method, layer) for part in inputs.batches()]
    names = ("predicted", "soft_iou", "map_mean", "map_std", "usable")
    rows = {name: torch.cat([batch[name] for batch in batches]).cpu() for name in names}
    scores, threshold = _fitted(
        [fit(batch["maps"], part.clean) for batch, part in zip(batches, inputs.batches(), strict=True)] if fitted else []
    )
    return PerImage(**rows, fitted=scores, threshold=threshold)


def _evaluate_batch(network: nn.Module, part: Inputs, method: str, layer: str) -> dict[str, Tensor]:
    made = saliency_maps(network, part.seen.unsqueeze(1), method, layer, own_class)
    maps, states = normalise(made.maps, part.clean.shape[-2:])
    flat = maps.flatten(1)
    return {
        "predicted": made.targets,
        "soft_iou": soft_iou(maps, part.clean),
        "map_mean": flat.mean(1),
        "map_std": flat.std(1, correction=0),
        "usable": torch.tensor([state == "ok" for state in states]),
        "maps": maps,
    }


def _fitted(fits: list[Fits]) -> tuple[dict[str, Tensor], float | None]:
    """Scores of every fitting but soft IoU, which stands by itself, and the one threshold chosen for these images."""
    if not fits:
        return {}, None
    scores = {name: torch.cat([batch.scores[name] for batch in fits]).cpu() for name in fits[0].scores if name != "soft-iou"}
    curve = torch.cat([batch.curve for batch in fits]).cpu()
    chosen = choose_threshold(curve)
    scores["best-single-threshold"] = curve[:, chosen.place if chosen else 0]
    return scores, chosen.value if chosen else None
