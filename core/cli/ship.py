"""`python -m core ship`: trained series written into the folder that comes along, with what
rounding did to them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.base.errors import BadSpec, UnknownName

if TYPE_CHECKING:
    from core.engine.engine import Engine

Arguments = argparse.Namespace


def add_ship(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    parser.add_argument("model", help="a retrained network: squeezenet1_1@imagenette-128")
    parser.add_argument(
        "--photos", required=True, metavar="PATH", help="folder or zip file to count right answers on, never trained on"
    )
    parser.add_argument("--photos-name", help="that the tables carry (default: the file's name)")
    parser.add_argument("--runs", nargs="+", help="trained series (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", help="whose networks come along (default: all)")
    parser.add_argument(
        "--tables-of", type=int, nargs="+", default=[], metavar="SEED", help="seeds of which only the tables come along"
    )
    parser.add_argument("--to", type=Path, help="default: models_cache/shipped of this repository")
    parser.add_argument("--limit", type=int, help="bytes of everything that comes along (default: 12,000,000)")


def ship(arguments: Arguments) -> None:
    """Rounds, counts and writes. Raises as `core.protocols.ship.ship` does."""
    from core.base.settings import shipped_folder
    from core.engine.engine import Engine
    from core.protocols.series.images import name_of
    from core.protocols.ship import LIMIT_BYTES, Shipment, report
    from core.protocols.ship import ship as shipped_by
    from core.specs import DataSpec

    engine = Engine(arguments.device, arguments.folder)
    data = DataSpec(name=f"folder:{Path(arguments.photos).absolute()}")
    shipment = Shipment(
        data,
        arguments.photos_name or name_of(data),
        arguments.to or shipped_folder(),
        _models(engine, arguments, set(arguments.seeds) - set(arguments.tables_of) if arguments.seeds else None),
        _models(engine, arguments, set(arguments.tables_of)),
    )
    for done in shipped_by(engine, shipment, LIMIT_BYTES if arguments.limit is None else arguments.limit):
        facts = report(done)
        if arguments.json:
            print(json.dumps(facts), flush=True)
            continue
        print(
            f"{facts['model']}: {facts['bytes']:,} bytes"
            + (f", values rounded to {facts['rounded']}" if done.right else ", table only")
        )
        for level, before, after, n in done.right:
            print(
                f"  level {level}: {before} of {n} right before rounding ({before / n:.1%}), {after} after"
                f" ({after / n:.1%})",
                flush=True,
            )


def _models(engine: Engine, arguments: Arguments, seeds: set[int] | None) -> tuple:
    """Series of the model by run and seed; seeds None: every seed but those of which only tables
    are asked for.
    """
    from core.specs import ModelSpec

    sets = engine.catalogue.named(arguments.model).weights
    for run in arguments.runs or ():
        if run not in sets or sets[run].series is None:
            raise UnknownName("trained series", run, [name for name, known in sets.items() if known.series])
    series = {
        run: known.series
        for run, known in sets.items()
        if known.series and (not arguments.runs or run in arguments.runs)
    }
    if not series:
        raise BadSpec(
            f"{arguments.model} has no trained series.", "Only those are shipped.", "`info` lists the networks."
        )
    chosen = [
        ModelSpec(name=arguments.model, weights=run, seed=seed)
        for run, known in series.items()
        for seed in known.seeds
        if (seed in seeds if seeds is not None else seed not in arguments.tables_of)
    ]
    if not chosen and seeds:
        known_seeds = "; ".join(f"{run}: {', '.join(map(str, known.seeds))}" for run, known in series.items())
        asked_for = ", ".join(map(str, sorted(seeds)))
        raise BadSpec(f"No series has a seed of {asked_for}.", f"Known seeds: {known_seeds}.", "Choose one of them.")
    return tuple(chosen)
