"""Read the answers of a sweep: one frame with a row an image, or a mean a network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from typing import Any

import pandas

from core.base.errors import BadSpec, UnknownName
from core.evaluation.columns import AGAINST_TRUTH, COLUMNS, Needs, needs
from core.saliency import CAMS
from core.saliency.baselines import BASELINES
from core.specs import VariantSpec
from core.stats.bootstrap import Interval, mean_interval
from core.stats.calibration import NAME as CALIBRATION
from core.stats.calibration import calibration_error
from core.stats.intervals import wilson
from core.stats.noninferiority import share_bound
from core.sweeps.spec import OF_ANSWERS, SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Cell

NETWORK = ("network", "model", "weights", "seed", "schedule", "granularity", "scope", "criterion", "level", "sparsity")
LABEL = "label"
HEATMAP = ("heatmap", "layer", "target")
MEANS = {CALIBRATION: "Expected calibration error", "right": "Accuracy"}  # titles of means that are no column's
SEEDS = "seeds"  # over how many a row averages, where several are together
PAIRED = "int8"  # the type of differences of right and wrong answers: -1, 0, 1
TWO_SIDED = 0.975  # each side of a 95 % interval
AMOUNTS = ("kept", "prunable", "compression", "compression_of_convolutions", "collapsed")  # facts of a network


def frame(sweep: Sweep, columns: Sequence[str] = (), complete: bool = False) -> pandas.DataFrame:
    """Return the rows of all networks that are done: one for every image and heatmap.

    Args:
        columns: measures to read; defaults to all of the sweep. complete: leave out networks and
            heatmaps for which one of them is not computed yet.
    Returns:
        columns NETWORK, HEATMAP, "image", "predicted", and the measures. The network's columns are
        categories: they take little memory.
    """
    wanted = tuple(columns) or sweep.spec.measures
    parts = [
        _named(cell, rows, facts)
        for cell, rows, facts in _cells(sweep, wanted)
        if not complete or set(wanted) <= set(rows)
    ]
    if not parts:
        return pandas.DataFrame(columns=[*NETWORK, *HEATMAP, "image", "predicted", *wanted])
    whole = pandas.concat(parts, ignore_index=True)
    return whole.astype(dict.fromkeys((*NETWORK[:-1], *HEATMAP), "category"))


def summary(sweep: Sweep, by_class: bool = False) -> pandas.DataFrame:
    """Return a row for every network, heatmap and measure: the mean with its 95 % interval, and the
    n images for which the measure is defined; with the network's AMOUNTS.

    Shares have Wilson's interval, other means Student's t interval over the images. empty: maps
    that are zero everywhere, which score 0 against any truth. With the measures "right" and
    "confidence" there is a row for the expected calibration error.

    Args:
        by_class: a row for every class of the images too, in the column "class"; the sweep must
            have the measure "label".
    Raises:
        BadSpec: the sweep has no "label".
    """
    if by_class and LABEL not in sweep.spec.measures:
        raise BadSpec(
            "The sweep does not know the classes of its images.",
            f"They are the measure '{LABEL}'.",
            f"Add '{LABEL}' to its measures and run it again: only the answers are computed anew.",
        )
    found = []
    for head, rows in parts(sweep):
        for name, some in rows.groupby(LABEL) if by_class else [(None, rows)]:
            found += [head | ({"class": name} if by_class else {}) | row for row in means(sweep.spec, some)]
    return pandas.DataFrame(found)


def parts(sweep: Sweep) -> Iterator[tuple[dict[str, Any], pandas.DataFrame]]:
    """Yield every network and heatmap that is done: its names and AMOUNTS, and a row an image."""
    for cell, rows, facts in _cells(sweep, (*sweep.spec.measures, "empty")):
        names = dict(zip((*NETWORK, *HEATMAP), _names(cell, facts), strict=True))
        yield names | {name: facts.get(name) for name in AMOUNTS}, rows


def remarks(sweep: Sweep) -> tuple[str, ...]:
    """Return remarks on the images, in sentences: all networks of a model have the same ones."""
    found: dict[str, None] = {}
    for model in sweep.spec.models:
        for variant in sweep.spec.variants(model):
            identity = sweep.identity(variant)
            tables = [known for cell in sweep.cells(variant) if (known := sweep.tables.read(cell, identity))]
            if tables:
                found |= dict.fromkeys(note for _, facts in tables for note in facts["notes"])
                break
    return tuple(found)


def differences(sweep: Sweep, heatmap: str) -> pandas.DataFrame:
    """Return a row for every network, other heatmap and measure of heatmaps: the mean over images
    of its value minus that of this heatmap, with Student's 95 % interval over the n images for
    which both are defined.

    Similarities to the reference's map have no row for the reference itself, nor between two CAM
    methods, each of which has a reference map of its own.

    Args:
        heatmap: a method of the sweep, such as a baseline.
    Raises:
        UnknownName, BadSpec: the sweep has no such heatmap.
    """
    check_heatmap(sweep, heatmap)
    measures = [name for name in sweep.spec.measures if needs(name) not in OF_ANSWERS]
    rows = frame(sweep, measures)
    own = rows[rows.heatmap == heatmap].drop_duplicates(["network", "image"])[["network", "image", *measures]]
    others = rows[rows.heatmap != heatmap].reset_index(drop=True)
    less = others[measures].astype(float) - others[["network", "image"]].merge(own, how="left")[measures].astype(float)
    references = {sweep.spec.reference_of(model).key for model in sweep.spec.models}
    found = []
    for (network, method, *_), some in others.groupby(["network", *HEATMAP], sort=False, observed=True):
        head = {name: some[name].iloc[0] for name in (*NETWORK, *HEATMAP)} | {"images": len(some), "empty": None}
        compared = network not in references and {heatmap, method} & set(BASELINES)
        values = less.loc[some.index]
        found += [
            head | {"measure": name} | _bounds(mean_interval(values[name].to_numpy()))
            for name in measures
            if compared or needs(name) is not Needs.MAPS
        ]
    return pandas.DataFrame(found)


def check_heatmap(sweep: Sweep, name: str) -> None:
    """Raise UnknownName or BadSpec unless the sweep makes this heatmap."""
    known = [cam.method for cam in sweep.spec.cams]
    if name in known:
        return
    if name in (*CAMS, *BASELINES):
        raise BadSpec(
            f"This sweep makes no heatmap '{name}'.",
            f"It makes: {', '.join(known) or 'none'}.",
            f"Add '{name}' to its heatmaps and run it again: what is done is kept.",
        )
    raise UnknownName("heatmap", name, known)


def of_measure(rows: pandas.DataFrame, measure: str) -> pandas.DataFrame:
    """Return the rows of a summary for one measure: a network answers once, whatever heatmaps are
    made of it, and its heatmap is then "".
    """
    found = rows[rows.measure == measure]
    if measure in COLUMNS and needs(measure) not in OF_ANSWERS:
        return found
    once = [name for name in ("network", SEEDS) if name in found]
    return found.drop_duplicates(once).assign(heatmap="", layer="", target="")


def measure_title(name: str) -> str:
    """Return what people read for a measure of a summary."""
    return MEANS.get(name) or COLUMNS[name].title


def is_lower_better(name: str) -> bool:
    """Return whether a lower value of a measure of a summary is the better one."""
    return name == CALIBRATION or COLUMNS[name].facts.get("better") == "lower"


def means(spec: SweepSpec, rows: pandas.DataFrame, names: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the mean of every measure of a sweep over these rows.

    Args:
        names: of the measures; by default all, and the expected calibration error.
    """
    images = {"images": len(rows)}
    for name in (name for name in spec.measures if name in rows and name != LABEL):
        if names is None or name in names:
            empty = int(rows["empty"].sum()) if "empty" in rows and needs(name) in AGAINST_TRUTH else None
            yield {"measure": name} | images | {"empty": empty} | _mean(rows[name])
    if {"right", "confidence"} <= set(rows) and (names is None or CALIBRATION in names):
        one = calibration_error(rows["confidence"].to_numpy(float), rows["right"].to_numpy(bool))
        yield {"measure": CALIBRATION} | images | {"empty": None} | _bounds(one)


def done(sweep: Sweep) -> int:
    """Return how many networks have every answer."""
    return sum(not sweep.missing(variant) for variant in sweep.variants)


def answers_once(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Return a summary in which a network's answers, which belong to no heatmap, have one row
    each.
    """
    names = dict.fromkeys(rows.measure)
    of_answers = [name for name in names if name not in COLUMNS or needs(name) in OF_ANSWERS]
    rows = rows.copy()
    rows.loc[rows.measure.isin(of_answers), list(HEATMAP)] = ""
    return rows.drop_duplicates([name for name in (*NETWORK, *HEATMAP, "class", "measure") if name in rows])


def rows_of(sweep: Sweep, variant: VariantSpec) -> tuple[pandas.DataFrame, dict[str, Any]] | None:
    """Return the rows and facts of one network of a sweep with one heatmap, or none; None if it
    lacks an answer.
    """
    identity, wanted = sweep.identity(variant), {"image", "predicted", *sweep.spec.measures}
    found = [sweep.tables.read(cell, identity) for cell in sweep.cells(variant)]
    frames = [each[0] for each in found if each is not None]
    if len(frames) < len(found):
        return None
    rows = reduce(lambda left, right: left.merge(right, on="image", validate="one_to_one"), frames)
    assert found[-1] is not None
    return (rows[[name for name in rows if name in wanted]], found[-1][1]) if wanted <= set(rows) else None


def _cells(sweep: Sweep, wanted: Sequence[str]) -> Iterator[tuple[Cell, pandas.DataFrame, dict[str, Any]]]:
    """Yield the rows of every network and heatmap: the answers beside the heatmap's measures."""
    for variant in sweep.variants:
        identity = sweep.identity(variant)
        first, *others = sweep.cells(variant)
        answers = sweep.tables.read(first, identity)
        for cell in others or [first]:
            found = sweep.tables.read(cell, identity)
            if answers is None or found is None:
                continue
            rows = answers[0] if cell == first else answers[0].merge(found[0], on="image", validate="one_to_one")
            yield (
                cell,
                rows[[name for name in dict.fromkeys(("image", "predicted", *wanted)) if name in rows]],
                found[1],
            )


def _names(cell: Cell, facts: dict[str, Any]) -> tuple[Any, ...]:
    model, pruning, cam = cell.variant.model, cell.variant.pruning, cell.cam
    ranking = (pruning.granularity, pruning.scope, pruning.criterion) if pruning.is_one_shot else ("", "", "")
    asked = (pruning.schedule, *ranking, pruning.level)
    return (
        *(cell.variant.key, model.name, model.weights, model.seed, *asked, facts["sparsity"]),
        *((cam.method, cam.layer, str(cam.target)) if cam else ("", "", "")),
    )


def _named(cell: Cell, rows: pandas.DataFrame, facts: dict[str, Any]) -> pandas.DataFrame:
    names = dict(zip((*NETWORK, *HEATMAP), _names(cell, facts), strict=True))
    return pandas.DataFrame({name: [value] * len(rows) for name, value in names.items()}).join(
        rows.reset_index(drop=True)
    )


def _mean(values: pandas.Series) -> dict[str, Any]:
    if values.dtype == PAIRED:
        gained, lost, n = int((values > 0).sum()), int((values < 0).sum()), len(values)
        low, high = share_bound(gained, lost, n, TWO_SIDED), -share_bound(lost, gained, n, TWO_SIDED)
        return {"mean": float(values.mean()), "low": low, "high": high, "n": n}
    if values.dtype == bool:
        low, high = wilson(int(values.sum()), len(values))
        return {"mean": float(values.mean()), "low": low, "high": high, "n": len(values)}
    return _bounds(mean_interval(values.astype(float).to_numpy()))


def _bounds(found: Interval) -> dict[str, Any]:
    return {"mean": found.value, "low": found.low, "high": found.high, "n": found.n}
