"""From the words of `python -m core retrain` to what a job is told: which network and photographs,
how pruned, how trained.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from core.asked import data_name, image_size
from core.errors import BadSpec, UnknownName
from core.specs import AUGMENTATIONS, OPTIMISERS, PACES, PRECISIONS, RATES, PruningSpec, RetrainSpec, TrainSpec, n_of_m
from core.specs.written import written
from core.suggestions import nearest

Arguments = argparse.Namespace
MOST_EPOCHS = 100_000
NAME = re.compile(r"\w[\w.+-]{0,99}")  # one part of a path


def add_retrain(parser: argparse.ArgumentParser) -> None:
    """The words for a run of retraining."""
    what = parser.add_argument_group("what")
    what.add_argument(
        "--model", default="squeezenet1_1", help="a CNN of torchvision, or efficientnet-lite0 (default: squeezenet1_1)"
    )
    what.add_argument(
        "--data", required=True, help="a folder or zip file with a folder for each class, or a data set's name"
    )
    what.add_argument(
        "--held-out",
        default="",
        metavar="PATH",
        help="folder or zip file: photographs of these file names are left out",
    )
    what.add_argument("--size", type=int, default=128, help="side of the network's input, pixels (default: 128)")
    what.add_argument("--start", default="pretrained", help="pretrained (default) or random")
    what.add_argument(
        "--weights-file",
        default="",
        metavar="FILE",
        help="of the pretrained weights (default: downloaded by torchvision)",
    )
    what.add_argument("--no-normalise", action="store_true", help="leave ImageNet's mean and deviation in the input")
    what.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    what.add_argument("--name", help="of the run (default: made of the schedule and a digest of all choices)")
    what.add_argument("--data-name", help="that the networks carry (default: the file's name and the size)")
    pruned = parser.add_argument_group("pruning")
    pruned.add_argument(
        "--pruning",
        default="weight-layer-magnitude",
        metavar="GRANULARITY-SCOPE-CRITERION",
        help="default: weight-layer-magnitude; others: filter-global-l2, 2:4-layer-magnitude",
    )
    pruned.add_argument(
        "--exclude",
        nargs="*",
        metavar="NAME",
        help="weights left alone, such as classifier.1.weight (default: none; of filters the classifier)",
    )
    pruned.add_argument(
        "--sparsities", type=float, nargs="+", help="of the levels (default: .5 .75 .875; of an N:M pattern its own)"
    )
    pruned.add_argument(
        "--schedule",
        default="iterative",
        metavar="SCHEDULE",
        help=f"{', '.join(PACES)} (default: iterative); or reset:epoch-2, reset:initialisation",
    )
    trained = parser.add_argument_group("training")
    trained.add_argument("--epochs", type=int, default=3, help="of each level, at most (default: 3)")
    trained.add_argument("--first-epochs", type=int, help="of the dense network (default: as --epochs)")
    trained.add_argument("--rate", type=float, default=0.001, help="learning rate (default: 0.001)")
    trained.add_argument(
        "--rates", default="steps", help=f"{' or '.join(RATES)} (default: steps, which with one rate is constant)"
    )
    trained.add_argument("--optimiser", default="sgd", help=f"{' or '.join(OPTIMISERS)} (default: sgd)")
    trained.add_argument("--batch", type=int, default=64, help="images of a step (default: 64)")
    trained.add_argument(
        "--patience", type=int, default=0, help="epochs without better accuracy that end a level (default: never)"
    )
    trained.add_argument(
        "--augment",
        nargs="*",
        default=["horizontal-flip"],
        help=f"{', '.join(AUGMENTATIONS)} (default: horizontal-flip)",
    )
    trained.add_argument("--precision", default="auto", help=f"{', '.join(PRECISIONS)} (default: auto)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--estimate", action="store_true", help="only measure a few steps and say what the run will take")
    how.add_argument("--detach", action="store_true", help="begin, and do not wait; `jobs` shows how far it is")


def job_arguments(arguments: Arguments, folder: Path) -> dict[str, Any]:
    """What a job of kind "retrain" is told, from the words of the command. Raises BadSpec."""
    image_size(arguments.size, 1)
    _check_data(arguments.data)
    _check_name(arguments.name)
    spec = _spec(arguments)
    place = Path(arguments.data)
    data = str(place.absolute()) if os.path.exists(place) or place.parent != Path() else arguments.data
    held_out = str(Path(arguments.held_out).absolute()) if arguments.held_out else ""
    weights = str(Path(arguments.weights_file).absolute()) if arguments.weights_file else ""
    return {
        "spec": written(spec),
        "photographs": data,
        "held_out": held_out,
        "weights": weights,
        "folder": str(folder.absolute()),
        "device": arguments.device or "",
        "size_px": arguments.size,
        "normalise": not arguments.no_normalise,
    }


def _check_data(name: str) -> None:
    """Raises UnknownName for a data set whose name is only misspelled; what else is no path is
    reported where it is read.
    """
    from core.data.datasets import DATASETS

    photographs = [known for known, entry in DATASETS.items() if entry.facts["kind"] == "photos"]
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


def _spec(arguments: Arguments) -> RetrainSpec:
    schedule, _, reset = arguments.schedule.partition(":")
    each, first = (_recipe(arguments, epochs) for epochs in (arguments.epochs, _first_epochs(arguments)))
    data = data_name(arguments.data_name) if arguments.data_name else data_name(arguments.data, arguments.size)
    model, pruning = f"{arguments.model}@{data}", _pruning(arguments)
    usual = [pruning.sparsity] if n_of_m(pruning.granularity) else [0.5, 0.75, 0.875]
    targets = (0.0, *sorted(set(arguments.sparsities or usual)))
    spec = RetrainSpec(
        name="-",
        model=model,
        pruning=pruning,
        targets=targets,
        first=first,
        each=each,
        pace=schedule,
        start=arguments.start,
        seed=arguments.seed,
        reset=reset,
    )
    # Another recipe or other photographs are another run; another seed is the same run.
    choices = [
        spec.key.rpartition("/s")[0],
        arguments.size,
        arguments.no_normalise,
        str(arguments.held_out),
        str(arguments.weights_file),
    ]
    digest = hashlib.sha256(json.dumps([*choices, pruning.ranking, str(arguments.data)]).encode()).hexdigest()[:8]
    name = arguments.name or f"{schedule}-{pruning.ranking}-{digest}".replace(":", "of")
    facts = vars(spec) | {"name": name}
    return RetrainSpec(**facts)


def _pruning(arguments: Arguments) -> PruningSpec:
    from core.pruning import CRITERIA

    parts = arguments.pruning.split("-")
    if len(parts) != 3:
        raise BadSpec(
            f"'{arguments.pruning}' does not say how to prune.",
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
        seed=arguments.seed if criterion == "random" else 0,
        excluded=_excluded(arguments, granularity),
    )


def _excluded(arguments: Arguments, granularity: str) -> tuple[str, ...]:
    """What a person says; else, where whole filters go, the classifier, whose filters are the
    classes. Raises BadSpec.
    """
    if arguments.exclude is not None or granularity != "filter":
        return tuple(arguments.exclude or ())
    from core.models.head import Backbone

    return (Backbone(architecture=arguments.model, data="", size_px=224, normalise=False).classifier,)


def _first_epochs(arguments: Arguments) -> int:
    return arguments.epochs if arguments.first_epochs is None else arguments.first_epochs


def _recipe(arguments: Arguments, epochs: int) -> TrainSpec:
    if not 1 <= epochs <= MOST_EPOCHS:
        raise BadSpec(
            f"A level of {epochs} epochs cannot be trained.",
            f"A level trains for 1 to {MOST_EPOCHS:,} epochs.",
            "Choose a value in that range; the schedule 'none' trains only the dense network.",
        )
    return TrainSpec(
        rates=((arguments.rate, epochs),),
        noise=0.0,
        batch_size=arguments.batch,
        optimiser=arguments.optimiser,
        shape=arguments.rates,
        augment=tuple(arguments.augment),
        patience=arguments.patience,
        precision=arguments.precision,
    )
