"""The report of a sweep: what was asked, the means by sparsity, how far one can prune, what breaks
first, and every mean in a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from pandas import DataFrame

from core.base.errors import BadSpec, SparsightError
from core.base.numbers import counted, percent
from core.base.text import Rows
from core.data.datasets import truth_of
from core.evaluation.columns import COLUMNS
from core.figures.decisions import (
    breaks_text,
    details,
    earlier_text,
    grid_text,
    order_text,
    spot_text,
    threshold_text,
)
from core.figures.networks import model_text, pruning_text
from core.figures.plots.sweeps import lines, means
from core.figures.sweep_text import data_title, ends, family_names, means_rows, question
from core.figures.wording import of_truth, plain
from core.report.document import Block, Drawn, Heading, Report, Table, Text
from core.report.made_from import versions_text
from core.report.words import LONGEST, literal
from core.specs import VariantSpec
from core.sweeps.breaks import SAME, find_breaks
from core.sweeps.families import families
from core.sweeps.known import known_sweeps
from core.sweeps.read import answers_once, done, measure_title, of_measure, summary
from core.sweeps.spots import Limits, is_similarity, spots
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Remembered
from core.sweeps.thresholds import threshold_of
from core.sweeps.written import to_yaml

FILE = "sweep.yaml"
Facts = list[tuple[VariantSpec, dict[str, Any]]]  # of the networks that are done


def of_sweep(sweep: Sweep, title: str = "") -> Report:
    """Return the report of the networks of a sweep that are done.

    Args:
        title: by default that of the known sweep that asks the same.
    Raises:
        BadSpec: none is done yet.
    """
    sweep = copy(sweep)
    sweep.tables = Remembered(sweep.engine.roots, sweep.spec.set_key)
    rows = summary(sweep)
    known = next((each for each in known_sweeps(sweep.engine.roots).values() if _asks_same(each, sweep)), None)
    if rows.empty:
        raise BadSpec(
            "No network of this sweep is done yet.",
            "A report shows what is computed.",
            f"Run `python -m core sweep run {known.name if known else FILE}`.",
        )
    title = title or (known.title if known else f"A sweep of {counted(sweep.spec.networks, 'network')}")
    text, facts = to_yaml(sweep.spec, title), list(_facts(sweep))
    return Report(
        title=title,
        lead=f"{question(sweep, int(rows.images.max()), literal)} {_complete(sweep)}",
        blocks=(*_means(sweep, rows), *_spots(sweep), *_breaks(sweep), *_tables(sweep, rows, facts)),
        made_from=_made_from(sweep, rows, [each for _, each in facts]),
        again=_again(known.name if known else "", text),
    )


def _asks_same(known: Any, sweep: Sweep) -> bool:
    try:
        return bool(known.read() == sweep.spec)
    except SparsightError:  # a sweep that cannot be read is another one
        return False


def _complete(sweep: Sweep) -> str:
    finished, networks = done(sweep), len(sweep.variants)
    if finished == networks:
        return ""
    return f"{finished:,} of {networks:,} networks are done; of the others, what is known is shown."


def _means(sweep: Sweep, rows: DataFrame) -> Iterator[Block]:
    """Yield a figure for each measure, with the first and the last mean of each of its lines."""
    truth = truth_of(sweep.spec.data.name)
    yield Heading(text="By sparsity")
    for measure in dict.fromkeys(rows.measure):
        shown = of_measure(rows, measure)
        summed = f"{of_truth(COLUMNS[measure].summary, truth)} " if measure in COLUMNS else ""
        found = {name: ends(part) for name, part in lines(shown)}
        several = len(found) > 1
        below = "\n".join(f"- {literal(name)}: {text}" for name, text in found.items()) if several else ""
        alone = "" if several else next(iter(found.values()))
        name = of_truth(measure_title(measure), truth)
        said = plain("; ".join(f"{line}: {text}" if several else text for line, text in found.items()))
        yield Drawn(
            figure=means(rows, measure, truth),
            alt=f"{name}: mean with 95 % interval by sparsity. {said}",
            below=f"{summed}{alone}\n\n{below}",
        )
    if (rows.n < rows.images).any():
        yield Text(
            text="Where n is below the number of images, the measure is undefined for the others, for instance because"
            " a map is empty: such means are not of the same images.",
            small=True,
        )


def _spots(sweep: Sweep) -> Iterator[Block]:
    """Yield how far each family can be pruned within the usual limits."""
    limits, names = Limits(), family_names(sweep)
    yield Heading(text="How far can one go?")
    try:
        found = spots(sweep, limits)
    except BadSpec as error:
        yield Text(text=literal(f"{error.wrong} {error.allowed}", LONGEST))
        return
    for name, one in found.items():
        first = f"{literal(names.get(name, name))}: " if len(found) > 1 else ""
        yield Text(text=f"{first}{spot_text(one)}")
        yield Text(text="\n".join(f"- {line}" for line in details(one, limits)), small=True)


def _breaks(sweep: Sweep) -> Iterator[Block]:
    """Yield what breaks first, if the sweep compares heatmaps and answers with the reference's."""
    measures = sweep.spec.measures
    measure = next((name for name in ("pearson", *measures) if name in measures and _can_break(name)), None)
    if measure is None or SAME not in measures:
        return
    names = family_names(sweep)
    yield Heading(text="What breaks first?")
    try:
        of_sweep = families(sweep, (SAME, measure))
        thresholds = {name: threshold_of(sweep, family, measure) for name, family in of_sweep.items()}
        found = {
            name: find_breaks(family.rows, measure, thresholds[name].value, family.reference)
            for name, family in of_sweep.items()
        }
    except BadSpec as error:
        yield Text(text=literal(f"{error.wrong} {error.allowed}", LONGEST))
        return
    for name, one in found.items():
        first = f"{literal(names.get(name, name))}: " if len(found) > 1 else ""
        yield Text(text=f"{first}{breaks_text(one)}")
        notes = order_text(one), earlier_text(one), threshold_text(thresholds[name]), grid_text(one)
        yield Text(text=" ".join(filter(None, notes)), small=True)


def _can_break(measure: str) -> bool:
    """Return whether a measure is the similarity of two heatmaps."""
    return is_similarity(measure) and measure != SAME


def _tables(sweep: Sweep, rows: DataFrame, facts: Facts) -> Iterator[Block]:
    """Yield every mean, and the networks with what they were computed from."""
    table = means_rows(sweep, answers_once(rows))
    yield Heading(text="Every mean")
    yield Table(rows=_titled(table, "Means with 95 % intervals over n images"), name="means", whole=rows)
    yield Heading(text="The networks")
    head = ("network", "pruning", "sparsity", "weights kept", "checksum of the weights")
    body = [
        (
            model_text(sweep.engine.catalogue.title(variant.model), variant.model),
            pruning_text(variant.pruning),
            percent(found["sparsity"]),
            f"{found['kept']:,} of {found['prunable']:,}",
            str(found.get("weights", "–")),
        )
        for variant, found in facts
    ]
    yield Table(rows=Rows([head, *body], (2, 3), "Networks that are done"), name="networks")


def _titled(rows: Rows, title: str) -> Rows:
    return Rows(rows.rows, rows.right, title)


def _facts(sweep: Sweep) -> Iterator[tuple[VariantSpec, dict[str, Any]]]:
    """Yield the facts that each network's answers are kept with."""
    for variant in sweep.variants:
        found = sweep.tables.read(sweep.cells(variant)[0], sweep.identity(variant))
        if found is not None:
            yield variant, found[1]


def _made_from(sweep: Sweep, rows: DataFrame, facts: list[dict[str, Any]]) -> dict[str, str]:
    spec = sweep.spec
    counts = sorted({int(n) for n in rows.images})
    n = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
    drawn = (
        "all of the data set" if spec.images is None else f"drawn from its classes in proportion by seed {spec.seed}"
    )
    inputs = list(dict.fromkeys(str(each["inputs"]) for each in facts if "inputs" in each))
    return {
        "Data set": data_title(spec.data),
        "Images": f"n = {n} for each network, {drawn}",
        **({"Checksum of the images": ", ".join(inputs)} if inputs else {}),
        "Seeds of the networks": ", ".join(dict.fromkeys(str(model.seed) for model in spec.models)),
        "Networks": f"{len(facts):,} of {len(sweep.variants):,} are done; their checksums stand in the table above",
        "Computed on": "; ".join(dict.fromkeys(str(each["device"]) for each in facts)),
        "Precision": ", ".join(dict.fromkeys(str(each.get("precision", "–")) for each in facts)),
        "Computed with": versions_text([each["versions"] for each in facts]),
        "Intervals": "95 %: Wilson's for shares, Student's t over images for other means",
    }


def _again(name: str, text: str) -> str:
    """Return the commands, and the sweep itself where it has no name."""
    called = name or FILE
    commands = (
        f"python -m core sweep run {called}",
        f"python -m core report {called} --out report.html",
    )
    return "\n".join((*commands, "", f"# {called}" if name else f"# The sweep, {FILE}:", text))
