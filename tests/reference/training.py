"""The thesis' training, one network, as plainly as PyTorch allows: ReLU before pooling, a new mask product at every step."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.datasets import LabelledImages
from core.device import numpy_generator
from core.specs import TrainSpec


def forward(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """Logits of images (N, 1, 28, 28)."""
    h = F.max_pool2d(torch.relu(F.conv2d(images, weights["conv1.weight"], weights["conv1.bias"])), 2)
    h = F.max_pool2d(torch.relu(F.conv2d(h, weights["conv2.weight"], weights["conv2.bias"])), 2)
    return h.flatten(1) @ weights["fc.weight"].T + weights["fc.bias"]


def train_one(
    state: dict[str, Tensor], mask: dict[str, Tensor], data: LabelledImages, recipe: TrainSpec, seed: int, name: str
) -> dict[str, Tensor]:
    """SGD with momentum written out; masked weights get no gradient (they are multiplied by the mask in every forward pass)."""
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
