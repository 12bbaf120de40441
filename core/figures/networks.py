"""What people read for a network and for how it is pruned."""

from __future__ import annotations

from core.base.numbers import percent
from core.pruning import CRITERIA
from core.specs import ModelSpec, PruningSpec

GROUPS = {"weight": "single weights", "kernel": "kernels", "channel": "input channels", "filter": "filters"}


def model_text(title: str, model: ModelSpec) -> str:
    """Return the title of a network with its weights and seed."""
    return f"{title}, weights {model.weights}, seed {model.seed}"


def pruning_text(pruning: PruningSpec) -> str:
    """Describe how a network is pruned."""
    if pruning.schedule == "none":
        return "none: the dense network"
    if pruning.level is not None:
        return f"level {pruning.level} of the trained series ({pruning.schedule})"
    groups = GROUPS.get(pruning.granularity, f"the {pruning.granularity} pattern")
    scope = "one ranking over all layers" if pruning.scope == "global" else "the same share of each layer"
    apart = f"; {', '.join(pruning.excluded)} not pruned" if pruning.excluded else ""
    repair = "; BatchNorm measured again" if pruning.repair != "none" else ""
    amount = percent(pruning.sparsity or 0.0)
    return f"one-shot, {amount} of {groups}, {scope}, by {CRITERIA[pruning.criterion].title}{apart}{repair}"


def short_way(pruning: PruningSpec) -> str:
    """Name how the networks of a family are pruned, what distinguishes families first."""
    if not pruning.is_one_shot:
        return way_text(pruning)
    scope = "all layers together" if pruning.scope == "global" else "layer by layer"
    groups = "" if pruning.granularity == "weight" else GROUPS.get(pruning.granularity, pruning.granularity)
    return ", ".join(filter(None, (CRITERIA[pruning.criterion].title, scope, groups)))


def way_text(pruning: PruningSpec) -> str:
    """Describe how the networks of a family are pruned, without an amount."""
    if not pruning.is_one_shot:
        return "dense" if pruning.schedule == "none" else f"trained series ({pruning.schedule})"
    groups = GROUPS.get(pruning.granularity, f"the {pruning.granularity} pattern")
    scope = "one ranking over all layers" if pruning.scope == "global" else "the same share of each layer"
    return f"one-shot, {groups}, {scope}, by {CRITERIA[pruning.criterion].title}"
