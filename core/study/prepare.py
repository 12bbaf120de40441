"""Prepare a study: find its images, draw its pictures, draw its design. All of it is kept, so a
preparation that was stopped resumes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas

from core.base.atomic import replacing
from core.base.errors import BadFile
from core.base.progress import tell
from core.base.version import VERSION
from core.disk.frames import write_frame
from core.disk.lock import locked
from core.engine.engine import Engine
from core.jobs.control import Control
from core.jobs.control import check as check_control
from core.jobs.jobs import JOBS, Facts
from core.study.answers import Answers
from core.study.design import Design, draw
from core.study.folder import ABOUT, DATABASE, PICTURES, Study, home_of, write_about
from core.study.items import accuracy, choose_images, measured, sweep_of
from core.study.spec import StudySpec
from core.study.stimuli import PICTURE_COLUMNS, Stimuli, wanted
from core.study.tables import create, sqlite_url, unwritable
from core.study.written import from_mapping, to_mapping
from core.sweeps.sweep import Sweep

MEASURED, SECRET = "measures.parquet", "secret"
EVERY = 20  # pictures between two reports
KIND = "study-prepare"


def prepare(engine: Engine, name: str, spec: StudySpec, url: str = "") -> Iterator[Facts]:
    """Prepare a study under a name; yield progress: stage ("networks", "pictures"), done, total.

    Args:
        url: of an empty PostgreSQL database; "" keeps answers in a file of the study.
    Raises:
        BadFile: the study exists. BadSpec: too few images, ...; as `Sweep.run`.
    """
    home = home_of(engine.folder, name)
    with locked(home / "preparing", f"The study '{name}'"):
        if (home / ABOUT).exists():
            raise BadFile(
                f"The study '{name}' exists.", "A prepared study does not change.", "Choose another name, or delete it."
            )
        sweep = sweep_of(engine, spec)
        yield from _run(sweep)
        rows = measured(sweep, spec)
        classes = engine.card(spec.model).classes
        images = choose_images(spec, rows, classes)
        design = draw(spec, images.chosen, images.spare)
        secret = _secret(home)
        stimuli = Stimuli(engine, spec, home / PICTURES, secret)
        yield from _draw(stimuli, design.items)
        _write_measures(home, rows, design.items)
        facts = {
            "qualified": images.qualified,
            "looked_at": images.looked_at,
            "accuracy": accuracy(rows),
            "weights": {each: engine.store.checksum(spec.variant(each)) for each in spec.names},
            "version": VERSION,
        }
        about = {"spec": to_mapping(spec), "classes": list(classes), "preparation": facts, "secret": secret}
        _store(home, name, url, design, stimuli.names(design.items), about)


def draw_again(engine: Engine, study: Study) -> Iterator[Facts]:
    """Draw the pictures and measure the heatmaps of a study that was restored; yield progress.

    Raises BadFile if the networks or images of now are not those of the study.
    """
    secret, items = json.loads(study.fact("secret")), study.answers.items()
    stimuli = Stimuli(engine, study.spec, study.pictures, secret)
    if not stimuli.names(items).equals(items[list(PICTURE_COLUMNS)]):
        raise BadFile(
            f"The networks or images of '{study.name}' are not the same on this machine.",
            "Its pictures would differ from those that people have seen.",
            "Restore it where the same networks and images are. Its answers can be shown and exported here.",
        )
    yield from _draw(stimuli, items)
    sweep = sweep_of(engine, study.spec)
    yield from _run(sweep)
    _write_measures(study.home, measured(sweep, study.spec), items)


def _run(sweep: Sweep) -> Iterator[Facts]:
    yield {"stage": "networks", "done": 0, "total": len(sweep.variants)}

    def progress(done: int, images: int) -> None:
        check_control()
        tell(done, images)

    for step in sweep.run(progress=progress):
        yield {"stage": "networks", "done": step.done, "total": step.networks}


def _draw(stimuli: Stimuli, items: pandas.DataFrame) -> Iterator[Facts]:
    needed = {picture for row in wanted(items) for picture in row if picture}
    for done in stimuli.draw(needed):
        check_control()
        if done % EVERY == 0 or done == len(needed):
            yield {"stage": "pictures", "done": done, "total": len(needed)}


def _write_measures(home: Path, rows: pandas.DataFrame, items: pandas.DataFrame) -> None:
    """Keep what was measured of the images of the study, for its analysis."""
    shown = rows[rows["image"].isin(items["image"])]
    write_frame(home / MEASURED, shown.drop(columns=["schedule", "granularity", "scope", "criterion"]), {})


def _secret(home: Path) -> str:
    """Return the secret behind the names of pictures, made once."""
    path = home / SECRET
    try:
        if not path.is_file():
            home.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part:
                part.write_text(secrets.token_urlsafe(24))
                part.chmod(0o600)
        return path.read_text()
    except OSError as error:
        raise unwritable(path, error) from error


def _store(home: Path, name: str, url: str, design: Design, names: pandas.DataFrame, facts: Mapping[str, Any]) -> None:
    """Store design and facts in the database; the folder is a study only once that is done."""
    if not url:
        for path in home.glob(f"{DATABASE}*"):  # of a preparation that was killed here
            path.unlink()
    study = Study(name=name, home=home, url=url or sqlite_url((home / DATABASE).absolute()))
    create(study.engine)
    answers = Answers(study.engine, from_mapping(facts["spec"]))
    answers.store(design, names)
    study.keep(**{key: json.dumps(value) for key, value in facts.items()})
    write_about(home, name, url)


@JOBS.register(KIND, "Study", "Find the images of a study and draw its pictures: what is done is kept.")
def run_prepare(arguments: Mapping[str, Any], control: Control) -> Iterator[Facts]:
    """Prepare a study as a job. Args: arguments: as `arguments_of` returns them."""
    engine = Engine(arguments["device"], arguments["folder"], precision=arguments["precision"])
    yield from prepare(engine, arguments["name"], from_mapping(arguments["spec"]), arguments["url"])


def arguments_of(engine: Engine, name: str, spec: StudySpec, url: str = "") -> Facts:
    """Return the arguments of the job that prepares a study as this engine would."""
    return {
        "name": name,
        "spec": to_mapping(spec),
        "url": url,
        "folder": str(engine.folder.absolute()),
        "device": str(engine.device),
        "precision": engine.store.precision,
    }
