"""The words of `python -m core retrain`: which network and photographs, how pruned, how trained."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from core.specs import AUGMENTATIONS, OPTIMISERS, PACES, PRECISIONS, RATES

Arguments = argparse.Namespace


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


def task_of(arguments: Arguments) -> Any:
    """The RetrainTask that the words of the command ask for."""
    from core.training.task import RetrainTask

    given = {field.name: getattr(arguments, field.name) for field in fields(RetrainTask) if field.name != "normalise"}
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    given |= lists | {"sparsities": tuple(arguments.sparsities or ())}
    return RetrainTask(**given, normalise=not arguments.no_normalise)
