"""The mask of a level: any granularity, scope and criterion of a PruningSpec, and what is removed
together with whole filters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from core.base.draws import numpy_generator
from core.base.errors import BadSpec, UnknownName
from core.data.decode import TrainingImages
from core.models.building import fill
from core.models.cards import Card
from core.pruning.calibration import Calibration, calibrate
from core.pruning.companions import companion_masks, companions
from core.pruning.groups import group_mean, group_shape
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask, full_mask
from core.pruning.scores import CRITERIA, Evidence
from core.pruning.select import count_to_remove
from core.specs import RetrainSpec, n_of_m

CALIBRATION_IMAGES = 64  # training images used by criteria that need images
SMALLEST = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, eq=False)
class Scored:
    """The inputs of a mask.

    weights: a complete state dict, on the CPU. gone: the mask so far; removed weights stay removed.
    calibration: measures what some criteria need; None without images.
    """

    card: Card
    weights: Mapping[str, Tensor]
    gone: Mapping[str, Tensor] = field(default_factory=dict)
    calibration: Callable[[], Calibration] | None = None


def candidates(spec: RetrainSpec, card: Card) -> tuple[str, ...]:
    """Returns the names of the weights that the series prunes.

    Raises UnknownName for an unknown excluded weight.
    """
    for name in spec.pruning.excluded:
        if name not in card.prunable:
            raise UnknownName("prunable weight", name, card.prunable)
    return tuple(name for name in card.prunable if name not in spec.pruning.excluded)


def level_mask(spec: RetrainSpec, scored: Scored, target: float) -> Mask:
    """Returns the mask of a level: removes previously removed weights first, then the lowest
    scores. Keeps excluded layers whole.

    Returns:
        bool by name of every prunable weight of the card, in the weight's shape.
    Raises:
        UnknownName: unknown excluded layer or criterion.
        BadSpec: nothing would be left, or the criterion needs images and there are none.
    """
    names, pruning, card = candidates(spec, scored.card), spec.pruning, scored.card
    whole = full_mask(scored.weights, card.prunable)
    if target == 0:
        return whole
    groups = card.conv_groups
    evidence = Evidence(
        {name: scored.weights[name] for name in names}, pruning.granularity, pruning.seed, scored.calibration, groups
    )
    scores = CRITERIA[pruning.criterion].value(evidence)
    for name in names:
        if name in scored.gone:
            alive = group_mean(scored.gone[name].float(), pruning.granularity, groups.get(name, 1)) > 0
            # A kept group may score 0 (no gradient reaches it); it still ranks above removed ones.
            scores[name] = torch.where(alive, scores[name].clamp(min=SMALLEST), 0)
    shapes = {name: tuple(scored.weights[name].shape) for name in names}
    found = PruningIndex(scores, pruning.scope, shapes, n_of_m(pruning.granularity)).mask(target)
    if not any(bool(kept.any()) for kept in found.values()):
        raise _nothing_left(f"A sparsity of {target:g}", "all that is pruned")
    return whole | found


def check_amounts(spec: RetrainSpec, card: Card) -> None:
    """Checks before training that rounding does not empty any layer.

    Raises BadSpec, which names level and layer; UnknownName.
    """
    names = candidates(spec, card)
    if not names:
        raise BadSpec(
            "Every layer is excluded: nothing would be pruned.", "A series prunes at least one layer.", "Exclude fewer."
        )
    if n_of_m(spec.pruning.granularity):
        return
    totals = {name: _groups(card, name, spec.pruning.granularity) for name in names}
    if spec.pruning.scope == "global":
        totals = {"all layers together": sum(totals.values())}
    for level, target in enumerate(spec.targets):
        for name, total in totals.items():
            if count_to_remove(target, total) >= total:
                raise _nothing_left(f"Level {level} ({target:g})", f"{name}, which has {total} to choose from")


def _groups(card: Card, name: str, granularity: str) -> int:
    shape = group_shape(torch.empty(card.shapes[name], device="meta"), granularity, card.conv_groups.get(name, 1))
    return torch.Size(shape).numel()


def _nothing_left(who: str, where: str) -> BadSpec:
    return BadSpec(
        f"{who} would leave no weight in {where}.",
        "Each layer keeps at least one group; otherwise every image gets the same answer.",
        "End the series earlier, exclude that layer, or prune smaller groups.",
    )


def with_companions(spec: RetrainSpec, card: Card, mask: Mask) -> Mask:
    """Adds the biases and BatchNorm parameters that are removed with whole filters, for granularity
    "filter".
    """
    if spec.pruning.granularity != "filter":
        return mask
    return mask | companion_masks(mask, companions(card.skeleton, torch.zeros(1, *card.input_shape, device="meta")))


@dataclass(frozen=True, eq=False)
class Measured:
    """Calibrates criteria on a fixed sample of training images per series and level. device: runs
    the network.
    """

    spec: RetrainSpec
    card: Card
    images: TrainingImages
    device: torch.device

    def of(self, weights: Mapping[str, Tensor], level: int) -> Callable[[], Calibration]:
        """Returns a function that computes the calibration on demand, with values on the CPU."""
        return lambda: self._calibrate(weights, level)

    def _calibrate(self, weights: Mapping[str, Tensor], level: int) -> Calibration:
        network = self.card.blank()
        fill(network, weights)
        network = network.to(self.device).eval().requires_grad_(False)
        order = numpy_generator("calibration", self.spec.seed, self.spec.name, level).permutation(len(self.images))
        rows = torch.from_numpy(order[:CALIBRATION_IMAGES])
        pixels, labels = self.images.images[rows].to(self.device), self.images.labels[rows].to(self.device)
        found = calibrate(network, candidates(self.spec, self.card), self.card.input(pixels.float().div_(255)), labels)
        return replace(found, gradients=_on_cpu(found.gradients), input_norms=_on_cpu(found.input_norms))


def _on_cpu(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: values.detach().cpu() for name, values in named.items()}
