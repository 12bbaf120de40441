"""The report of the thesis: accuracy and overlap over 26 levels, and what their correlation depends
on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pandas import DataFrame

from core.base.errors import MissingData
from core.base.numbers import change, score
from core.base.text import Rows
from core.engine.engine import Engine
from core.figures import study_text
from core.figures.plots import lukkien as plots
from core.figures.plots import specification
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.sensitivity import load_sensitivity
from core.protocols.lukkien.sensitivity_text import choices_text, moves, published
from core.protocols.lukkien.study import evaluation_data
from core.protocols.lukkien.tables import StudyTables, load_study
from core.protocols.registry import PROTOCOLS
from core.report.document import Block, Drawn, Heading, Report, Table, Text
from core.report.made_from import tables_checksum
from core.report.words import LONGEST, literal

AS_PUBLISHED, INCLUDED = "mnist-60000", "mnist-55000"  # weights: of the thesis; of the included networks
CONTROLS = ("one-shot",)


def report(engine: Engine) -> Report:
    """Return the report of the study as published. Raises MissingData, BadFile."""
    study = load_study(engine.roots, AS_PUBLISHED, evaluation_data(AS_PUBLISHED).key)
    return of_study(engine, study, study_text.Shown(controls=CONTROLS))


def of_study(engine: Engine, study: StudyTables, shown: study_text.Shown) -> Report:
    """Return the report of a study with the first figure as it is shown."""
    entry = PROTOCOLS["lukkien"]
    return Report(
        title=f"{entry.title} ({entry.source}): {study.facts['train_images']:,} training images",
        lead=f"{entry.summary}\n\n{study_text.headline(study)}",
        blocks=(
            *_curves(engine, study, shown),
            *_correlation(study, shown.fitting),
            *_maps(study, shown.axis),
            *_answers(study),
            *_choices(engine, study),
        ),
        made_from=_made_from(study),
        again=_commands(study),
    )


def _commands(study: StudyTables) -> str:
    run = f"python -m core protocol run lukkien --train-on {study.facts['train_images']}"
    is_usual = study.facts["weights"] == AS_PUBLISHED
    return "\n".join((run, *(["python -m core report lukkien --out report.html"] if is_usual else [])))


def _curves(engine: Engine, study: StudyTables, shown: study_text.Shown) -> Iterator[Block]:
    name, mean = plots.overlap_name(shown.fitting), study.mean_series(shown.fitting)
    first, last = mean.iloc[0], mean.iloc[-1]
    yield Heading(text="Accuracy and overlap")
    yield Drawn(
        figure=plots.curves(study, shown.axis, shown.controls, shown.published, shown.fitting),
        alt=f"Accuracy and {name} of every seed and their mean, by level. Accuracy falls from"
        f" {score(first.accuracy_noisy)} at level 0 to {score(last.accuracy_noisy)} at level {last.level}; {name} goes"
        f" from {score(first.overlap)} to {score(last.overlap)}.",
        below=study_text.origin(study, shown),
    )
    yield Text(text=study_text.caveats(study, _again(engine, study)))
    head = ("level", "weights left", "sparsity", "accuracy", "95 % interval", name, "95 % interval", "empty maps")
    body = [
        (
            str(row.level),
            f"{row.weights_left:,}",
            f"{1 - row.density:.2%}",
            score(row.accuracy_noisy, 3),
            _interval(row.accuracy_noisy_low, row.accuracy_noisy_high),
            score(row.overlap, 3),
            _interval(row.overlap_low, row.overlap_high),
            f"{row.empty_maps:,.0f} of {row.maps:,.0f}",
        )
        for row in mean.itertuples()
    ]
    seeds = ", ".join(map(str, study.facts["seeds"]))
    title = f"Means of the seeds {seeds} at each level (n = {study.facts['test_images']:,} images a network)"
    yield Table(rows=Rows([head, *body], range(8), title), name="mean", whole=mean)


def _interval(low: float, high: float) -> str:
    return "–" if low != low else f"{score(low, 3)} to {score(high, 3)}"  # NaN: there is none


def _again(engine: Engine, study: StudyTables) -> StudyTables | None:
    """Return the run of the same seeds a second time, if it is here."""
    mine = study.facts["weights"]
    with suppress(MissingData):
        if mine in study_text.PAIR:
            other = study_text.PAIR[1 - study_text.PAIR.index(mine)]
            return load_study(engine.roots, other, study.facts["data"])
    return None


def _correlation(study: StudyTables, fitting: str) -> Iterator[Block]:
    name = plots.overlap_name(fitting)
    yield Heading(text="Correlation")
    yield Text(text=study_text.together(study, fitting))
    yield Drawn(
        figure=plots.scatter(study, fitting=fitting),
        alt=f"Mean {name} against mean accuracy, one point for each of {len(study.mean_series(fitting))} levels.",
    )
    parts = (
        ("correlations", "All heatmaps, an empty one with overlap 0", study.correlations),
        ("correlations_usable", "Without empty heatmaps: fewer images at deep levels", study.correlations_usable),
    )
    for file, title, table in parts:
        rows = table[(table["levels"] == "all") & (table.fitting == fitting)]
        wide = {
            each: [study_text.interval_text(row) for row in part.itertuples()]
            for each, part in rows.groupby("coefficient", sort=False)
        }
        body = zip(dict.fromkeys(rows.series), *wide.values(), strict=True)
        about = f"{title} (n = {int(rows.n.max())} levels, df = {int(rows.df.max())})"
        yield Table(rows=Rows([("series", *wide), *body], (1, 2, 3), about), name=file, whole=table)
    yield Text(
        text=f"{FITTINGS[fitting].title}. {study.about_intervals} The thesis reports Pearson"
        f" {PUBLISHED['pearson']:.3f} for soft IoU. The levels are not independent, so p-values"
        " would only be descriptive.",
        small=True,
    )


def _maps(study: StudyTables, axis: str) -> Iterator[Block]:
    yield Heading(text="The heatmaps")
    yield Text(text=study_text.emptied(study))
    yield Drawn(
        figure=plots.map_statistics(study, axis),
        alt="Mean, standard deviation and share of empty heatmaps by level.",
        below="Soft IoU rises with blur, because a blurred map covers more ink; mean and standard deviation reveal"
        " this. An empty map has overlap 0.",
    )


def _answers(study: StudyTables) -> Iterator[Block]:
    yield Heading(text="Correct and wrong answers")
    yield Text(text=study_text.right_and_wrong(study))
    dense = study.paired[study.paired.level == 0].paired_difference
    yield Drawn(
        figure=plots.correct_against_wrong(study),
        alt="Soft IoU of correct minus wrong predictions by level and seed; in the dense networks"
        f" {', '.join(change(value) for value in dense)}.",
        below="Always soft IoU. Above 0, correct predictions have maps that fit the ink better. Each point is the mean"
        " over classes with at least 5 correct and 5 wrong predictions; the bar is its 95 % interval over those"
        " classes.",
    )
    yield Table(rows=_rows(study.paired, "Correct minus wrong predictions, paired by class"), name="paired")


def _rows(table: DataFrame, title: str) -> Rows:
    """Return a table as it is, numbers rounded."""
    numbers = [place for place, name in enumerate(table) if table[name].dtype != object]
    body = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return Rows([list(map(str, table)), *body], numbers, title)


def _cell(value: object) -> str:
    return score(value, 3) if isinstance(value, float) else str(value)


def _choices(engine: Engine, study: StudyTables) -> Iterator[Block]:
    """Yield the specification curve of these networks, or of the included ones."""
    known = None
    for weights, data in ((study.facts["weights"], study.facts["data"]), (INCLUDED, evaluation_data(INCLUDED).key)):
        with suppress(MissingData):
            known = known or load_sensitivity(engine.roots, weights, data)
    if known is None:
        return
    yield Heading(text="Other choices")
    yield Text(text=study_text.choices_headline(known))
    yield Drawn(
        figure=specification.curve(known), alt=specification.alternative(known), below=study_text.choices_origin(known)
    )
    yield Text(text=f"{literal(published(known), LONGEST)} {literal(moves(known), LONGEST)}")
    found = choices_text(known)
    yield Table(rows=Rows(found.rows, found.right, "Pearson by option"), name="choices")


def _made_from(study: StudyTables) -> dict[str, str]:
    facts = study.facts
    return {
        "Networks": f"{facts['weights']}, levels 0 to {facts['levels']}",
        "Seeds": ", ".join(map(str, facts["seeds"])),
        "Data set": facts["data"],
        "Images": f"n = {facts['test_images']:,} test images, {facts['train_images']:,} training images",
        "Heatmaps": f"{facts['method']}, for the class that each network predicts",
        "Intervals": study.about_intervals,
        "Checksum of the tables": tables_checksum(study.levels, study.mean, study.correlations, study.paired),
    }
