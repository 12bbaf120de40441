"""BatchNorm re-estimation: measures means and variances again on a few images; weights are
unchanged.

Pruning changes the inputs of a BatchNorm layer, but its running mean and variance are still those
of the dense network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from core.base.errors import BadSpec

BATCH_NORMS = nn.modules.batchnorm._BatchNorm
FEWEST_IMAGES = 2  # the variance of one 1 x 1 value is not defined


def has_batch_norm(network: nn.Module) -> bool:
    """Return whether the network has a BatchNorm with running statistics."""
    return any(True for _ in _norms(network))


def reestimate(network: nn.Module, batches: Iterable[Tensor]) -> int:
    """Measure the running mean and variance of every BatchNorm again, in new tensors of the
    network.

    All layers are measured at once, each normalised by the current batch as in training; the
    statistics of several batches are averaged with equal weight (momentum None). Only BatchNorm is
    in training mode, so dropout is off and nothing is random.

    Args:
        network: in eval mode, with the pruned weights; restored to eval mode afterwards, even after
            an error.
        batches: network inputs (N, channels, H, W) on its device, of one size for equal weight;
            more images are better, at least 2.
    Returns:
        the number of images.
    Raises:
        BadSpec: no BatchNorm, or too few images.
    Source: Li et al. 2020, EagleEye (arXiv:2007.02491), section 3.3, adaptive BatchNorm.
    Differs from the paper: it uses a thirtieth of the training images; here it uses the few images
    given.
    """
    if not has_batch_norm(network):
        raise BadSpec(
            f"{type(network).__name__} has no BatchNorm to re-estimate.",
            "Re-estimation needs BatchNorm layers with running statistics.",
            "Choose no repair.",
        )
    count = 0
    with _measuring(network), torch.no_grad():
        for inputs in batches:
            if len(inputs) < FEWEST_IMAGES:
                raise BadSpec(
                    f"A batch of {len(inputs)} has no variance.",
                    "Re-estimation needs at least 2 images.",
                    "Provide more images.",
                )
            network(inputs)
            count += len(inputs)
        if not count:
            raise BadSpec(
                "There are no images to measure BatchNorm on.",
                "Re-estimation needs at least 2 images.",
                "Provide some images.",
            )
    return count


@contextmanager
def _measuring(network: nn.Module) -> Iterator[None]:
    """Reset BatchNorm layers to new tensors that average; restore the old ones after an error."""
    norms = list(_norms(network))
    before = [(norm.momentum, dict(norm.named_buffers())) for norm in norms]
    try:
        for norm in norms:
            for name, values in list(norm.named_buffers()):  # the old ones may be shared with the dense network
                setattr(norm, name, values.clone())
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        yield
    except BaseException:
        for norm, (_, buffers) in zip(norms, before, strict=True):
            for name, values in buffers.items():
                setattr(norm, name, values)
        raise
    finally:
        for norm, (momentum, _) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.eval()


def _norms(network: nn.Module) -> Iterator[BATCH_NORMS]:
    return (
        module for module in network.modules() if isinstance(module, BATCH_NORMS) and module.running_mean is not None
    )
