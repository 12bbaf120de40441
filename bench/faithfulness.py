"""Bench of faithfulness: deletion and insertion, compared with a loop over images and steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.measure import BENCHES, alternate, line
from bench.sweeps import MODEL, asked, photographs
from core.data.batches import Batch
from core.engine.engine import Engine
from core.evaluation.columns import COLUMNS
from core.evaluation.seen import Seen
from core.measures.faithfulness import STEPS
from core.specs import CamSpec, VariantSpec
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping

NAMES = ("deletion", "insertion")
SIGMA_PX = 5  # of a side of 224
Scores = dict[str, np.ndarray]


@BENCHES.register(
    "faithfulness",
    "Faithfulness",
    "Deletion and insertion in 20 steps of 50 photographs on EfficientNet-lite0, against a loop over images and steps.",
)
def faithfulness(engine: Engine, n: int | None, images: int = 50, model: str = MODEL) -> dict[str, Any]:
    """Neither pytorch-grad-cam nor Quantus defines both measures, so the peer is a loop as RISE's
    authors describe it: image by image, a pass for each step. In turn, n times (default 1) after a
    warm-up on one image. Ours makes the heatmaps within its time; the loop is given them.
    `largest_difference`: of any score.
    """
    with photographs(images) as (source, place):
        spec = from_mapping(asked(place, images, (), model))
        subject, reader = spec.models[0], Sweep(engine, spec)
        cam = CamSpec(method="grad-cam", layer=engine.card(subject).target_layer, target="own")
        rows = reader.rows(subject)
        few, batches = (list(reader.batches(subject).batches(rows=some)) for some in (rows[:1], rows))
    found: dict[str, Scores] = {}
    with engine.store.borrow(VariantSpec(model=subject)) as network:
        given = [
            (each.batch.images, each.maps, each.predicted)
            for each in (Seen(batch, network, network=network, cam=cam) for batch in batches)
        ]
        first = [(images[:1], maps[:1], classes[:1]) for images, maps, classes in given[:1]]

        def ours(i: int) -> None:
            found["ours"] = _ours(network, batches if i else few, cam)

        def peer(i: int) -> None:
            found["peer"] = loop(network, given if i else first)

        times = alternate(ours, peer, n or 1, engine.device)
    text = "a loop over images and steps, as RISE describes it, written here"
    row = line("faithfulness", engine.device, times[0], (text, times[1]), model=model, source=source, images=images)
    apart = max(float(np.nanmax(np.abs(found["ours"][name] - found["peer"][name]))) for name in NAMES)
    means = {name: round(float(np.nanmean(found["ours"][name])), 4) for name in NAMES}
    return row | {"steps": STEPS, "largest_difference": float(f"{apart:.3g}")} | means


def _ours(network: nn.Module, batches: list[Batch], cam: CamSpec) -> Scores:
    seen = [Seen(batch, network, network=network, cam=cam) for batch in batches]
    return {name: torch.cat([COLUMNS[name].value(each) for each in seen]).cpu().numpy() for name in NAMES}


def loop(network: nn.Module, given: list[tuple[Tensor, Tensor, Tensor]]) -> Scores:
    """Areas under the probability of the class, image by image."""
    from torchvision.transforms.functional import gaussian_blur

    sigma = SIGMA_PX * given[0][0].shape[-1] / 224
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for images, maps, classes in given:
        for image, heatmap, name in zip(images, maps, classes.tolist(), strict=True):
            blurred = gaussian_blur(image[None], [2 * round(2 * sigma) + 1] * 2, [sigma] * 2)[0]
            order = np.argsort(-heatmap.cpu().numpy().ravel(), kind="stable")
            found["deletion"].append(_area(network, image, torch.zeros_like(image), order, name))
            found["insertion"].append(_area(network, blurred, image, order, name))
    return {name: np.array(values) for name, values in found.items()}


def _area(network: Callable[[Tensor], Tensor], start: Tensor, end: Tensor, order: np.ndarray, name: int) -> float:
    """One image: replace the next pixels, ask the network, and so on."""
    pixels, now = len(order), start.flatten(1).clone()
    last = end.flatten(1)
    counts = [step * pixels // STEPS for step in range(STEPS + 1)]
    heights = []
    for before, count in zip([0, *counts], counts, strict=False):
        places = torch.from_numpy(order[before:count]).to(now.device)
        now[:, places] = last[:, places]
        with torch.no_grad():
            heights.append(float(network(now.view(1, *start.shape)).softmax(dim=1)[0, name]))
    return float(np.trapezoid(heights, np.array(counts) / pixels))
