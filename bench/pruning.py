"""Bench of the pruning index: any new sparsity of a large network, compared with PyTorch's global
pruning.
"""

from __future__ import annotations

import random
import statistics
from typing import Any

import torch
import torch.nn.utils.prune as torch_prune
from torch import Tensor, nn

from bench.measure import BENCHES, line
from core.base.timing import seconds
from core.engine.engine import Engine
from core.models.building import untrained
from core.models.zoo import MODELS
from core.pruning.index import PruningIndex
from core.pruning.scores import Evidence
from core.specs import PruningSpec

INDEXINGS = 3


@BENCHES.register(
    "prune", "Prune", "VGG-16, random weights: the index, then weights masked at new global sparsities, in one buffer."
)
def prune(engine: Engine, n: int | None, model: str = "vgg16") -> dict[str, Any]:
    """Against torch.nn.utils.prune.global_unstructured (L1) on the same weights: once, at the first
    of our sparsities, since a call takes half a minute, without a warm-up. Counted besides: weights
    that only one of the two removes, and those of them whose size is not that of the threshold, so
    that no tie explains them. `copy_s`: the bare copy of the weights. `model`: another card."""
    card, draw = MODELS[model].value, random.Random(0)
    state = {name: values.to(engine.device) for name, values in untrained(card.build, 0).items()}
    weights = {name: state[name] for name in card.prunable}
    out = {name: torch.zeros_like(values) for name, values in weights.items()}
    sparsities = [round(draw.random(), 6) for _ in range((n or 20) + 1)]
    spec, held = PruningSpec.one_shot(sparsities[0]), []
    index_s = [
        seconds(lambda: held.append(PruningIndex.of(spec, Evidence(weights))), engine.device) for _ in range(INDEXINGS)
    ]
    index = held[-1]
    took = [seconds(lambda at=at: index.write(at, (), weights, out), engine.device) for at in sparsities]  # type: ignore[misc]
    copies = [
        seconds(lambda: [out[name].copy_(values) for name, values in weights.items()], engine.device) for _ in range(5)
    ]
    peer_s, counts = _peer(weights, sparsities[0], index, engine)
    row = line("prune", engine.device, took[1:], ("torch.nn.utils.prune.global_unstructured", [peer_s]))
    return (
        row
        | counts
        | {
            "model": model,
            "weights": sum(values.numel() for values in weights.values()),
            "index_s": round(statistics.median(index_s), 6),
            "copy_s": round(statistics.median(copies), 6),
            "index_bytes": index.bytes,
        }
    )


def _peer(weights: dict[str, Tensor], sparsity: float, index: PruningIndex, engine: Engine) -> tuple[float, dict]:
    """Seconds of one call, and how its mask differs from ours at the same sparsity."""
    layers: dict[str, Any] = {name: nn.Module() for name in weights}
    for name, layer in layers.items():
        layer.register_parameter("weight", nn.Parameter(weights[name], requires_grad=False))
    parts = [(layer, "weight") for layer in layers.values()]
    peer_s = seconds(
        lambda: torch_prune.global_unstructured(parts, torch_prune.L1Unstructured, amount=sparsity), engine.device
    )
    mask = index.mask(sparsity)
    removed_ours = sum(int((~kept).sum()) for kept in mask.values())
    removed_peer, sizes = 0, []
    for name, layer in layers.items():
        theirs = layer.weight_mask.bool()
        removed_peer += int((~theirs).sum())
        sizes.append(weights[name][theirs != mask[name]].abs())
    differing = torch.cat(sizes)
    threshold = max(
        (float(weights[name][~kept].abs().max()) for name, kept in mask.items() if not kept.all()), default=0.0
    )
    return peer_s, {
        "sparsity": sparsity,
        "removed": removed_ours,
        "peer_removed": removed_peer,
        "differing": len(differing),
        "differing_not_tied": int((differing != threshold).sum()),
    }
