"""What a pruning would choose to remove, layer by layer, from its index alone: weights that are zero already are not looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.pruning.groups import group_size
from core.pruning.index import PruningIndex
from core.results.plan import LayerPlan, PruningPlan
from core.specs import PruningSpec, n_of_m


def explain(pruning: PruningSpec, index: PruningIndex, kinds: Mapping[str, str], classifier: str, parameters: int) -> PruningPlan:
    """The plan of a one-shot pruning.

    Args:
        pruning: one-shot. index: of its ranking. kinds: "conv" or "linear" by weight name. classifier: weight of the layer that makes the
            classes. parameters: of the network, of every sort.
    Raises:
        UnknownName: a layer excluded or set by hand that is not there. BadSpec: every layer is excluded.
    """
    removed = index.removed(pruning.sparsity or 0.0, pruning.overrides, pruning.excluded)
    by_hand = dict(pruning.overrides)
    layers = []
    for name, gone in removed.items():
        shape, size = index.shapes[name], group_size(index.scores[name], index.shapes[name])
        fate = "left alone" if name in pruning.excluded else "by hand" if name in by_hand else "ranked"
        layers.append(
            LayerPlan(
                name=name, kind=kinds.get(name, "conv"), fate=fate, groups=math.prod(shape) // size, removed_groups=gone // size,
                weights=math.prod(shape), removed=gone,
            )
        )  # fmt: skip
    plan = PruningPlan(
        pruning=pruning, layers=tuple(layers), other_parameters=parameters - sum(layer.weights for layer in layers), notes=()
    )
    notes = (*_of_classifier(plan, classifier), *_of_pattern(plan, index), *_of_empty(plan))
    return PruningPlan(pruning=pruning, layers=plan.layers, other_parameters=plan.other_parameters, notes=notes)


def _of_classifier(plan: PruningPlan, classifier: str) -> list[str]:
    """Studies differ here more than anywhere else (Blalock et al. 2020, arXiv:2003.03033)."""
    fates = {layer.name: layer.fate for layer in plan.layers}
    if classifier not in fates:
        return []
    if fates[classifier] == "left alone":
        return [f"The classifier, {classifier}, stays whole, as in many studies: it counts among all parameters but not in the sparsity."]
    return [
        f"The classifier, {classifier}, is pruned with the rest. Many studies leave it alone: figures with and without it do not compare."
    ]


def _of_pattern(plan: PruningPlan, index: PruningIndex) -> list[str]:
    pattern = n_of_m(plan.pruning.granularity)
    if pattern is None:
        return []
    over = {
        layer.name: index.shapes[layer.name][0] * (math.prod(index.shapes[layer.name][1:]) % pattern[1])
        for layer in plan.layers
        if layer.fate != "left alone"
    }
    left_over = {name: count for name, count in over.items() if count}
    if not left_over:
        return []
    return [
        f"{pattern[1]} does not divide the rows of {len(left_over)} of {len(over)} layers: {sum(left_over.values()):,} weights at the "
        f"ends of rows stay untouched ({_listed(tuple(left_over))})."
    ]


def _of_empty(plan: PruningPlan) -> list[str]:
    if not plan.emptied:
        return []
    verb = "is" if len(plan.emptied) == 1 else "are"
    passes = "nothing passes there, and unless a shortcut leads around, every image gets the same answer"
    return [f"{_listed(plan.emptied)} {verb} emptied: {passes}."]


def _listed(names: tuple[str, ...], most: int = 4) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
