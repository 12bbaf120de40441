"""A photograph as a network gets it: to see a wrong size, crop or order of channels at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.base.numbers import score
from core.data.gallery import gallery_image
from core.data.photos import fit_photo
from core.models.cards import InputRule


@dataclass(frozen=True, eq=False)
class Preview:
    """picture: (H, W, 3) uint8, the first three channels in the network's order shown as red, green
    and blue, stretched from the lowest to the highest value; grey ones are (H, W). text: size,
    channels and values.
    """

    picture: NDArray[np.uint8]
    text: str


def preview(photo: str, rule: InputRule) -> Preview:
    """Return a photograph of the gallery as a network of this rule gets it.

    Raises UnknownName, MissingData, BadImage.
    """
    pixels = fit_photo(gallery_image(photo), rule)
    image = torch.from_numpy(pixels.astype(np.float32) / 255)
    seen = rule((image if image.ndim == 3 else image[..., None]).permute(2, 0, 1)[None])[0]
    low, high = float(seen[:3].min()), float(seen[:3].max())
    shown = ((seen[:3] - low) / max(high - low, 1e-9) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    channels, height, width = seen.shape
    order = "grey" if channels == 1 else f"in the order {', '.join(rule.channel_order + 'A' * (channels == 4))}"
    means = ", ".join(map(score, seen.mean(dim=(1, 2)).tolist()))
    values = f"values from {score(low)} to {score(high)}, on average {means}"
    text = f"{channels} x {height} x {width}, channels {order}; {values}."
    return Preview(shown[..., 0] if channels == 1 else shown, text)
