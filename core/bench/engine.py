"""Benches of the engine: one slider move, a whole data set, many threads."""

from __future__ import annotations

import copy
import random
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import torch.nn.utils.prune as torch_prune
from torch import nn

from core.bench.measure import BENCHES, alternate, line
from core.data.datasets import mnist
from core.engine import Engine
from core.errors import MissingData
from core.evaluation import Inputs, evaluate
from core.models.zoo import card
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec

PEER = f"pytorch-grad-cam {version('grad-cam')}"
MODEL = ModelSpec()


def library_maps(network: nn.Module, images: torch.Tensor) -> np.ndarray:
    """Grad-CAM++ maps (N, 28, 28) for the predicted class as a person gets them from pytorch-grad-cam."""
    from pytorch_grad_cam import GradCAMPlusPlus

    for parameter in network.parameters():
        parameter.requires_grad_(True)
    with GradCAMPlusPlus(network, [network.conv2]) as cam:
        return cam(images)


def numpy_soft_iou(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Soft IoU (N,) as a person writes it with numpy."""
    return np.minimum(maps, truth).sum((1, 2)) / np.maximum(maps, truth).sum((1, 2))


@BENCHES.register("slider", "Slider", "A new sparsity and a new digit: both heatmaps, predictions, all scores; nothing cached.")
def slider(engine: Engine, n: int | None) -> dict[str, Any]:
    """Against torch.nn.utils.prune and pytorch-grad-cam on the same digits and sparsities (their two maps and soft IoU only)."""
    n, draw = n or 200, random.Random(0)
    questions = [(draw.random(), str(row)) for row in draw.sample(range(5000), n + 1)]
    with engine.store.borrow(VariantSpec(model=MODEL)) as borrowed:
        dense = copy.deepcopy(borrowed)

    def ours(i: int) -> None:
        variant = VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(questions[i][0]))
        engine.compare(variant, ImageRef(name=questions[i][1]), CamSpec())

    def peer(i: int) -> None:
        pruned = copy.deepcopy(dense)
        layers = [(pruned.conv1, "weight"), (pruned.conv2, "weight"), (pruned.fc, "weight")]
        torch_prune.global_unstructured(layers, torch_prune.L1Unstructured, amount=questions[i][0])
        picture = engine.picture(ImageRef(name=questions[i][1]))
        seen = torch.from_numpy(picture.seen.copy())[None, None].to(engine.device)
        for network in (dense, pruned):
            with np.errstate(invalid="ignore"):
                numpy_soft_iou(library_maps(network, seen), picture.clean[None])

    times = alternate(ours, peer, n, engine.device)
    return line("slider", engine.device, times[0], (f"torch.nn.utils.prune + {PEER}", times[1]))


@BENCHES.register("evaluate", "Evaluate", "Accuracy, Grad-CAM++ and soft IoU of 10,000 digits.")
def evaluate_all(engine: Engine, n: int | None) -> dict[str, Any]:
    """Against pytorch-grad-cam in batches of 128. MNIST's test set when it is on this machine, else the embedded digits twice."""
    name, inputs = _ten_thousand(engine)
    with engine.store.borrow(VariantSpec(model=MODEL)) as borrowed:
        network, library_network = copy.deepcopy(borrowed), copy.deepcopy(borrowed)
    layer = card(MODEL).target_layer
    results: dict[str, Any] = {}

    def ours(i: int) -> None:
        rows = evaluate(network, inputs, "grad-cam++", layer)
        right = int((rows.predicted == inputs.labels.cpu()).sum())
        results["ours"] = (right, float(rows.soft_iou.nanmean()))

    def peer(i: int) -> None:
        right, overlaps = 0, []
        for part in inputs.batches(128):
            seen = part.seen.unsqueeze(1)
            with torch.no_grad():
                right += int((library_network(seen).argmax(1) == part.labels).sum())
            overlaps.append(numpy_soft_iou(library_maps(library_network, seen), part.clean.cpu().numpy()))
        results["peer"] = (right, float(np.nanmean(np.concatenate(overlaps))))

    times = alternate(ours, peer, n or 7, engine.device)
    more = {
        f"{side}_{what}": value for side in ("ours", "peer") for what, value in zip(("correct", "soft_iou"), results[side], strict=True)
    }
    return line("evaluate", engine.device, times[0], (f"{PEER}, batches of 128", times[1]), images=name, **more)


def _ten_thousand(engine: Engine) -> tuple[str, Inputs]:
    try:
        name, data = "MNIST test set", mnist("test", engine.folder / "data", download=False)
    except MissingData:
        name, data = "embedded digits twice", engine.gallery().part(torch.arange(10_000) % 5000)
    return name, Inputs.of(data.images.to(engine.device), data.labels.to(engine.device), None, 0.0)


@BENCHES.register(
    "threads", "Threads", "8 threads ask for 400 maps at mixed sparsities of one model; how many differ from the serial answer."
)
def threads(engine: Engine, n: int | None) -> dict[str, Any]:
    """Two fresh engines answer the same questions, one in turn, one from 8 threads."""
    n, draw = n or 400, random.Random(1)
    questions = [
        (VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(draw.choice([0.3, 0.5, 0.7, 0.9, 0.95]))), ImageRef(name=str(row)))
        for row in draw.sample(range(5000), n)
    ]
    took, answers = [], []
    for workers in (1, 8):
        fresh = Engine(str(engine.device), engine.folder)
        start = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            made = pool.map(lambda question, fresh=fresh: fresh.heatmap(*question, CamSpec()), questions)
            answers.append([answer.saliency for answer in made])
        took.append(time.perf_counter() - start)
    differing = sum(not np.allclose(a, b, atol=1e-5, rtol=0) for a, b in zip(*answers, strict=True))
    return line("threads", engine.device, [took[1]], ("the same, one thread", [took[0]]), differing=differing, maps=n)
