"""The options of a retraining run, for pages and the command line."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from core.base.errors import BadFile, BadSpec, UnknownName
from core.base.options import option, required
from core.base.suggestions import nearest
from core.specs import (
    AUGMENTATIONS,
    OPTIMISERS,
    PRECISIONS,
    RATES,
    RETRAIN_SCHEDULES,
    PruningSpec,
    RetrainSpec,
    TrainSpec,
    n_of_m,
    whole,
)

# Modules that load torch are imported where they are used, because `--help` reads this module too.
MOST_EPOCHS = 100_000
MOST_PX = 4096  # side of an input
NAME = re.compile(r"\w[\w.+-]{0,99}")  # one part of a path


@dataclass(frozen=True, kw_only=True)
class RetrainTask:
    """A run of retraining: the options of `python -m core retrain`.

    exclude: None leaves whole what is usual for the granularity. schedule: a key of
    RETRAIN_SCHEDULES, or "reset:epoch-2".
    """

    data: str = required("A folder or zip file with one folder per class, or the name of a data set.")
    model: str = option("squeezenet1_1", "A CNN of torchvision, or efficientnet-lite0.")
    held_out: str = option("", "A folder or zip file. Photographs with the same file names are excluded from training.")
    size: int = option(128, "Side of the network's input, in pixels.")
    start: str = option("pretrained", "pretrained or random.")
    weights_file: str = option("", "Pretrained weights file. By default torchvision's weights are downloaded.")
    normalise: bool = option(True, "Subtract ImageNet's mean from the input and divide by its deviation.")
    seed: int = option(0, "Training seed.")
    name: str | None = option(None, "Name of the run. By default the schedule and a digest of all settings.")
    data_name: str | None = option(None, "Name of the data in the network's name. By default the file's name and size.")
    pruning: str = option(
        "weight-layer-magnitude", "GRANULARITY-SCOPE-CRITERION, such as filter-global-l2 or 2:4-layer-magnitude."
    )
    exclude: tuple[str, ...] | None = option(
        None, "Weights to exclude, such as classifier.1.weight. By default none; for filters, the classifier."
    )
    sparsities: tuple[float, ...] = option(
        (), "Sparsities of the levels. By default 0.5 0.75 0.875; for an N:M pattern, its own sparsity."
    )
    schedule: str = option("iterative", f"{', '.join(RETRAIN_SCHEDULES)}; or reset:epoch-2, reset:initialisation.")
    epochs: int = option(3, "Maximum epochs per level.")
    dense_epochs: int | None = option(None, "Maximum epochs of the dense network. By default the value of --epochs.")
    learning_rate: float = option(0.001, "Learning rate.")
    learning_rate_schedule: str = option("steps", f"{' or '.join(RATES)}; with one rate, steps is constant.")
    optimiser: str = option("sgd", f"{' or '.join(OPTIMISERS)}.")
    batch: int = option(64, "Images per training step.")
    patience: int = option(0, "Stop a level after this many epochs without improvement; 0 disables early stopping.")
    augment: tuple[str, ...] = option(("horizontal-flip",), f"{', '.join(AUGMENTATIONS)}.")
    precision: str = option("auto", f"{', '.join(PRECISIONS)}.")

    @property
    def title(self) -> str:
        """The display name of the run. Raises BadSpec, UnknownName."""
        spec = spec_of(self)
        return f"{spec.model}, {spec.name}, seed {spec.seed}"

    def job_arguments(self, folder: Path, device: str = "") -> dict[str, Any]:
        """Returns the arguments of a "retrain" job. Raises BadSpec, UnknownName."""
        whole(self.size, "size in pixels", 1, MOST_PX)
        _check_data(self.data)
        _check_name(self.name)
        place = Path(self.data)
        return {
            "task": replace(self, name=spec_of(self).name).to_json(),
            "photographs": str(place.absolute()) if os.path.exists(place) or place.parent != Path() else self.data,
            "held_out": _absolute(self.held_out),
            "weights": _absolute(self.weights_file),
            "folder": str(folder.absolute()),
            "device": device,
        }

    def to_json(self) -> dict[str, Any]:
        """Returns the options for JSON, without defaults."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        usual = {field.name: field.default for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in chosen.items()
            if value != usual[name]
        }

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> RetrainTask:
        """Reads the output of `to_json`. Raises BadFile for anything else."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
        }
        try:
            task = cls(**values)
            wrong = [field.name for field in fields(cls) if not _is_of(getattr(task, field.name), field.default)]
        except TypeError as error:
            raise BadFile(f"This is not a retraining run ({error}).", "A run has the options of `retrain`.") from error
        if wrong:
            raise BadFile(
                f"{', '.join(wrong)} cannot be used.", "A run has the options of `retrain`.", "Start it again."
            )
        return task

    def command(self) -> list[str]:
        """Returns the equivalent options of `python -m core retrain`, without defaults."""
        words: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            option = f"--{field.name.replace('_', '-')}"
            if value == field.default:
                continue
            if field.name == "normalise":
                words.append("--no-normalise")
            elif isinstance(value, tuple):
                words += [option, *map(str, value)]
            elif str(value).startswith("-"):
                words.append(f"{option}={value}")
            else:
                words += [option, str(value)]
        return words


def _is_of(value: object, default: object) -> bool:
    """Whether a value has the type of its default; if that is None, a type that JSON allows."""
    if default is None:
        return value is None or isinstance(value, str | int | tuple)
    if isinstance(default, float):
        return isinstance(value, float | int) and not isinstance(value, bool)
    return isinstance(value, str) if default is MISSING else type(value) is type(default)


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def _check_data(name: str) -> None:
    """Raises UnknownName for a misspelled data set; other missing paths are reported where they are
    read.
    """
    from core.data.datasets import DATASETS, photo_sets

    photographs = list(photo_sets())
    if name not in DATASETS and not os.path.exists(name) and nearest(name, DATASETS) in photographs:
        raise UnknownName("data set", name, photographs)


def _check_name(name: str | None) -> None:
    """Raises BadSpec for a run name that cannot be part of a path."""
    if name is not None and not NAME.fullmatch(name):
        raise BadSpec(
            f"A run cannot be named '{name[:120]}'.",
            "A name starts with a letter or digit and has up to 100 letters, digits, dots, plus signs, hyphens and"
            " underscores.",
            "Choose another name, or omit it.",
        )


def spec_of(task: RetrainTask) -> RetrainSpec:
    """Returns the series that the task trains; by default its name is derived from all settings."""
    from core.models.head import data_name

    schedule, _, reset = task.schedule.partition(":")
    each, first = (_recipe(task, epochs) for epochs in (task.epochs, _dense_epochs(task)))
    data = data_name(task.data_name) if task.data_name else data_name(task.data, task.size)
    model, pruning = f"{task.model}@{data}", _pruning(task)
    usual = (pruning.sparsity or 0.0,) if n_of_m(pruning.granularity) else (0.5, 0.75, 0.875)
    targets = (0.0, *sorted(set(task.sparsities or usual)))
    spec = RetrainSpec(
        name="-",
        model=model,
        pruning=pruning,
        targets=targets,
        first=first,
        each=each,
        schedule=schedule,
        start=task.start,
        seed=task.seed,
        reset=reset,
    )
    # Another recipe or other photographs make another run; another seed does not.
    choices = [
        spec.key.rpartition("/s")[0],
        task.size,
        not task.normalise,
        str(task.held_out),
        str(task.weights_file),
    ]
    digest = hashlib.sha256(json.dumps([*choices, pruning.ranking, str(task.data)]).encode()).hexdigest()[:8]
    name = task.name or f"{schedule}-{pruning.ranking}-{digest}".replace(":", "of")
    facts = vars(spec) | {"name": name}
    return RetrainSpec(**facts)


def _pruning(task: RetrainTask) -> PruningSpec:
    from core.pruning import CRITERIA

    parts = task.pruning.split("-")
    if len(parts) != 3:
        raise BadSpec(
            f"'{task.pruning}' is not a pruning method.",
            "The format is GRANULARITY-SCOPE-CRITERION.",
            "Try weight-layer-magnitude or filter-global-l2.",
        )
    granularity, scope, criterion = parts
    CRITERIA[criterion]  # reports an unknown criterion before a process is started
    return PruningSpec.one_shot(
        0.0,
        scope,
        criterion,
        granularity=granularity,
        seed=task.seed if criterion == "random" else 0,
        excluded=_excluded(task, granularity),
    )


def _excluded(task: RetrainTask, granularity: str) -> tuple[str, ...]:
    """Returns the excluded weights; by default the classifier if whole filters are pruned, because
    its filters are the classes. Raises BadSpec.
    """
    from core.models.head import Backbone

    if task.exclude is not None or granularity != "filter":
        return tuple(task.exclude or ())
    return (Backbone(architecture=task.model, data="", size_px=224, normalise=False).classifier,)


def _dense_epochs(task: RetrainTask) -> int:
    return task.epochs if task.dense_epochs is None else task.dense_epochs


def _recipe(task: RetrainTask, epochs: int) -> TrainSpec:
    if not 1 <= epochs <= MOST_EPOCHS:
        raise BadSpec(
            f"A level of {epochs} epochs cannot be trained.",
            f"A level trains for 1 to {MOST_EPOCHS:,} epochs.",
            "Choose a value in that range; the schedule 'none' trains only the dense network.",
        )
    return TrainSpec(
        rates=((task.learning_rate, epochs),),
        noise=0.0,
        batch_size=task.batch,
        optimiser=task.optimiser,
        shape=task.learning_rate_schedule,
        augment=tuple(task.augment),
        patience=task.patience,
        precision=task.precision,
    )
