"""The benches: python -m bench NAME."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import App, Parameter

from bench import BENCHES
from core.cli.app import COMPUTING, Computing, new_app, run_command
from core.cli.structure import FLAT
from core.specs import whole


def build() -> App:
    app = new_app("python -m bench", "Measure Sparsight against what you would otherwise use; one JSON line each.")
    app.default(run)
    return app


def run(
    name: Annotated[str, Parameter(help=f"{', '.join(BENCHES)}, or all.")],
    /,
    *,
    n: Annotated[int | None, Parameter(help="Repetitions, at least 1; each bench has its own default.")] = None,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Measure Sparsight against what you would otherwise use; one JSON line each."""
    n = n if n is None else whole(n, "number of repetitions", 1)
    engine = common.engine()
    for each in BENCHES if name == "all" else [name]:
        print(json.dumps(BENCHES[each].value(engine, n), allow_nan=False), flush=True)


if __name__ == "__main__":
    raise SystemExit(run_command(build))
