"""Little memory: budgets of a quarter of what a task needs, and whole commands that may take 2 GB.

The system bounds the data of a command (RLIMIT_DATA: its heap and its private writable memory), as
it can everywhere without rights; all its memory (RLIMIT_AS) would count what torch only reserves.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
from PIL import Image

from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from bench.sweep_processes import DIGITS
from core.base.errors import SparsightError
from core.base.numbers import GIGABYTE
from core.base.settings import REPOSITORY
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.pruning.scores import CRITERIA
from core.results import CachePart
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import Budgets
from core.sweeps.read import frame
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping

SHARE, OVER = 1 / 4, 1.05  # of what a task needs; the most that a tier may take of its budget
AMPLE = Budgets(device_bytes=8 * GIGABYTE, ram_bytes=8 * GIGABYTE)
MODELS = ("efficientnet-lite0", "resnet18", "squeezenet1_1", "mobilenet_v3_large", "thesis-cnn")
METHODS = ("grad-cam", "grad-cam++", "layer-cam", "xgrad-cam")
GRANULARITIES = ("weight", "kernel", "filter", "2:4")
LEAST = 1.0  # GB: Python, torch and pandas take about half of it
LARGE = ("vgg16", "resnet152", "convnext_large", "regnet_y_128gf")  # 0.6, 0.2, 0.8 and 2.6 GB of weights
SMALLEST = 1_000_000  # bytes of a budget; below, a few numbers are more than a network
OTHERWISE = ("stamp", "seconds", "latency")  # of answers that are the same


class Asked:
    """Questions about one network, as a trial draws them."""

    def __init__(self, engine: Engine, draw: random.Random, name: str) -> None:
        self.engine = engine
        known = engine.catalogue.default_model(name)
        self.model = known if not engine.store.missing(known) else ModelSpec(name=name, weights=RANDOM, seed=0)
        photo, row = draw.choice(list(GALLERY)), draw.randrange(5000)
        self.image = ImageRef(name=str(row)) if name == "thesis-cnn" else ImageRef(source="gallery", name=photo)
        self.cam = CamSpec(method=draw.choice(METHODS))
        self.criterion, self.granularity = draw.choice(list(CRITERIA)), draw.choice(GRANULARITIES)

    def variant(self, sparsity: float) -> VariantSpec:
        share = None if ":" in self.granularity else sparsity
        criterion = self.criterion if self.granularity == "weight" else "magnitude"
        pruning = PruningSpec.one_shot(share, "global", criterion, granularity=self.granularity)
        return VariantSpec(model=self.model, pruning=pruning)

    def compare(self, sparsity: float) -> Any:
        return self.engine.compare(self.variant(sparsity), self.image, self.cam)


class Subject:
    """The engine that a task asks, what decides everything random, and what it asks about."""

    def __init__(self, engine: Engine, number: int) -> None:
        self.engine, self.draw, self.asked = engine, random.Random(number), list[Asked]()

    def ask(self, *names: str) -> Asked:
        self.asked.append(Asked(self.engine, self.draw, self.draw.choice(names or MODELS)))
        return self.asked[-1]

    def three(self) -> list[Asked]:
        return [self.ask(name) for name in self.draw.sample(MODELS, 3)]


def slider(subject: Subject) -> Any:
    asked = subject.ask()
    return [asked.compare(round(subject.draw.random(), 3)) for _ in range(4)]


def in_turn(subject: Subject) -> Any:
    asked = subject.three()
    return [each.compare(sparsity) for sparsity in (0.3, 0.6) for each in asked]


def at_once(subject: Subject) -> Any:
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda each: each.compare(0.5), subject.three()))


def counted(subject: Subject) -> Any:
    variant = subject.ask().variant(0.7)
    return [subject.engine.report(variant), subject.engine.cost(variant)]


def evaluated(subject: Subject) -> Any:
    return subject.engine.evaluate_accuracy(subject.ask("thesis-cnn").variant(0.8), DataSpec(noise=0.2))


def without_channels(subject: Subject) -> Any:
    asked = subject.ask("resnet18", "squeezenet1_1")
    asked.granularity = "filter"
    return subject.engine.physical(asked.variant(0.4))[0].state_dict()


def kept(subject: Subject) -> Any:
    asked = subject.ask()
    subject.engine.keep(asked.variant(0.5))
    return asked.compare(0.5)


def swept(subject: Subject) -> Any:
    subject.ask("thesis-cnn")
    found = Sweep(subject.engine, from_mapping(DIGITS | {"images": 50, "prunings": [{"sparsity": [0.2, 0.5, 0.8]}]}))
    return [step.variant.key for step in found.run()], frame(found)


TASKS: tuple[Callable[[Subject], Any], ...] = (
    slider,
    in_turn,
    at_once,
    counted,
    evaluated,
    without_channels,
    kept,
    swept,
)


def content(answer: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of an answer with its place: arrays by their bytes."""
    if is_dataclass(answer):
        answer = {each.name: getattr(answer, each.name) for each in fields(answer) if each.name not in OTHERWISE}
    if isinstance(answer, Mapping):
        for key in answer:
            yield from content(answer[key], f"{name}/{key}")
    elif isinstance(answer, list | tuple):
        for place, each in enumerate(answer):
            yield from content(each, f"{name}/{place}")
    elif isinstance(answer, np.ndarray | torch.Tensor):
        yield name, hashlib.sha256(np.ascontiguousarray(answer).tobytes()).hexdigest()
    else:
        yield name, answer.to_csv() if isinstance(answer, pandas.DataFrame) else repr(answer)


def budgets(number: int, folder: Path) -> Trial:
    """Do a task with room, and with a quarter of what it took; in every second round with room for
    the largest of its questions alone, which is where the budgets must hold.
    """
    task, holds = TASKS[number % len(TASKS)], number // len(TASKS) % 2 == 1
    ample = Subject(Engine("cpu", folder / "ample", AMPLE), number)
    wanted = dict(content(task(ample)))
    need = {part.name: part.peak_bytes for part in ample.engine.store.parts()}
    ram, device = (max(1, math.ceil(need[name] * SHARE)) for name in ("RAM", "device"))
    if holds:
        alone = [alone_bytes(asked, folder / f"alone-{place}") for place, asked in enumerate(ample.asked)]
        ram, device = (max(each[name] for each in alone) for name in ("RAM", "device"))
    engine = Engine("cpu", folder / "tight", Budgets(device_bytes=device, ram_bytes=ram))
    try:
        found = dict(content(task(Subject(engine, number))))
    except SparsightError as error:
        faults = [] if error.next_step else [f"{task.__name__}: {error} does not say what to do"]
        return Trial(f"{task.__name__}: {type(error).__name__}", tuple(faults))
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    faults = [f"{task.__name__}: other values at {', '.join(differing[:5])}"] if differing else []
    parts = engine.store.parts()
    if holds and ram > SMALLEST:
        faults += [f"{task.__name__}: {part} of {part.budget_bytes:,}" for part in parts if over(part) > OVER]
    if (took := sum(part.peak_bytes for part in parts)) > OVER * sum(need.values()):
        faults.append(f"{task.__name__}: it took {took:,} bytes, with room {sum(need.values()):,}")
    case = f"{task.__name__}, {'room for one question' if holds else 'a quarter'}: the same"
    return Trial(case, tuple(faults), {f"{part.name}{'_held' * holds}": round(over(part), 3) for part in parts})


def alone_bytes(asked: Asked, folder: Path) -> dict[str, int]:
    """Return the most that one question takes of each tier where there is room."""
    asked.engine = Engine("cpu", folder, AMPLE)
    asked.compare(0.5)
    asked.engine.report(asked.variant(0.5))
    return {part.name: max(1, part.peak_bytes) for part in asked.engine.store.parts()}


def over(part: CachePart) -> float:
    """Return the most that a tier took, in shares of its budget."""
    return part.peak_bytes / part.budget_bytes


PRUNED = ["--weights", RANDOM, "--sparsity", "0.5"]
COMMANDS: dict[str, list[str]] = {  # {} stands for a folder
    **{f"{what} of {name}": [what, "--model", name, *PRUNED] for what in ("heatmap", "cost") for name in LARGE},
    "keep": ["keep", "--model", "vgg16", *PRUNED],
    "export": ["export", "--model", "vgg16", *PRUNED, "--out", "{}/out"],
    "a large photograph": ["heatmap", "--model", "efficientnet-lite0", "--image", "{}/large.png"],
    "evaluate": ["evaluate", "--sparsity", "0.9", "--noise", "0.2", "--heatmaps"],
    "sweep": ["sweep", "run", "{}/sweep.yaml", "--yes"],
    "report": ["report", "less-is-more", "--out", "{}/report.html"],
    "info": ["info"],
}


def capped(number: int, folder: Path) -> Trial:
    """Run a command that may take 2 GB, in every second trial less."""
    draw = random.Random(number)
    name = list(COMMANDS)[number // 2 % len(COMMANDS)]
    words = [word.format(folder) for word in COMMANDS[name]]
    if name == "a large photograph":
        Image.effect_noise((7000, 5500), 60).convert("RGB").save(folder / "large.png", compress_level=1)
    (folder / "sweep.yaml").write_text(json.dumps(DIGITS | {"images": 5000, "prunings": [{"sparsity": [0.5, 0.9]}]}))
    limit = 2 * GIGABYTE if number % 2 == 0 else int(draw.uniform(LEAST, 2) * GIGABYTE)
    done = subprocess.run(
        [sys.executable, "-m", "core", *words, "--device", "cpu", "--folder", str(folder / "cache")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )
    said = f"with {limit / GIGABYTE:.2f} GB {name} ended with {done.returncode}: {done.stderr[-600:]}"
    bad = "Traceback" in done.stderr or "Sparsight failed" in done.stderr or done.returncode not in (0, 1)
    silent = done.returncode == 1 and len(done.stderr.strip().splitlines()) < 2
    return Trial(f"{name}: {'answered' if done.returncode == 0 else 'explained'}", (said,) if bad or silent else ())


CAMPAIGNS.register(
    "budgets", "Budgets", "Tasks with a quarter of the memory that they need, or room for one question."
)(Campaign(40, budgets))
CAMPAIGNS.register("capped", "Two gigabytes", "Commands whose process may take 2 GB, or less.")(Campaign(30, capped))
