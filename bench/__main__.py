"""The benches: python -m bench NAME."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from bench import BENCHES
from core.base.device import choose_device
from core.base.errors import BadSpec
from core.base.numbers import counted
from core.cli.app import COMPUTING, Computing, new_app, run_command
from core.cli.structure import FLAT
from core.specs import whole


def build() -> App:
    app = new_app("python -m bench", "Measure Sparsight against what you would otherwise use; one JSON line each.")
    app.default(run)
    app.command(gpu)
    app.command(study)
    app.command(load)
    app.command(faults)
    return app


def run(
    name: Annotated[str, Parameter(help=f"{', '.join(BENCHES)}, or all.")],
    /,
    *,
    n: Annotated[int | None, Parameter(help="Repetitions, at least 1; each bench has its own default.")] = None,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Measure Sparsight against what you would otherwise use; one JSON line each."""
    n = n if n is None else whole(n, "number of repetitions (--n)", 1)
    engine = common.engine()
    for each in BENCHES if name == "all" else [name]:
        print(json.dumps(BENCHES[each].value(engine, n), allow_nan=False), flush=True)


def gpu(
    *,
    minutes: Annotated[float, Parameter(help="Time for this call, above 0; a call that ends early is resumed.")] = 9.0,
    out: Annotated[Path, Parameter(help="Folder for gpu.jsonl, one line a step.")] = Path("gpu"),
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Measure everything that is worth measuring on a GPU, step by step."""
    from bench.gpu import Visit
    from bench.gpu import run as work

    _positive(minutes)
    visit = Visit(common.engine(), time.monotonic() + 60 * minutes)
    for line in work(visit, out):
        print(json.dumps(line), flush=True)


def _positive(minutes: float) -> None:
    if not minutes > 0:
        raise BadSpec(f"--minutes cannot be {minutes:g}.", "It is a number above 0.", "Write --minutes 9, for example.")


def study(
    *,
    answers: Annotated[int, Parameter(help="Answers in each measurement, at least 1.")] = 10_000,
    clients: Annotated[int, Parameter(help="Participants at once, at least 1.")] = 50,
    kills: Annotated[int, Parameter(help="Times that the server is killed, at least 0.")] = 20,
    url: Annotated[str, Parameter(help="Address of an empty PostgreSQL database; SQLite without it.")] = "",
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Count the answers that a killed study server loses, and its requests a second."""
    from bench.study import Loaded, loaded

    answers, clients = whole(answers, "number of answers", 1), whole(clients, "number of clients", 1)
    engine = common.engine()
    for name, times in (("study-kills", whole(kills, "number of kills")), ("study-load", 0)):
        how = Loaded(answers=answers, clients=clients, kills=times, url=url)
        print(json.dumps(loaded(name, engine, how)), flush=True)


def load(
    *,
    users: Annotated[int, Parameter(help="People at once, at least 1; the last of several has a browser.")] = 30,
    minutes: Annotated[float, Parameter(help="How long they work, above 0.")] = 10.0,
    seed: Annotated[int, Parameter(help="Decides what they do.")] = 0,
    device: Annotated[str | None, Parameter(help="cpu, cuda, cuda:0. By default the GPU if there is one.")] = None,
) -> None:
    """Let a class work on one server, and check every answer against that of a visitor alone. The
    server starts with an empty cache in a folder of its own; its budgets are those of the
    environment.
    """
    from bench.load import Asked
    from bench.load import load as work

    _positive(minutes)
    asked = Asked(users=whole(users, "number of users", 1), minutes=minutes, seed=seed)
    print(json.dumps(work(choose_device(device), asked)), flush=True)


def faults(
    name: Annotated[str, Parameter(help="The campaign, such as disk or hostile; docs/reference.md lists them.")],
    /,
    *,
    n: Annotated[int | None, Parameter(help="Trials in all, at least 1; each campaign has its own default.")] = None,
    out: Annotated[Path, Parameter(help="Folder for NAME.jsonl, one line a trial.")] = Path("faults"),
) -> None:
    """Do harm many times and count what went wrong. A call that ends early is resumed."""
    from bench.faults import CAMPAIGNS, summed_up, work

    most = CAMPAIGNS[name].value.n if n is None else whole(n, "number of trials (--n)", 1)
    tried = 0
    for line in work(name, most, out):
        tried += 1
        if line["faults"]:
            print(json.dumps(line), file=sys.stderr, flush=True)
    if not tried:
        print(f"Nothing was tried: {out}/{name}.jsonl has {counted(most, 'trial')} already.", file=sys.stderr)
    print(json.dumps(summed_up(name, out)), flush=True)


if __name__ == "__main__":
    raise SystemExit(run_command(build))
