"""One network on photographs as a task of the training loop, and its accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.base.device import precision_named
from core.base.draws import entropy, numpy_generator
from core.data.batches import Batch
from core.data.decode import TrainingImages
from core.evaluation.evaluate import count_right
from core.jobs.control import check
from core.specs import TrainSpec
from core.training import augment
from core.training.augment import Moves
from core.training.memory import resident

Part = tuple[Tensor, Moves]  # rows of the images, and how each is moved
EVALUATION_BATCH = 256


@dataclass(frozen=True, eq=False)
class Subject:
    """The network to train, changed in place.

    mask: True = kept, by parameter name. seed, run: with the epoch they key the order of the
    images, their augmentation and dropout. prepare: turns images (N, 3, H, W) in [0, 1] into the
    network's input. precision: a key of PRECISIONS.
    """

    network: nn.Module
    mask: Mapping[str, Tensor]
    prepare: Callable[[Tensor], Tensor]
    seed: int
    run: str
    precision: str = "float32"


class Photographs:
    """The task: batches of randomly augmented photographs, and the gradients of their mean loss."""

    series = 1

    def __init__(self, subject: Subject, data: TrainingImages, recipe: TrainSpec, device: torch.device) -> None:
        self.subject, self.data, self.recipe, self.device = subject, resident(data, device), recipe, device
        self.network = subject.network.to(device).to(memory_format=torch.channels_last).requires_grad_(True)
        self.parameters = list(self.network.parameters())
        self.masks: list[tuple[Tensor, Tensor]] = []
        self.look_at_masks()
        self.images = len(data)
        self.steps = len(list(_spans(self.images, recipe.batch_size)))  # of an epoch
        self.check: Callable[[], None] = lambda: None  # called before every batch: may wait, or raise Stopped

    def look_at_masks(self) -> None:
        """Copies the subject's current masks; skips masks that keep everything."""
        named = dict(self.network.named_parameters())
        self.masks = [(named[name], kept.to(self.device)) for name, kept in self.subject.mask.items() if not kept.all()]

    def batches(self, epoch: int) -> Iterator[Part]:
        """Yields image rows in the order of this epoch with their augmentation.

        Dropout draws from torch's own generator, seeded here for the epoch.
        """
        purpose = (self.subject.seed, self.subject.run, epoch)
        order = torch.from_numpy(numpy_generator("order", *purpose).permutation(self.images))
        moves = augment.draw(self.images, self.recipe.augment, numpy_generator("augment", *purpose))
        torch.manual_seed(entropy("dropout", *purpose))
        self.network.train()
        for start, end in _spans(self.images, self.recipe.batch_size):
            self.check()
            yield order[start:end], moves.part(start, end)

    def losses_and_gradients(self, batch: Part) -> Tensor:
        """Sets .grad to the gradient of the batch's mean loss and returns the summed loss, (1,)."""
        rows, moves = batch
        images, labels = _on(self.device, self.data.images[rows], self.data.labels[rows])
        seen = self.subject.prepare(augment.apply(images.float().div_(255), moves)).contiguous(
            memory_format=torch.channels_last
        )
        for parameter in self.parameters:
            parameter.grad = None
        with repeatable(self.device):
            with casting(self.device, self.subject.precision):
                loss = F.cross_entropy(self.network(seen).float(), labels)
            loss.backward()
        for parameter in self.parameters:
            if parameter.grad is None:  # a part that this pass did not use, such as a second head
                parameter.grad = torch.zeros_like(parameter)
        return loss.detach()[None] * len(rows)


def _spans(images: int, size: int) -> Iterator[tuple[int, int]]:
    """Yields start and end of each batch.

    A single last image joins the previous batch, because BatchNorm cannot train on one image.
    """
    start = 0
    while start < images:
        end = min(start + size, images)
        end = images if images - end == 1 else end
        yield start, end
        start = end


def count_correct(subject: Subject, data: TrainingImages, device: torch.device) -> int:
    """Counts correctly classified photographs, unaugmented and in evaluation mode. Images with
    non-finite logits never count as correct.
    """
    subject.network.eval()

    def answer(images: Tensor) -> Tensor:
        seen = subject.prepare(images.float().div_(255)).contiguous(memory_format=torch.channels_last)
        with casting(device, subject.precision):
            return subject.network(seen)

    def batches() -> Iterator[Batch]:
        for rows in torch.arange(len(data)).split(EVALUATION_BATCH):
            check()
            yield Batch(rows, *_on(device, data.images[rows], data.labels[rows]))

    return count_right(answer, batches())


def regrown(subject: Subject) -> int:
    """Counts pruned weights that are not zero; must be 0 at every evaluation and in every file."""
    named = dict(subject.network.named_parameters())
    return sum(
        int((named[name].detach()[~kept.to(named[name].device)] != 0).sum()) for name, kept in subject.mask.items()
    )


def _on(device: torch.device, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def computed_in(device: torch.device, precision: str) -> torch.dtype:
    """Returns the dtype of forward and backward passes on this device.

    Raises BadSpec for an unknown precision.
    """
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return precision_named(precision)


def casting(device: torch.device, precision: str) -> Any:
    """Returns an autocast context if the precision needs one. Weights stay float32, so that masks
    and optimiser state are exact.
    """
    dtype = computed_in(device, precision)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def repeatable(device: torch.device) -> Any:
    """Returns a context in which cuDNN uses only deterministic convolutions."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(
        enabled=True, deterministic=True, benchmark=False, allow_tf32=torch.backends.cudnn.allow_tf32
    )
