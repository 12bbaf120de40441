"""What a unit means: its exemplars as images, compared with each other and with those of another
network's unit.

Source of clarity, redundancy and polysemanticity: Dreyer et al. 2025 (Semantic Lens); there over
embeddings of a foundation model, here over those of a similarity of `core.units.embeddings`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.base.brief import brief

SHOWN = 20  # strongest images that stand for a unit
STEPS = 10  # of the division into two groups


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Meaning:
    """Of K units, (K,) each.

    clarity: mean similarity of two exemplars. redundancy: the largest similarity of the mean
    exemplar to that of another unit. polysemanticity: 1 - the similarity of the means of the two
    groups into which the exemplars fall.
    """

    clarity: Tensor
    redundancy: Tensor
    polysemanticity: Tensor


def mean_exemplars(strongest: Tensor, vectors: Tensor) -> Tensor:
    """Return the mean embedding of each unit's SHOWN strongest images, of length 1, (K, d).

    Args:
        strongest: (K, depth) images. vectors: (N, d).
    """
    return functional.normalize(functional.embedding_bag(strongest[:, :SHOWN], vectors, mode="mean"), dim=1)


def meaning(strongest: Tensor, vectors: Tensor) -> Meaning:
    """Describe the units of one layer. Args: as `mean_exemplars`."""
    shown = vectors[strongest[:, :SHOWN]]
    similar = shown @ shown.transpose(1, 2)
    count = shown.shape[1]
    clarity = (similar.sum(dim=(1, 2)) - similar.diagonal(dim1=1, dim2=2).sum(1)) / (count * (count - 1))
    means = mean_exemplars(strongest, vectors)
    others = (means @ means.T).fill_diagonal_(-torch.inf)
    redundancy = others.amax(1) if len(means) > 1 else torch.full((1,), torch.nan)
    return Meaning(clarity=clarity, redundancy=redundancy, polysemanticity=_split(shown))


def _split(shown: Tensor) -> Tensor:
    """Divide each unit's exemplars (K, n, d) into two groups by k-means, which begins at the two
    least similar images, and return 1 - the cosine of the groups' means.
    """
    similar = shown @ shown.transpose(1, 2)
    farthest = similar.flatten(1).argmin(1)
    count = shown.shape[1]
    pair = torch.stack((farthest // count, farthest % count), 1)
    centres = shown.gather(1, pair[..., None].expand(-1, -1, shown.shape[2]))
    for _ in range(STEPS):
        group = (shown @ centres.transpose(1, 2)).argmax(2)
        member = functional.one_hot(group, 2).to(shown.dtype)
        sums = member.transpose(1, 2) @ shown
        centres = torch.where(member.sum(1)[..., None] > 0, functional.normalize(sums, dim=2), centres)
    return 1 - (centres[:, 0] * centres[:, 1]).sum(1)


def overlap(strongest: Tensor, others: Tensor) -> Tensor:
    """Return the share of each unit's SHOWN strongest images that are also among the other's, (K,).

    Args:
        strongest, others: (K, depth) images.
    """
    one, two = strongest[:, :SHOWN], others[:, :SHOWN]
    return (one[:, :, None] == two[:, None, :]).any(2).float().mean(1)
