"""Make trained series small enough to include: kept values rounded to float16, accuracy evaluated
before and after.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from core.base.atomic import replacing
from core.base.errors import BadSpec, CacheNotWritable, MissingData
from core.base.progress import Progress, passed, silent, tell
from core.data.batches import Inputs
from core.disk.files import SUFFIX, Files
from core.disk.frames import read_frame, write_frame
from core.engine.engine import Engine
from core.models import description
from core.protocols.series.images import Place, level_of, load, sweep_of
from core.protocols.series.tables import BEFORE_ROUNDING
from core.specs import DataSpec, ModelSpec
from core.sweeps.tables import Tables

LIMIT_BYTES = 16_000_000  # of everything that is included
ROUNDED = "float16"


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """One series that was written. right: (level, correct answers before rounding, after,
    photographs). bytes: of all its files.
    """

    model: ModelSpec
    right: tuple[tuple[int, int, int, int], ...]
    bytes: int


@dataclass(frozen=True, eq=False)
class Shipment:
    """What to write where. networks: series whose networks are included; tables: series of which
    only the table is.
    """

    data: DataSpec
    data_name: str
    target: Path
    networks: tuple[ModelSpec, ...]
    tables: tuple[ModelSpec, ...] = ()


def ship(engine: Engine, shipment: Shipment, limit_bytes: int = LIMIT_BYTES) -> Iterator[Shipped]:
    """Round, evaluate and write one series after another. Nothing is written before all of it is
    known to fit.

    Raises:
        MissingData: a level is not trained. BadSpec: it would not fit. CacheNotWritable. As
        `evaluate_series`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        staging = Path(scratch)
        models = (*shipment.networks, *shipment.tables)
        passes = len(models) + len(shipment.networks)  # with those over the rounded networks
        for number, model in enumerate(models):
            inputs = engine.inputs(shipment.data, model)
            _evaluate(engine, _place(model, shipment), inputs, passed(tell, number, passes))
        for model in shipment.networks:
            _round(engine, model, staging)
        answers = []
        for number, model in enumerate(shipment.networks, len(models)):
            place, rounded_ones = _place(model, shipment), Engine(str(engine.device), staging)
            inputs = engine.inputs(shipment.data, model)
            _evaluate(rounded_ones, place, inputs, passed(tell, number, passes))
            answers.append(_counted(engine.folder, staging, place))
        for model in shipment.tables:
            for path in _place(model, shipment).files(engine.folder):
                write_frame(staging / path.relative_to(engine.folder), *read_frame(path))
        _write(staging, shipment, limit_bytes)
        for model in (*shipment.networks, *shipment.tables):
            right = next(
                (answer for shipped, answer in zip(shipment.networks, answers, strict=True) if shipped == model), ()
            )
            files = [*(staging / model.key).rglob(f"*{SUFFIX}"), *_place(model, shipment).files(staging)]
            yield Shipped(model=model, right=right, bytes=sum(path.stat().st_size for path in files))


def _place(model: ModelSpec, shipment: Shipment) -> Place:
    return Place(model=model, data_name=shipment.data_name)


def _evaluate(engine: Engine, place: Place, inputs: Inputs, progress: Progress) -> None:
    """Evaluate the series into the engine's own folder, whatever is included already."""
    store = engine.store
    missing = [
        str(variant.pruning.level)
        for variant, _ in engine.levels(place.model)
        if not store.files.exists(store.stored_key(variant))
    ]
    if missing:
        raise MissingData(
            f"{place.model.key} is not trained at level {', '.join(missing)}.",
            "A series is included only if all its levels are trained.",
            "Finish its run first.",
        )
    sweep = sweep_of(place, engine, inputs)
    sweep.tables = Tables([engine.folder], place.data_name)
    for step in sweep.run(progress=silent):
        progress(step.done, step.networks)


def _round(engine: Engine, model: ModelSpec, staging: Path) -> None:
    """Write the rounded networks of a series and its card."""
    series = engine.catalogue.series_of(model)
    assert series is not None  # it was evaluated
    for variant, _ in engine.levels(model):
        tensors, facts = engine.store.files.load(variant.key)
        Files(staging).save(variant.key, rounded(tensors), facts | {"rounded": ROUNDED})
    (found,) = [each for each in description.find(engine.roots) if each.name == model.name]
    run = replace(found.runs[model.weights], seeds=(model.seed,))
    description.add_runs(staging, replace(found, runs={model.weights: run}))


def rounded(packed: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Round the kept values of a packed network (see core.disk.sparse) to float16; drop masks that
    keep everything.

    Biases and norms are not rounded: they are few. Raises BadSpec for a value outside the range of
    float16.
    """
    result: dict[str, torch.Tensor] = {}
    for name, values in packed.items():
        kind, _, weight = name.partition("/")
        if kind == "kept":
            result[name] = values.half()
            if not torch.isfinite(result[name]).all():
                raise BadSpec(
                    f"{weight} has values outside the range of float16.", "They must be between -65,504 and 65,504."
                )
        else:
            result[name] = values
    sizes = {name.partition("/")[2]: int(values.prod()) for name, values in packed.items() if name.startswith("shape/")}
    if all(
        len(packed[f"kept/{weight}"]) == size for weight, size in sizes.items()
    ):  # a dense network: everything without a mask is kept
        for weight in sizes:
            shape = result.pop(f"shape/{weight}").tolist()
            del result[f"bits/{weight}"]
            result[f"dense/{weight}"] = result.pop(f"kept/{weight}").reshape(shape)
    return result


def _counted(folder: Path, rounded: Path, place: Place) -> tuple[tuple[int, int, int, int], ...]:
    """Count correct answers before and after rounding, level by level; the tables hold them as the
    fact BEFORE_ROUNDING.
    """
    (before, _), (after, _) = (load([root], place) for root in (folder, rounded))
    was, now = ((rows.predicted == rows.label).groupby(rows.level).agg(["sum", "count"]) for rows in (before, after))
    for path in place.files(rounded):
        rows, facts = read_frame(path)
        write_frame(path, rows, facts | {BEFORE_ROUNDING: int(was["sum"][level_of(path)])})
    return tuple(
        (level, int(was["sum"][level]), int(now["sum"][level]), int(now["count"][level])) for level in now.index
    )


def _write(staging: Path, shipment: Shipment, limit_bytes: int) -> None:
    """Copy everything at once and merge cards with the existing ones.

    Raises BadSpec if it would be too much.
    """
    files = sorted(path for path in staging.rglob("*") if path.suffix in (SUFFIX, ".parquet"))
    places = {path: shipment.target / path.relative_to(staging) for path in files}
    stays = sum(
        path.stat().st_size
        for path in shipment.target.rglob("*")
        if path.is_file() and path not in set(places.values())
    )
    comes = sum(path.stat().st_size for path in files)
    if stays + comes > limit_bytes:
        raise BadSpec(
            f"These series take {comes:,} bytes in addition to {stays:,}: more than {limit_bytes:,}.",
            "The included files must be small.",
            "Include fewer seeds or runs; tables alone are small (--tables-of).",
        )
    try:
        for path, place in places.items():
            with replacing(place) as part:
                part.write_bytes(path.read_bytes())
    except OSError as error:
        raise CacheNotWritable(
            f"{shipment.target} cannot be written ({error}).", "", "Free some space and run the command again."
        ) from error
    for found in description.find([staging]):
        description.add_runs(shipment.target, found)


def report(shipped: Shipped) -> dict[str, Any]:
    """Return one series as plain facts."""
    rows = [
        {"level": level, "before": before, "after": after, "photographs": n}
        for level, before, after, n in shipped.right
    ]
    return {"model": shipped.model.key, "bytes": shipped.bytes, "rounded": ROUNDED, "right_answers": rows}
