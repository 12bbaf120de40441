"""What is asked of a cache folder that is harmed: one question for every kind of file in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pandas import DataFrame
from safetensors.torch import save

from core.base.errors import MissingData, SparsightError
from core.classroom.password import Door
from core.data.folders import read_folder
from core.engine.engine import Engine
from core.jobs.jobs import Jobs
from core.models.own import About
from core.models.zoo import named
from core.protocols.lukkien.tables import load_study
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.study.analysis import analyse
from core.study.folder import facts_of, open_study
from core.sweeps.floor import known_floor, question_of
from core.sweeps.known import known_sweeps
from core.sweeps.read import summary
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.units.included import unit_study

DIGITS, CAM = ModelSpec(), CamSpec(layer="relu2")
RETRAINED = ModelSpec(name="squeezenet1_1@mine", weights="merkle-global", seed=0)
PRUNED = VariantSpec(model=DIGITS, pruning=PruningSpec.one_shot(0.8))
LEVEL = VariantSpec(model=DIGITS, pruning=PruningSpec.at_level(2))
NOISY = DataSpec(noise=0.2)
WANTED = SweepSpec(
    models=(DIGITS,),
    prunings=(PruningSpec.one_shot(0.5), PruningSpec.one_shot(0.9)),
    data=NOISY,
    images=300,
    cams=(CAM,),
    measures=("right", "pearson", "soft-iou"),
)
UNUSED = ("level-*[3456789]*", "level-[12]*", "seed-334", "seed-335", "random")  # of what is copied: nobody asks for it
STUDY, PASSWORD = "friday", "correct horse battery"
JOB = "retrain-0123456789ab"
STEPS = [{"stage": "level", "level": level, "accuracy": 0.9 - level / 10, "at": 1.7e9 + level} for level in (0, 1)]
ARCHIVE = "photos.zip"


def digits(engine: Engine) -> Any:
    found = engine.gallery()
    return found.images.numpy(), found.labels.numpy()


def kept_variant(engine: Engine) -> Any:
    """Kept on disk if that is possible, and read from there."""
    with suppress(SparsightError):
        engine.keep(PRUNED)
    engine.store.forget(DIGITS)
    return engine.compare(PRUNED, ImageRef(name="7"), CAM)


def own_network(engine: Engine) -> Any:
    torch.manual_seed(0)
    model = engine.add_model(save(dict(named("thesis-cnn").build().state_dict())), About(architecture="thesis-cnn"))
    return engine.compare(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.3)), ImageRef(name="7"), CAM)


def trained_level(engine: Engine) -> Any:
    return engine.compare(LEVEL, ImageRef(name="7"), CAM), engine.accuracy(LEVEL, NOISY).correct


def retrained_network(engine: Engine) -> Any:
    variant = VariantSpec(model=RETRAINED, pruning=PruningSpec.at_level(1, "retrained"))
    return engine.compare(variant, ImageRef(source="gallery", name="cat"), CamSpec())


def sweep(engine: Engine) -> Any:
    asked = Sweep(engine, WANTED)
    for _ in asked.run():
        pass
    return summary(asked)


def noise_floor(engine: Engine) -> Any:
    asked = question_of(engine, VariantSpec(model=DIGITS), CAM, NOISY)
    return asked and known_floor(engine, asked)


def units(engine: Engine) -> Any:
    study = unit_study("digits", engine)
    found = study.read(study.variants[1])
    if found is None:
        raise MissingData("This network is not measured.", "", "Run `python -m core units run digits`.")
    return found.layers, found.units


def study_of_thesis(engine: Engine) -> Any:
    found = load_study(engine.roots, DIGITS.weights, NOISY.key)
    return found.levels, found.mean


def uploaded(engine: Engine) -> Any:
    place = next((engine.folder / "data" / "uploads").glob(f"*/{ARCHIVE}"), engine.folder / ARCHIVE)
    return [np.asarray(photo.read()) for photo in read_folder(place).photos]


def own_sweeps(engine: Engine) -> Any:
    """People may change these files, so only that they are read counts."""
    for one in known_sweeps(engine.roots).values():
        with suppress(SparsightError):
            one.read()


def jobs(engine: Engine) -> Any:
    """Steps that are damaged are left out; none is another one."""
    found = Jobs(engine.folder)
    if [step for step in found.progress(JOB) if step not in STEPS]:
        raise ValueError("a step that never was")
    found.all()
    job = found.get(JOB)
    return job.kind, job.title, job.arguments, job.begun, job.state


def password(engine: Engine) -> Any:
    return Door().open(engine.folder, "a session", PASSWORD)


def study(engine: Engine) -> Any:
    """Its database has no checksum, so only that it is read counts."""
    found = open_study(engine.folder, STUDY)
    analyse(found.answers.frame())
    for path in found.pictures.iterdir():
        path.read_bytes()
    facts_of(found), found.classes, found.choices, found.answers.counts()


QUESTIONS: dict[str, Callable[[Engine], Any]] = {
    question.__name__: question
    for question in (
        *(digits, kept_variant, own_network, trained_level, retrained_network, sweep),
        *(noise_floor, units, study_of_thesis, uploaded, own_sweeps),
        *(jobs, password, study),
    )
}


def asked(folder: Path) -> dict[str, str]:
    """Return a digest of each answer; of an explained error, the text after ERROR; of any other,
    after FAULT.
    """
    found = {}
    for name, question in QUESTIONS.items():
        try:
            found[name] = digest(question(Engine("cpu", folder)))
        except SparsightError as error:
            found[name] = f"ERROR {type(error).__name__}: {error}"
        except Exception as error:
            found[name] = f"FAULT {type(error).__name__}: {error}"
    return found


def digest(answer: Any) -> str:
    """Return a checksum of every number and name in an answer."""
    total = hashlib.sha256()
    for part in _parts(answer):
        total.update(part)
    return total.hexdigest()


def _parts(answer: Any) -> Iterator[bytes]:
    if isinstance(answer, DataFrame):
        for name, values in answer.items():
            yield str(name).encode()
            yield repr(values.tolist()).encode()
    elif is_dataclass(answer):
        for each in fields(answer):
            if each.name not in ("stamp", "notes"):
                yield from _parts(getattr(answer, each.name))
    elif isinstance(answer, np.ndarray):
        yield f"{answer.dtype}{answer.shape}".encode() + answer.tobytes()
    elif isinstance(answer, dict):
        yield from _parts([*answer, *answer.values()])
    elif isinstance(answer, tuple | list):
        for each in answer:
            yield from _parts(each)
    else:
        yield repr(answer).encode()
