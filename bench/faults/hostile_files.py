"""Hostile weights, tables and YAML: each function makes one and returns the call that gives it to
Sparsight.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import save

from bench.faults.mutations import as_bytes, damaged, nested, rewritten, strange, word
from bench.faults.place import Place
from core.base.settings import shipped_folder
from core.disk.frames import read_frame
from core.engine.engine import Engine
from core.models.class_names import read_classes
from core.models.own import About
from core.models.zoo import named
from core.store.accuracy_table import read_counts
from core.study.mturk import read_batch, read_mapping
from core.study.presets import PRESETS
from core.study.written import from_text, read_study
from core.study.written import to_yaml as study_yaml
from core.sweeps.written import read_sweep
from core.sweeps.written import to_yaml as sweep_yaml

Call = Callable[[], object]
ARCHITECTURE = "thesis-cnn"
MAPPING = """classes: [church, dog]
questions:
  - task: heatmap-pair
    columns: {image: Input.image, label: Input.class, left: Input.left, answer: Answer.choice}
    fixed: {less: "1", more: "32"}
    answers: {Both equally: equal}
"""
BATCH = """AssignmentId,WorkerId,AssignmentStatus,WorkTimeInSeconds,Input.image,Input.class,Input.left,Answer.choice
a1,w1,Approved,31,4,church,less,left
a2,w2,Rejected,12,4,church,more,right
a3,w1,Approved,20,7,dog,less,Both equally
"""
# Nine aliases of nine aliases, and so on.
ALIASES = "[&a0 [x], " + ", ".join(f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)) + "]"
CLASSES = ("tench\nchurch\n", "0: tench\n1: church\n", '["tench", "church"]', '{"0": "tench", "1": "church"}')


class _Runs:
    """Unpickled, it creates the marker."""

    def __init__(self, how: str, marker: str) -> None:
        self.how, self.marker = how, marker

    def __reduce__(self) -> tuple[Any, ...]:
        code = f"open({self.marker!r}, 'w').close()"
        return {
            "open": (open, (self.marker, "w")),
            "system": (os.system, (f"touch {self.marker}",)),
            "exec": (exec, (code,)),
            "eval": (eval, (code,)),
            "getattr": (getattr, (Path(self.marker), "touch")),
            "mkdir": (os.mkdir, (self.marker,)),
        }[self.how]


@cache
def _state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return dict(named(ARCHITECTURE).build().state_dict())


def hostile_weights(draw: Random, place: Place) -> Call:
    """A file of weights: damaged, with code in its pickle, or with strange names and values."""
    state: dict[Any, Any] = dict(_state())
    harm = draw.randrange(4)
    if harm == 0:
        run = _Runs(draw.choice(("open", "system", "exec", "eval", "getattr", "mkdir")), str(place.marker))
        among = state | {"epoch": run}, state | {next(iter(state)): run}
        state = draw.choice((*among, {"state_dict": run}, {run.how: [run]}))
    elif harm == 1:
        name = draw.choice(list(state))
        state[draw.choice((name, strange(draw)))] = _odd(state[name], draw)
    content = _written(state, draw)
    if harm > 1 or draw.random() < 0.2:
        content = (_in_zip if draw.random() < 0.4 else damaged)(content, draw)
    about = About(architecture=ARCHITECTURE, title=strange(draw)[:200])
    name = draw.choice(("mine.pth", "mine.safetensors", "mine.bin"))
    source = content if draw.random() < 0.5 else _put(place, name, content)
    return lambda: _added(Engine("cpu", place.cache), source, about)


def _odd(values: torch.Tensor, draw: Random) -> Any:
    return draw.choice(
        (
            values * float("nan"),
            values.to(torch.complex64),
            values.half(),
            values.reshape(-1),
            torch.zeros(1).expand(10**9),
            torch.empty(0),
            values.to("meta"),
            strange(draw),
            10**400,
            [values] * 3,
            {strange(draw): values},
        )
    )


def _written(state: dict[Any, Any], draw: Random) -> bytes:
    made = io.BytesIO()
    how = draw.randrange(4)
    try:
        if how == 0:
            return save(state)
        if how == 1:
            return pickle.dumps(state, protocol=draw.choice((0, 2, 5)))
        torch.save(state, made, _use_new_zipfile_serialization=how == 2)
    except (SystemError, RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError):
        made = io.BytesIO()
        torch.save({str(name).encode("utf-8", "replace").decode(): repr(value) for name, value in state.items()}, made)
    return made.getvalue()


def _in_zip(content: bytes, draw: Random) -> bytes:
    """The same zip file with one of its files damaged, and checksums that fit."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return damaged(content, draw)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w") as after:
        names = before.namelist()
        chosen = draw.choice([name for name in names if name.endswith("data.pkl")] * 3 + names)
        for name in names:
            part = before.read(name)
            after.writestr(name, damaged(part, draw) if name == chosen else part)
    return made.getvalue()


def _added(engine: Engine, source: Path | bytes, about: About) -> None:
    model = engine.add_model(source, about, "mine.pth")
    assert model in [engine.catalogue.default_model(name) for name in Engine("cpu", engine.folder).catalogue]


def hostile_table(draw: Random, place: Place) -> Call:
    """A table that Sparsight reads: counts, rows, answers from elsewhere, names of classes."""
    kind = draw.choice(("accuracy.csv", "units.parquet", "batch.csv", "mapping.yaml", "classes"))
    if kind in ("accuracy.csv", "units.parquet"):
        whole = _included(kind).read_bytes()
        as_text = kind.endswith(".csv") and draw.random() < 0.5
        path = _put(place, kind, as_bytes(rewritten(whole.decode(), draw), draw) if as_text else damaged(whole, draw))
        return lambda: read_counts(path) if kind == "accuracy.csv" else read_frame(path)
    if kind == "classes":
        text = rewritten(draw.choice(CLASSES), draw) if draw.random() < 0.9 else nested(draw)
        return lambda: read_classes(text)
    batch, mapping = _put(place, "batch.csv", BATCH.encode()), _put(place, "mapping.yaml", MAPPING.encode())
    if kind == "batch.csv":
        content = as_bytes(rewritten(BATCH, draw), draw)
        batch.write_bytes(content if draw.random() < 0.7 else damaged(BATCH.encode(), draw))
    else:
        mapping.write_bytes(as_bytes(_yaml(MAPPING, draw, place), draw))
    return lambda: read_batch(batch, read_mapping(mapping))


@cache
def _included(name: str) -> Path:
    return next(iter(sorted(shipped_folder().rglob(name))))


def hostile_yaml(draw: Random, place: Place) -> Call:
    """A sweep or a study. Read and written, it is the same again."""
    if draw.random() < 0.5:
        path = _put(place, "sweep.yaml", as_bytes(_yaml(draw.choice(_sweeps()), draw, place), draw))
        return lambda: _same_sweep(path)
    text = study_yaml(PRESETS[draw.choice(list(PRESETS))].value())
    path = _put(place, "study.yaml", as_bytes(_yaml(text, draw, place), draw))
    return lambda: _same_study(path)


@cache
def _sweeps() -> list[str]:
    return [path.read_text() for path in sorted((shipped_folder() / "sweeps").glob("*.yaml"))]


def _yaml(text: str, draw: Random, place: Place) -> str:
    if draw.random() < 0.05:
        return nested(draw)
    if draw.random() < 0.05:
        return word(text, draw, ALIASES)
    return rewritten(text, draw, str(place.marker))


def _same_sweep(path: Path) -> None:
    spec = read_sweep(path)
    again = path.with_name("again.yaml")
    again.write_text(sweep_yaml(spec, strange(Random(str(spec)))), encoding="utf-8", errors="replace")
    assert read_sweep(again) == spec


def _same_study(path: Path) -> None:
    spec = read_study(path)
    assert from_text(study_yaml(spec)) == spec


def _put(place: Place, name: str, content: bytes) -> Path:
    (place.inputs / name).write_bytes(content)
    return place.inputs / name
