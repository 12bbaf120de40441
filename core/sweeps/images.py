"""Which images of a data set a sweep asks."""

from __future__ import annotations

import torch
from torch import Tensor

from core.base.draws import numpy_generator
from core.base.errors import BadSpec


def chosen_rows(classes: Tensor, images: int | None, seed: int) -> Tensor:
    """Choose images (n,), ascending: from every class in proportion to its size.

    Args:
        classes: of every image, (N,). images: how many, None for all.
    Raises:
        BadSpec: more images than there are.
    """
    if images is None:
        return torch.arange(len(classes))
    if images > len(classes):
        raise BadSpec(
            f"{images:,} images are more than the data set has.",
            f"It has {len(classes):,}.",
            "Ask for fewer, or for all.",
        )
    places: list[tuple[float, int, int]] = []
    for name in sorted(set(classes.tolist())):
        rows = (classes.cpu() == name).nonzero()[:, 0].numpy()
        order = numpy_generator("sweep-images", seed, name).permutation(rows)
        places += [((at + 0.5) / len(order), name, int(row)) for at, row in enumerate(order)]
    return torch.tensor(sorted(row for _, _, row in sorted(places)[:images]))
