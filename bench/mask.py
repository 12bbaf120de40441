"""Bench of masks: the cost of keeping pruned weights at zero after every training step."""

from __future__ import annotations

import statistics
from typing import Any

import torch

from bench.measure import BENCHES, alternate, line
from bench.train import BATCH, RECIPE, RULE, SIDE_PX
from core.base.timing import seconds
from core.data.decode import TrainingImages
from core.engine.engine import Engine
from core.models.architectures import build
from core.training.loop import Training
from core.training.memory import keep_memory_between_steps
from core.training.single import Photographs, Subject

SPARSITY = 0.9


@BENCHES.register(
    "mask", "Masks", "Share of a training step of squeezenet1_1 at 128 px that keeping pruned weights at zero takes."
)
def mask(engine: Engine, n: int | None, batch: int = BATCH, side_px: int = SIDE_PX) -> dict[str, Any]:
    """`ours_s` is a whole step with masks, `peer_s` the same step without, in turn; `enforce_s` the
    masks alone, `share` their part.
    """
    if engine.device.type == "cpu":
        keep_memory_between_steps()
    training, rows = _prepared(engine.device, batch, side_px)

    def step(masked: bool) -> None:
        training.task.losses_and_gradients(rows)
        training.optimiser.step()
        if masked:
            training.enforce()

    n = n or 20
    times = alternate(lambda i: step(True), lambda i: step(False), n, engine.device)
    alone = [seconds(training.enforce, engine.device) for _ in range(n + 1)][1:]
    row = line(
        "mask", engine.device, times[0], ("the same step, masks not enforced", times[1]), batch=batch, side_px=side_px
    )
    enforce_s = statistics.median(alone)
    weights = sum(kept.numel() for _, kept in training.task.masks)
    return row | {
        "enforce_s": round(enforce_s, 6),
        "share": round(enforce_s / row["ours_s"], 5),
        "masked_weights": weights,
    }


def _prepared(device: torch.device, batch: int, side_px: int) -> tuple[Training, Any]:
    """A run with a mask on every convolution, and one batch."""
    network = build("squeezenet1_1", 10)
    draw = torch.Generator().manual_seed(0)
    kept = {
        name: torch.rand(values.shape, generator=draw) >= SPARSITY
        for name, values in network.named_parameters()
        if values.dim() == 4
    }
    pixels = torch.randint(0, 256, (batch, 3, side_px, side_px), dtype=torch.uint8)
    data = TrainingImages(pixels, torch.arange(batch) % 10, tuple("0123456789"))
    task = Photographs(Subject(network, kept, RULE, 0, "bench"), data, RECIPE, device)
    (rows,) = task.batches(0)
    return Training(task, RECIPE), rows
