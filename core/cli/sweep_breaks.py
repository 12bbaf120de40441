"""What pruning breaks: `python -m core sweep breaks | forgotten`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from core.base.errors import BadSpec
from core.base.numbers import percent, score
from core.base.options import option
from core.base.text import Rows
from core.cli.app import COMMON, Common
from core.cli.structure import FLAT, Flag
from core.cli.sweep_answers import ONLY_READ, among, not_done, open_sweep, plain_rows
from core.cli.writing import write

if TYPE_CHECKING:
    from pandas import DataFrame

    from core.sweeps.families import Family
    from core.sweeps.forgotten import Forgotten, Population
    from core.sweeps.sweep import Sweep

CSV = "Also write a row for every image to this CSV file."
SHOWN_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)  # that show how much the finding depends on one


@dataclass(frozen=True, kw_only=True)
class Broken:
    """What counts as a broken explanation."""

    measure: str = option("pearson", "The similarity to the reference's heatmap.")
    heatmap: str = option("", "The heatmap; by default the first one that is done.")
    threshold: float | None = option(
        None, "A similarity below it is broken; by default that of dense networks of other seeds if known, else 0.5."
    )
    csv: str = option("", CSV)


USUAL = Broken()


def breaks(name: str, /, *, broken: Annotated[Broken, FLAT] = USUAL, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Say for how many images the explanation breaks before the answer.

    Args:
        name: of a known sweep (`sweep list`), or its YAML file.
    """
    from core.figures.decisions import breaks_text, earlier_text, grid_text, order_text, threshold_text
    from core.figures.wording import plain
    from core.sweeps.breaks import SAME, by_threshold, find_breaks
    from core.sweeps.families import families
    from core.sweeps.thresholds import Threshold, threshold_of

    sweep = open_sweep(name, common)
    among([broken.measure], "measure", list(sweep.spec.measures))
    facts: dict[str, Any] = {}
    tables: dict[str, DataFrame] = {}
    with common.output.progress("Reading the answers", ONLY_READ):
        lines: list[str | Rows] = [*filter(None, [not_done(sweep, name)])]
        of_sweep = families(sweep, _wanted(sweep, SAME, broken.measure), broken.heatmap)
    for title, family in of_sweep.items():
        chosen = broken.threshold
        threshold = threshold_of(sweep, family, broken.measure) if chosen is None else Threshold(value=chosen)
        found = find_breaks(family.rows, broken.measure, threshold.value, family.reference)
        facts[title] = {field.name: getattr(found, field.name) for field in fields(found)}
        facts[title] |= {key: asdict(facts[title][key]) for key in ("explanation_first", "answer_first", "earlier")}
        facts[title]["by_image"] = plain_rows(found.by_image)
        facts[title]["alive"] = [asdict(each) for each in found.alive]
        facts[title]["floor"] = asdict(threshold.floor) if threshold.floor else None
        table = [["threshold", "explanation first", "answer first", "both at once", "neither"]]
        for each in by_threshold(family.rows, broken.measure, SHOWN_THRESHOLDS, family.reference):
            counts = (each.explanation_first.count, each.answer_first.count, each.together, each.neither)
            table.append([score(each.threshold), *map(str, counts)])
        notes = [order_text(found), earlier_text(found), threshold_text(threshold), grid_text(found)]
        lines += [f"{title}: {plain(breaks_text(found))}", *filter(None, notes), Rows(table, (1, 2, 3, 4)), ""]
        if broken.csv:
            tables[title] = _galleries(family, found)
    lines += _written(broken.csv, tables)
    common.output.say(facts, lines)


def _wanted(sweep: Sweep, *names: str) -> list[str]:
    from core.sweeps.read import LABEL

    return [*names, *(name for name in (LABEL,) if name in sweep.spec.measures)]


def _galleries(family: Family, found: Any) -> DataFrame:
    from pandas import concat

    from core.sweeps.galleries import KINDS, gallery

    return concat([gallery(family.rows, found, kind).assign(kind=kind) for kind in KINDS], ignore_index=True)


def _written(path: str, tables: dict[str, DataFrame]) -> list[str]:
    """Write the tables of all families or populations below one another; return what to say."""
    if not path:
        return []
    from pandas import concat

    rows = concat([table.assign(of=title) for title, table in tables.items()], ignore_index=True)
    write(Path(path), rows.to_csv(index=False).encode())
    return [f"Written: {path}, {len(rows):,} rows."]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which networks, and what is compared."""

    sparsity: float | None = option(None, "Of the pruned networks, such as 0.9; without it, a row for each sparsity.")
    pooled: Flag = option(False, "All networks of an architecture together, however they were trained and pruned.")
    measure: str = option("", "The similarity of heatmaps; by default Pearson's correlation if the sweep has it.")
    heatmap: str = option("", "The heatmap; by default the first one that is done.")
    csv: str = option("", CSV)


ANY = Asked()


def forgotten(name: str, /, *, asked: Annotated[Asked, FLAT] = ANY, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Say which images most pruned networks answer otherwise than most dense ones.

    Args:
        name: of a known sweep (`sweep list`), or its YAML file.
    """
    from core.sweeps.floor import MEASURE
    from core.sweeps.forgotten import by_sparsity, find_forgotten, populations

    if asked.csv and asked.sparsity is None:
        raise BadSpec("A table of images is of one sparsity.", "", "Say --sparsity 0.9 beside --csv.")
    sweep = open_sweep(name, common)
    measure = asked.measure or (MEASURE if MEASURE in sweep.spec.measures else "")
    if measure:
        among([measure], "measure", list(sweep.spec.measures))
    with common.output.progress("Reading the answers", ONLY_READ):
        of_sweep = populations(sweep, measure, asked.heatmap, asked.pooled)
    facts: dict[str, Any] = {}
    lines: list[str | Rows] = []
    tables: dict[str, DataFrame] = {}
    for title, population in of_sweep.items():
        if asked.sparsity is None:
            found = list(by_sparsity(population, measure))
            lines += [title, _by_sparsity(found), ""]
        else:
            found = [find_forgotten(population, asked.sparsity, measure)]
            lines += [*_one(sweep, title, population, found[0]), ""]
            tables[title] = found[0].by_image
        facts[title] = [_facts(each) for each in found]
    lines += _written(asked.csv, tables)
    common.output.say(facts, lines)


def _by_sparsity(found: list[Forgotten]) -> Rows:
    head = ("sparsity", "networks", "forgotten", "share", "95 % interval", "dense accuracy on them", "on the others")
    rows: list[tuple[str, ...]] = [head]
    for each in found:
        accuracy = each.accuracy.first, each.accuracy.second
        rows.append(
            (
                percent(each.sparsities[1]),
                f"{each.pruned:,}",
                f"{each.share.count:,} of {each.share.n:,}",
                percent(each.share.count / each.share.n),
                f"{percent(each.share.low)} to {percent(each.share.high)}",
                *(score(None) if value is None else percent(value) for value in accuracy),
            )
        )
    return Rows(rows, (0, 1, 2, 3, 5, 6))


def _one(sweep: Sweep, title: str, population: Population, found: Forgotten) -> Iterator[str | Rows]:
    from core.figures.forgotten import (
        HEAD,
        class_rows,
        classes_text,
        forgotten_text,
        hard_text,
        limits_of,
        similar_text,
    )
    from core.figures.wording import plain

    classes = sweep.engine.catalogue.named(str(population.dense["model"].iloc[0])).classes
    texts = (hard_text(found), similar_text(found), classes_text(found, lambda label: classes[label]), limits_of(found))
    yield f"{title}: {plain(forgotten_text(found))}"
    yield from (plain(text) for text in texts if text)
    if found.classes:
        yield Rows([HEAD, *class_rows(found, lambda label: classes[label])], tuple(range(1, len(HEAD))))


def _facts(found: Forgotten) -> dict[str, Any]:
    known = {field.name: getattr(found, field.name) for field in fields(found) if field.name != "by_image"}
    for name in ("share", "accuracy", "confidence", "similarity"):
        known[name] = asdict(known[name])
    known["classes"] = [asdict(each) for each in found.classes]
    return known | {"by_image": plain_rows(found.by_image)}
