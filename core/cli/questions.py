"""From the words of a command to specs: which network, how pruned, which image or data set, which
heatmap.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.base.errors import BadImage, BadSpec, UnknownName
from core.cli.target import class_index
from core.specs import SCOPES, TARGETS, exact_share, whole

if TYPE_CHECKING:
    from core.models.catalogue import Catalogue

Arguments = argparse.Namespace


# Option -> variable that every engine of this process and its children reads, what it is.
SETTINGS = {
    "precision": (
        "SPARSIGHT_PRECISION",
        "that networks compute in: float32, bfloat16, float16 (default: {}, else float32)",
    ),
    "device_bytes": (
        "SPARSIGHT_DEVICE_BYTES",
        "networks kept on the device, such as 2GB (default: {}, else a share of what is free)",
    ),
    "ram_bytes": ("SPARSIGHT_RAM_BYTES", "weights and indexes kept in RAM (default: {}, else a share of what is free)"),
    "disk_bytes": ("SPARSIGHT_DISK_BYTES", "pruned networks kept on disk (default: {}, else 4GB)"),
}

MOST_PX = 4096  # side of an input
# where nothing is said
HOW_TO_PRUNE = {"scope": "global", "granularity": "weight", "exclude": [], "repair": "none", "criterion": "magnitude"}


def image_size(value: int, least: int = 32) -> int:
    """The side of a network's input in pixels. Raises BadSpec."""
    return whole(value, "size in pixels", least, MOST_PX)


def say(arguments: Arguments, facts: dict[str, Any], text: str) -> None:
    """A line of an answer, as soon as it is known: JSON where that is asked for, else words."""
    print(json.dumps(facts) if arguments.json else text, flush=True)


def say_decoded(arguments: Arguments) -> Callable[[int, int], None]:
    """What tells how many photographs are decoded."""
    return lambda done, total: say(
        arguments,
        {"stage": "decoding", "decoded": done, "photographs": total},
        f"{done:,} of {total:,} photographs decoded",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The words for precision and memory."""
    for name, (variable, text) in SETTINGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=text.format(variable))


@contextmanager
def settings(arguments: Arguments) -> Iterator[None]:
    """Inside, precision and memory are as the words say."""
    known = SETTINGS if hasattr(arguments, "device_bytes") else {}  # retrain's --precision is another
    said = {variable: getattr(arguments, name) for name, (variable, _) in known.items()}
    before = {variable: os.environ.get(variable) for variable in said}
    os.environ.update({variable: value for variable, value in said.items() if value is not None})
    try:
        yield
    finally:
        for variable, value in before.items():
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value


def add_network(parser: argparse.ArgumentParser, sparsity: float | None) -> None:
    """The words for a network and its pruning. sparsity: as of `variant`."""
    parser.add_argument("--model", default="thesis-cnn", help="a network (default: thesis-cnn); `info` lists them")
    parser.add_argument(
        "--weights", help="of the network (default: its first; thesis-cnn: mnist-55000, else mnist-60000)"
    )
    parser.add_argument(
        "--seed", type=int, help="of the network's training (default: its first; thesis-cnn: 333, else 334 or 335)"
    )
    amount = parser.add_mutually_exclusive_group()
    usual = sparsity or "none, the dense network"
    amount.add_argument(
        "--sparsity", type=float, help=f"one-shot pruning of this share of the weights, 0 to 1 (default: {usual})"
    )
    amount.add_argument("--level", type=int, help="a level of the trained series (0 to 25 for thesis-cnn)")
    parser.set_defaults(**HOW_TO_PRUNE)
    parser.add_argument("--scope", help="global (default) or layer")
    parser.add_argument("--granularity", help="weight (default), kernel, channel, filter, or a pattern such as 2:4")
    parser.add_argument(
        "--exclude", nargs="+", metavar="NAME", help="weights left alone, such as fc.weight (default: none)"
    )
    parser.add_argument(
        "--repair", help="none (default) or batch-norm: means and variances measured again on a few images"
    )
    parser.add_argument("--criterion", help="magnitude (default) or random; `info` lists them")


def add_image(parser: argparse.ArgumentParser) -> None:
    """The words for one image and its heatmap."""
    _add_cam(parser)
    image = parser.add_mutually_exclusive_group()
    image.add_argument(
        "--digit", help="row of the embedded digits, 0 to 4999 (default: 0; the photograph 'cat' for other networks)"
    )
    image.add_argument(
        "--photo", help="a photograph that comes along (`info` lists them), or a row of a data set: oxford-pets/12"
    )
    image.add_argument("--image", type=Path, help="an image file of your own")
    parser.add_argument(
        "--target", default="dense", help="dense (default), own, label, or a class by its name or index"
    )
    parser.add_argument(
        "--noise", type=float, help="upper end of the background noise (default: 0.2 for digits, else 0)"
    )


def variant(catalogue: Catalogue, arguments: Arguments, sparsity: float | None) -> Any:
    """The VariantSpec; sparsity: where none is asked for, None for the dense network.

    Raises UnknownName, BadSpec.
    """
    from core.models.cards import RANDOM
    from core.specs import ModelSpec, PruningSpec, Schedule, VariantSpec, n_of_m

    usual = catalogue.default_model(arguments.model)
    weights = usual.weights if arguments.weights is None else arguments.weights
    for noun, name, names in (
        ("scope", arguments.scope, SCOPES),
        ("set of weights", weights, [*catalogue.card(usual).weights, RANDOM]),
    ):
        if name not in names:
            raise UnknownName(noun, name, names)
    model = ModelSpec(
        name=arguments.model, weights=weights, seed=usual.seed if arguments.seed is None else arguments.seed
    )
    series = catalogue.series_of(model)
    if arguments.seed is None and series and model.seed not in series.seeds:  # another run than the usual one
        model = replace(model, seed=series.seeds[0])
    if arguments.level is not None:
        _check_unpruned(arguments, "The networks of a trained series are pruned as their run was.")
        schedule: Schedule = series.schedule if series else "iterative-reset"
        return VariantSpec(model=model, pruning=PruningSpec.at_level(arguments.level, schedule))
    pattern = n_of_m(arguments.granularity)
    if pattern and arguments.sparsity is not None:
        raise BadSpec(
            f"{arguments.granularity} and --sparsity cannot go together.",
            "An N:M pattern fixes the share itself.",
            "Leave one out.",
        )
    sparsity = sparsity if arguments.sparsity is None else arguments.sparsity
    if sparsity is None and pattern is None:
        _check_unpruned(arguments, "Without --sparsity the dense network is asked.")
        return VariantSpec(model=model)
    more = {"granularity": arguments.granularity, "excluded": tuple(arguments.exclude), "repair": arguments.repair}
    return VariantSpec(
        model=model, pruning=PruningSpec.one_shot(sparsity, arguments.scope, arguments.criterion, **more)
    )


def _check_unpruned(arguments: Arguments, why: str) -> None:
    """Raises BadSpec where the words say how to prune, and nothing is pruned by them."""
    if said := [f"--{name}" for name, usual in HOW_TO_PRUNE.items() if getattr(arguments, name) != usual]:
        raise BadSpec(f"{', '.join(said)} would change nothing here.", why, "Say --sparsity, or leave it out.")


def image(engine: Any, arguments: Arguments, model: Any) -> Any:
    """The ImageRef. Raises BadImage."""
    from core.specs import ImageRef

    noise: dict[str, Any] = {} if arguments.noise is None else {"noise": exact_share(arguments.noise, "noise")}
    photo = "cat" if engine.card(model).images == "photos" and arguments.digit is None else None
    photo = photo if arguments.photo is None else arguments.photo
    if arguments.image is None and photo is not None:
        source, _, name = photo.rpartition("/")
        return ImageRef(source=source or "gallery", name=name, **noise)
    if arguments.image is None:
        return ImageRef(name="0" if arguments.digit is None else arguments.digit, **noise)
    try:
        data = arguments.image.read_bytes()
    except OSError as error:
        raise BadImage(
            f"{arguments.image} cannot be read ({error.strerror}).",
            "It is the path of an image file.",
            "Check the path.",
        ) from error
    return replace(engine.add_image(data, model), **noise)


def cam(arguments: Arguments, classes: tuple[str, ...]) -> Any:
    """The CamSpec, for a network of these classes. Raises BadSpec."""
    from core.specs import CamSpec

    target = arguments.target
    return CamSpec(
        method=arguments.cam or CamSpec().method, target=target if target in TARGETS else class_index(target, classes)
    )


def _add_cam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cam", help="a CAM method (default: grad-cam); `info` lists them")


def add_data(parser: argparse.ArgumentParser) -> None:
    """The words for a data set."""
    _add_cam(parser)
    parser.add_argument(
        "--data", default="digits", help="a data set (default: digits), or the path of a folder or zip file"
    )
    parser.add_argument(
        "--noise", type=float, default=0.0, help="upper end of the background noise of digits (default: 0)"
    )
    parser.add_argument(
        "--heatmaps", action="store_true", help="also how well heatmaps fit what is to be seen (takes longer)"
    )
    parser.add_argument("--out", type=Path, help="write one row an image into this CSV file (with --heatmaps)")


def data(arguments: Arguments) -> Any:
    """The DataSpec. A path of a folder or zip file stands for itself."""
    from core.data.datasets import DATASETS
    from core.data.folders import PREFIX
    from core.specs import DataSpec

    name = arguments.data
    is_path = name not in DATASETS and not name.startswith(PREFIX) and os.path.exists(name)
    return DataSpec(name=f"{PREFIX}{name}" if is_path else name, noise=arguments.noise)


def check_heatmaps(arguments: Arguments) -> None:
    """Raises BadSpec for words about heatmaps without --heatmaps."""
    if not arguments.heatmaps and (
        said := [word for word, value in (("--out", arguments.out), ("--cam", arguments.cam)) if value]
    ):
        raise BadSpec(
            f"{' and '.join(said)} without --heatmaps would change nothing.",
            "Only accuracy is counted then.",
            "Add --heatmaps.",
        )


def words_of(parser: argparse.ArgumentParser, *protocols: str) -> Callable[..., None]:
    """A group of options that only these protocols take: answers its `add_argument`.

    `check_words` holds people to it.
    """
    group = parser.add_argument_group(" and ".join(protocols))

    def add(*names: str, **options: Any) -> None:
        made = group.add_argument(*names, **options)
        owners = parser.get_default("owners") or {}
        parser.set_defaults(owners=owners | {made.dest: (names[0], made.default, protocols)})

    return add


def check_words(arguments: Arguments) -> None:
    """Raises BadSpec for an option that this protocol does not take."""
    for name, (option, usual, protocols) in arguments.owners.items():
        if arguments.name not in protocols and getattr(arguments, name) != usual:
            raise BadSpec(
                f"{option} would change nothing here.",
                f"It belongs to {' and '.join(protocols)}, not to {arguments.name}.",
                "Leave it out.",
            )


def check_folder(folder: Path | None) -> None:
    """Raises BadSpec where a file has its name."""
    if folder is not None and folder.exists() and not folder.is_dir():
        raise BadSpec(
            f"{folder} is no folder.",
            "--folder names the folder where networks and caches lie.",
            "Choose another, or leave it out.",
        )
