"""Photographs drawn for tests, and a small series really trained on them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.data.decode import finished
from core.data.folders import read_folder
from core.data.parts import load_images
from core.disk.files import Files
from core.jobs.control import Control
from core.models import description as finetuned
from core.models.description import Run
from core.models.head import initial_weights
from core.protocols.merkle import protocol as merkle
from core.protocols.merkle.protocol import Plan
from core.specs import PruningSpec, RetrainSpec, TrainSpec
from core.training.series import Material, run_series

CLASSES = ("tench", "cassette player")
NAME = "squeezenet1_1@tiny"


def photographs(
    folder: Path, per_class: int = 12, tops: tuple[str, ...] = ("train/", "val/"), classes: tuple[str, ...] = CLASSES
) -> Path:
    """<folder>/<top>/<class>/*.png, noise that is red or green by its class, with a bright square
    in it.
    """
    generator = np.random.default_rng(0)
    for top in tops:
        for place, name in enumerate(classes):
            home = folder / top / name
            home.mkdir(parents=True)
            for row in range(per_class):
                pixels = generator.integers(0, 120, (40, 40, 3)).astype(np.uint8)
                pixels[..., place] += 100
                pixels[8:20, 10 + row % 8 : 24 + row % 8] |= 0x70
                target = io.BytesIO()
                Image.fromarray(pixels).save(target, "PNG")
                (home / f"{place}-{row}.png").write_bytes(target.getvalue())
    return folder


def train(
    cache: Path,
    data: Path,
    run: str = "merkle-layer",
    targets: tuple[float, ...] = (0.0, 0.5, 0.75),
    seed: int = 0,
    classes: tuple[str, ...] = CLASSES,
    epochs: int = 1,
    rate: float = 0.001,
    control: Control | None = None,
) -> None:
    """A short series of squeezenet1_1@tiny below `cache`."""
    plan = Plan(
        architecture="squeezenet1_1", data="tiny", size_px=64, epochs=1, start="random", normalise=True, seed=seed
    )
    images = finished(load_images(read_folder(data), plan.backbone.rule, cache))
    summary = f"{len(targets)} levels for tests"
    description = replace(
        merkle.describe(plan, classes), runs={run: Run(summary=summary, targets=targets, seeds=(seed,))}
    )
    finetuned.add_runs(cache, description)
    recipe = TrainSpec(rates=((rate, epochs),), batch_size=8, noise=0.0)
    spec = RetrainSpec(
        name=run,
        model=NAME,
        pruning=PruningSpec.one_shot(0.0, "layer"),
        targets=targets,
        first=recipe,
        each=recipe,
        seed=seed,
    )
    start = initial_weights(description, None, seed)
    cpu, files = torch.device("cpu"), Files(cache)
    material = Material(description.card(), start, images.train, images.validation, cpu, files, control or Control())
    levels = [step.level for step in run_series(spec, material)]
    assert list(dict.fromkeys(levels)) == list(range(len(targets)))
