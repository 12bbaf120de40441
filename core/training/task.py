"""What a person asks of a run of retraining, whether on a page or on the command line."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from core.base.errors import BadSpec, UnknownName
from core.base.suggestions import nearest
from core.data.datasets import DATASETS, photo_sets
from core.models.head import Backbone, data_name
from core.pruning import CRITERIA
from core.specs import PruningSpec, RetrainSpec, TrainSpec, n_of_m, whole
from core.specs.written import written

MOST_EPOCHS = 100_000
MOST_PX = 4096  # side of an input
NAME = re.compile(r"\w[\w.+-]{0,99}")  # one part of a path


@dataclass(frozen=True, kw_only=True)
class RetrainTask:
    """A run of retraining, with the defaults of `python -m core retrain`.

    model: an architecture; data, held_out: a folder, a zip file, or (data) the name of a data set;
    size: side of the network's input, pixels; pruning: GRANULARITY-SCOPE-CRITERION; exclude: names
    of weights that stay whole (None: as usual for the granularity); sparsities: of the levels;
    schedule: a key of PACES, or "reset:epoch-2"; rate: the learning rate; rates: its shape.
    """

    data: str
    model: str = "squeezenet1_1"
    held_out: str = ""
    size: int = 128
    start: str = "pretrained"
    weights_file: str = ""
    normalise: bool = True
    seed: int = 0
    name: str | None = None
    data_name: str | None = None
    pruning: str = "weight-layer-magnitude"
    exclude: tuple[str, ...] | None = None
    sparsities: tuple[float, ...] = ()
    schedule: str = "iterative"
    epochs: int = 3
    first_epochs: int | None = None
    rate: float = 0.001
    rates: str = "steps"
    optimiser: str = "sgd"
    batch: int = 64
    patience: int = 0
    augment: tuple[str, ...] = ("horizontal-flip",)
    precision: str = "auto"

    def job_arguments(self, folder: Path, device: str = "") -> dict[str, Any]:
        """What a job of kind "retrain" is told. Raises BadSpec, UnknownName."""
        whole(self.size, "size in pixels", 1, MOST_PX)
        _check_data(self.data)
        _check_name(self.name)
        spec = spec_of(self)
        place = Path(self.data)
        return {
            "spec": written(spec),
            "photographs": str(place.absolute()) if os.path.exists(place) or place.parent != Path() else self.data,
            "held_out": _absolute(self.held_out),
            "weights": _absolute(self.weights_file),
            "folder": str(folder.absolute()),
            "device": device,
            "size_px": self.size,
            "normalise": self.normalise,
        }

    def command(self) -> list[str]:
        """The options of `python -m core retrain` that ask for it; defaults are left out."""
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


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def _check_data(name: str) -> None:
    """Raises UnknownName for a data set whose name is only misspelled; what else is no path is
    reported where it is read.
    """
    photographs = list(photo_sets())
    if name not in DATASETS and not os.path.exists(name) and nearest(name, DATASETS) in photographs:
        raise UnknownName("data set", name, photographs)


def _check_name(name: str | None) -> None:
    """Raises BadSpec for a name of a run that cannot be a part of a path."""
    if name is not None and not NAME.fullmatch(name):
        raise BadSpec(
            f"A run cannot be named '{name[:120]}'.",
            "A name begins with a letter or digit and has up to 100 letters, digits, dots, plus signs, hyphens and"
            " underscores.",
            "Choose another name, or leave it out.",
        )


def spec_of(task: RetrainTask) -> RetrainSpec:
    """The series that the task trains; its name is made of all choices unless one is given."""
    schedule, _, reset = task.schedule.partition(":")
    each, first = (_recipe(task, epochs) for epochs in (task.epochs, _first_epochs(task)))
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
        pace=schedule,
        start=task.start,
        seed=task.seed,
        reset=reset,
    )
    # Another recipe or other photographs are another run; another seed is the same run.
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
    parts = task.pruning.split("-")
    if len(parts) != 3:
        raise BadSpec(
            f"'{task.pruning}' does not say how to prune.",
            "It is GRANULARITY-SCOPE-CRITERION.",
            "Try weight-layer-magnitude or filter-global-l2.",
        )
    granularity, scope, criterion = parts
    CRITERIA[criterion]  # an unknown one is reported before a process is begun
    return PruningSpec.one_shot(
        0.0,
        scope,
        criterion,
        granularity=granularity,
        seed=task.seed if criterion == "random" else 0,
        excluded=_excluded(task, granularity),
    )


def _excluded(task: RetrainTask, granularity: str) -> tuple[str, ...]:
    """What a person says; else, where whole filters go, the classifier, whose filters are the
    classes. Raises BadSpec.
    """
    if task.exclude is not None or granularity != "filter":
        return tuple(task.exclude or ())
    return (Backbone(architecture=task.model, data="", size_px=224, normalise=False).classifier,)


def _first_epochs(task: RetrainTask) -> int:
    return task.epochs if task.first_epochs is None else task.first_epochs


def _recipe(task: RetrainTask, epochs: int) -> TrainSpec:
    if not 1 <= epochs <= MOST_EPOCHS:
        raise BadSpec(
            f"A level of {epochs} epochs cannot be trained.",
            f"A level trains for 1 to {MOST_EPOCHS:,} epochs.",
            "Choose a value in that range; the schedule 'none' trains only the dense network.",
        )
    return TrainSpec(
        rates=((task.rate, epochs),),
        noise=0.0,
        batch_size=task.batch,
        optimiser=task.optimiser,
        shape=task.rates,
        augment=tuple(task.augment),
        patience=task.patience,
        precision=task.precision,
    )
