"""The thesis' training, one network, as plainly as PyTorch allows: ReLU before pooling, a new mask
product at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.base.draws import entropy, numpy_generator
from core.data.datasets import LabelledImages
from core.data.decode import TrainingImages
from core.specs import TrainSpec
from core.training.augment import Moves, draw
from tests.reference.pruning import Place, groups_of, remove_lowest, rounded_half_up


def forward(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """Logits of images (N, 1, 28, 28)."""
    h = F.max_pool2d(torch.relu(F.conv2d(images, weights["conv1.weight"], weights["conv1.bias"])), 2)
    h = F.max_pool2d(torch.relu(F.conv2d(h, weights["conv2.weight"], weights["conv2.bias"])), 2)
    return h.flatten(1) @ weights["fc.weight"].T + weights["fc.bias"]


def train_one(
    state: dict[str, Tensor], mask: dict[str, Tensor], data: LabelledImages, recipe: TrainSpec, seed: int, name: str
) -> dict[str, Tensor]:
    """SGD with momentum written out; masked weights get no gradient (they are multiplied by the
    mask in every forward pass).
    """
    weights = {key: value.double().clone().requires_grad_() for key, value in state.items()}
    velocity = {key: torch.zeros_like(value) for key, value in weights.items()}
    for epoch, rate in enumerate(recipe.epoch_rates):
        order = numpy_generator("order", seed, name, epoch).permutation(len(data))
        noise = numpy_generator("noise", seed, name, epoch)
        for first in range(0, len(order), recipe.batch_size):
            rows = torch.from_numpy(order[first : first + recipe.batch_size])
            clean = data.images[rows].double() / 255
            uniform = torch.from_numpy(noise.random(clean.shape, dtype="float32")).double()
            seen = torch.where(clean == 0, uniform * recipe.noise, clean)
            masked = {key: value * mask[key] if key in mask else value for key, value in weights.items()}
            loss = F.cross_entropy(forward(masked, seen.unsqueeze(1)), data.labels[rows])
            gradients = torch.autograd.grad(loss, list(weights.values()))
            with torch.no_grad():
                for (key, value), gradient in zip(weights.items(), gradients, strict=True):
                    velocity[key] = recipe.momentum * velocity[key] + gradient + recipe.weight_decay * value
                    value -= rate * velocity[key]
    return {key: (value * mask[key] if key in mask else value).detach() for key, value in weights.items()}


def move_one(image: Tensor, moves: Moves, place: int) -> Tensor:
    """One image (C, H, W) moved pixel by pixel: where each pixel of the result is read from,
    bilinear, black outside.
    """
    _, height, width = image.shape
    moved = torch.zeros_like(image)
    cos = math.cos(moves.angle[place]) / float(moves.scale[place])
    sin = math.sin(moves.angle[place]) / float(moves.scale[place])
    for y in range(height):
        for x in range(width):
            across, down = x + 0.5 - width / 2, y + 0.5 - height / 2  # from the middle
            across = -across if moves.mirrored[place] else across
            down = -down if moves.upside_down[place] else down
            left = cos * across - sin * down + float(moves.shift[place, 0]) * width + width / 2 - 0.5
            up = sin * across + cos * down + float(moves.shift[place, 1]) * height + height / 2 - 0.5
            for row in (math.floor(up), math.floor(up) + 1):
                for column in (math.floor(left), math.floor(left) + 1):
                    if 0 <= row < height and 0 <= column < width:
                        moved[:, y, x] += (1 - abs(up - row)) * (1 - abs(left - column)) * image[:, row, column]
    return moved


def finetune_one(
    network: nn.Module,
    mask: dict[str, Tensor],
    data: TrainingImages,
    recipe: TrainSpec,
    purpose: tuple[int, str],
    tighten: Callable[[int], None] = lambda done: None,
) -> None:
    """A network on photographs, as plainly as PyTorch allows: torch's own optimiser step by step,
    images moved one by one.

    tighten: told how many steps are done after each one, before pruned weights are set to zero; may
    change the mask.
    """
    done = 0
    kinds = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
    extra = {"momentum": recipe.momentum} if recipe.optimiser == "sgd" else {}
    optimiser = kinds[recipe.optimiser](
        network.parameters(), lr=0.1, weight_decay=recipe.weight_decay, foreach=False, **extra
    )
    named = dict(network.named_parameters())
    for name, kept in mask.items():
        named[name].data *= kept
    for epoch, rate in enumerate(recipe.epoch_rates):
        order = numpy_generator("order", *purpose, epoch).permutation(len(data))
        moves = draw(len(data), recipe.augment, numpy_generator("augment", *purpose, epoch))
        torch.manual_seed(entropy("dropout", *purpose, epoch))
        network.train()
        batches = [
            list(range(len(order)))[first : first + recipe.batch_size]
            for first in range(0, len(order), recipe.batch_size)
        ]
        if len(batches[-1]) == 1:  # a single image joins the batch before
            batches[-2:] = [batches[-2] + batches[-1]]
        for places in batches:
            images = torch.stack([move_one(data.images[order[place]].float() / 255, moves, place) for place in places])
            loss = F.cross_entropy(network(images - 0.5), data.labels[order[places]])
            optimiser.zero_grad()
            loss.backward()
            optimiser.param_groups[0]["lr"] = rate
            optimiser.step()
            done += 1
            tighten(done)
            for name, kept in mask.items():
                named[name].data *= kept


def lowest_go(
    weights: dict[str, Tensor],
    gone: dict[str, Tensor],
    how: tuple[str, str, str],
    score: Callable[[str], Callable[[list[Place]], float]],
) -> dict[str, Tensor]:
    """The mask of a level, group by group: what is gone is lowest of all, then the lowest scores,
    of equal ones those that stand first.

    Args:
        how: granularity, scope, and the share that goes as decimal digits. score: of a layer's
            groups.
    """
    granularity, scope, share = how
    mask = {name: torch.ones(values.shape, dtype=torch.bool) for name, values in weights.items()}
    rankings = [list(weights)] if scope == "global" else [[name] for name in weights]
    for names in rankings:
        groups = [(name, group) for name in names for group in groups_of(tuple(weights[name].shape), granularity)]
        lives = [name not in gone or any(bool(gone[name][place]) for place in group) for name, group in groups]
        scores = [score(name)(group) if alive else -1.0 for (name, group), alive in zip(groups, lives, strict=True)]
        kept = remove_lowest(scores, rounded_half_up(share, len(groups)))
        for (name, group), stays in zip(groups, kept, strict=True):
            for place in group:
                mask[name][place] = stays
    return mask
