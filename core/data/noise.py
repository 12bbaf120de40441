"""The thesis' background noise: pixels that are exactly 0 get a uniform value in [0, high]; ink is
unchanged.

The thesis samples it with randint and an unknown step; ours is continuous (our reading).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.base.draws import numpy_generator, torch_generator


class NoiseSource:
    """A stream of uniform numbers in [0, 1) on a device, keyed by its purpose.

    On the CPU numpy draws them (many times faster than torch there), on a GPU torch does: the two
    streams differ.
    """

    def __init__(self, device: torch.device, *purpose: object) -> None:
        self.device = device
        on_gpu = device.type == "cuda"
        self._torch = torch_generator(*purpose, device=device) if on_gpu else None
        self._numpy = None if on_gpu else numpy_generator(*purpose)

    def uniform(self, *shape: int) -> Tensor:
        """Return the next numbers of the stream, float32."""
        if self._numpy is None:
            return torch.rand(shape, generator=self._torch, device=self.device)
        return torch.from_numpy(self._numpy.random(shape, dtype=np.float32))


def add_background_noise(images: Tensor, uniform: Tensor, high: float) -> Tensor:
    """Add high x uniform to images in [0, 1] where they are exactly 0.

    Both have the same shape.
    """
    return torch.where(images == 0, uniform * high, images)


def noise_field(data_name: str, seed: int, shape: tuple[int, int, int]) -> Tensor:
    """Return the fixed noise of a data set, (N, H, W) in [0, 1): row i always belongs to image i,
    on every device.

    Shorter fields are the beginning of longer ones.
    """
    return NoiseSource(torch.device("cpu"), "evaluation noise", data_name, seed).uniform(*shape)
