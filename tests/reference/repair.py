"""Slow, obvious twin of BatchNorm re-estimation: two passes over each batch, layer by layer, for a
plain chain of modules.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def statistics(chain: nn.Sequential, batches: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Mean and variance of each BatchNorm in order: of each batch by sums over its values, then
    averaged over the batches.
    """
    collected: list[list[tuple[Tensor, Tensor]]] = [[] for module in chain if isinstance(module, nn.BatchNorm2d)]
    for batch in batches:
        values, place = batch.double(), 0
        for module in chain:
            if not isinstance(module, nn.BatchNorm2d):
                values = module.double()(values)
                module.float()
                continue
            count = values.numel() // values.shape[1]
            mean = torch.stack([channel.sum() / count for channel in values.transpose(0, 1)])
            squares = torch.stack(
                [((channel - m) ** 2).sum() for channel, m in zip(values.transpose(0, 1), mean, strict=True)]
            )
            # What is kept has Bessel's correction, what normalises has not.
            collected[place].append((mean, squares / (count - 1)))
            scale = module.weight.double() / (squares / count + module.eps).sqrt()
            values = (values - mean[:, None, None]) * scale[:, None, None] + module.bias.double()[:, None, None]
            place += 1
    return [tuple(sum(part) / len(layer) for part in zip(*layer, strict=True)) for layer in collected]
