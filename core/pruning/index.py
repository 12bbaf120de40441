"""The pruning index: counts the scores once, then applies any sparsity in one pass over the
weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import torch
from torch import Tensor

from core.pruning.groups import Pattern, group_shape, group_size, row_by_row, seen_shape, whole
from core.pruning.mask import Mask, count_left
from core.pruning.ranking import NOTHING_GOES, Cut, Histogram, Ranking, check_numbers, pieces
from core.pruning.scores import CRITERIA, Evidence, orders_by_size
from core.pruning.select import check_layers, count_to_remove
from core.specs import PruningSpec, n_of_m

FEW = 64  # zeros are remembered if at most one weight in so many is zero
Overrides = Iterable[tuple[str, float]]


class PruningIndex:
    """All masks of one model under one criterion, granularity and scope. Masks are nested: what is
    removed at 50 % is also removed at 60 %.

    Each ranking removes exactly round(sparsity x groups) groups, halves rounded up, lowest scores
    first, ties by position. Thread-safe.

    Args:
        scores: of the groups by parameter name, higher = kept, each broadcastable to its weight (or
            to what groups.as_seen makes of it); never negative: they are ranked without their sign,
            so that weights can be their own scores. Do not modify them afterwards.
        scope: "global" (one ranking over all layers) or "layer" (one ranking per layer).
        shapes: of the weights by name; default to those of the scores.
        pattern: (N, M) of an N:M pattern, which determines the sparsity: scope and sparsity are
            then ignored.
        weights: by the same names, for counts of what is left, contiguous, not to be modified;
            None: none of them is zero.
    Raises:
        BadSpec: a score is NaN.
    """

    def __init__(
        self,
        scores: Mapping[str, Tensor],
        scope: str = "global",
        shapes: Mapping[str, tuple[int, ...]] | None = None,
        pattern: tuple[int, int] | None = None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.scores = {name: values.detach().float().contiguous() for name, values in scores.items()}
        self.scope, self.pattern = scope, Pattern(*pattern) if pattern else None
        self.shapes = {name: tuple((shapes or {}).get(name, values.shape)) for name, values in scores.items()}
        self._weights = weights or {}
        self._borrowed = {
            name for name, values in self._weights.items() if self.scores[name].data_ptr() == values.data_ptr()
        }
        counted = {name: int(torch.count_nonzero(values)) for name, values in self._weights.items()}
        self.nonzero = {name: math.prod(shape) for name, shape in self.shapes.items()} | counted
        if pattern:
            for name, values in self.scores.items():
                check_numbers(name, values)
        self._histograms = {} if pattern else {name: Histogram.of(name, values) for name, values in self.scores.items()}
        self._ranking = lru_cache(maxsize=len(self.scores) + 4)(self._make_ranking)
        self._weakest_row = lru_cache(maxsize=None)(self._find_weakest_row)
        self._few_zeros = lru_cache(maxsize=None)(self._find_few_zeros)

    @classmethod
    def of(cls, pruning: PruningSpec, evidence: Evidence) -> PruningIndex:
        """Build the index of a spec's ranking. evidence: its granularity and seed must be the
        spec's.

        Raises:
            UnknownName: no such criterion. BadSpec: a score is NaN, or the criterion needs images
            and there are none.
        """
        entry = CRITERIA[pruning.criterion]
        scores = evidence.weights if _are_their_own_scores(pruning) else entry.value(evidence)
        shapes = {name: tuple(values.shape) for name, values in evidence.weights.items()}
        return cls(scores, pruning.scope, shapes, n_of_m(pruning.granularity), evidence.weights)

    @staticmethod
    def expected_bytes(pruning: PruningSpec, evidence: Evidence) -> int:
        """Return the memory of the scores of a spec's index, which is most of it. The weights may
        be without values (on the meta device).
        """
        if _are_their_own_scores(pruning):
            return 0
        shapes = (
            group_shape(values, pruning.granularity, evidence.conv_groups.get(name, 1))
            for name, values in evidence.weights.items()
        )
        return sum(math.prod(shape) for shape in shapes) * torch.float32.itemsize

    @property
    def bytes(self) -> int:
        """Memory that the index takes at most, besides the weights."""
        own = sum(values.nbytes for name, values in self.scores.items() if name not in self._borrowed)
        counts = sum(24 * len(histogram.buckets) for histogram in self._histograms.values())
        if self.pattern:
            return own
        rankings = [tuple(self.scores)] if self.scope == "global" else [(name,) for name in self.scores]
        return own + counts + sum(self._ranking(names).bytes for names in rankings)

    def mask(self, sparsity: float, overrides: Overrides = (), excluded: Iterable[str] = ()) -> Mask:
        """Return the mask at a sparsity in [0, 1].

        Args:
            sparsity: share of the groups to remove.
            overrides: (weight name, sparsity) of layers that leave the ranking and have a sparsity
                of their own.
            excluded: names of layers that leave the ranking and are not pruned.
        Returns:
            bool by name of every weight of the index, in its weight's shape.
        Raises:
            UnknownName: a name that the index does not have. BadSpec: every layer is excluded.
        """
        groups = self.keep(sparsity, overrides, excluded)
        return {name: whole(groups[name], self.shapes[name]) for name in self.scores}

    def keep(self, sparsity: float, overrides: Overrides = (), excluded: Iterable[str] = ()) -> Mask:
        """Return the mask by groups: bool of the scores' shapes, True = kept. Raises as `mask`
        does.
        """
        rules = self._rules(sparsity, overrides, excluded)
        return {name: rules[name].keep(values) for name, values in self.scores.items()}

    def removed(self, sparsity: float, overrides: Overrides = (), excluded: Iterable[str] = ()) -> dict[str, int]:
        """Count the weights removed from each layer, without building a mask. Raises as `mask`
        does.
        """
        gone = dict.fromkeys(self.scores, 0)
        if self.pattern:
            touched = [
                name for name, rule in self._rules(sparsity, overrides, excluded).items() if rule is self.pattern
            ]
            return gone | {name: self.pattern.removed(self.scores[name].shape) for name in touched}
        for ranking, count in self._amounts(sparsity, overrides, excluded):
            gone |= ranking.removed(count)
        return {name: count * group_size(self.scores[name], self.shapes[name]) for name, count in gone.items()}

    def left(self, sparsity: float, overrides: Overrides = (), excluded: Iterable[str] = ()) -> dict[str, int]:
        """Count the weights of each layer that are kept and not zero.

        Only layers with zeros may need a pass. Raises as `mask` does.
        """
        removed, rules = self.removed(sparsity, overrides, excluded), self._rules(sparsity, overrides, excluded)
        return {name: self._left(name, rules[name], removed[name]) for name in self.scores}

    def _left(self, name: str, rule: Cut | Pattern, removed: int) -> int:
        if self._is_full(name) or rule is NOTHING_GOES:
            return self.nonzero[name] - removed
        if name in self._borrowed and isinstance(rule, Cut):  # zeros have the lowest scores, so they are removed first
            return min(math.prod(self.shapes[name]) - removed, self.nonzero[name])
        if isinstance(rule, Cut) and (places := self._few_zeros(name)) is not None:
            return math.prod(self.shapes[name]) - removed - rule.count_kept(self.scores[name], places)
        return count_left(rule.keep(self.scores[name]), self._weights[name])

    def _find_few_zeros(self, name: str) -> Tensor | None:
        """Return the position, among the flattened scores, of the group of each zero weight; None
        if there are many.
        """
        scores, weights = self.scores[name], self._weights[name]
        if (weights.numel() - self.nonzero[name]) * FEW > weights.numel():
            return None
        if scores.shape == weights.shape:
            return torch.cat([start + (piece == 0).nonzero().flatten() for start, piece in pieces(weights)])
        groups = torch.arange(scores.numel(), device=scores.device).view(scores.shape)
        return torch.cat([places[values == 0] for places, values in row_by_row(groups, weights)])

    def _is_full(self, name: str) -> bool:
        """Return whether no weight of a layer is zero."""
        return self.nonzero[name] == math.prod(self.shapes[name])

    def every_row_stays(self, sparsity: float, overrides: Overrides = (), excluded: Iterable[str] = ()) -> bool:
        """Return True if each output channel of each layer certainly keeps a weight that is not
        zero; if False, check the mask.

        Raises as `mask` does.
        """
        return all(self._rows_stay(name, rule) for name, rule in self._rules(sparsity, overrides, excluded).items())

    def _rows_stay(self, name: str, rule: Cut | Pattern) -> bool:
        if rule is NOTHING_GOES or isinstance(rule, Pattern):  # a pattern keeps some of each row
            return self._is_full(name)
        return rule.threshold < self._weakest_row(name)

    def _find_weakest_row(self, name: str) -> float:
        """Return the minimum over the rows of a layer of the highest score of a nonzero weight."""
        values = self.scores[name]
        if self._is_full(name) or name in self._borrowed:
            return float(torch.linalg.vector_norm(values.reshape(len(values), -1), torch.inf, dim=1).min())
        row = math.prod(self.shapes[name][1:])
        parts = (
            scores.abs().where(weights != 0, 0).reshape(-1, row)
            for scores, weights in row_by_row(values, self._weights[name])
        )
        return min(float(part.amax(1).min()) for part in parts)

    def write(
        self,
        sparsity: float,
        overrides: Overrides,
        weights: Mapping[str, Tensor],
        out: Mapping[str, Tensor],
        excluded: Iterable[str] = (),
    ) -> None:
        """Write the pruned weights into buffers: removed ones as 0, others unchanged; tensors that
        are not ranked are copied.

        Args:
            sparsity, overrides, excluded: as in `mask`.
            weights: by name, contiguous, on the device of the scores. out: contiguous buffers of
                the same names and shapes, in other memory, of any type and on any device.
        Raises:
            as `mask`.
        """
        rules = self._rules(sparsity, overrides, excluded)
        for name, values in weights.items():
            rule = rules.get(name, NOTHING_GOES)
            if rule is NOTHING_GOES:
                out[name].copy_(values)
            elif isinstance(rule, Cut) and self.scores[name].shape == values.shape:
                _write_single(rule, self.scores[name], values, out[name])
            else:
                _write_groups(rule.keep(self.scores[name]), values, out[name])

    def _rules(self, sparsity: float, overrides: Overrides, excluded: Iterable[str]) -> dict[str, Cut | Pattern]:
        """Return the rule that decides in each layer."""
        rules: dict[str, Cut | Pattern] = dict.fromkeys(self.scores, NOTHING_GOES)
        if self.pattern:
            left_alone = set(excluded)
            check_layers(self.scores, left_alone, dict(overrides))
            return rules | {name: self.pattern for name in self.scores if name not in left_alone}
        for ranking, count in self._amounts(sparsity, overrides, excluded):
            rules |= ranking.cut(count)
        return rules

    def _amounts(self, sparsity: float, overrides: Overrides, excluded: Iterable[str]) -> Iterator[tuple[Ranking, int]]:
        """Yield every ranking with the number of groups to remove. Raises as `mask` does."""
        by_hand, left_alone = dict(overrides), set(excluded)
        check_layers(self.scores, left_alone, by_hand)
        touched = [name for name in self.scores if name not in left_alone]
        together = tuple(name for name in touched if name not in by_hand)
        amounts: list[tuple[tuple[str, ...], float]] = [((name,), by_hand[name]) for name in touched if name in by_hand]
        if together:
            amounts += [
                (names, sparsity)
                for names in ([together] if self.scope == "global" else [(name,) for name in together])
            ]
        for names, amount in amounts:
            ranking = self._ranking(names)
            yield ranking, count_to_remove(amount, ranking.total)

    def _make_ranking(self, names: tuple[str, ...]) -> Ranking:
        return Ranking({name: self.scores[name] for name in names}, self._histograms)


def _are_their_own_scores(pruning: PruningSpec) -> bool:
    """Return whether the weights are ranked by themselves, without a copy."""
    single = pruning.granularity == "weight" or n_of_m(pruning.granularity) is not None
    return single and orders_by_size(pruning.criterion)


def _write_single(cut: Cut, scores: Tensor, weights: Tensor, out: Tensor) -> None:
    """Write single weights, piece by piece; in one pass if the weights are their own scores."""
    source, target = weights.view(-1), out.view(-1)
    alike = (weights.dtype, weights.device) == (out.dtype, out.device) == (torch.float32, scores.device)
    if alike and scores.data_ptr() == weights.data_ptr():
        cut.shrink(source, target)
        return
    for place, piece in pieces(scores):
        kept = cut.part(place).keep_piece(piece, torch.empty(piece.shape, dtype=torch.bool, device=piece.device))
        part = slice(place, place + len(piece))
        _write_where(kept, source[part], target[part])


def _write_groups(kept: Tensor, weights: Tensor, out: Tensor) -> None:
    """Write whole groups, or by a mask as large as the weight."""
    seen = seen_shape(kept, tuple(weights.shape))
    _write_where(kept, weights.view(seen), out.view(seen))


def _write_where(kept: Tensor, weights: Tensor, out: Tensor) -> None:
    if (weights.dtype, weights.device) == (out.dtype, out.device):
        torch.where(kept, weights, weights.new_zeros(()), out=out)
    else:
        out.copy_(torch.where(kept, weights, 0))
