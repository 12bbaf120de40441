"""Bench of the slider on a network with 138 million weights, without a page: the server's work for
a new sparsity.
"""

from __future__ import annotations

import random
import statistics
from typing import Any

import torch

from bench.measure import BENCHES, line
from core.base.timing import seconds
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.models.zoo import named
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec

HIGHEST = 0.98  # sparsity


@BENCHES.register(
    "vgg-slider",
    "Slider on VGG-16",
    "VGG-16, random weights: a new global sparsity; pruned heatmap, predictions, all scores and counts; the dense"
    " heatmap is there.",
)
def vgg_slider(engine: Engine, n: int | None, model: str = "vgg16") -> dict[str, Any]:
    """Sparsities drawn from 0 to 0.98. `first_s`: the first question, with the dense heatmap and
    the index. `forward_s`: the bare forward pass, which every new sparsity needs, timed in turn.
    `model`: another card of photographs."""
    spec, draw = ModelSpec(name=model, weights=RANDOM, seed=0), random.Random(0)
    image, cam = ImageRef(source="gallery", name=next(iter(GALLERY))), CamSpec()
    example = engine.card(spec).input(torch.rand(1, *named(spec.name).input_shape)).to(engine.device)

    def move() -> None:
        engine.compare(
            VariantSpec(model=spec, pruning=PruningSpec.one_shot(round(HIGHEST * draw.random(), 6))), image, cam
        )

    def forward() -> None:
        with engine.store.borrow(VariantSpec(model=spec)) as network, torch.no_grad():
            network(example)

    first_s = seconds(move, engine.device)
    # Three warm up.
    times = [(seconds(move, engine.device), seconds(forward, engine.device)) for _ in range((n or 40) + 3)][3:]
    ours, bare = zip(*times, strict=True)
    row = line("vgg-slider", engine.device, list(ours), model=model, method=cam.method, first_s=round(first_s, 6))
    return row | {"forward_s": round(statistics.median(bare), 6)}
