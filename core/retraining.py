"""Kinds of long work: series of retrained networks, as jobs of a page or of the command line."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.control import Control
from core.data.classes import readable
from core.data.folders import SUFFIXES, read_folder
from core.device import choose_device, describe, seconds
from core.errors import BadSpec, MissingData
from core.jobs import JOBS, Facts
from core.models.zoo import MODELS
from core.protocols import merkle
from core.store.files import Files
from core.training.images import TrainingImages, part
from core.training.series import Step
from core.training.single import Photographs, Subject


@JOBS.register("merkle", "Less is More", "Prune half of each convolution, fine-tune, repeat: compression rates 1 to 64.", "Merkle et al.")
def run_merkle(arguments: Mapping[str, Any], control: Control) -> Iterator[Facts]:
    """arguments: `plan` (fields of merkle.Plan), `photographs` (folder or zip with train/ and val/), `held_out` (folder or zip whose file
    names are left out, or ""), `weights` (a file of torchvision's weights, or "" for the model's own), `folder`, `device`."""
    plan = _plan(arguments["plan"])
    held_out = _file_names(arguments.get("held_out", ""))
    photos = read_folder(Path(arguments["photographs"]))
    names = tuple(readable(name) for name in photos.classes)
    yield {"stage": "decoding", "photographs": len(photos), "held_out": len(held_out)}
    images = merkle.load_images(photos, plan, held_out)
    parts = (TrainingImages(each.images, each.labels, names, each.skipped) for each in (images.train, images.validation, images.test))
    images = merkle.Images(*parts)
    yield {
        "stage": "training",
        "train": len(images.train),
        "validation": len(images.validation),
        "skipped": list(images.train.skipped[:20]),
    }
    files = Files(Path(arguments["folder"]))
    pretrained = None if plan.start == "random" else _pretrained(plan.architecture, arguments.get("weights", ""), files.write_root)
    place = merkle.Place(files, choose_device(arguments.get("device") or None), control)
    for step in merkle.run(plan, images, pretrained, place):
        yield told(step)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run will take, from steps that were measured: seconds at most, bytes on disk."""

    seconds: float
    bytes: int
    images: int
    epochs: int
    step_ms: float  # median
    n: int
    batch: int
    device: str


def estimate(arguments: Mapping[str, Any], n: int = 5) -> Cost:
    """Measures a few training steps on random pixels of the right size. Raises as the run would for what it cannot read."""
    plan, device = _plan(arguments["plan"]), choose_device(arguments.get("device") or None)
    photos = part(read_folder(Path(arguments["photographs"])), "train", _file_names(arguments.get("held_out", "")))
    classes = tuple(photos.classes)
    card = merkle.describe(plan, classes).card()
    spec = plan.spec(())
    rows = spec.first.batch_size
    pixels = torch.randint(0, 256, (rows, 3, *card.input_px), dtype=torch.uint8)
    data = TrainingImages(pixels, torch.arange(rows) % len(classes), classes)
    task = Photographs(Subject(card.build(), {}, card.input, 0, "estimate"), data, spec.first, device)
    (batch,) = task.batches(0)
    times = sorted(seconds(lambda: task.losses_and_gradients(batch), device) for _ in range(n + 1))[:n]  # the first one warms up
    step = times[n // 2]
    epochs = sum(count for _, count in spec.first.rates) + (len(spec.targets) - 1) * sum(count for _, count in spec.each.rates)
    size = sum(int(card.parameters * (1 - target) * 4 + card.parameters / 8) for target in spec.targets) + card.parameters * 12
    whole = step * -(-len(photos) // rows) * epochs * 1.1  # a tenth for validation and saving
    return Cost(seconds=whole, bytes=size, images=len(photos), epochs=epochs, step_ms=step * 1000, n=n, batch=rows, device=describe(device))


def told(step: Step) -> Facts:
    """A step of a series as plain facts."""
    facts: Facts = {"stage": "level", "level": step.level, "levels": step.levels, "found": step.found}
    if step.epoch:
        facts |= {"stage": "epoch"} | asdict(step.epoch)
    if step.outcome:
        facts |= {"best_epoch": step.outcome.best_epoch, "best_correct": step.outcome.best_correct, "total": step.outcome.history[0].total}
    return facts


def _plan(given: Mapping[str, Any]) -> merkle.Plan:
    known = {field.name for field in fields(merkle.Plan)}
    if unknown := sorted(set(given) - known):
        raise BadSpec(f"A plan has no {', '.join(unknown)}.", f"It has {', '.join(sorted(known))}.")
    return merkle.Plan(**given)


def _file_names(path: str) -> set[str]:
    """Names of the photographs in a folder or zip file."""
    if not path:
        return set()
    place = Path(path)
    if place.is_dir():
        return {found.name for found in place.rglob("*") if found.suffix.lower() in SUFFIXES}
    try:
        with zipfile.ZipFile(place) as archive:
            return {Path(name).name for name in archive.namelist() if Path(name).suffix.lower() in SUFFIXES}
    except (OSError, zipfile.BadZipFile) as error:
        raise MissingData(
            f"{path} is no folder and no zip file of photographs ({error}).", "Its file names are left out of training."
        ) from error


def _pretrained(architecture: str, file: str, folder: Path) -> dict[str, Tensor]:
    """torchvision's weights: from a file that a person names, else as the model of that name finds or fetches them."""
    if file:
        try:
            return torch.load(file, weights_only=True, map_location="cpu")
        except Exception as error:  # a file of a stranger can be broken in any way
            raise BadSpec(
                f"{file} holds no weights ({type(error).__name__}).", "A state dict of tensors (.pth); code in it is never run."
            ) from error
    if architecture not in MODELS:
        raise MissingData(f"There are no pretrained weights of {architecture}.", "Name a file of them, or begin at random.")
    source = next(iter(MODELS[architecture].value.weights.values()))
    if source.load is None:
        raise MissingData(f"There are no pretrained weights of {architecture}.", "Name a file of them, or begin at random.")
    return source.load(folder / "downloads", None)
