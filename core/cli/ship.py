"""`python -m core ship`: write trained series into the folder of included networks, and report the
effect of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.base.errors import BadSpec, UnknownName
from core.base.options import option, required
from core.base.settings import shipped_folder
from core.cli.app import COMMON, Common
from core.cli.structure import FLAT

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.specs import ModelSpec

KEPT = "Stopped, and nothing is included. Networks that were evaluated stay so; the same command evaluates the rest."


@dataclass(frozen=True, kw_only=True)
class ShipOptions:
    """Options of `ship`."""

    evaluate_on: str = required("A folder or zip file of held-out photographs for the evaluation.")
    data_name: str | None = option(None, "Name of these photographs in the tables. By default that of the file.")
    runs: tuple[str, ...] = option((), "Trained series to include. By default all.")
    seeds: tuple[int, ...] = option((), "Seeds whose networks are included. By default all.")
    tables_of: tuple[int, ...] = option((), "Seeds of which only the tables are included.")
    to: Path | None = option(None, "Target folder. By default models_cache/shipped of this repository.")
    limit: int = option(12_000_000, "Maximum bytes of everything that is included.")


def ship(
    model: Annotated[str, Parameter(help="A retrained network, such as squeezenet1_1@imagenette-128.")],
    /,
    *,
    options: Annotated[ShipOptions, FLAT],
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Compress trained series and include them in the repository."""
    from core.data.folders import name_of
    from core.protocols.ship import Shipment, report
    from core.protocols.ship import ship as write_series
    from core.specs import DataSpec

    engine, output = common.engine(), common.output
    data = DataSpec(name=f"folder:{Path(options.evaluate_on).absolute()}")
    seeds, tables_of = set(options.seeds), set(options.tables_of)
    networks = _models(engine, model, options, seeds - tables_of if seeds else None)
    shipment = Shipment(
        data,
        options.data_name or name_of(data.name),
        options.to or shipped_folder(),
        networks,
        _models(engine, model, options, tables_of),
    )
    with output.progress("Rounding and evaluating", KEPT):
        for done in write_series(engine, shipment, options.limit):
            facts = report(done)
            how = f", values rounded to {facts['rounded']}" if done.right else ", table only"
            lines = [f"{facts['model']}: {facts['bytes']:,} bytes{how}"]
            lines += [
                f"  level {level}: {before} of {n} correct before rounding ({before / n:.1%}), {after} after "
                f"({after / n:.1%})"
                for level, before, after, n in done.right
            ]
            output.say(facts, "\n".join(lines))


def _models(engine: Engine, model: str, options: ShipOptions, seeds: set[int] | None) -> tuple[ModelSpec, ...]:
    """Return series of the model by run and seed; seeds None: every seed except those of
    --tables-of.
    """
    from core.specs import ModelSpec

    sets = engine.catalogue.named(model).weights
    for run in options.runs:
        if run not in sets or sets[run].series is None:
            raise UnknownName("trained series", run, [name for name, known in sets.items() if known.series])
    series = {
        run: known.series for run, known in sets.items() if known.series and (not options.runs or run in options.runs)
    }
    if not series:
        raise BadSpec(
            f"{model} has no trained series.", "Only trained series can be included.", "`info` lists the networks."
        )
    chosen = [
        ModelSpec(name=model, weights=run, seed=seed)
        for run, known in series.items()
        for seed in known.seeds
        if (seed in seeds if seeds is not None else seed not in options.tables_of)
    ]
    if not chosen and seeds:
        known_seeds = "; ".join(f"{run}: {', '.join(map(str, known.seeds))}" for run, known in series.items())
        wanted = ", ".join(map(str, sorted(seeds)))
        raise BadSpec(f"No series has a seed of {wanted}.", f"Known seeds: {known_seeds}.", "Choose one of them.")
    return tuple(chosen)
