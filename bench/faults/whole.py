"""A cache folder with a file of every kind."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from bench.faults.cached import ARCHIVE, DIGITS, JOB, NOISY, PASSWORD, RETRAINED, STEPS, STUDY, UNUSED, WANTED
from core.base.settings import shipped_folder
from core.classroom.password import set_password
from core.data.uploads import keep_zip
from core.engine.engine import Engine
from core.jobs.jobs import as_text
from core.models import description
from core.study.answers import Answers
from core.study.folder import open_study
from core.study.prepare import prepare
from core.study.presets import PRESETS
from core.sweeps.floor import FILE
from core.sweeps.known import keep
from core.sweeps.sweep import Sweep


def made(folder: Path) -> None:
    """Fill a cache folder with a file of every kind, and a sweep that was stopped."""
    shipped = shipped_folder()
    series = Path(DIGITS.name, DIGITS.weights, f"seed-{DIGITS.seed}")
    for place in (series, Path("units", "digits-2000-s0"), Path("lukkien", DIGITS.weights, NOISY.key)):
        shutil.copytree(shipped / place, folder / place, ignore=shutil.ignore_patterns(*UNUSED))
    shutil.copy(shipped / FILE, folder / FILE)
    theirs = shipped / "squeezenet1_1@imagenette-128"
    description.write(folder, replace(description.read(theirs / description.FILE), data="mine"))
    inside = Path(RETRAINED.weights, "seed-0", "retrained")
    (folder / RETRAINED.name / inside).mkdir(parents=True)
    for name in ("level-00.safetensors", "level-01.safetensors"):
        shutil.copy(theirs / inside / name, folder / RETRAINED.name / inside / name)
    keep_zip(_photographs(), ARCHIVE, folder)
    engine = Engine("cpu", folder)
    keep(engine.roots, WANTED, "An own sweep")
    set_password(folder, PASSWORD)
    _job(folder / "jobs" / JOB)
    for _ in prepare(engine, STUDY, replace(PRESETS["class"].value(), pool=200, images=1, trials=5)):
        pass
    study = open_study(folder, STUDY)
    for _ in range(3):
        _takes_part(study.answers)
    study.engine.dispose()
    with suppress(KeyboardInterrupt):
        for _ in Sweep(engine, WANTED).run(progress=_stopping):
            pass


def _job(home: Path) -> None:
    """A job that failed after two steps."""
    home.mkdir(parents=True)
    about = {
        "kind": "retrain",
        "module": "core.training.retrain",
        "title": "Retrain",
        "arguments": {"levels": [0, 0.5]},
    }
    (home / "job.json").write_text(as_text(about | {"begun": 1.7e9}))
    (home / "progress.jsonl").write_text("".join(as_text(step) + "\n" for step in STEPS))
    (home / "failed.json").write_text(json.dumps(["The disk is full.", "It has room.", "Free some."]))


def _takes_part(answers: Answers) -> None:
    """One participant, who answers all trials."""
    token = answers.join()
    while (place := answers.show(token)).stage != "done":
        if place.stage == "trial":
            answers.answer(token, place.number, "left")
        elif place.stage == "practice" and place.item:
            answers.practise(token, place.round, int(place.item["item"]), "left")
        else:
            answers.go_on(token)


def _stopping(done: int, total: int) -> None:
    if done:
        raise KeyboardInterrupt


def _photographs() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for place in range(3):
            pixels = np.frombuffer(Random(place).randbytes(2700), np.uint8).reshape(30, 30, 3)
            Image.fromarray(pixels).save(made := io.BytesIO(), "PNG")
            archive.writestr(f"cat/{place}.png", made.getvalue())
    return content.getvalue()
