"""A ranking of scores and its cut: exactly the k lowest are removed, ties by position, without
sorting everything.

Scores are ordered as the bits of float32 without their sign: for non-negative numbers that is their
order, and 0 equals -0. So weights rank themselves by |w|, without a copy. The upper 15 bits name a
bucket of about 1 % in value. One pass counts all buckets; the bucket of the k-th score is examined
in a second pass on request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from core.base.errors import BadSpec

BUCKETS = 1 << 15
LOW = 1 << 16  # values in a bucket
PIECE = 1 << 21  # scores processed at once: intermediate results stay small
STEP = 1 << 16  # bits that numpy compares at once
MANY = 1 << 22  # a bucket with more members is counted, not sorted
KEPT_BUCKETS = 4  # buckets that a ranking remembers
KEPT_CUTS = 4  # likewise; writing and counting a network need the same one
HIGH = 0x7FFF0000  # the bits that name the bucket
SIZE = 0x7FFFFFFF  # all bits but the sign
INFINITE = 0x7F80  # bucket of infinity and NaN


@dataclass(frozen=True)
class Histogram:
    """The number of scores of one layer in each bucket that is not empty."""

    buckets: Tensor  # (b,) ascending, on the CPU
    counts: Tensor  # (b,) int64

    @classmethod
    def of(cls, name: str, scores: Tensor) -> Histogram:
        """Count the scores of a layer. Raises BadSpec if one is NaN."""
        counts = torch.zeros(BUCKETS, dtype=torch.int64, device=scores.device)
        for _, bits in _bits(scores):
            counts += torch.bincount((bits >> 16) & (BUCKETS - 1), minlength=BUCKETS)
        counts = counts.cpu()
        if counts[INFINITE:].any():
            check_numbers(name, scores)
        buckets = counts.nonzero().flatten()
        return cls(buckets, counts[buckets])


@dataclass(frozen=True)
class Cut:
    """What is removed from one layer: scores below `threshold`, and equal ones before position
    `until` of its flattened scores.
    """

    threshold: float = 0.0
    until: int = 0

    def keep(self, scores: Tensor) -> Tensor:
        """Return bool of the scores' shape, True = kept."""
        kept = torch.empty(scores.shape, dtype=torch.bool, device=scores.device)
        flat = kept.view(-1)
        for place, piece in pieces(scores):
            self.part(place).keep_piece(piece, flat[place : place + PIECE])
        return kept

    def count_kept(self, scores: Tensor, places: Tensor) -> int:
        """Count how many of these positions (k,) of the flattened scores are kept."""
        sizes = scores.view(-1)[places].abs()
        return int(torch.count_nonzero((sizes > self.threshold) | ((sizes == self.threshold) & (places >= self.until))))

    def part(self, start: int) -> Cut:
        """Return the same cut for scores from position `start` on."""
        return Cut(self.threshold, max(0, self.until - start))

    def keep_piece(self, scores: Tensor, out: Tensor) -> Tensor:
        """Write the mask of flat scores."""
        size = scores.abs()
        torch.gt(size[: self.until], self.threshold, out=out[: self.until])
        torch.ge(size[self.until :], self.threshold, out=out[self.until :])
        return out

    def shrink(self, weights: Tensor, out: Tensor) -> None:
        """Write flat weights that are their own scores, with zeros where removed, in one pass
        (hardshrink keeps |w| > lambda).
        """
        torch.ops.aten.hardshrink.out(weights[: self.until], self.threshold, out=out[: self.until])
        if self.threshold == 0:  # nothing is below
            out[self.until :].copy_(weights[self.until :])
        else:
            below = float(np.nextafter(np.float32(self.threshold), np.float32(0)))
            torch.ops.aten.hardshrink.out(weights[self.until :], below, out=out[self.until :])


NOTHING_GOES = Cut()


class Ranking:
    """Scores that compete with each other.

    Args:
        scores: by parameter name, float32 and contiguous, at least one score each.
        histograms: of these and perhaps other layers.
    """

    def __init__(self, scores: Mapping[str, Tensor], histograms: Mapping[str, Histogram]) -> None:
        self.scores, self._histograms = scores, {name: histograms[name] for name in scores}
        together = torch.zeros(BUCKETS, dtype=torch.int64)
        for name in scores:
            together[histograms[name].buckets] += histograms[name].counts
        self._buckets = together.nonzero().flatten()
        self._ends = together[self._buckets].cumsum(0)  # scores up to the end of each bucket
        self.total = int(self._ends[-1])
        self._members = lru_cache(maxsize=KEPT_BUCKETS)(self._sorted_members)
        self._cut = lru_cache(maxsize=KEPT_CUTS)(self._find_cut)

    @property
    def bytes(self) -> int:
        """Maximum memory besides the scores: counts and remembered buckets."""
        largest = int(self._ends.diff(prepend=torch.zeros(1, dtype=torch.int64)).max())
        return 16 * len(self._buckets) + KEPT_BUCKETS * 12 * min(largest, MANY)

    def cut(self, remove: int) -> dict[str, Cut]:
        """Return the cut of each layer that removes exactly `remove` scores in total, 0 <= remove
        <= total.

        Shared: do not modify it.
        """
        return self._cut(remove)

    def _find_cut(self, remove: int) -> dict[str, Cut]:
        if remove == 0:
            return dict.fromkeys(self.scores, NOTHING_GOES)
        bucket, inside, few = self._cut_bucket(remove)
        bits, place = self._few(bucket, inside) if few else self._crowd(bucket, inside)
        threshold, cuts = float(np.int32(bits).view(np.float32)), {}
        for name, scores in self.scores.items():
            cuts[name] = Cut(threshold, min(max(place + 1, 0), scores.numel()))
            place -= scores.numel()
        return cuts

    def removed(self, remove: int) -> dict[str, int]:
        """Count how many of these are removed from each layer, from the counts and the one bucket
        that is cut.
        """
        if remove == 0:
            return dict.fromkeys(self.scores, 0)
        bucket, inside, few = self._cut_bucket(remove)
        if not few:
            return {
                name: scores.numel() - int(cut.keep(scores).sum())
                for (name, scores), cut in zip(self.scores.items(), self.cut(remove).values(), strict=True)
            }
        ends = torch.tensor([scores.numel() for scores in self.scores.values()]).cumsum(0)
        layers = torch.searchsorted(ends, self._members(bucket)[1][:inside], right=True)
        tied = torch.bincount(layers, minlength=len(ends)).tolist()
        below = [int(found.counts[found.buckets < bucket].sum()) for found in self._histograms.values()]
        return {name: a + b for name, a, b in zip(self.scores, below, tied, strict=True)}

    def _cut_bucket(self, remove: int) -> tuple[int, int, bool]:
        """Return the bucket of the last removed score, how many are removed from it, and whether
        its members are listed or counted.
        """
        at = int(torch.searchsorted(self._ends, remove))
        before = int(self._ends[at - 1]) if at else 0
        return int(self._buckets[at]), remove - before, int(self._ends[at]) - before <= MANY

    def _few(self, bucket: int, rank: int) -> tuple[int, int]:
        """Return bits and position (among all scores of the ranking) of the rank-th member of a
        bucket, rank >= 1.
        """
        bits, places = self._members(bucket)
        return int(bits[rank - 1]), int(places[rank - 1])

    def _sorted_members(self, bucket: int) -> tuple[Tensor, Tensor]:
        """Return bits (k,) and positions (k,) of a bucket's members in ascending order."""
        found = []
        for place, bits in self._all_pieces():
            at = members(bits, bucket)
            found.append((bits[at] & SIZE, at + place))
        bits, places = (torch.cat(parts) for parts in zip(*found, strict=True))
        order = bits.argsort(stable=True)
        return bits[order].cpu(), places[order].cpu()

    def _crowd(self, bucket: int, rank: int) -> tuple[int, int]:
        """Like `_few`, for a bucket of very many members, as in a network whose weights are mostly
        zero: counted, never listed.
        """
        counts = torch.zeros(LOW, dtype=torch.int64, device=next(iter(self.scores.values())).device)
        for _, bits in self._all_pieces():
            at = bits & HIGH == bucket * LOW
            counts += torch.bincount(bits[at] & (LOW - 1), minlength=LOW)
        ends = counts.cumsum(0).cpu()
        low = int(torch.searchsorted(ends, rank))
        value, rank = bucket * LOW + low, rank - (int(ends[low - 1]) if low else 0)
        for place, bits in self._all_pieces():
            tied = (bits & SIZE) == value
            here = int(tied.sum())
            if rank <= here:
                return value, place + int(tied.nonzero()[rank - 1])
            rank -= here
        raise AssertionError("scores changed while they were ranked")

    def _all_pieces(self) -> Iterator[tuple[int, Tensor]]:
        start = 0
        for scores in self.scores.values():
            yield from ((start + place, bits) for place, bits in _bits(scores))
            start += scores.numel()


def members(bits: Tensor, bucket: int) -> Tensor:
    """Return the positions (k,) of a bucket's members in a flat piece of bits, ascending.

    Uses numpy on the CPU, in steps that fit the processor's cache: several times faster than torch,
    whose threads wait for each other if the machine is busy.
    """
    if bits.device.type != "cpu":
        return (bits & HIGH == bucket * LOW).nonzero().flatten()
    values = bits.numpy()
    places = [
        start + np.flatnonzero(values[start : start + STEP] & HIGH == bucket * LOW)
        for start in range(0, len(values), STEP)
    ]
    return torch.from_numpy(np.concatenate(places))


def check_numbers(name: str, scores: Tensor) -> None:
    """Raise BadSpec if a score is NaN."""
    if any(bool(piece.isnan().any()) for _, piece in pieces(scores)):
        raise BadSpec(
            f"Some scores of {name} are NaN, so they have no order.",
            "A score must be a number; infinity is allowed.",
            "Check the weights and the images of the criterion: training or a layer has overflowed.",
        )


def pieces(scores: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (position of the first, flat view) of consecutive pieces of one layer's scores."""
    flat = scores.view(-1)
    for place in range(0, len(flat), PIECE):
        yield place, flat[place : place + PIECE]


def _bits(scores: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield the same pieces as int32."""
    return ((place, piece.view(torch.int32)) for place, piece in pieces(scores))
