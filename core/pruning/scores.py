"""Criteria: the importance of each group of weights, higher = kept. To add a criterion, register
one function here.

Scores are never negative. A group's score is a *mean* over its weights (or does not depend on their
number): in a global ranking, groups of different size compete, and a sum would favour large groups.
Within a layer, mean and sum give the same order. Facts of an entry: `needs` "weights" or "images"
(a Calibration); `order` "size" if single weights are ranked by |w|.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.base.draws import torch_generator
from core.base.errors import BadSpec
from core.base.registry import Entry, Registry
from core.pruning.calibration import Calibration
from core.pruning.groups import group_mean, group_shape
from core.specs import VariantSpec

Scores = dict[str, Tensor]


@dataclass(frozen=True)
class Evidence:
    """The inputs of a criterion.

    weights: prunable weights by name, (O, I, ...). granularity: a key of GRANULARITIES or N:M.
    seed: of random draws.
    calibration: returns the measurements on images; called only by criteria that need them.
    conv_groups: groups.conv_groups of the network (missing names: one group).
    """

    weights: Mapping[str, Tensor]
    granularity: str = "weight"
    seed: int = 0
    calibration: Callable[[], Calibration] | None = None
    conv_groups: Mapping[str, int] = field(default_factory=dict)

    def measured(self) -> Calibration:
        """Return the measurements. Raises BadSpec if there are no images."""
        if self.calibration is None:
            raise BadSpec(
                "This criterion is measured on images, but there are none.",
                "Only criteria that use the weights alone, such as magnitude, need no images.",
                "Provide images, or choose another criterion.",
            )
        return self.calibration()

    def mean(self, name: str, values: Tensor) -> Tensor:
        """Return the mean over each group of values in the weight's shape."""
        return group_mean(values, self.granularity, self.conv_groups.get(name, 1))


Criterion = Callable[[Evidence], Scores]


def check_criterion(entry: Entry[Criterion]) -> None:
    """Check that the criterion of a plugin scores every weight; one that needs images is tried when
    it is used. Raises BadSpec, and what its code raises.
    """
    if entry.facts.get("needs") not in ("weights", "images"):
        raise BadSpec(
            "It does not state what it is measured on.",
            "The fact needs is weights or images.",
            'Write register(..., needs="weights").',
        )
    if entry.facts["needs"] == "images":
        return
    weights = {"conv.weight": torch.linspace(-1, 1, 72).reshape(4, 2, 3, 3), "fc.weight": torch.ones(3, 4)}
    for granularity in ("weight", "filter"):
        scores = entry.value(Evidence(weights, granularity))
        if {name: tuple(values.shape) for name, values in scores.items()} != {
            name: group_shape(values, granularity) for name, values in weights.items()
        }:
            raise BadSpec(
                f"Its scores of {granularity}s do not have the shape of the groups.",
                "Each group of weights has one score, as Evidence.mean returns it.",
                "Use evidence.mean(name, values).",
            )


CRITERIA: Registry[Criterion] = Registry("criterion", check_criterion)


def orders_by_size(criterion: str) -> bool:
    """Return whether single weights are removed in the order of |w|, so that they are their own
    scores.
    """
    return CRITERIA[criterion].facts.get("order") == "size"


def ranked_by(variant: VariantSpec) -> str:
    """Return the digest of the plugin whose criterion ranks the weights of a one-shot variant; ""
    for Sparsight's own. Raises UnknownName.
    """
    pruning = variant.pruning
    return CRITERIA[pruning.criterion].plugin if pruning.is_one_shot and not pruning.is_dense else ""


def needs_images(criterion: str) -> bool:
    """Return whether scores are measured on images."""
    return CRITERIA[criterion].facts["needs"] == "images"


@CRITERIA.register(
    "magnitude",
    "Magnitude (L1)",
    "Small weights are removed first.",
    "Han et al. 2015, Learning both weights and connections; whole filters: Li et al. 2017 (arXiv:1608.08710)",
    needs="weights",
    order="size",
)
def magnitude(evidence: Evidence) -> Scores:
    """Mean |w| of each group."""
    return {name: evidence.mean(name, values.abs()) for name, values in evidence.weights.items()}


@CRITERIA.register(
    "l2",
    "Magnitude (L2)",
    "Groups with a small sum of squares are removed first; for single weights the same as L1.",
    "He et al. 2018, Soft Filter Pruning (arXiv:1808.06866)",
    needs="weights",
    order="size",
)
def l2(evidence: Evidence) -> Scores:
    """Root of the mean square of each group.

    Differs from the paper: mean instead of sum, see the module.
    """
    return {name: _root_mean_square(evidence, name, values) for name, values in evidence.weights.items()}


def _root_mean_square(evidence: Evidence, name: str, values: Tensor) -> Tensor:
    if group_shape(values, evidence.granularity) == values.shape:
        return values.abs()
    largest = values.abs().max().clamp(min=torch.finfo(torch.float32).tiny)  # squares of tiny numbers would underflow
    return evidence.mean(name, (values / largest).square()).sqrt() * largest


@CRITERIA.register(
    "random",
    "Random",
    "Weights are removed in random order: the control that every criterion must beat.",
    "Control; uniform scores, one generator per seed and layer",
    needs="weights",
)
def random(evidence: Evidence) -> Scores:
    """A uniform number in [0, 1) for each group, regardless of its size and values."""
    return {
        name: (
            torch.rand(
                group_shape(values, evidence.granularity, evidence.conv_groups.get(name, 1)),
                generator=torch_generator("random criterion", evidence.seed, name),
            ).to(values.device)
        )
        for name, values in evidence.weights.items()
    }


@CRITERIA.register(
    "lamp",
    "LAMP",
    "Like magnitude, but each weight is relative to the larger ones of its layer, so that no layer is emptied early.",
    "Lee et al. 2021, Layer-adaptive sparsity, Eq. 4 (arXiv:2010.07611)",
    needs="weights",
)
def lamp(evidence: Evidence) -> Scores:
    """Square root of w^2 / (sum of the squares of the layer's weights that are no smaller, itself
    included; of equal ones the later).

    A group counts with the mean of its squares; an empty layer scores 0. Sorting each layer
    temporarily takes about eight times the memory of the largest. Differs from the paper: the root,
    which keeps the order and does not underflow for tiny weights.
    """
    return {name: _lamp(_root_mean_square(evidence, name, values)) for name, values in evidence.weights.items()}


def _lamp(size: Tensor) -> Tensor:
    """Return the scores of one layer. Sorts integers, largest first and of equal ones the later
    first: several times faster than floats.
    """
    top = torch.iinfo(torch.int32).max
    keys, order = (top - size.flatten().flip(0).view(torch.int32)).sort(stable=True)
    ordered = (top - keys).view(torch.float32)
    ordered /= ordered[0].clone().clamp_(min=torch.finfo(torch.float32).tiny)
    tails = ordered.double().square_().cumsum_(0).sqrt_().clamp_(min=1e-300)
    scores = torch.empty_like(ordered).scatter_(0, order, tails.reciprocal_().mul_(ordered).float())
    return scores.flip(0).view(size.shape)


@CRITERIA.register(
    "snip",
    "Gradient magnitude (SNIP)",
    "Weights whose shrinking changes the loss least are removed first: the magnitude of gradient x weight, measured "
    "on a few images.",
    "Lee et al. 2019, SNIP, Eq. 4 to 6 (arXiv:1810.02340)",
    needs="images",
)
def snip(evidence: Evidence) -> Scores:
    """Mean |g w| of each group, g the gradient of the mean loss.

    Differs from the paper: on a trained network, and without dividing by the sum of all (which
    changes no order).
    """
    gradients = evidence.measured().gradients
    return {name: evidence.mean(name, (gradients[name] * values).abs()) for name, values in evidence.weights.items()}


@CRITERIA.register(
    "taylor",
    "Taylor",
    "Groups whose removal changes the loss least, by a first-order estimate on a few images, are removed first; for "
    "single weights the same as SNIP.",
    "Molchanov et al. 2019, Importance Estimation for Neural Network Pruning, Eq. 8 and 9 (arXiv:1906.10771)",
    needs="images",
)
def taylor(evidence: Evidence) -> Scores:
    """|mean of g w| of each group, g the gradient of the mean loss over all images.

    Differs from the paper: the absolute value instead of its square (the same order), one batch
    instead of a mean over batches, divided by the group's size, see the module.
    """
    gradients = evidence.measured().gradients
    return {name: evidence.mean(name, gradients[name] * values).abs() for name, values in evidence.weights.items()}


@CRITERIA.register(
    "wanda",
    "Weight x activation (Wanda)",
    "Weights that are small or read a barely active input, measured on a few images, are removed first.",
    "Sun et al. 2023, Wanda, Eq. 1 (arXiv:2306.11695), here for convolutions",
    needs="images",
)
def wanda(evidence: Evidence) -> Scores:
    """Mean of |w| times the L2 norm of its input channel over all images and positions.

    Differs from the paper: convolutions, and a ranking by the scope instead of within each output.
    """
    norms = evidence.measured().input_norms
    return {
        name: evidence.mean(name, values.abs() * _by_input(norms[name], values))
        for name, values in evidence.weights.items()
    }


def _by_input(norms: Tensor, weight: Tensor) -> Tensor:
    """Return norms (input channels,) of a layer as factors of its weight (O, I, ...); each
    convolution group has its own I channels.
    """
    groups = len(norms) // weight.shape[1]
    factors = norms.view(groups, 1, -1).expand(groups, weight.shape[0] // groups, -1).reshape(weight.shape[0], -1)
    return factors.view(*factors.shape, *[1] * (weight.dim() - 2))
