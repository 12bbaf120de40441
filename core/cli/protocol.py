"""`python -m core protocol run | show`: a paper's experiment from training to tables."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pandas import isna

from core.base.device import choose_device
from core.base.errors import BadSpec, UnknownName
from core.base.settings import default_folder, shipped_folder
from core.base.text import fitted
from core.cli import googlenet as vonrad_commands
from core.cli import merkle as merkle_commands
from core.cli.questions import check_words, say
from core.cli.study_text import correlations_text, levels_text
from core.data.datasets import mnist
from core.engine.engine import Engine
from core.evaluation.evaluate import overflow_notes
from core.protocols.lukkien import protocol as lukkien
from core.protocols.lukkien import study as lukkien_study
from core.protocols.lukkien.images import Study
from core.protocols.lukkien.tables import StudyTables, load_study
from core.sweeps.accuracy_table import store_accuracies

Arguments = argparse.Namespace
PROTOCOLS = ("lukkien", "merkle", "vonrad")
SHIPPED = shipped_folder()


def run(arguments: Arguments) -> None:
    """Trains, evaluates and writes tables; everything that is already there is found and not done
    again.
    """
    _check_words(arguments)
    if arguments.name == "merkle":
        merkle_commands.run(arguments)
        return
    if arguments.name == "vonrad":
        vonrad_commands.run(arguments, arguments.folder or default_folder())
        return
    plan, engine = _plan(arguments), Engine(arguments.device, arguments.folder)
    data = lukkien_study.evaluation_data(plan.weights)
    if data.name == "mnist-test":
        mnist("test", engine.folder / "data")  # a missing test set is said before hours of training, not after
    for progress in lukkien.run(plan, engine.store.files):
        say(arguments, vars(progress), lukkien.line(progress))
    for done, total in store_accuracies(engine, [plan.variant(seed, 0).model for seed in plan.seeds], plan.levels):
        say(
            arguments,
            {"run": "accuracy", "done": done, "total": total},
            f"accuracy on the embedded digits: {done} of {total} seeds",
        )
    study = Study(plan, data, engine.folder)
    for step in lukkien_study.evaluate(study, engine.store, engine.inputs(data)):
        say(
            arguments,
            {"run": "evaluate"} | vars(step),
            f"evaluated {step.done} of {step.networks} networks ({step.series})",
        )
    tables = lukkien_study.write_tables(study, engine.folder)
    say(arguments, {"run": "tables", "facts": tables.facts}, summary(tables))


def show(arguments: Arguments) -> None:
    """Prints the tables of a study that was run here or came along."""
    _check_words(arguments)
    if arguments.name == "merkle":
        merkle_commands.show(arguments)
        return
    if arguments.name == "vonrad":
        vonrad_commands.show(arguments, [arguments.folder or default_folder(), SHIPPED])
        return
    weights = _weights(arguments.train_on)
    tables = load_study(
        Engine(arguments.device, arguments.folder).roots, weights, lukkien_study.evaluation_data(weights).key
    )
    if not arguments.json:
        print(levels_text(tables), correlations_text(tables), fitted(summary(tables)), sep="\n\n")
        return
    frames = {name: json.loads(getattr(tables, name).to_json(orient="records")) for name in _frames(tables)}
    print(json.dumps({"facts": tables.facts, "published": lukkien.PUBLISHED} | frames))


def summary(tables: StudyTables) -> str:
    """The study in a few lines, the published values beside ours."""
    facts, published = tables.facts, lukkien.PUBLISHED
    dense = tables.levels[(tables.levels.series == "iterative-reset") & (tables.levels.level == 0)]
    main = tables.mean_series()
    best = main.loc[main.soft_iou.idxmax()]
    return "\n".join(
        [
            (
                f"Trained on {facts['train_images']:,} images, tested on {facts['test_images']:,} ({facts['data']}),"
                f" seeds {facts['seeds']}."
            ),
            (
                f"Level 0: noisy accuracy {_percents(dense.accuracy_noisy)} (published"
                f" {published['accuracy_noisy_level_0']:.2%}), soft IoU"
                f" {', '.join(f'{value:.3f}' for value in dense.soft_iou)}."
            ),
            (
                f"Highest mean soft IoU: {best.soft_iou:.3f} at level {int(best.level)}{_empty(best)}"
                f" (published: about {published['highest_soft_iou']}, {published['highest_soft_iou_where']})."
            ),
            (
                f"Pearson of level means of accuracy and soft IoU (published {published['pearson']:.3f}; 95 % intervals"
                " over images):"
            ),
            *_pearson_lines(tables),
            tables.about_intervals,
            *_unanswered(tables),
            "Levels descend from each other: they are not independent points, and p is descriptive.",
        ]
    )


def _unanswered(tables: StudyTables) -> tuple[str, ...]:
    """Tables of an earlier version do not count them; those networks' outputs were finite."""
    return overflow_notes(int(tables.levels.unanswered.sum())) if "unanswered" in tables.levels else ()


def _empty(row: Any) -> str:
    """How many maps of a level are empty, and the mean without them; nothing where none is."""
    if not row.empty_maps:
        return ""
    without = "undefined" if isna(row.overlap_without_empty) else f"{row.overlap_without_empty:.3f}"
    return f", {int(row.empty_maps):,} of {int(row.maps):,} maps empty, {without} without them"


def _pearson_lines(tables: StudyTables) -> list[str]:
    lines = []
    for what, table in (("", tables.correlations), (", empty maps left out", tables.correlations_usable)):
        rows = table[(table.fitting == "soft-iou") & (table.coefficient == "pearson")]
        lines += [
            f"  {row.series}, {row.levels} levels{what}: {_value(row)}, n {row.n}, df {row.df}"
            for row in rows.itertuples()
        ]
    return lines


def _value(row: Any) -> str:
    """The value with its interval; undefined ones are said."""
    shown = ["undefined" if isna(number) else f"{number:.3f}" for number in (row.value, row.low, row.high)]
    return shown[0] if shown[0] == "undefined" else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _percents(values: Any) -> str:
    return ", ".join(f"{value:.2%}" for value in values)


def _frames(tables: StudyTables) -> list[str]:
    return [name for name in vars(tables) if name != "facts"]


def _plan(arguments: Arguments) -> lukkien.Plan:
    device = choose_device(arguments.device)
    return lukkien.Plan(
        weights=_weights(arguments.train_on),
        seeds=tuple(arguments.seeds or lukkien.SEEDS),
        levels=arguments.levels,
        device=device,
    )


def _check_words(arguments: Arguments) -> None:
    """Raises UnknownName, and BadSpec for a word of another protocol."""
    if arguments.name not in PROTOCOLS:
        raise UnknownName("protocol", arguments.name, PROTOCOLS)
    check_words(arguments)


def _weights(train_on: int) -> str:
    if train_on not in (55000, 60000):
        known = "The training sets are 60000 (as published) and 55000 (without the embedded digits)."
        raise BadSpec(f"--train-on {train_on} cannot be used.", known, "Choose one of them.")
    return f"mnist-{train_on}"
