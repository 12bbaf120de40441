"""The benches: python -m bench NAME."""

from __future__ import annotations

import argparse
import json

from bench import BENCHES
from core.cli import questions
from core.cli.main import add_common, main
from core.cli.parser import Parser
from core.engine.engine import Engine
from core.specs import whole


def build_parser() -> Parser:
    text = "Measure Sparsight against what you would otherwise use; one JSON line each."
    parser = Parser(prog="python -m bench", description=text)
    parser.add_argument("name", help=f"{', '.join(BENCHES)}, or all")
    add_common(parser)
    questions.add_settings(parser)
    parser.add_argument("--n", type=int, help="repetitions, at least 1; each bench has its own default")
    parser.set_defaults(command=run)
    return parser


def run(arguments: argparse.Namespace) -> None:
    n = arguments.n if arguments.n is None else whole(arguments.n, "number of repetitions", 1)
    engine = Engine(arguments.device, arguments.folder)
    for name in BENCHES if arguments.name == "all" else [arguments.name]:
        print(json.dumps(BENCHES[name].value(engine, n), allow_nan=False), flush=True)


if __name__ == "__main__":
    raise SystemExit(main(build=build_parser))
