"""The thesis CNN as a task of the training loop: several seeds side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.base.draws import numpy_generator
from core.data.datasets import LabelledImages
from core.data.noise import NoiseSource, add_background_noise
from core.models.small import StackedThesisCNN
from core.specs import TrainSpec
from core.training.loop import EpochDone, Training
from core.training.memory import keep_memory_between_steps

CPU_PARTS = 2  # fixed, not the number of cores, so that results do not depend on the machine's


@dataclass(frozen=True, eq=False)
class Start:
    """The initial state of the S networks of one run.

    seeds: one per network. name: of the run ("pretrain", "level-07"). With seed and epoch it keys
    the order of the images and the noise, so that neither a restart nor other seeds trained
    alongside change what a network sees.
    """

    seeds: tuple[int, ...]
    name: str
    states: list[dict[str, Tensor]]
    masks: list[Mapping[str, Tensor]] | None = None


def train(
    start: Start, data: LabelledImages, recipe: TrainSpec, device: torch.device
) -> Iterator[EpochDone | list[dict[str, Tensor]]]:
    """Trains the networks side by side; pruned weights are zero after every step.

    On the CPU, two threads compute the halves of each batch and add their gradients. For a network
    this small, that is twice as fast as PyTorch's own threads, and the result does not depend on
    the number of threads.

    Args:
        start: seeds, first states and masks.
        data: the training images; they stay on the device as bytes.
        recipe: rates, batch size, noise. A fresh optimiser is used.
        device: where to train.

    Yields:
        EpochDone after each epoch, and finally the state dicts, one per seed, on the CPU.
    """
    networks = StackedThesisCNN(start.states).to(device)
    with _Halves(networks, LabelledImages(data.images.to(device), data.labels.to(device)), recipe) as halves:
        halves.start, halves.masks = start, _stack_masks(start.masks, networks)
        yield from Training(halves, recipe).epochs()
    yield networks.states()


class _Halves:
    """The task of the training loop: computes the gradients of a batch in two parts and threads on
    the CPU, in one on a GPU.
    """

    start: Start
    masks: list[tuple[Tensor, Tensor]]

    def __init__(self, networks: StackedThesisCNN, data: LabelledImages, recipe: TrainSpec) -> None:
        self.networks, self.data, self.recipe = networks, data, recipe
        self.parameters = list(networks.parameters())
        self.device, self.images, self.series = data.images.device, len(data), networks.networks
        self.parts = 1 if self.device.type == "cuda" else CPU_PARTS

    def __enter__(self) -> _Halves:
        if self.device.type == "cpu":
            keep_memory_between_steps()
        self._threads = torch.get_num_threads()
        if self.parts > 1:
            torch.set_num_threads(1)
        self._pool = (
            ThreadPoolExecutor(self.parts, "train", initializer=lambda: torch.set_num_threads(1))
            if self.parts > 1
            else None
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()
        torch.set_num_threads(self._threads)

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Yields image rows in each seed's order for this epoch; draws new noise, one stream per
        seed.
        """
        self.noise = [NoiseSource(self.device, "noise", seed, self.start.name, epoch) for seed in self.start.seeds]
        yield from _order(self.start, epoch, self.images).to(self.device).split(self.recipe.batch_size)

    def losses_and_gradients(self, rows: Tensor) -> Tensor:
        """Sets .grad to the gradient of the mean loss of each seed, summed over seeds, and returns
        the summed losses (S,).

        Args: rows (N, S): the images of this batch, each seed's own.
        """
        pieces = list(zip(rows.chunk(self.parts), self._uniform(rows).chunk(self.parts), strict=True))
        done = list(self._pool.map(self._part, pieces)) if self._pool else [self._part(piece) for piece in pieces]
        for place, parameter in enumerate(self.parameters):
            gradient = sum((gradients[place] for _, gradients in done[1:]), done[0][1][place])
            parameter.grad = (gradient / len(rows)).contiguous()  # the fused optimiser requires this memory layout
        return sum((losses for losses, _ in done[1:]), done[0][0])

    def _uniform(self, rows: Tensor) -> Tensor:
        """Returns noise for a batch, (N, S, H, W) in [0, 1)."""
        return torch.stack([source.uniform(len(rows), *self.data.images.shape[1:]) for source in self.noise], dim=1)

    def _part(self, piece: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns summed losses (S,) and the gradients of their sum for some rows of a batch and
        their noise.
        """
        rows, uniform = piece
        seen = add_background_noise(self.data.images[rows].float().div_(255), uniform, self.recipe.noise)
        logits = self.networks(seen.contiguous(memory_format=torch.channels_last))
        truth = self.data.labels[rows].t().flatten()
        losses = F.cross_entropy(logits.flatten(0, 1), truth, reduction="none").view(rows.shape[1], -1).sum(1)
        return losses.detach(), torch.autograd.grad(losses.sum(), self.parameters)


def _order(start: Start, epoch: int, images: int) -> Tensor:
    """Returns the order of the images in an epoch, (images, S), one column per seed."""
    orders = [numpy_generator("order", seed, start.name, epoch).permutation(images) for seed in start.seeds]
    return torch.from_numpy(np.stack(orders, axis=1))


def _stack_masks(masks: list[Mapping[str, Tensor]] | None, networks: StackedThesisCNN) -> list[tuple[Tensor, Tensor]]:
    """Returns each masked stacked parameter with its mask, (S, ...); applies the masks."""
    pairs = []
    for name in masks[0] if masks else ():
        parameter = networks.stacked[name.replace(".", "_")]
        pairs.append((parameter, torch.stack([mask[name] for mask in masks or []]).to(parameter.device)))
    with torch.no_grad():
        for parameter, mask in pairs:
            parameter.mul_(mask)
    return pairs
