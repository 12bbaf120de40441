"""Statistics of raw saliency maps, in the cells of the target layer.

A network's maps are divided by their peak, the largest finite value among all of its maps, so a
batch keeps what the peak will divide. Maps without any value above zero stay as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mean_with_peak(maps: Tensor) -> Tensor:
    """Return the mean of each map (n, h, w) and its largest finite value, (n, 2)."""
    return torch.stack((maps.flatten(1).mean(1), _largest(maps)), 1)


def variance_with_peak(maps: Tensor) -> Tensor:
    """Return the variance over the cells of each map (n, h, w) and its largest finite value, (n,
    2).
    """
    return torch.stack((maps.flatten(1).var(1, correction=0), _largest(maps)), 1)


def by_peak(kept: Tensor, power: int) -> Tensor:
    """Divide statistics (N, 2), as above, by this power of the peak of all maps, (N,)."""
    peak = kept[:, 1].max()
    return kept[:, 0] / peak**power if peak > 0 else kept[:, 0]


def non_zero(maps: Tensor) -> Tensor:
    """Count the cells of each map (n, h, w) that are above zero, (n,); NaN for an invalid map."""
    flat = maps.flatten(1)
    return (flat > 0).float().sum(1).masked_fill(~torch.isfinite(flat).all(1), torch.nan)


def l1_by_peak(pairs: Tensor) -> Tensor:
    """Return the sums over the cells of absolute differences, (N,).

    Args:
        pairs: (N, 2k) the cells of a network's map, then those of the reference's; each network's
            are divided by their own peak.
    """
    own, other = pairs.float().chunk(2, dim=1)
    return (_divided(own) - _divided(other)).abs().sum(1)


def _largest(maps: Tensor) -> Tensor:
    flat = maps.flatten(1)
    return flat.masked_fill(~torch.isfinite(flat), -torch.inf).amax(1)


def _divided(cells: Tensor) -> Tensor:
    peak = _largest(cells[None])[0]
    return cells / peak if peak > 0 else cells
