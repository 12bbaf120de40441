"""The training loop of the thesis CNN, for several seeds at once."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.datasets import LabelledImages
from core.data.noise import NoiseSource, add_background_noise
from core.device import numpy_generator
from core.models.small import StackedThesisCNN
from core.specs import TrainSpec


@dataclass(frozen=True, kw_only=True)
class EpochDone:
    """Progress: one epoch of all seeds. losses: mean cross-entropy of each seed over the epoch."""

    epoch: int
    epochs: int
    losses: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Start:
    """Where the S networks of one run begin.

    seeds: of each network; name of the run ("pretrain", "level-07"): with the seed and the epoch it keys the order of the
    images and the noise, so that neither a restart nor other seeds beside it change what a network sees.
    """

    seeds: tuple[int, ...]
    name: str
    states: list[dict[str, Tensor]]
    masks: list[Mapping[str, Tensor]] | None = None


def train(start: Start, data: LabelledImages, recipe: TrainSpec, device: torch.device) -> Iterator[EpochDone | list[dict[str, Tensor]]]:
    """Trains the networks side by side; pruned weights are zero after every step.

    Args:
        start: seeds, first states and masks.
        data: the training images; they stay on the device as bytes.
        recipe: rates, batch size, noise. A fresh optimiser is used.
        device: where to train.

    Yields:
        EpochDone after each epoch, and at last the state dicts, one a seed, on the CPU.
    """
    if device.type == "cpu":
        keep_memory_between_steps()
    images, labels = data.images.to(device), data.labels.to(device)
    networks = StackedThesisCNN(start.states).to(device)
    masks = _stack_masks(start.masks, networks)
    optimiser = torch.optim.SGD(networks.parameters(), lr=0.0, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True)
    for epoch, rate in enumerate(recipe.epoch_rates):
        optimiser.param_groups[0]["lr"] = rate
        total = torch.zeros(len(start.seeds), device=device)
        for seen, truth in _batches(start, epoch, images, labels, recipe):
            losses = F.cross_entropy(networks(seen).flatten(0, 1), truth.t().flatten(), reduction="none").view(len(start.seeds), -1)
            optimiser.zero_grad()
            losses.mean(1).sum().backward()
            optimiser.step()
            with torch.no_grad():
                for parameter, mask in masks:
                    parameter.mul_(mask)
            total += losses.detach().sum(1)
        yield EpochDone(epoch=epoch + 1, epochs=len(recipe.epoch_rates), losses=tuple((total / len(labels)).tolist()))
    yield networks.states()


def _stack_masks(masks: list[Mapping[str, Tensor]] | None, networks: StackedThesisCNN) -> list[tuple[Tensor, Tensor]]:
    """Each masked stacked parameter with its mask, (S, ...); the parameters are masked at once."""
    pairs = []
    for name in masks[0] if masks else ():
        parameter = networks.stacked[name.replace(".", "_")]
        pairs.append((parameter, torch.stack([mask[name] for mask in masks or []]).to(parameter.device)))
    with torch.no_grad():
        for parameter, mask in pairs:
            parameter.mul_(mask)
    return pairs


def _batches(start: Start, epoch: int, images: Tensor, labels: Tensor, recipe: TrainSpec) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches (N, S, H, W) in [0, 1] with noise, and classes (N, S); each seed sees its own order and noise. The last may be smaller."""
    device = images.device
    orders = [numpy_generator("order", seed, start.name, epoch).permutation(len(labels)) for seed in start.seeds]
    order = torch.from_numpy(np.stack(orders, axis=1)).to(device)
    noise = [NoiseSource(device, "noise", seed, start.name, epoch) for seed in start.seeds]
    height, width = images.shape[1:]
    for rows in order.split(recipe.batch_size):
        seen = images[rows].float().div_(255)
        if recipe.noise:
            uniform = torch.stack([source.uniform(len(rows), height, width) for source in noise], dim=1)
            seen = add_background_noise(seen, uniform, recipe.noise)
        yield seen.contiguous(memory_format=torch.channels_last), labels[rows]


@cache
def keep_memory_between_steps() -> None:
    """Tells glibc to keep freed memory. Otherwise each step gives its large buffers back to the kernel and pays for
    fresh pages again: a quarter of the whole training time on the CPU."""
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL("libc.so.6")
        m_trim_threshold, m_mmap_threshold = -1, -3
        libc.mallopt(m_trim_threshold, 1 << 30)
        libc.mallopt(m_mmap_threshold, 1 << 30)
    except (OSError, AttributeError):
        pass  # another C library: only slower
