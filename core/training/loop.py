"""The training loop: enforces masks after every step and yields progress after every epoch.

It trains a Task: several seeds of the thesis CNN side by side (stacked.py) or one network on
photographs (single.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from core.base.errors import SparsightError
from core.base.progress import tell
from core.specs import TrainSpec


class Diverged(SparsightError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True, kw_only=True)
class EpochDone:
    """Progress after one epoch. losses: mean of each series over the epoch, (S,)."""

    epoch: int
    epochs: int
    losses: tuple[float, ...]


class Task(Protocol):
    """What the loop trains. series: number of networks side by side. masks: parameters with their
    masks.
    """

    parameters: list[nn.Parameter]
    masks: list[tuple[Tensor, Tensor]]
    images: int
    series: int
    device: torch.device

    def batches(self, epoch: int) -> Iterable[Any]:
        """Returns the batches of an epoch; repeated calls return the same batches."""

    def losses_and_gradients(self, batch: Any) -> Tensor:
        """Sets .grad of every parameter and returns the summed losses of the batch, (S,)."""


class Training:
    """A run of the loop over one task.

    Args:
        task: what is trained; its masks are applied immediately.
        recipe: optimiser and learning rates. A fresh optimiser is used.
        after_step: called with epoch and step (both 0-based) after each optimiser step; may change
            the task's masks.
    """

    def __init__(self, task: Task, recipe: TrainSpec, after_step: Callable[[int, int], None] | None = None) -> None:
        self.task, self.recipe, self.after_step = task, recipe, after_step
        self.optimiser = _optimiser(task.parameters, recipe)
        self.enforce()

    def epochs(self, first: int = 0) -> Iterator[EpochDone]:
        """Trains from epoch `first` on (0-based).

        Raises:
            Diverged: a loss was NaN or infinite; names the step. The last good state is that of the
            previous epoch.
        """
        rates, images = self.recipe.epoch_rates, self.task.images
        for epoch in range(first, len(rates)):
            for group in self.optimiser.param_groups:
                group["lr"] = rates[epoch]
            total = torch.zeros(self.task.series, device=self.task.device)
            # The first step with an invalid loss; checked once per epoch.
            bad = torch.tensor(-1, device=self.task.device)
            for step, batch in enumerate(self.task.batches(epoch)):
                losses = self.task.losses_and_gradients(batch)
                self.optimiser.step()
                if self.after_step:
                    self.after_step(epoch, step)
                self.enforce()
                total += losses
                bad = torch.where((bad < 0) & ~torch.isfinite(losses).all(), step, bad)
                tell(epoch * images + min(images, (step + 1) * self.recipe.batch_size), len(rates) * images)
            if bad >= 0:
                raise Diverged(
                    f"The loss became NaN or infinite at step {int(bad) + 1} of epoch {epoch + 1}.",
                    "Training stopped; the state after the previous epoch is kept.",
                    "Choose a smaller learning rate.",
                )
            yield EpochDone(epoch=epoch + 1, epochs=len(rates), losses=tuple((total / self.task.images).tolist()))

    @torch.no_grad()
    def enforce(self) -> None:
        """Sets pruned weights to zero."""
        for parameter, mask in self.task.masks:
            parameter.mul_(mask)

    def memory(self) -> dict[str, Tensor]:
        """Returns the optimiser's state by parameter index and name of the quantity."""
        state = self.optimiser.state_dict()["state"]
        return {
            f"{place}.{name}": values
            for place, slots in state.items()
            for name, values in slots.items()
            if isinstance(values, Tensor)
        }

    def remember(self, memory: dict[str, Tensor]) -> None:
        """Restores the optimiser's state from `memory`."""
        state = self.optimiser.state_dict()
        for key, values in memory.items():
            place, name = key.split(".", 1)
            parameter = self.task.parameters[int(place)]
            # Fused optimisers require state tensors with the memory layout of their parameter.
            like = values if values.shape != parameter.shape else torch.empty_like(parameter.detach()).copy_(values)
            state["state"].setdefault(int(place), {})[name] = like
        self.optimiser.load_state_dict(state)


def _optimiser(parameters: list[nn.Parameter], recipe: TrainSpec) -> torch.optim.Optimizer:
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=0.0, weight_decay=recipe.weight_decay, fused=True)
    return torch.optim.SGD(parameters, lr=0.0, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True)
