"""Benches of the engine: one slider move, a whole data set, many threads."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import torch.nn.utils.prune as torch_prune
from torch import nn

from bench.measure import BENCHES, alternate, line
from core.base.errors import MissingData
from core.data.datasets import mnist
from core.data.digit_inputs import DigitInputs
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.evaluation.evaluate import evaluate
from core.models.cards import RANDOM
from core.models.zoo import default_model, named
from core.protocols.lukkien.protocol import CAM
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.weights import network_bytes

PEER = f"pytorch-grad-cam {version('grad-cam')}"
MODEL = ModelSpec()
THREE = (MODEL, default_model("efficientnet-lite0"), ModelSpec(name="squeezenet1_1", weights=RANDOM, seed=0))


@contextmanager
def library_cam(network: nn.Module) -> Iterator[Any]:
    """Grad-CAM++ as a person gets it from pytorch-grad-cam: `cam(images, None)` gives maps (N, 28,
    28) for the predicted class, and keeps the logits of that pass in `cam.outputs`."""
    from pytorch_grad_cam import GradCAMPlusPlus

    network.requires_grad_(True)
    with GradCAMPlusPlus(network, [network.conv2]) as cam:
        yield cam


def numpy_soft_iou(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Soft IoU (N,) as a person writes it with numpy."""
    with np.errstate(invalid="ignore"):  # two empty maps
        return np.minimum(maps, truth).sum((1, 2)) / np.maximum(maps, truth).sum((1, 2))


@BENCHES.register(
    "slider", "Slider", "A new sparsity and a new digit: both heatmaps, predictions, all scores; nothing cached."
)
def slider(engine: Engine, n: int | None) -> dict[str, Any]:
    """Against torch.nn.utils.prune and pytorch-grad-cam on the same digits and sparsities: two
    maps, predictions, soft IoU, no more.
    """
    n, draw = n or 200, random.Random(0)
    rows = draw.sample(range(5000), 5000)
    images = [ImageRef(name=str(rows[i % 5000]), noise_seed=i // 5000) for i in range(n + 1)]
    sparsities = [draw.random() for _ in images]
    with engine.store.borrow(VariantSpec(model=MODEL)) as borrowed:
        dense = copy.deepcopy(borrowed)

    def ours(i: int) -> None:
        engine.compare(VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(sparsities[i])), images[i], CamSpec())

    def peer(i: int) -> None:
        pruned = copy.deepcopy(dense)
        layers = [(pruned.conv1, "weight"), (pruned.conv2, "weight"), (pruned.fc, "weight")]
        torch_prune.global_unstructured(layers, torch_prune.L1Unstructured, amount=sparsities[i])
        picture = engine.picture(images[i])
        seen = torch.from_numpy(picture.seen.copy())[None, None].to(engine.device)
        for network in (dense, pruned):
            with library_cam(network) as cam:
                numpy_soft_iou(cam(seen, None), picture.clean[None])
                cam.outputs.softmax(1).cpu()

    times = alternate(ours, peer, n, engine.device)
    return line("slider", engine.device, times[0], (f"torch.nn.utils.prune + {PEER}", times[1]))


@BENCHES.register("evaluate", "Evaluate", "Accuracy, Grad-CAM++ and soft IoU of 10,000 digits.")
def evaluate_all(engine: Engine, n: int | None, images: int = 10_000) -> dict[str, Any]:
    """Against pytorch-grad-cam in batches of 128, predictions taken from the same pass as its maps.
    MNIST's test set when it is on this machine, else the embedded digits twice; `images`: how many
    of them."""
    name, inputs = _digits_to_evaluate(engine, images)
    with engine.store.borrow(VariantSpec(model=MODEL)) as borrowed:
        network, library_network = copy.deepcopy(borrowed), copy.deepcopy(borrowed)
    results: dict[str, Any] = {}

    def ours(i: int) -> None:
        rows = evaluate(network, inputs, ("right", "soft-iou"), CAM).rows
        results["ours"] = (int(rows["right"].sum()), float(rows["soft-iou"].mean()))

    def peer(i: int) -> None:
        right, overlaps = 0, []
        with library_cam(library_network) as cam:
            for part in inputs.batches(size=128):
                maps = cam(part.images, None)
                right += int((cam.outputs.argmax(1) == part.labels).sum())
                overlaps.append(numpy_soft_iou(maps, inputs.clean[part.rows].cpu().numpy()))
        results["peer"] = (right, float(np.nanmean(np.concatenate(overlaps))))

    times = alternate(ours, peer, n or 7, engine.device)
    more = {
        f"{side}_{what}": value
        for side in ("ours", "peer")
        for what, value in zip(("correct", "soft_iou"), results[side], strict=True)
    }
    more |= {"images": len(inputs.labels), "data": name}
    return line("evaluate", engine.device, times[0], (f"{PEER}, batches of 128", times[1]), **more)


def _digits_to_evaluate(engine: Engine, count: int) -> tuple[str, DigitInputs]:
    rows = torch.arange(count)
    try:
        name, data = "MNIST test set", mnist("test", engine.folder / "data", download=False).part(rows)
    except MissingData:
        name, data = "embedded digits, again from the first after 5,000", engine.gallery().part(rows % 5000)
    return name, DigitInputs.of(data.images.to(engine.device), data.labels.to(engine.device))


@BENCHES.register(
    "threads", "Threads", "8 threads ask for 400 maps of three networks; how many differ from the serial answer."
)
def threads(engine: Engine, n: int | None) -> dict[str, Any]:
    """Two fresh engines answer the same questions, one in turn, one from 8 threads; each way is
    timed once, after a warm-up. The device
    may keep two networks of the largest kind: threads write over each other's buffers, and wait for
    them.
    """
    questions = [_question(i) for i in range(n or 400)]
    budgets = replace(engine.store.budgets, device_bytes=2 * max(network_bytes(engine.card(model)) for model in THREE))
    took, answers = [], []
    for workers in (1, 8):
        fresh = Engine(str(engine.device), engine.folder, budgets)
        for model in THREE:  # images are read, indexes are there, torch is awake
            fresh.compare(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.1)), _image(model, 0), CamSpec())
        start = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            made = pool.map(lambda question, fresh=fresh: fresh.heatmap(*question, CamSpec()), questions)
            answers.append([answer.map for answer in made])
        took.append(time.perf_counter() - start)
    differing = sum(not np.allclose(a, b, atol=1e-5, rtol=0) for a, b in zip(*answers, strict=True))
    row = line("threads", engine.device, [took[1]], ("the same, one thread", [took[0]]), differing=differing)
    return row | {"n": len(questions), "models": [model.name for model in THREE]}  # n: maps


def _question(place: int) -> tuple[VariantSpec, ImageRef]:
    """Every network in turn, at a mixed sparsity, on an image that was not asked for at it before
    (digits), or on one of a few (photos).
    """
    model, draw = THREE[place % len(THREE)], random.Random(f"threads {place}")
    sparsity = (
        draw.choice([0.3, 0.5, 0.7, 0.9, 0.95]) if named(model.name).reads_digits else round(draw.uniform(0, 0.6), 3)
    )
    return VariantSpec(model=model, pruning=PruningSpec.one_shot(sparsity)), _image(model, place)


def _image(model: ModelSpec, place: int) -> ImageRef:
    if named(model.name).reads_digits:
        return ImageRef(name=str(place % 5000), noise_seed=place // 5000)
    return ImageRef(source="gallery", name=list(GALLERY)[place % len(GALLERY)])
