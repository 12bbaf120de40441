"""Kinds of long work: series of retrained networks, as jobs of a page or of the command line."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from core.control import Control
from core.data.classes import readable
from core.data.datasets import DATASETS
from core.data.photo_sets import PhotoSet
from core.device import choose_device, describe, seconds
from core.errors import BadSpec
from core.jobs import JOBS, Facts
from core.models import finetuned
from core.models.finetuned import Description, Run
from core.protocols import merkle
from core.protocols.merkle import Images, Loading, Place
from core.retraining_data import load, photographs, pretrained, skipped, training_photographs
from core.specs import RetrainSpec
from core.specs.written import read_retrain_spec
from core.store.files import Files
from core.training.images import TrainingImages
from core.training.masks import check_amounts
from core.training.series import Material, Step, check_stored, recipe_of, run_series
from core.training.single import Photographs, Subject, computed_in

Arguments = Mapping[str, Any]


@JOBS.register("merkle", "Less is More", "Prune half of each convolution, fine-tune, repeat: compression rates 1 to 64.", "Merkle et al.")
@JOBS.register("retrain", "Prune and retrain", "Any pruning, any schedule: level by level, each kept as a network.")
def retrain(arguments: Arguments, control: Control) -> Iterator[Facts]:
    """Trains a series and writes its card.

    Args:
        arguments: what to train, `plan` (fields of merkle.Plan) or `spec` (of RetrainSpec; with it `size_px`, `normalise` and `summary`);
            `photographs` (a folder or zip file, with train/ and val/ or without, or a data set's name), `held_out` (folder or zip whose
            file names are left out, or ""), `weights` (a file of torchvision's weights, or "" for the model's own), `folder`, `device`.
    """
    photos, held_out = photographs(arguments)
    yield {"stage": "decoding", "photographs": len(photos), "held_out": len(held_out)}
    series = read_series(arguments, photos)
    images = yield from _decoded(load(photos, series.plan, Path(arguments["folder"]), held_out), control)
    left_out = skipped(images)
    yield {"stage": "training", "train": len(images.train), "validation": len(images.validation), "skipped": list(left_out[:20]),
           "skipped_images": len(left_out)}  # fmt: skip
    for step in _steps(series, images, arguments, control):
        yield told(step)


def _decoded(loading: Loading, control: Control) -> Generator[Facts, None, Images]:
    """Tells how far it is, and waits or stops when a person wants it to."""
    while True:
        control.check()
        try:
            done, total = next(loading)
        except StopIteration as end:
            return end.value
        yield {"stage": "decoding", "photographs": total, "decoded": done}


@dataclass(frozen=True, eq=False)
class Series:
    """What a job trains: the spec, and the card of its network. plan: of the protocol, or what a spec shares with it."""

    spec: RetrainSpec
    description: Description
    plan: merkle.Plan
    published: bool


def read_series(arguments: Arguments, photos: PhotoSet) -> Series:
    """What the arguments of a job ask for. Raises BadSpec."""
    classes = tuple(readable(name) for name in photos.classes)
    if "plan" in arguments:
        plan = _plan(arguments["plan"])
        description = merkle.describe(plan, classes)
        return Series(plan.spec(merkle.left_whole(plan, description.card())), description, plan, True)
    spec = read_retrain_spec(arguments["spec"])
    architecture, _, data = spec.model.partition("@")
    plan = merkle.Plan(
        architecture=architecture, data=data, size_px=int(arguments.get("size_px", 224)), normalise=bool(arguments.get("normalise", True)),
        seed=spec.seed, start=spec.start,
    )  # fmt: skip
    described = merkle.describe(plan, classes)
    run = Run(summary=arguments.get("summary") or summary(spec), targets=spec.targets, seeds=(spec.seed,))
    return Series(spec, replace(described, runs={spec.name: run}), plan, False)


def summary(spec: RetrainSpec) -> str:
    """One sentence for select boxes."""
    pruning, epochs = spec.pruning, len(spec.each.epoch_rates)
    return f"{spec.pace}: {pruning.granularity}, {pruning.scope}, {pruning.criterion}; at most {epochs} epochs a level"


def _steps(series: Series, images: Images, arguments: Arguments, control: Control) -> Iterator[Step]:
    files, device = Files(Path(arguments["folder"])), choose_device(arguments.get("device") or None)
    spec, description, weights = series.spec, series.description, None
    if spec.start == "pretrained":
        weights = pretrained(description.architecture, arguments.get("weights", ""), files.write_root)
    if series.published:
        return merkle.run(series.plan, images, weights, Place(files, device, control))
    check_stored(spec, files, images.train)
    card = description.card()
    check_amounts(spec, card)
    start = merkle.beginning(description, weights, spec.seed)
    finetuned.add_runs(files.write_root, description)
    return run_series(spec, Material(card, start, images.train, images.validation, device, files, control))


def check(arguments: Arguments) -> None:
    """Raises before a process is begun what the job would raise after it has decoded the photographs. A data set that goes by its name
    may have to be downloaded: that is left to the job."""
    if arguments["photographs"] in DATASETS:
        return
    photos, held_out = photographs(arguments)
    training_photographs(photos, held_out)
    series = read_series(arguments, photos)
    check_amounts(series.spec, series.description.card())
    if series.spec.start == "pretrained" and (file := arguments.get("weights")):
        merkle.beginning(series.description, pretrained(series.description.architecture, file, Path(arguments["folder"])), series.spec.seed)


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

    @property
    def epoch_seconds(self) -> float:
        """Of one epoch, validation and saving included."""
        return self.seconds / self.epochs


def estimate(arguments: Arguments, n: int = 5) -> Cost:
    """Measures a few training steps on random pixels of the right size. Raises as the run would for what it cannot read."""
    photos, held_out = photographs(arguments)
    series, device = read_series(arguments, photos), choose_device(arguments.get("device") or None)
    spec, card = series.spec, series.description.card()
    rows, images = spec.first.batch_size, training_photographs(photos, held_out)
    pixels = torch.randint(0, 256, (rows, 3, *card.input_px), dtype=torch.uint8)
    data = TrainingImages(pixels, torch.arange(rows) % len(card.classes), card.classes)
    task = Photographs(Subject(card.build(), {}, card.input, 0, "estimate", spec.first.precision), data, spec.first, device)
    (batch,) = task.batches(0)
    times = sorted([seconds(lambda: task.losses_and_gradients(batch), device) for _ in range(n + 1)][1:])  # the first one warms up
    epochs = sum(len(recipe_of(spec, level).epoch_rates) for level in range(len(spec.targets)))
    size = sum(int(card.parameters * (1 - target) * 4 + card.parameters / 8) for target in spec.targets) + card.parameters * 12
    whole = times[n // 2] * -(-images // rows) * epochs * 1.1  # a tenth for validation and saving
    name = f"{describe(device)}, {str(computed_in(device, spec.first.precision)).removeprefix('torch.')}"
    return Cost(seconds=whole, bytes=size, images=images, epochs=epochs, step_ms=times[n // 2] * 1000, n=n, batch=rows, device=name)


def told(step: Step) -> Facts:
    """A step of a series as plain facts."""
    facts: Facts = {"stage": "level", "level": step.level, "levels": step.levels, "found": step.found}
    if step.epoch:
        facts |= {"stage": "epoch"} | asdict(step.epoch)
    if step.outcome:
        facts |= {"best_epoch": step.outcome.best_epoch, "best_correct": step.outcome.best_correct, "total": step.outcome.total}
        facts |= {"stopped_by_hand": True} if step.outcome.by_hand else {}
    return facts


def _plan(given: Mapping[str, Any]) -> merkle.Plan:
    known = {field.name for field in fields(merkle.Plan)}
    if unknown := sorted(set(given) - known):
        raise BadSpec(f"A plan has no {', '.join(unknown)}.", f"It has {', '.join(sorted(known))}.")
    return merkle.Plan(**given)
