"""`python -m core protocol run | show vonrad`: the GoogLeNet study from photographs to tables."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from core.base.errors import MissingData
from core.base.text import fitted
from core.cli.questions import image_size, say, say_decoded, words_of

Arguments = argparse.Namespace


def add_run(parser: argparse.ArgumentParser) -> None:
    """The words of a run."""
    both = words_of(parser, "merkle", "vonrad")
    both(
        "--model",
        help="as published: vgg16 (merkle), googlenet (vonrad); or efficientnet-lite0, any CNN of torchvision",
    )
    both("--data", metavar="PATH", help="a folder or zip file with a folder for each class, or a data set's name")
    both("--set-name", help="that the networks carry (default: the file's name)")
    both("--leave-out", metavar="PATH", help="folder or zip file: photographs of these file names are left out")
    both("--size", type=int, default=224, help="side of the network's input, pixels (default: 224)")
    both(
        "--epochs-limit",
        type=int,
        help="of each level, at most (default: as published, 100 and 50 for merkle, 60 for vonrad)",
    )
    both(
        "--normalise",
        action=argparse.BooleanOptionalAction,
        help="ImageNet's mean and deviation off (default: vonrad only)",
    )
    both("--start", default="pretrained", help="pretrained (default) or random")
    both(
        "--weights-file",
        default="",
        metavar="FILE",
        help="of the pretrained weights (default: downloaded by torchvision)",
    )
    own = words_of(parser, "vonrad")
    own("--rates", type=float, nargs="+", help="shares that go (default: .3 .5 .7 .8 .89 .95)")
    own("--prunings", nargs="+", help="unstructured filters connections (default), input-channels")
    own("--dense-epochs", type=int, help="of the dense network (default: as --epochs-limit)")
    own("--curve-epochs", type=int, help="after one-shot pruning by 89 %% (default: as --epochs-limit)")
    own("--every", type=int, default=1, help="levels train on every n-th training image only (default: 1, all)")
    own("--optimiser", default="sgd", help="sgd (default) or adamw")


def add_show(parser: argparse.ArgumentParser) -> None:
    """The words for showing results."""
    add = words_of(parser, "merkle", "vonrad")
    add("--model", help="a network and its data: squeezenet1_1@imagenette-128 (default: all; vonrad: the first)")


def run(arguments: Arguments, folder: Path) -> None:
    """Trains and counts; everything that is already there is found and not done again.

    Prints a line an epoch and a network.
    """
    from core.base.device import choose_device
    from core.data.decode import finished
    from core.disk.files import Files
    from core.protocols.googlenet import tables as vonrad_tables
    from core.protocols.googlenet.protocol import check
    from core.training.material import load, photographs, pretrained
    from core.training.place import Place

    plans = [_plan(arguments, seed) for seed in arguments.seeds or [0]]
    photos, left_out = photographs(
        {"photographs": _data(arguments), "held_out": arguments.leave_out or "", "folder": folder}
    )
    check(plans[0], tuple(photos.classes))
    say(arguments, {"stage": "decoding", "photographs": len(photos)}, f"decoding {len(photos):,} photographs")
    images = finished(load(photos, plans[0].backbone.rule, folder, left_out), say_decoded(arguments))
    weights = (
        pretrained(plans[0].architecture, arguments.weights_file, folder) if arguments.start == "pretrained" else None
    )
    place = Place(Files(folder), choose_device(arguments.device))
    for plan in plans:
        for made, step in vonrad_tables.study(plan, images, weights, place):
            say(arguments, *_told(made.spec.name, made.spec.targets[step.level], plan.seed, step))
    _print_tables(arguments, vonrad_tables.load([folder], plans[0].model))


def show(arguments: Arguments, roots: list[Path]) -> None:
    """Prints the tables of a study that was run here or came along."""
    from core.protocols.googlenet import tables as vonrad_tables

    there = [name for root in roots for name in vonrad_tables.found([root])]  # those that were made here first
    _print_tables(arguments, vonrad_tables.load(roots, arguments.model or (there[0] if there else "any model")))


def _print_tables(arguments: Arguments, tables: Any) -> None:
    from core.protocols.googlenet.published import FINDINGS, REFERENCE, UNKNOWN
    from core.protocols.googlenet.summary import text

    if not arguments.json:
        print(fitted(text(tables)))
        return
    published = {"reference": REFERENCE, "findings": FINDINGS, "unknown": UNKNOWN}
    frames = {
        name: json.loads(getattr(tables, name).to_json(orient="records", double_precision=15))
        for name in ("levels", "epochs")
    }
    print(json.dumps({"model": tables.model, "facts": tables.facts, "published": published} | frames, allow_nan=False))


def _data(arguments: Arguments) -> str:
    if not arguments.data:
        raise MissingData(
            "No photographs are named.",
            "The study was made on ImageNet, which cannot be downloaded freely; any folder of photographs by class"
            " will do.",
            "Say --data FOLDER.",
        )
    return str(arguments.data)


def _plan(arguments: Arguments, seed: int) -> Any:
    from core.models.head import data_name
    from core.protocols.googlenet.protocol import RATES, THREE, Plan

    limit = arguments.epochs_limit
    name = data_name(arguments.set_name or _data(arguments))
    return Plan(
        architecture=arguments.model or "googlenet",
        data=name,
        size_px=image_size(arguments.size),
        rates=tuple(sorted(set(arguments.rates or RATES))),
        prunings=tuple(arguments.prunings or THREE),
        seed=seed,
        epochs=limit,
        every=arguments.every,
        optimiser=arguments.optimiser,
        dense_epochs=limit if arguments.dense_epochs is None else arguments.dense_epochs,
        curve_epochs=limit if arguments.curve_epochs is None else arguments.curve_epochs,
        start=arguments.start,
        normalise=arguments.normalise is not False,
    )


def _told(name: str, rate: float, seed: int, step: Any) -> tuple[dict[str, Any], str]:
    """A step as facts and in words."""
    facts = {"run": name, "seed": seed, "level": step.level, "rate": rate, "found": step.found}
    where = f"{name}, seed {seed}, {100 * rate:g} %"
    if epoch := step.epoch:
        facts |= {
            "epoch": epoch.epoch,
            "epochs": epoch.epochs,
            "loss": epoch.loss,
            "correct": epoch.correct,
            "total": epoch.total,
        }
        return facts, f"{where}: {epoch.text}"
    return facts, f"{where}: {'found' if step.found else 'done and counted'}"
