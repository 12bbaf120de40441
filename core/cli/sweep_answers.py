"""What a sweep says: `python -m core sweep show | spot | export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from core.base.atomic import replacing
from core.base.errors import BadSpec, UnknownName
from core.base.numbers import counted
from core.base.options import option
from core.base.settings import shipped_folder
from core.base.text import Rows
from core.cli.app import COMMON, Common
from core.cli.structure import FLAT, Flag
from core.specs import TARGETS, CamSpec

if TYPE_CHECKING:
    from pandas import DataFrame

    from core.sweeps.sweep import Sweep

ONLY_READ = "Stopped before the answers were read; they stay as they are, and the same command reads them again."


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What of a sweep is shown."""

    measures: tuple[str, ...] = option((), "Only these measures; by default all.")
    heatmaps: tuple[str, ...] = option((), "Only these heatmaps; by default all.")
    by_class: Flag = option(False, "A row for every class of the images; the sweep needs the measure label.")
    against: str = option(
        "", "Show differences from this heatmap of the sweep, such as centre-blob, paired image by image."
    )


ALL = Shown()


def known(*, common: Annotated[Common, FLAT] = COMMON) -> None:
    """List the sweeps that are known by name: the included ones, and those that were run here."""
    from core.sweeps.known import known_sweeps

    found = known_sweeps((common.settings.folder, shipped_folder())).values()
    rows = [("name", "", "sweep"), *((one.name, "own" if one.is_own else "included", one.title) for one in found)]
    common.output.say({one.name: {"title": one.title, "own": one.is_own} for one in found}, [Rows(rows)])


def show(name: str, /, *, shown: Annotated[Shown, FLAT] = ALL, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Show the mean of every measure, with its 95 % interval, for every network that is done.

    Args:
        name: of a known sweep (`sweep list`), or its YAML file.
    """
    from core.figures.sweep_text import means_rows
    from core.sweeps.read import answers_once, differences, done, remarks, summary

    if shown.against and shown.by_class:
        raise BadSpec("Differences are not shown by class.", "", "Omit --against or --by-class.")
    sweep = open_sweep(name, common)
    with common.output.progress("Reading the answers", ONLY_READ):
        found = differences(sweep, shown.against) if shown.against else summary(sweep, shown.by_class)
        notes = remarks(sweep)
    if found.empty:
        raise BadSpec("No network of this sweep is done yet.", "", f"Run `python -m core sweep run {name}`.")
    for names, column in ((shown.measures, "measure"), (shown.heatmaps, "heatmap")):
        if names:
            found = found[found[column].isin(among(names, column, list(found[column].unique())))]
    finished, networks = done(sweep), len(sweep.variants)
    complete = not_done(sweep, name, finished) or f"All {networks:,} networks are done."
    facts = {"done": finished, "networks": networks, "rows": plain_rows(found), "notes": list(notes)}
    common.output.say(
        facts,
        [
            complete,
            *_head(sweep),
            means_rows(sweep, answers_once(found), shown.against, shown.by_class),
            *_notes(found, notes),
        ],
    )


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What must not become worse, and by how much."""

    heatmap: str = option("", "The heatmap; by default the first one that is done.")
    measures: tuple[str, ...] = option(
        (),
        "These measures; by default accuracy, Soft IoU and the correlation of heatmaps, as far as the sweep has them.",
    )
    tolerance: float = option(0.02, "By how much accuracy and measures against marked objects may be lower.")
    threshold: float = option(0.8, "What similarities to the reference's heatmap must exceed.")


USUAL = Tested()


def spot(name: str, /, *, tested: Annotated[Tested, FLAT] = USUAL, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Find the largest sparsity at which nothing is worse than the reference by more than a limit.

    Args:
        name: of a known sweep (`sweep list`), or its YAML file.
    """
    from core.figures.decisions import details, spot_text
    from core.figures.wording import plain
    from core.sweeps.spots import Limits, spots

    sweep, limits = open_sweep(name, common), Limits(tolerance=tested.tolerance, threshold=tested.threshold)
    names = tuple(among(tested.measures, "measure", list(sweep.spec.measures))) if tested.measures else ()
    with common.output.progress("Reading the answers", ONLY_READ):
        found = spots(sweep, limits, names, tested.heatmap)
    lines: list[str | Rows] = [*filter(None, [not_done(sweep, name)])]
    for family, one in found.items():
        lines += [f"{family}: {plain(spot_text(one))}", *details(one, limits), ""]
    common.output.say({name: asdict(one) for name, one in found.items()}, lines)


def not_done(sweep: Sweep, name: str, finished: int | None = None) -> str:
    """Return how many networks are done, and how to get the others; "" if all are.

    Args:
        finished: networks that are done, where that is known.
    """
    from core.sweeps.read import done

    finished, networks = done(sweep) if finished is None else finished, len(sweep.variants)
    if finished == networks:
        return ""
    return (
        f"{finished:,} of {networks:,} networks are done; of the others, what is known is shown. "
        f"`python -m core sweep run {name}` computes the rest."
    )


def plain_rows(rows: DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON takes them."""
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def _head(sweep: Sweep) -> list[str]:
    """Return what all rows share: the network if there is one only, and the heatmaps."""
    from core.figures.networks import model_text
    from core.saliency.baselines import BASELINES, heatmap_title

    models = sweep.spec.models
    parts = [model_text(sweep.engine.catalogue.title(models[0]), models[0])] if len(models) == 1 else []
    layers = list(dict.fromkeys(sweep.engine.card(model).target_layer for model in models))
    drawn = {name for name, each in BASELINES.items() if each.value.draw is not None}
    cams = [
        f"{heatmap_title(cam.method)}: "
        + ("needs no network" if cam.method in drawn else f"at {cam.layer or ' or '.join(layers)}, for {_target(cam)}")
        for cam in sweep.spec.cams
    ]
    return [*parts, *(["\n".join(cams)] if cams else [])]


def _notes(found: DataFrame, notes: Sequence[str]) -> list[str]:
    """Explain what the table cannot say. notes: on the images."""
    from core.cli.printing import notes_text

    few = (
        "Where n is below the number of images, the measure is undefined for the others, for instance because a map is"
        " empty: such means are not of the same images."
    )
    said = [*([few] if (found.n < found.images).any() else []), *notes]
    return [notes_text(said)] if said else []


def among(names: Sequence[str], noun: str, known: list[str]) -> list[str]:
    """Return these names of the sweep. Raises UnknownName."""
    for name in names:
        if name not in known:
            raise UnknownName(f"{noun} in this table", name, list(filter(None, known)))
    return list(names)


def _target(cam: CamSpec) -> str:
    return TARGETS[cam.target] if isinstance(cam.target, str) else f"class {cam.target}"


def export(
    name: str,
    out: Path,
    /,
    *,
    units: Annotated[Flag, Parameter(help="Add columns of the network's units: see `units run`.")] = False,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Write one row for every image, network and heatmap that is done, as CSV or Parquet.

    Args:
        name: of a known sweep (`sweep list`), or its YAML file.
        out: the file to write, .csv or .parquet.
    """
    from core.sweeps.read import frame
    from core.units.read import joined
    from core.units.study import UnitStudy

    if out.suffix not in (".csv", ".parquet"):
        raise BadSpec(f"{out} is neither CSV nor Parquet.", "The name ends in .csv or .parquet.", "Rename it.")
    sweep = open_sweep(name, common)
    try:
        out.parent.stat()  # a folder that is not there is not made
        with common.output.progress("Reading and writing the rows", ONLY_READ), replacing(out) as part:
            found = joined(frame(sweep), UnitStudy(sweep)) if units else frame(sweep)
            found.to_csv(part, index=False) if out.suffix == ".csv" else found.to_parquet(part, index=False)
    except OSError as error:
        raise BadSpec(f"{out} cannot be written ({error.strerror or error}).", "", "Choose another folder.") from error
    common.output.say({"written": str(out), "rows": len(found)}, f"Written: {out}, {counted(len(found), 'row')}.")


def open_sweep(name: str, common: Common) -> Sweep:
    """Open a sweep by its name or YAML file. Raises BadFile, BadSpec, UnknownName."""
    from core.sweeps.known import find_sweep
    from core.sweeps.sweep import Sweep
    from core.sweeps.written import read_sweep

    engine = common.engine()
    return Sweep(engine, read_sweep(find_sweep(name, engine.roots)))
