"""`python -m core study show | export | simulate | power | import-mturk`: what people answered, or
would answer.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from core.base.errors import BadSpec
from core.base.numbers import percent, score
from core.base.options import option
from core.base.text import Part, Rows
from core.cli.app import COMMON, Common
from core.cli.console import NOT_KEPT
from core.cli.structure import FLAT, Flag
from core.cli.writing import write

if TYPE_CHECKING:
    from core.study.analysis import Analysis, TaskResult
    from core.study.folder import Study
    from core.study.simulate import Behaviour


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What of the results is shown."""

    published: Flag = option(False, "Show the printed counts of Less is More instead, through the same analysis.")
    predictors: Flag = option(False, "Also show which automatic measure predicts the answers.")


@dataclass(frozen=True, kw_only=True)
class Written:
    """How answers are exported."""

    pseudonymise: Flag = option(False, "New random names, no recruitment ids, times from each person's beginning.")


@dataclass(frozen=True, kw_only=True)
class People:
    """How simulated participants behave."""

    preference: float = option(0.6, "Share of decided answers for the more pruned network.")
    ties: float = option(0.2, "Share of answers 'both equally'.")
    careless: float = option(0.05, "Share of participants who answer at random, and fast.")
    dropout: float = option(0.05, "Share of participants who stop before the end.")
    seed: int = option(0, "Seed of the simulation.")


UNTOUCHED = "Stopped before it was done; every answer of the study is kept, and the same command begins again."
FEWER = " Fewer --studies are quicker."
SHOWN, WRITTEN, PEOPLE = Shown(), Written(), People()


def show(name: str = "", /, *, shown: Annotated[Shown, FLAT] = SHOWN, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Show what the answers of a study say: shares, intervals, tests, agreement, times.

    Args:
        name: of the study.
    """
    from core.study.analysis import analyse
    from core.study.published import REANALYSIS, SOURCE, published_frame

    if shown.published:
        found = analyse(published_frame())
        rates = "1, 2 and 32 are compression rates of the convolutions; 1 is not pruned."
        common.output.say(_plain(asdict(found)), [SOURCE, rates, *_parts(found)[1:], REANALYSIS])
        return
    study = _open(name, common)
    rows = study.answers.frame()
    with common.output.progress("Computing intervals", UNTOUCHED):
        found = analyse(rows)
    parts, facts = _parts(found), {"counts": study.answers.counts(), **_plain(asdict(found))}
    if shown.predictors:
        with common.output.progress("Comparing measures with answers", UNTOUCHED):
            made = _predictors(study, rows)
        parts.append(made)
        facts["predictors"] = [list(row) for row in made.rows[1:]]
    common.output.say(facts, parts)


def _parts(found: Analysis) -> list[Part]:
    from core.study import wording
    from core.study.spec import KINDS

    said = wording.headline(found)
    parts: list[Part] = [said]
    for task in found.tasks:
        sentences = [each for each in wording.task_sentences(task) if each != said]
        parts += [_table(task, KINDS[task.kind]), *(["\n".join(sentences)] if sentences else [])]
    return parts


def _table(task: TaskResult, title: str) -> Rows:
    from core.study.summary import share_rows

    head = "share right" if task.naming else "share for the more pruned"
    rows = [("", head, "95 % interval", "over", "n", "answers")]
    for each in share_rows(task).itertuples(index=False):
        bounds = f"{score(each.low, 3)} to {score(each.high, 3)}"
        rows.append((each.label, score(each.share, 3), bounds, each.interval, f"{each.n:,}", each.note))
    return Rows(rows, (1, 4), title)


def _predictors(study: Study, rows: Any) -> Rows:
    from core.disk.frames import read_frame
    from core.study.prediction import predict_answers
    from core.study.prepare import MEASURED
    from core.study.summary import measure_rows

    measures = read_frame(study.home / MEASURED)[0]
    found = [("task", "compared", "measure", "rank correlation", "95 % interval", "n items", "odds ratio")]
    for each in measure_rows(predict_answers(rows, measures)).itertuples(index=False):
        bounds = f"{score(each.low)} to {score(each.high)}"
        found.append((each.task, each.label, each.measure, score(each.value), bounds, f"{each.n:,}", score(each.odds)))
    return Rows(found, (3, 5, 6), "Which automatic measure predicts the answers? Intervals over items.")


def _plain(value: Any) -> Any:
    """Return what JSON can hold."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def export(
    name: str,
    out: Path,
    /,
    *,
    written: Annotated[Written, FLAT] = WRITTEN,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Write everything of a study into a zip: answers, participants, design, measures, codebook,
    the study as YAML, versions.

    Args:
        name: of the study.
        out: the zip file to write.
    """
    from core.study.export import export_zip

    study = _open(name, common)
    if os.path.exists(out):
        raise BadSpec(f"{out} exists already.", "A file is not overwritten.", "Choose another name, or delete it.")
    with common.output.progress("Writing the study", UNTOUCHED):
        export_zip(study, out, written.pseudonymise)
    common.output.say({"written": str(out)}, f"Written: {out}, {out.stat().st_size:,} bytes.")


def simulate(
    name: str,
    /,
    *,
    people: Annotated[People, FLAT] = PEOPLE,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Show what a study would say if simulated people took part. Its own answers are not touched.

    Args:
        name: of a prepared study.
    """
    from core.study.analysis import analyse
    from core.study.simulate import simulate as simulate_answers

    study = _open(name, common)
    design = study.answers.whole_design()
    with common.output.progress("Simulating a study", UNTOUCHED):
        rows = simulate_answers(design, _behaviour(people), seed=people.seed, rules=study.spec.rules)
        found = analyse(rows)
    answered = rows.groupby("participant").size()
    stopped = int((answered < design.trials.groupby("slot").size().max()).sum())
    text = (
        f"Simulated: {len(answered):,} participants with answers, of whom {stopped:,} stopped early; {len(rows):,}"
        f" answers, seed {people.seed}."
    )
    common.output.say({"simulated": True, **_plain(asdict(found))}, [text, *_parts(found)])


def power(
    name: str,
    /,
    *,
    people: Annotated[People, FLAT] = PEOPLE,
    studies: int = 200,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Simulate a study many times: how often would it tell the preference from chance?

    Args:
        name: of a prepared study.
        studies: how many are simulated.
    """
    from core.study.power import power as simulate_power

    study = _open(name, common)
    rows = [("task", "compared", "told from chance", "95 % interval", "studies", "participants", "answers")]
    facts = []
    with common.output.progress("Simulated studies", NOT_KEPT + FEWER):
        advance = partial(common.output.advance, "Simulated studies")
        found = simulate_power(study.spec, _behaviour(people), studies=studies, seed=people.seed, progress=advance)
    for each in found:
        facts.append(_plain(asdict(each)))
        bounds = f"{percent(each.low)} to {percent(each.high)}"
        compared = f"{each.more} against {each.less}"
        size = (f"{each.studies:,}", f"{each.participants:.0f}", f"{each.n:.0f}")
        rows.append((each.task, compared, percent(each.detected), bounds, *size))
    title = (
        f"If {percent(people.preference)} of the decided answers are for the more pruned network, "
        f"{percent(people.ties)} see no difference, {percent(people.careless)} of the people answer at random and "
        f"{percent(people.dropout)} stop early (seed {people.seed}); participants and answers that enter, on average"
    )
    common.output.say({"power": facts}, [Rows(rows, (2, 4, 5, 6), title)])


def import_mturk(
    path: Path,
    mapping: Path,
    /,
    *,
    out: Path | None = None,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Analyse a batch of Mechanical Turk.

    Args:
        path: the CSV of the batch.
        mapping: a YAML file that says which columns hold image, pair, sides and answer;
            docs/studies.md shows one.
        out: a CSV to write the tidy answers to.
    """
    from core.study.analysis import analyse
    from core.study.mturk import read_batch, read_mapping

    with common.output.progress("Reading the batch"):
        found = read_batch(path, read_mapping(mapping))
        analysis = analyse(found.answers)
    if out is not None:
        write(out, found.answers.to_csv(index=False).encode())
    left = "; ".join(f"{count:,}: {reason}" for reason, count in found.left_out) or "none"
    facts = {"rows": found.rows, "left_out": dict(found.left_out), **_plain(asdict(analysis))}
    common.output.say(facts, [f"{found.rows:,} rows; left out: {left}.", *_parts(analysis)])


def _behaviour(people: People) -> Behaviour:
    from core.study.behaviour import Behaviour

    return Behaviour(preference=people.preference, ties=people.ties, careless=people.careless, dropout=people.dropout)


def _open(name: str, common: Common) -> Study:
    from core.study.folder import open_study

    return open_study(common.settings.folder, name)
