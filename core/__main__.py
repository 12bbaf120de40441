"""The command line: python -m core info | protocol | heatmap | bench. Each has --help and --json."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from core.errors import BadImage, BadSpec, SparsightError

Arguments = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """Suggests the nearest name after a wrong one."""

    def error(self, message: str) -> NoReturn:
        if found := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            known = re.findall(r"[\w-]+", found[2])
            nearest = difflib.get_close_matches(found[1], known, n=1, cutoff=0.4)
            message = f"there is no '{found[1]}'. Known: {', '.join(known)}." + (f" Did you mean '{nearest[0]}'?" if nearest else "")
        super().error(message)


def main(words: list[str] | None = None) -> int:
    """Runs one command; the exit status is 0, 1 for an error that is explained, 2 for words that are off, 130 when stopped."""
    arguments = build_parser().parse_args(words)
    try:
        return arguments.command(arguments) or 0
    except SparsightError as error:
        lines = [line for line in (error.wrong, error.allowed, error.next_step) if line]
        print(json.dumps({"error": lines}) if arguments.json else "\n".join(lines), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130


def build_parser() -> Parser:
    parser = Parser(prog="python -m core", description="Sparsight: does a pruned network still look at the same things?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "info", info, "device, folders, models, methods, memory")
    _add_heatmap(commands)
    _add_protocol(commands)
    bench = _add(commands, "bench", run_bench, "measure Sparsight against what you would otherwise use; one JSON line each")
    bench.add_argument("name", help="slider, evaluate, threads, protocol, page, start, or all")
    bench.add_argument("--n", type=int, help="repetitions; each bench has its own default")
    return parser


def _add(commands: Any, name: str, call: Callable[[Arguments], int | None], text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.add_argument("--device", help="cpu, cuda, cuda:0; chosen when left out")
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


def _add_protocol(commands: Any) -> None:
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


def info(arguments: Arguments) -> None:
    from core.describe import facts, table

    found = facts(_engine(arguments))
    print(json.dumps(found) if arguments.json else table(found))


def heatmap(arguments: Arguments) -> None:
    from core.describe import comparison_facts, table
    from core.export import bundle

    engine = _engine(arguments)
    answer = engine.compare(_variant(arguments), _image(engine, arguments), _cam(arguments))
    found = comparison_facts(answer)
    if arguments.out:
        _write(arguments.out, bundle(answer))
        found["written"] = str(arguments.out)
    print(json.dumps(found) if arguments.json else table(found))


def _engine(arguments: Arguments) -> Any:
    from core.engine import Engine  # imported late: --help must not wait for torch

    return Engine(arguments.device, arguments.folder)


def _variant(arguments: Arguments) -> Any:
    from core.specs import ModelSpec, PruningSpec, VariantSpec

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

    return CamSpec(method=arguments.cam, target=int(arguments.target) if arguments.target.isdigit() else arguments.target)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadSpec(f"{path} cannot be written ({error.strerror}).", "", "Choose a folder that exists and can be written.") from error


def run_protocol(arguments: Arguments) -> None:
    from core.protocol_commands import run

    run(arguments)


def show_protocol(arguments: Arguments) -> None:
    from core.protocol_commands import show

    show(arguments)


def run_bench(arguments: Arguments) -> None:
    from core.bench import BENCHES

    names = list(BENCHES) if arguments.name == "all" else [arguments.name]
    for name in names:
        print(json.dumps(BENCHES[name].value(_engine(arguments), arguments.n)), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
