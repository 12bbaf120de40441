"""`python -m core units run | show`: the interpretability of single units, for the networks of a
sweep.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import App

from core.base.numbers import percent, score
from core.base.options import option
from core.base.text import Part, Rows
from core.cli.app import COMMON, COMPUTING, Common, Computing, group
from core.cli.structure import FLAT, Flag
from core.cli.sweep import NETWORKS_KEPT, part_of
from core.cli.sweep_answers import ONLY_READ
from core.cli.writing import check_writable

if TYPE_CHECKING:
    import pandas

    from core.units.study import UnitStudy


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is measured."""

    similarities: tuple[str, ...] = option(
        ("efficientnet-lite1", "pixels"), "Who judges how similar images are; docs/reference.md lists them."
    )
    layers: tuple[str, ...] = option(
        (), "Convolutions whose units are measured, by name or pattern. By default those of the study, or all."
    )
    seed: int = option(0, "Seed of the tasks, and of the order of equal activations.")
    after_relu: Flag = option(False, "Read activations after a ReLU. By default before it.")
    ablation: int = option(
        0, "Take units of three layers away one by one (at most 128 each), over this many images. By default not."
    )


@dataclass(frozen=True, kw_only=True)
class Share:
    """Which networks are measured."""

    part: str = option("1/1", "Only a part of the networks, such as 3/20.")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is shown."""

    by_layer: Flag = option(False, "A row for every layer instead of one for every network.")


ASKED, WHOLE, SHOWN = Asked(), Share(), Shown()


def units() -> App:
    """Create the commands of units."""
    app = group("units", "Measure how interpretable the single units of networks are.")
    for command in (run, show):
        app.command(command)
    return app


def run(
    name: str,
    /,
    *,
    asked: Annotated[Asked, FLAT] = ASKED,
    share: Annotated[Share, FLAT] = WHOLE,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Measure the units of the networks of a sweep. Ctrl-C keeps every network that is done.

    Args:
        name: of an included study (digits, less-is-more, squeezenet1_1, efficientnet-lite0), or the
            YAML file of a sweep; its networks and images count, not its measures.
    """
    part = part_of(share.part)
    check_writable(common.settings.folder)
    study, output = _study(name, asked, common), common.output
    with output.progress("Networks", NETWORKS_KEPT):
        output.advance("Networks", 0, len(study.variants[part[0] - 1 :: part[1]]))
        for step in study.run(part):
            facts = {"network": step.variant.key, "done": step.done, "networks": step.networks, "found": step.found}
            text = f"{step.variant.key}: " + ("found" if step.found else f"{step.seconds:.1f} s")
            output.step(facts | {"seconds": round(step.seconds, 3)}, text, (step.done, step.networks))
    if not output.as_json:
        output.say({}, f"`python -m core units show {name}` shows the scores.")


def show(
    name: str,
    /,
    *,
    asked: Annotated[Asked, FLAT] = ASKED,
    shown: Annotated[Shown, FLAT] = SHOWN,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Show the scores of the networks, or of their layers, beside the baselines.

    Args:
        name: of an included study (digits, less-is-more, squeezenet1_1, efficientnet-lite0), or the
            YAML file of a sweep.
    """
    from core.units.read import measured, summary
    from core.units.relation import near_chance_text, relation_rows, relations

    study = _study(name, asked, common)
    with common.output.progress("Reading the scores", ONLY_READ):
        found = summary(study, shown.by_layer)
    facts = found.astype(object).where(found.notna(), None).to_dict("records")
    done = len(list(measured(study)))
    notes = [f"{done:,} of {len(study.variants):,} networks are measured.", *_notes(found)]
    parts: list[Part] = ["\n".join(notes)]
    related = {}
    for similarity in asked.similarities:
        parts.append(_table(study, found, similarity, shown.by_layer))
        if not shown.by_layer:
            classes = len(study.sweep.engine.card(study.variants[0].model).classes)
            related[similarity] = relations(found, similarity, classes)
            parts += [relation_rows(related[similarity]), near_chance_text(found, similarity, classes)]
    answer = {"done": done, "networks": len(study.variants), "rows": facts}
    common.output.say(answer | {"relations": {name: list(map(asdict, each)) for name, each in related.items()}}, parts)


def _notes(found: pandas.DataFrame) -> list[str]:
    from core.units.score import TASKS

    images, tasks = int(found["n"].min()), int(found["tasks"].min())
    about = f"{images:,} images, {tasks} tasks a unit; the mean confidence of the tasks is the score, 0.5 is chance."
    if tasks < TASKS:
        return [about, f"Not comparable with published values, which take {TASKS} tasks of 400 images."]
    return [about]


def _table(study: UnitStudy, found: pandas.DataFrame, similarity: str, by_layer: bool) -> Rows:
    from core.figures.networks import model_text, pruning_text
    from core.units.embeddings import SIMILARITIES

    variants = {variant.key: variant for variant in study.variants}
    layer = ("layer",) if by_layer else ()
    rows = [
        (
            *("network", "pruning", "sparsity", *layer, "units", "dead", "score", "95 % interval", "right"),
            *("shuffled", "weighted by relevance", "same exemplars as dense"),
        )
    ]
    for each in found.to_dict("records"):
        variant = variants[each["network"]]
        head = (
            model_text(study.sweep.engine.catalogue.title(variant.model), variant.model),
            pruning_text(variant.pruning),
            percent(each["sparsity"]),
            *((each["layer"],) if by_layer else ()),
        )
        counts = (f"{each['units']:,}", percent(each["dead"] / each["units"]))
        interval = f"{score(each[f'low-{similarity}'], 3)} to {score(each[f'high-{similarity}'], 3)}"
        values = (each[f"right-{similarity}"], each[f"shuffled-{similarity}"], each[f"weighted-{similarity}"])
        shown = (*(score(value, 3) for value in values), score(each.get("overlap"), 3))
        rows.append((*head, *counts, score(each[f"mis-{similarity}"], 3), interval, *shown))
    right = range(2, len(rows[0]))
    return Rows(rows, [column for column in right if rows[0][column] != "layer"], SIMILARITIES[similarity].summary)


def _study(name: str, asked: Asked, common: Common) -> UnitStudy:
    from core.sweeps.known import find_sweep
    from core.sweeps.sweep import Sweep
    from core.sweeps.written import read_sweep
    from core.units.included import layers_of
    from core.units.study import FOLDER, UnitOptions, UnitStudy

    engine = common.engine()
    path = find_sweep(name, engine.roots, FOLDER)
    options = UnitOptions(**vars(asked) | {"layers": asked.layers or layers_of(path)})
    return UnitStudy(Sweep(engine, read_sweep(path)), options)
