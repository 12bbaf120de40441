"""The command line: python -m core COMMAND. Each command has --help and --json."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.base.errors import SparsightError
from core.cli import googlenet as vonrad_commands
from core.cli import jobs as job_commands
from core.cli import merkle as merkle_commands
from core.cli import questions, training_options
from core.cli import ship as ship_commands
from core.cli.parser import Misuse, Parser, check_words
from core.cli.writing import check_writable, write

Arguments = argparse.Namespace
HEATMAP_SPARSITY = 0.9  # where none is asked for


def main(words: Sequence[str] | None = None, build: Callable[[], Parser] | None = None) -> int:
    """Runs one command; the exit status is 0, 1 for an error that is explained, 2 for words that
    are off, 130 when stopped.
    """
    words = sys.argv[1:] if words is None else words
    try:
        check_words(words)
        arguments = (build or build_parser)().parse_args(words)
        questions.check_folder(arguments.folder)
        with questions.settings(arguments):
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
    parser = Parser(
        prog="python -m core", description="Sparsight: does a pruned network still look at the same things?"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    about = _add(commands, "info", info, "device, folders, models, methods, memory")
    questions.add_settings(about)
    _add_questions(commands)
    training_options.add_retrain(
        _add(commands, "retrain", run_retrain, "prune and retrain a network, level by level, as a job of its own")
    )
    job_commands.add_jobs(
        _add(commands, "jobs", run_jobs, "long work: list, show, pause, resume, stop or delete a job")
    )
    actions = _add_protocol(commands)
    ship_commands.add_ship(_add(commands, "ship", ship, "make trained series small and put them where they come along"))
    usages = " ".join(made.format_usage() for made in (*commands.choices.values(), *actions.choices.values()))
    parser.options = tuple(sorted(set(re.findall(r"--[\w-]+", usages))))
    return parser


def _add(commands: Any, name: str, call: Callable[[Arguments], int | None], text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    add_common(parser)
    parser.set_defaults(command=call)
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options of every command."""
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: SPARSIGHT_DEVICE, else the GPU if there is one)")
    parser.add_argument(
        "--folder", type=Path, help="where networks and caches lie (default: SPARSIGHT_CACHE or models_cache)"
    )


def _add_questions(commands: Any) -> None:
    one = _add(commands, "heatmap", heatmap, "one image, dense against pruned: predictions and scores")
    keeping = _add(commands, "keep", keep, "write a pruned network to disk, to be read from now on instead of computed")
    for parser in (one, keeping):
        questions.add_network(parser, HEATMAP_SPARSITY)
    questions.add_image(one)
    one.add_argument("--layers", action="store_true", help="also print the weights left in each layer")
    one.add_argument("--out", type=Path, help="write pictures, raw maps and provenance into this zip file")
    price = _add(commands, "cost", cost, "what a pruned network costs, before and after emptied channels are taken out")
    questions.add_network(price, HEATMAP_SPARSITY)
    price.add_argument("--time", action="store_true", help="also measure the time of one image (takes some seconds)")
    many = _add(commands, "evaluate", evaluate, "a data set: accuracy, and how well heatmaps fit what is to be seen")
    questions.add_network(many, None)
    questions.add_data(many)
    for parser in (one, keeping, price, many):
        questions.add_settings(parser)


def _add_protocol(commands: Any) -> Any:
    text = "run a paper's experiment, or show its results"
    actions = commands.add_parser("protocol", help=text, description=f"{text.capitalize()}.").add_subparsers(
        required=True, metavar="ACTION"
    )
    run = _add(
        actions,
        "run",
        run_protocol,
        "train, evaluate and tabulate a protocol; a run that was stopped goes on where it was",
    )
    run.add_argument("--seeds", type=int, nargs="+", help="default: 333 334 335 (lukkien), 0 (the others)")
    show = _add(
        actions, "show", show_protocol, "show the results of a protocol: every level and seed, then the statistics"
    )
    merkle_commands.add_run(run)
    merkle_commands.add_show(show)
    vonrad_commands.add_run(run)
    vonrad_commands.add_show(show)
    for parser in (run, show):
        parser.add_argument("name", help="lukkien, merkle, vonrad")
        add = questions.words_of(parser, "lukkien")
        add(
            "--train-on",
            type=int,
            default=60000,
            help="60000 (as published, default) or 55000 (without the embedded digits)",
        )
        if parser is run:
            add("--levels", type=int, default=25, help="last level, 0 to 25 (default: 25)")
    return actions


def info(arguments: Arguments) -> None:
    from core.cli.installation import facts
    from core.cli.printing import info_text

    engine = _engine(arguments)
    found = facts(engine)
    memory = [(part.name, part.bytes, part.budget_bytes) for part in engine.parts()]
    _print(arguments, found, lambda: info_text(found, memory))


def heatmap(arguments: Arguments) -> None:
    from core.cli.printing import comparison_text
    from core.engine.precision import rounding
    from core.figures.export import bundle
    from core.figures.facts import comparison_facts

    engine = _engine(arguments)
    variant = questions.variant(engine.catalogue, arguments, HEATMAP_SPARSITY)
    cam = questions.cam(arguments, engine.card(variant.model).classes)
    answer = engine.compare(variant, questions.image(engine, arguments, variant.model), cam)
    found = comparison_facts(answer)
    if engine.store.precision != "float32":
        found["notes"].append(rounding(engine, answer.pruned).text)
    if arguments.out:
        write(arguments.out, bundle(answer))
        found["written"] = str(arguments.out)
    _print(
        arguments,
        found,
        lambda: comparison_text(answer, engine.catalogue.title(variant.model), found["notes"], arguments.layers),
    )


def keep(arguments: Arguments) -> None:
    from core.base.text import size

    engine = _engine(arguments)
    path = engine.keep(questions.variant(engine.catalogue, arguments, HEATMAP_SPARSITY))
    written = path.stat().st_size
    _print(
        arguments,
        {"written": str(path), "bytes": written},
        lambda: f"The pruned network takes {size(written)} on disk.",
    )


def cost(arguments: Arguments) -> None:
    from core.cli.printing import cost_text
    from core.figures.facts import cost_facts

    engine = _engine(arguments)
    variant = questions.variant(engine.catalogue, arguments, HEATMAP_SPARSITY)
    report = engine.cost(variant, arguments.time)
    _print(arguments, cost_facts(report), lambda: cost_text(report, engine.catalogue.title(variant.model)))


def evaluate(arguments: Arguments) -> None:
    from core.cli.printing import accuracy_text
    from core.figures.facts import accuracy_facts
    from core.specs import CamSpec

    questions.check_heatmaps(arguments)
    engine, data = _engine(arguments), questions.data(arguments)
    variant = questions.variant(engine.catalogue, arguments, None)
    accuracy = engine.evaluate_accuracy(variant, data)
    found = accuracy_facts(accuracy)
    if arguments.heatmaps:
        rows = engine.evaluate(variant, data, CamSpec(method=arguments.cam or CamSpec().method, target="own"))
        found["heatmaps"] = rows.summary()
        if arguments.out:
            write(arguments.out, rows.rows.to_csv(index_label="row").encode())
            found["written"] = str(arguments.out)
    _print(
        arguments, found, lambda: accuracy_text(accuracy, engine.catalogue.title(variant.model), found.get("heatmaps"))
    )


def _print(arguments: Arguments, found: dict[str, Any], text: Callable[[], str]) -> None:
    """The answer, as JSON or as text, and which file was written."""
    if arguments.json:
        print(json.dumps(found, allow_nan=False))
        return
    print(text())
    if path := found.get("written"):
        print(f"\nWritten: {path}")


def _engine(arguments: Arguments) -> Any:
    from core.engine.engine import Engine  # imported late: --help must not wait for torch

    return Engine(arguments.device, arguments.folder)


def run_protocol(arguments: Arguments) -> None:
    from core.base.settings import default_folder
    from core.cli.protocol import run

    check_writable(arguments.folder or default_folder())
    run(arguments)


def show_protocol(arguments: Arguments) -> None:
    from core.cli.protocol import show

    show(arguments)


def run_retrain(arguments: Arguments) -> int | None:
    from core.base.settings import default_folder

    folder = arguments.folder or default_folder()
    check_writable(folder)
    return job_commands.retrain(arguments, folder)


def run_jobs(arguments: Arguments) -> int | None:
    from core.base.settings import default_folder

    return job_commands.look_after(arguments, arguments.folder or default_folder())


def ship(arguments: Arguments) -> None:
    ship_commands.ship(arguments)
