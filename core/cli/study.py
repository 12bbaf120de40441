"""`python -m core study ...`: experiments with people, from the preset to the server."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from core.base.errors import BadSpec
from core.base.numbers import counted
from core.base.options import option
from core.base.text import Rows
from core.cli.app import COMMON, COMPUTING, Common, Computing, group
from core.cli.structure import FLAT, Flag
from core.cli.study_results import export, import_mturk, power, show, simulate
from core.cli.writing import check_writable, write

if TYPE_CHECKING:
    from core.study.folder import Study
    from core.study.spec import StudySpec


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a new study asks."""

    preset: str = option("", "A preset: less-is-more, digits or class. By default class.")
    file: Path | None = option(None, "The YAML file of a study of one's own, instead of a preset.")
    images: int | None = option(None, "Images of each class, instead of the number in the preset or file.")
    data: str = option("", "Data set, folder or zip file, instead of that in the preset or file.")
    database: str = option("", "Address of an empty PostgreSQL database. By default a file beside the pictures.")


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where the participants' pages are served."""

    host: str = option("127.0.0.1", "Address to listen on. 0.0.0.0 lets other machines in, such as phones.")
    port: int = option(8610, "Port to listen on.")


NEW, SERVED = Asked(), Served()
RESTORED = (
    "Stopped. The answers are restored, but not every picture is drawn: "
    "`python -m core study delete {name} --yes`, then restore it again."
)
KEPT = "Stopped. The networks and pictures that are done are kept; the same command goes on from there."


def studies() -> App:
    """Create the commands of studies."""
    app = group("study", "Ask people: which heatmap is more reasonable? What is in this picture?")
    ours = (new, serve, show, export, close, reopen, password, backup, restore, delete, simulate, power, import_mturk)
    app.command(list_studies, name="list")
    app.command(write_file, name="write")
    for command in ours:
        app.command(command)
    return app


def list_studies(*, common: Annotated[Common, FLAT] = COMMON) -> None:
    """List the presets, and the studies on this machine."""
    from core.study.folder import names, open_study
    from core.study.presets import PRESETS

    folder = common.settings.folder
    presets = [("preset", "what it asks"), *((name, each.summary) for name, each in PRESETS.items())]
    rows = [("study", "title", "participants", "answers")]
    for name in names(folder):
        study = open_study(folder, name)
        counts = study.answers.counts()
        rows.append((name, study.spec.title, f"{counts['done']} of {counts['slots']}", f"{counts['answers']:,}"))
    facts = {"presets": [name for name, _ in presets[1:]], "studies": [row[0] for row in rows[1:]]}
    made = Rows(rows, (2, 3)) if len(rows) > 1 else "No study on this machine yet: `python -m core study new NAME`."
    common.output.say(facts, [Rows(presets), made])


def write_file(preset: str, out: Path, /, *, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Write a preset as a YAML file with comments, to change it.

    Args:
        preset: its name.
        out: the file to write.
    """
    from core.study.presets import PRESETS
    from core.study.written import to_yaml

    text = to_yaml(PRESETS[preset].value())
    if os.path.exists(out):
        raise BadSpec(f"{out} exists already.", "A file is not overwritten.", "Choose another name, or delete it.")
    write(out, text.encode())
    common.output.say(
        {"written": str(out)}, f"Written: {out}. `python -m core study new NAME --file {out}` prepares it."
    )


def new(name: str, /, *, asked: Annotated[Asked, FLAT] = NEW, common: Annotated[Computing, FLAT] = COMPUTING) -> None:
    """Prepare a study: find its images, draw its pictures and its design. The same command resumes.

    Args:
        name: of the study: lower-case letters, digits and hyphens.
    """
    from core.study.folder import home_of, open_study
    from core.study.prepare import prepare

    spec = spec_of(asked)
    check_writable(common.settings.folder)
    home_of(common.settings.folder, name)
    output = common.output
    with output.progress(kept=KEPT):
        engine = common.engine()
        for step in prepare(engine, name, spec, asked.database):
            output.step(step, f"{step['stage']}: {step['done']:,} of {step['total']:,}", (step["done"], step["total"]))
    study = open_study(engine.folder, name)
    output.say(_facts(study), _ready(study))


def spec_of(asked: Asked) -> StudySpec:
    """Return the study that the options ask for. Raises BadSpec, UnknownName, BadFile."""
    from core.data.datasets import data_name
    from core.study.presets import PRESETS
    from core.study.written import read_study

    if asked.file is not None and asked.preset:
        raise BadSpec("Both a preset and a file are named.", "A study comes from one of them.", "Omit one.")
    spec = read_study(asked.file) if asked.file is not None else PRESETS[asked.preset or "class"].value()
    if asked.images is not None:
        spec = replace(spec, images=asked.images)
    if asked.data:
        spec = replace(spec, data=replace(spec.data, name=data_name(asked.data)))
    return spec


def _facts(study: Study) -> dict[str, object]:
    from core.study.folder import facts_of

    return {"name": study.name, **study.answers.counts(), **facts_of(study)}


def _ready(study: Study) -> str:
    from core.study.folder import facts_of

    counts, spec, facts = study.answers.counts(), study.spec, facts_of(study)
    qualified = sum(facts.get("qualified", {}).values())
    return (
        f"'{study.name}' is ready: {counted(counts['slots'], 'participant')}, "
        f"{counted(spec.questions, 'question')} each, about {counted(spec.minutes, 'minute')}.\n"
        f"{qualified:,} of {facts.get('looked_at', 0):,} images are classified correctly by all "
        f"{len(spec.names)} variants; the study shows {spec.images} of each class.\n"
        f"`python -m core study serve {study.name}` starts it."
    )


def serve(name: str, /, *, served: Annotated[Served, FLAT] = SERVED, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Serve the pages of a study to its participants, until Ctrl-C. Every answer is kept.

    Args:
        name: of the study.
    """
    from core.study.invite import link
    from core.study.server.run import serve as run_server

    study, output = _open(name, common), common.output

    def ready(facts: dict[str, Any]) -> None:
        url = link(served.host, facts["port"])
        output.say(facts | {"url": url}, f"Participants open {url}\nCtrl-C stops the server; every answer is kept.")

    run_server(study, served.host, served.port, ready=ready)


def close(name: str, /, *, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Let no more participants in; those who have begun can finish.

    Args:
        name: of the study.
    """
    _open(name, common).answers.open(False)
    common.output.say(
        {"name": name, "open": False}, f"'{name}' is closed. `python -m core study reopen {name}` opens it."
    )


def reopen(name: str, /, *, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Let participants in again.

    Args:
        name: of the study.
    """
    _open(name, common).answers.open(True)
    common.output.say({"name": name, "open": True}, f"'{name}' is open.")


def password(name: str, /, *, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Set the password of the researcher's pages. It is asked for, or read from standard input.

    Args:
        name: of the study.
    """
    from core.study.server.password import set_password

    study = _open(name, common)
    if sys.stdin.isatty():
        first, again = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != again:
            raise BadSpec("The two passwords differ.", "Both must be the same.", "Try again.")
    else:
        first = sys.stdin.readline().rstrip("\n")
    set_password(study, first)
    common.output.say({"name": name}, f"The password of '{name}' is set. Its pages are at /researcher.")


def backup(name: str, out: Path, /, *, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Copy all answers of one moment into a file, also while the study runs.

    Args:
        name: of the study.
        out: the file to write.
    """
    answers = _open(name, common).backup(out)
    common.output.say({"written": str(out), "answers": answers}, f"Written: {out}, {answers:,} answers.")


def restore(
    name: str,
    path: Path,
    /,
    *,
    database: Annotated[str, Parameter(help="Address of an empty PostgreSQL database.")] = "",
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Make a study of a backup, under a new name; its pictures are drawn again.

    Args:
        name: of the new study.
        path: the backup.
    """
    from core.study.folder import restore as restore_study
    from core.study.prepare import draw_again

    study = restore_study(common.settings.folder, name, path, database)
    with common.output.progress("Pictures", RESTORED.format(name=name)):
        for step in draw_again(common.engine(), study):
            common.output.step(step, "pictures", (step["done"], step["total"]))
    counts = study.answers.counts()
    common.output.say({"name": name, **counts}, f"'{name}' is restored with {counts['answers']:,} answers.")


def delete(
    name: str,
    /,
    *,
    yes: Annotated[Flag, Parameter(help="Delete it without asking.")] = False,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Delete a study with its pictures and answers. Answers on a PostgreSQL server stay there.

    Args:
        name: of the study.
    """
    from core.study.folder import delete_study

    if not yes:
        raise BadSpec(
            f"Deleting '{name}' deletes its answers.",
            "They cannot be brought back.",
            f"Keep a copy (`python -m core study backup {name} FILE`), then add --yes.",
        )
    delete_study(common.settings.folder, name)
    common.output.say({"deleted": name}, f"'{name}' is deleted.")


def _open(name: str, common: Common) -> Study:
    from core.study.folder import open_study

    return open_study(common.settings.folder, name)
