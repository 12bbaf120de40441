"""Series of retrained networks as jobs."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from core.base.device import choose_device, describe
from core.base.timing import seconds
from core.data.classes import readable
from core.data.datasets import DATASETS
from core.data.decode import TrainingImages
from core.data.parts import Images, Loading
from core.data.photo_sets import PhotoSet
from core.disk.files import Files
from core.jobs.control import Control
from core.jobs.jobs import JOBS, Facts
from core.models import description as finetuned
from core.models.cards import InputRule
from core.models.description import Description, Run
from core.models.head import Backbone, initial_weights
from core.specs import RetrainSpec
from core.specs.written import read_retrain_spec
from core.training.masks import check_amounts
from core.training.material import load, part_sizes, photographs, pretrained, skipped
from core.training.series import Material, Step, check_stored, recipe_of, run_series
from core.training.single import Photographs, Subject, computed_in
from core.training.task import RetrainTask, spec_of

Arguments = Mapping[str, Any]
FEWEST_VALIDATION = 50


@dataclass(frozen=True, eq=False)
class Series:
    """What a job trains: the spec, the card of its network, and the preprocessing of
    photographs.
    """

    spec: RetrainSpec
    description: Description
    rule: InputRule


Reader = Callable[[Arguments, PhotoSet], Series]


def read_series(arguments: Arguments, photos: PhotoSet) -> Series:
    """Reads the series from the arguments of a job. Raises BadSpec, BadFile."""
    if "task" in arguments:
        task = RetrainTask.from_json(arguments["task"])
        spec, size_px, normalise = spec_of(task), task.size, task.normalise
    else:  # a job of an older version
        spec = read_retrain_spec(arguments["spec"])
        size_px, normalise = int(arguments.get("size_px", 224)), bool(arguments.get("normalise", True))
    architecture, _, data = spec.model.partition("@")
    backbone = Backbone(architecture=architecture, data=data, size_px=size_px, normalise=normalise)
    run = Run(summary=arguments.get("summary") or summary(spec), targets=spec.targets, seeds=(spec.seed,))
    return Series(spec, backbone.describe(class_names(photos), {spec.name: run}), backbone.rule)


def class_names(photos: PhotoSet) -> tuple[str, ...]:
    """Returns the readable names of the classes."""
    return tuple(readable(name) for name in photos.classes)


@JOBS.register("retrain", "Prune and retrain", "Any pruning, any schedule: each level is stored as a network.")
def retrain(arguments: Arguments, control: Control) -> Iterator[Facts]:
    """Trains a series and writes its card.

    Args:
        arguments: what to train, `task` (of RetrainTask; of older versions `spec`, `size_px`,
            `normalise` and `summary`); `photographs` (a folder or zip file, with or without train/
            and val/, or a data set's name), `held_out` (folder or zip file whose file names are
            excluded, or ""), `weights` (a file of torchvision's weights, or "" for the model's
            own), `folder`, `device`.
    """
    yield from train_series(arguments, control, read_series)


def train_series(arguments: Arguments, control: Control, read: Reader) -> Iterator[Facts]:
    """Trains the series that `read` reads from the arguments. Other arguments: as `retrain`."""
    photos, held_out = photographs(arguments)
    yield {"stage": "decoding", "photographs": len(photos), "held_out": len(held_out)}
    series = read(arguments, photos)
    images = yield from _decoded(load(photos, series.rule, Path(arguments["folder"]), held_out), control)
    left_out = skipped(images)
    spec, sizes = series.spec, (len(images.train), len(images.validation))
    yield {
        "stage": "training",
        "model": spec.model,
        "run": spec.name,
        "seed": spec.seed,
        "train": sizes[0],
        "validation": sizes[1],
        "warnings": list(warnings(*sizes, spec.first.batch_size)),
        "skipped": list(left_out[:20]),
        "skipped_images": len(left_out),
    }
    for step in _steps(series, images, arguments, control):
        yield told(step)


def warnings(train: int, validation: int, batch: int) -> tuple[str, ...]:
    """Returns warnings about runs with few photographs.

    Args:
        train, validation: number of photographs. batch: photographs per step.
    """
    found = []
    if train <= batch:
        found.append(
            f"An epoch is a single step: all {train} training photographs fit into one batch of {batch}. Add"
            " photographs, reduce the batch size, or train for more epochs."
        )
    if validation < FEWEST_VALIDATION:
        points = 98 / math.sqrt(validation)  # half of a 95 % interval around one half
        found.append(
            f"Only {validation} validation photographs choose the best epoch: accuracy on them is uncertain by up to"
            f" ±{points:.0f} points. Use {FEWEST_VALIDATION} or more."
        )
    return tuple(found)


def _decoded(loading: Loading, control: Control) -> Generator[Facts, None, Images]:
    """Yields the progress of decoding; can be paused and stopped."""
    while True:
        control.check()
        try:
            done, total = next(loading)
        except StopIteration as end:
            return end.value
        yield {"stage": "decoding", "photographs": total, "decoded": done}


def summary(spec: RetrainSpec) -> str:
    """Describes the series in one sentence for select boxes."""
    pruning, epochs = spec.pruning, len(spec.each.epoch_rates)
    return (
        f"{spec.schedule}: {pruning.granularity}, {pruning.scope}, {pruning.criterion}; at most {epochs} epochs"
        " per level"
    )


def _steps(series: Series, images: Images, arguments: Arguments, control: Control) -> Iterator[Step]:
    files, device = Files(Path(arguments["folder"])), choose_device(arguments.get("device") or None)
    spec, description, weights = series.spec, series.description, None
    if spec.start == "pretrained":
        weights = pretrained(description.architecture, arguments.get("weights", ""), files.write_root)
    check_stored(spec, files, images.train)
    card = description.card()
    check_amounts(spec, card)
    start = initial_weights(description, weights, spec.seed)
    finetuned.add_runs(files.write_root, description)
    return run_series(spec, Material(card, start, images.train, images.validation, device, files, control))


def check(arguments: Arguments, read: Reader = read_series) -> None:
    """Raises errors of the arguments before a process is started, instead of after decoding.

    Data sets given by name are not checked, because they may have to be downloaded first.
    """
    if arguments["photographs"] in DATASETS:
        return
    photos, held_out = photographs(arguments)
    part_sizes(photos, held_out)
    series = read(arguments, photos)
    check_amounts(series.spec, series.description.card())
    if series.spec.start == "pretrained" and (file := arguments.get("weights")):
        initial_weights(
            series.description,
            pretrained(series.description.architecture, file, Path(arguments["folder"])),
            series.spec.seed,
        )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a run, estimated from measured steps: maximum seconds, bytes on disk."""

    seconds: float
    bytes: int
    images: int
    validation: int
    epochs: int
    step_ms: float  # median
    n: int
    batch: int
    device: str

    @property
    def epoch_seconds(self) -> float:
        """Seconds per epoch, including validation and saving."""
        return self.seconds / self.epochs

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about too few photographs."""
        return warnings(self.images, self.validation, self.batch)


def estimate(
    arguments: Arguments, n: int = 5, read: Reader = read_series, progress: Callable[[int, int], None] | None = None
) -> Cost:
    """Estimates the cost from a few training steps on random pixels of the right size.

    Args:
        progress: called before each step with finished and total steps; may raise.
    Raises:
        The errors of the run for unreadable input.
    """
    photos, held_out = photographs(arguments)
    series, device = read(arguments, photos), choose_device(arguments.get("device") or None)
    spec, card = series.spec, series.description.card()
    rows, (images, validation) = spec.first.batch_size, part_sizes(photos, held_out)
    pixels = torch.randint(0, 256, (rows, 3, *card.input_px), dtype=torch.uint8)
    data = TrainingImages(pixels, torch.arange(rows) % len(card.classes), card.classes)
    task = Photographs(
        Subject(card.build(), {}, card.input, 0, "estimate", spec.first.precision), data, spec.first, device
    )
    (batch,) = task.batches(0)
    times = []
    for step in range(n + 1):
        if progress:
            progress(step, n + 1)
        times.append(seconds(lambda: task.losses_and_gradients(batch), device))
    times = sorted(times[1:])  # the first one warms up
    epochs = sum(len(recipe_of(spec, level).epoch_rates) for level in range(len(spec.targets)))
    size = (
        sum(int(card.parameters * (1 - target) * 4 + card.parameters / 8) for target in spec.targets)
        + card.parameters * 12
    )
    whole = times[n // 2] * -(-images // rows) * epochs * 1.1  # a tenth for validation and saving
    name = f"{describe(device)}, {str(computed_in(device, spec.first.precision)).removeprefix('torch.')}"
    return Cost(
        seconds=whole,
        bytes=size,
        images=images,
        validation=validation,
        epochs=epochs,
        step_ms=times[n // 2] * 1000,
        n=n,
        batch=rows,
        device=name,
    )


def told(step: Step) -> Facts:
    """Returns a step of a series as plain facts."""
    facts: Facts = {"stage": "level", "level": step.level, "levels": step.levels, "found": step.found}
    if step.epoch:
        facts |= {"stage": "epoch"} | asdict(step.epoch)
    if step.outcome:
        facts |= {
            "best_epoch": step.outcome.best_epoch,
            "best_correct": step.outcome.best_correct,
            "total": step.outcome.total,
        }
        facts |= {"stopped_by_hand": True} if step.outcome.by_hand else {}
    return facts
