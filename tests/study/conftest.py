"""A small study with made pictures, and the databases it can lie in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas
import pytest

from core.specs import ModelSpec, PruningSpec
from core.study.answers import Answers
from core.study.design import Design, draw
from core.study.presets import PRESETS
from core.study.spec import Rules, StudySpec, Task
from core.study.tables import METADATA, connect, create, sqlite_url

LEVELS = tuple((name, PruningSpec.one_shot(share)) for name, share in (("a", 0.1), ("b", 0.5), ("c", 0.9)))


def small_spec(**changes: object) -> StudySpec:
    values = {
        "title": "Which one?",
        "model": ModelSpec(),
        "variants": LEVELS,
        "tasks": (
            Task(kind="heatmap-pair", pairs=(("a", "b"), ("a", "c"))),
            Task(kind="name-object", variants=("a", "c")),
        ),
        "images": 2,
        "answers": 2,
        "trials": 6,
        "catch": 2,
        "practice": 2,
        "block": 3,
        "rules": Rules(catch_share=0.5, fastest_ms=100),
    }
    return StudySpec(**values | changes)  # type: ignore[arg-type]


def little() -> StudySpec:
    """Three tasks on 100 digits: some seconds."""
    spec = PRESETS["digits"].value()
    tasks = tuple(Task(kind=task.kind, pairs=task.pairs[:1], variants=task.variants[:2]) for task in spec.tasks)
    return replace(spec, tasks=tasks, images=1, pool=100, trials=8, answers=1, catch=2, practice=1)


def image_table(spec: StudySpec, classes: int = 4) -> pandas.DataFrame:
    """Images 0, 1, ... of some classes, as many of each as the study wants."""
    labels = [label for label in range(classes) for _ in range(spec.images)]
    return pandas.DataFrame({"image": range(len(labels)), "label": labels})


def drawn(spec: StudySpec) -> Design:
    images = image_table(spec)
    spare = pandas.DataFrame({"image": range(100, 110), "label": [at % 4 for at in range(10)]})
    return draw(spec, images, spare)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server that runs for these tests only. It refuses to run as root,
    so root starts it as the user that its package made.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (make test-all installs it)")
    home = Path(tempfile.mkdtemp(prefix="postgres"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(home, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = partial(subprocess.run, check=True, cwd=home, stdout=subprocess.DEVNULL)
    data, options = str(home / "data"), f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
    run([*as_user, programs[-1] / "initdb", "-D", data, "-U", "study", "-A", "trust", "-E", "UTF8"])
    run([*as_user, programs[-1] / "pg_ctl", "-D", data, "-o", options, "-l", str(home / "log"), "-w", "start"])
    yield f"postgresql://study@127.0.0.1:{port}/postgres"
    run([*as_user, programs[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop"])
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "study.db")
        return
    address = request.getfixturevalue("postgres")
    engine = connect(address)
    METADATA.drop_all(engine)
    yield address
    METADATA.drop_all(engine)
    engine.dispose()


@pytest.fixture
def answers(url: str) -> Iterator[Answers]:
    """The answers of a small study without anybody in it."""
    spec, engine = small_spec(), connect(url)
    create(engine)
    found = Answers(engine, spec)
    design = drawn(spec)
    names = pandas.DataFrame("x.png", index=design.items.index, columns=["picture", "less_picture", "more_picture"])
    found.store(design, names)
    yield found
    engine.dispose()
