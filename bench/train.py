"""Benches of training on photographs: an epoch compared with a plain DataLoader loop, and large
networks on a GPU.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import DataLoader

from bench.measure import BENCHES, alternate, line
from core.base.device import describe
from core.base.timing import seconds
from core.data.decode import TrainingImages, decode, finished
from core.data.folders import SUFFIXES, read_folder
from core.engine.engine import Engine
from core.measures.multiply_adds import multiply_adds
from core.models.architectures import build
from core.models.cards import InputRule
from core.specs import TrainSpec
from core.training.loop import Training
from core.training.memory import keep_memory_between_steps
from core.training.single import Photographs, Subject, computed_in

SIDE_PX, BATCH, STEPS, ROUNDS, WORKERS = 128, 64, 20, 3, 2
RULE = InputRule(size_px=(SIDE_PX, SIDE_PX))
RECIPE = TrainSpec(
    rates=((0.001, 1000),), batch_size=BATCH, noise=0.0, augment=("horizontal-flip", "vertical-flip", "rotation-10")
)
# Dense bfloat16 multiply-adds counted as two operations a second, as the makers state them.
PEAK_OPERATIONS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "RTX 4090": 165e12}
NEEDS = "needs a GPU, and there is none on this machine"


@BENCHES.register(
    "train", "Training", "An epoch, or --n steps of one, of squeezenet1_1 at 128 px, against a plain DataLoader loop."
)
def train(engine: Engine, n: int | None) -> dict[str, Any]:
    """`ours_s` and `peer_s` are n steps of 64 images (default 20; all images of the folder at
    most), each measured three times in turn.

    Both train the same files: ours from the bytes that were decoded once (`decode_s`, not counted),
    the peer decodes in two workers.
    """
    with tempfile.TemporaryDirectory() as folder, photographs(Path(folder), (n or STEPS) * BATCH) as (name, place):
        images: list[TrainingImages] = []
        decode_s = seconds(lambda: images.extend(finished(decode([read_folder(place)], RULE, place))), engine.device)
        ours, peer = our_epochs(images[0], engine.device), peer_epochs(place, engine.device)
        times = alternate(lambda i: next(ours), lambda i: next(peer), ROUNDS, engine.device)
    text = f"PyTorch DataLoader with {WORKERS} workers, torchvision's transforms and network"
    rows = len(images[0])
    row = line(
        "train", engine.device, times[0], (text, times[1]), images=rows, source=name, side_px=SIDE_PX, batch=BATCH
    )
    return row | {"images_per_s": round(rows / row["ours_s"], 1), "decode_s": round(decode_s, 3)}


def our_epochs(data: TrainingImages, device: torch.device) -> Iterator[object]:
    """Our training, epoch by epoch."""
    if device.type == "cpu":
        keep_memory_between_steps()
    subject = Subject(build("squeezenet1_1", len(data.classes)), {}, RULE, 0, "bench")
    return iter(Training(Photographs(subject, data, RECIPE, device), RECIPE).epochs())


def peer_epochs(folder: Path, device: torch.device) -> Iterator[float]:
    """The same training as the tutorials write it."""
    from torchvision import datasets, models, transforms  # imported here: it takes seconds

    steps = [
        transforms.Resize((SIDE_PX, SIDE_PX)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomVerticalFlip(),
        transforms.RandomRotation(10),
        transforms.ToTensor(),
        transforms.Normalize(RULE.mean, RULE.std),
    ]
    data = datasets.ImageFolder(str(folder), transforms.Compose(steps))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=WORKERS)
    network = models.squeezenet1_1(num_classes=len(data.classes)).to(device).train()
    optimiser = torch.optim.SGD(
        network.parameters(), lr=0.001, momentum=RECIPE.momentum, weight_decay=RECIPE.weight_decay
    )
    while True:
        total = 0.0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimiser.zero_grad()
            loss = F.cross_entropy(network(images), labels)
            loss.backward()
            optimiser.step()
            total += loss.item()
        yield total


@contextmanager
def photographs(folder: Path, most: int) -> Iterator[tuple[str, Path]]:
    """Name and folder of at most so many photographs: of SPARSIGHT_DATA's imagenette-128.zip, else
    made ones.
    """
    archive = Path(os.environ.get("SPARSIGHT_DATA", "")) / "imagenette-128.zip"
    if archive.is_file():
        with zipfile.ZipFile(archive) as opened:
            names = [
                name
                for name in opened.namelist()
                if "train" in Path(name).parts and Path(name).suffix.lower() in SUFFIXES
            ]
            step = max(1, len(names) // most)
            opened.extractall(folder, sorted(names)[::step][:most])
        yield "imagenette-128", next(folder.rglob("train"))
        return
    make_photographs(folder, most)
    yield "made photographs", folder


def make_photographs(folder: Path, count: int, classes: int = 10) -> None:
    """Smooth coloured noise as JPEG files, one folder a class."""
    draw = np.random.default_rng(0)
    for row in range(count):
        home = folder / f"class-{row % classes}"
        home.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(draw.integers(0, 256, (8, 8, 3)).astype(np.uint8))
        coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC).save(home / f"{row}.jpg", quality=80)


@BENCHES.register(
    "train-gpu",
    "Training on a GPU",
    "GoogLeNet and VGG-16-BN at 128 px: images a second, and the share of the GPU's peak.",
)
def train_gpu(engine: Engine, n: int | None) -> dict[str, Any]:
    """Without a GPU it measures nothing and says so."""
    if engine.device.type != "cuda":
        row = {"bench": "train-gpu", "device": describe(engine.device), "threads": torch.get_num_threads(), "n": 0}
        return row | dict.fromkeys(("ours_s", "ours_p95_s", "peer", "peer_s", "ratio")) | {"skipped": NEEDS}
    return train_networks(engine.device, n or 30, ("googlenet", "vgg16_bn"), BATCH)


def train_networks(device: torch.device, n: int, names: tuple[str, ...], batch: int) -> dict[str, Any]:
    """Steps of each network in ours (precision auto) and in a plain float32 loop with its images on
    the device, n of each in turn.

    The line's times are those of the first network; `rows` has them all.
    """
    rows = []
    lines = []
    for name in names:
        ours, peer, operations = _steps(name, device, batch)
        times = alternate(lambda i, step=ours: step(), lambda i, step=peer: step(), n, device)  # type: ignore[misc]
        row = line(
            "train-gpu",
            device,
            times[0],
            ("PyTorch, float32, contiguous", times[1]),
            network=name,
            batch=batch,
            side_px=SIDE_PX,
        )
        peak = next((value for key, value in PEAK_OPERATIONS.items() if key in describe(device)), None)
        share = None if peak is None else round(operations / row["ours_s"] / peak, 4)
        lines.append(row | {"precision": str(computed_in(device, "auto")).removeprefix("torch.")})
        rows.append(
            {
                "network": name,
                "images_per_s": round(batch / row["ours_s"], 1),
                "peer_images_per_s": round(batch / row["peer_s"], 1),
                "ratio": row["ratio"],
                "share_of_peak": share,
            }
        )
    return lines[0] | {"rows": rows}


def _steps(name: str, device: torch.device, batch: int) -> tuple[Callable[[], object], Callable[[], object], float]:
    """A step of ours, one of the peer, and the arithmetic operations of a step (three passes' worth
    of two for each multiply-add).
    """
    pixels = torch.randint(0, 256, (batch, 3, SIDE_PX, SIDE_PX), dtype=torch.uint8)
    data = TrainingImages(pixels, torch.arange(batch) % 10, tuple("0123456789"))
    recipe = TrainSpec(rates=((0.001, 1),), batch_size=batch, noise=0.0, augment=RECIPE.augment, precision="auto")
    task = Photographs(Subject(build(name, 10), {}, RULE, 0, "bench", "auto"), data, recipe, device)
    training = Training(task, recipe)
    (rows,) = task.batches(0)

    def ours() -> None:
        task.losses_and_gradients(rows)
        training.optimiser.step()

    network = build(name, 10).to(device).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    images, labels = RULE(pixels.to(device).float() / 255), data.labels.to(device)

    def peer() -> None:
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimiser.step()

    network.eval()
    counted = sum(layer.all for layer in multiply_adds(network, images[:1]).values())
    network.train()
    return ours, peer, 6.0 * batch * counted
