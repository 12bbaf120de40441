"""The command line: python -m core info | protocol | heatmap | bench. Each has --help and --json."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import BadImage, BadSpec, CacheNotWritable, SparsightError, UnknownName
from core.parser import Misuse, Parser
from core.specs import SCOPES, TARGETS, whole

Arguments = argparse.Namespace


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 0, 1 for an error that is explained, 2 for words that are off, 130 when stopped."""
    words = sys.argv[1:] if words is None else words
    try:
        arguments = build_parser().parse_args(words)
        _check_folder(arguments.folder)
        status = arguments.command(arguments) or 0
        sys.stdout.flush()
        return status
    except SparsightError as error:
        lines = [line for line in (error.wrong, error.allowed, error.next_step) if line]
        print(json.dumps({"error": lines}) if "--json" in words else "\n".join(lines), file=sys.stderr)
        return 2 if isinstance(error, Misuse) else 1
    except KeyboardInterrupt:
        print("Stopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def build_parser() -> Parser:
    parser = Parser(prog="python -m core", description="Sparsight: does a pruned network still look at the same things?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    about = _add(commands, "info", info, "device, folders, models, methods, memory")
    about.add_argument("--update-readme", type=Path, metavar="FILE", help="write the tables of models and methods into this README instead")
    _add_heatmap(commands)
    actions = _add_protocol(commands)
    bench = _add(commands, "bench", run_bench, "measure Sparsight against what you would otherwise use; one JSON line each")
    bench.add_argument("name", help="slider, evaluate, threads, protocol, page, start, or all")
    bench.add_argument("--n", type=int, help="repetitions, at least 1; each bench has its own default")
    usages = " ".join(made.format_usage() for made in (*commands.choices.values(), *actions.choices.values()))
    parser.options = tuple(sorted(set(re.findall(r"--[\w-]+", usages))))
    return parser


def _add(commands: Any, name: str, call: Callable[[Arguments], int | None], text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: SPARSIGHT_DEVICE, else the GPU if there is one)")
    parser.add_argument("--folder", type=Path, help="where networks and caches lie (default: SPARSIGHT_CACHE or models_cache)")
    parser.set_defaults(command=call)
    return parser


def _add_heatmap(commands: Any) -> None:
    parser = _add(commands, "heatmap", heatmap, "one image, dense against pruned: predictions and scores")
    image = parser.add_mutually_exclusive_group()
    image.add_argument("--digit", default="0", help="row of the embedded digits, 0 to 4999 (default: 0)")
    image.add_argument("--image", type=Path, help="an image file of your own")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--sparsity", type=float, help="one-shot pruning of this share of the weights, 0 to 1 (default: 0.9)")
    amount.add_argument("--level", type=int, help="a level of the trained series, 0 to 25")
    parser.add_argument("--seed", type=int, default=333, help="333, 334 or 335 (default: 333)")
    parser.add_argument("--weights", default="mnist-55000", help="mnist-55000 (default) or mnist-60000")
    parser.add_argument("--scope", default="global", help="global (default) or layer")
    parser.add_argument("--criterion", default="magnitude", help="magnitude (default) or random")
    parser.add_argument("--cam", default="grad-cam++", help="a CAM method (default: grad-cam++); `info` lists them")
    parser.add_argument("--target", default="dense", help="dense (default), own, label, or the index of a class")
    parser.add_argument("--noise", type=float, default=0.2, help="upper end of the background noise (default: 0.2; 0 for none)")
    parser.add_argument("--out", type=Path, help="write pictures, raw maps and provenance into this zip file")


def _add_protocol(commands: Any) -> Any:
    text = "run a paper's experiment, or show its results"
    actions = commands.add_parser("protocol", help=text, description=f"{text.capitalize()}.").add_subparsers(
        required=True, metavar="ACTION"
    )
    run = _add(actions, "run", run_protocol, "train, evaluate and tabulate a protocol; a run that was stopped goes on where it was")
    run.add_argument("--seeds", type=int, nargs="+", default=[333, 334, 335], help="default: 333 334 335")
    run.add_argument("--levels", type=int, default=25, help="last level, 0 to 25 (default: 25)")
    show = _add(actions, "show", show_protocol, "show the results of a protocol: every level and seed, then the statistics")
    for parser in (run, show):
        parser.add_argument("name", help="lukkien")
        parser.add_argument(
            "--train-on", type=int, default=60000, help="60000 (as published, default) or 55000 (without the embedded digits)"
        )
    return actions


def info(arguments: Arguments) -> None:
    from core.describe import facts, fill_tables

    if arguments.update_readme is None:
        _print(arguments, facts(_engine(arguments)))
        return
    path = arguments.update_readme
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(f"{path} cannot be read ({error}).", "It is a text file with table markers.", "Check the path.") from error
    _write(path, fill_tables(text).encode())
    _print(arguments, {"written": str(path)})


def heatmap(arguments: Arguments) -> None:
    from core.describe import comparison_facts
    from core.export import bundle

    engine = _engine(arguments)
    answer = engine.compare(_variant(arguments), _image(engine, arguments), _cam(arguments))
    found = comparison_facts(answer)
    if arguments.out:
        _write(arguments.out, bundle(answer))
        found["written"] = str(arguments.out)
    _print(arguments, found)


def _print(arguments: Arguments, found: dict[str, Any]) -> None:
    from core.describe import table

    print(json.dumps(found, allow_nan=False) if arguments.json else table(found))


def _check_folder(folder: Path | None) -> None:
    if folder is not None and folder.exists() and not folder.is_dir():
        raise BadSpec(
            f"{folder} is no folder.", "--folder names the folder where networks and caches lie.", "Choose another, or leave it out."
        )


def _check_writable(folder: Path) -> None:
    """Said before hours of work, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CacheNotWritable(
            f"The folder {folder} cannot be written ({error.strerror}).",
            "A run keeps its networks and tables there.",
            "Choose another with --folder.",
        ) from error


def _engine(arguments: Arguments) -> Any:
    from core.engine import Engine  # imported late: --help must not wait for torch

    return Engine(arguments.device, arguments.folder)


def _variant(arguments: Arguments) -> Any:
    from core.models.zoo import card
    from core.specs import ModelSpec, PruningSpec, VariantSpec

    known = card(ModelSpec()).weights
    for noun, name, names in (("scope", arguments.scope, SCOPES), ("set of weights", arguments.weights, known)):
        if name not in names:
            raise UnknownName(noun, name, names)
    one_shot = arguments.level is None
    sparsity = 0.9 if arguments.sparsity is None else arguments.sparsity
    pruning = PruningSpec.one_shot(sparsity, arguments.scope, arguments.criterion) if one_shot else PruningSpec.at_level(arguments.level)
    return VariantSpec(model=ModelSpec(weights=arguments.weights, seed=arguments.seed), pruning=pruning)


def _image(engine: Any, arguments: Arguments) -> Any:
    from core.specs import ImageRef

    if arguments.image is None:
        return ImageRef(name=arguments.digit, noise=arguments.noise)
    try:
        data = arguments.image.read_bytes()
    except OSError as error:
        raise BadImage(
            f"{arguments.image} cannot be read ({error.strerror}).", "It is the path of an image file.", "Check the path."
        ) from error
    return replace(engine.add_image(data), noise=arguments.noise)


def _cam(arguments: Arguments) -> Any:
    from core.specs import CamSpec

    target = arguments.target
    if target not in TARGETS and not re.fullmatch("[0-9]{1,9}", target):
        raise UnknownName("target class", target, [*TARGETS, "the index of a class"])
    return CamSpec(method=arguments.cam, target=target if target in TARGETS else int(target))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadSpec(f"{path} cannot be written ({error.strerror}).", "", "Choose a folder that exists and can be written.") from error


def run_protocol(arguments: Arguments) -> None:
    from core.engine import default_folder
    from core.protocol_commands import run

    _check_writable(arguments.folder or default_folder())
    run(arguments)


def show_protocol(arguments: Arguments) -> None:
    from core.protocol_commands import show

    show(arguments)


def run_bench(arguments: Arguments) -> None:
    from core.bench import BENCHES

    n = arguments.n if arguments.n is None else whole(arguments.n, "number of repetitions", 1)
    for name in BENCHES if arguments.name == "all" else [arguments.name]:
        print(json.dumps(BENCHES[name].value(_engine(arguments), n), allow_nan=False), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
