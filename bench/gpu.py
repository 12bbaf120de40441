"""All GPU measurements, in order, within a time limit.

`python -m bench gpu --minutes 9 --out DIR` works through STEPS and appends one JSON line a step to
DIR/gpu.jsonl as soon as it is done. Called again it leaves out the steps that are done, so that
several short visits add up; training resumes where the engine's folder was kept. A step that time
ran out for, or that failed, has a line that says so, and is tried again the next time.

SPARSIGHT_DATA names a folder with mnist/ and imagenette-128.zip; steps that need them say so
without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.measure import BENCHES
from bench.train import photographs
from core.base.device import describe
from core.base.errors import MissingData, OutOfMemory
from core.base.registry import Registry
from core.data.datasets import LabelledImages, mnist
from core.data.decode import finished
from core.data.folders import read_folder
from core.data.parts import Images
from core.engine.engine import Engine
from core.jobs.control import Control, Stopped
from core.models.cards import RANDOM
from core.models.trained_levels import trained_levels
from core.models.zoo import default_model
from core.protocols.googlenet import protocol as googlenet
from core.protocols.googlenet import tables as googlenet_tables
from core.protocols.lukkien import protocol as lukkien
from core.protocols.lukkien import study as lukkien_study
from core.protocols.lukkien.images import SERIES, Study
from core.protocols.lukkien.images import evaluate as evaluate_thesis
from core.protocols.merkle import protocol as merkle
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import Budgets
from core.training.material import load
from core.training.place import Place

FILE = "gpu.jsonl"
METHODS = ("grad-cam", "grad-cam++", "layer-cam", "hires-cam", "xgrad-cam")
DONE, UNFINISHED, FAILED, LEFT_OUT = "done", "unfinished", "failed", "left out"
NEEDS_GPU = "needs a GPU"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large the steps are. n: repetitions of a bench, None for its own. images: of the training
    set, None for all. networks: of the protocols of photographs.
    """

    n: int | None = None
    digits: int = 50
    seeds: tuple[int, ...] = lukkien.SEEDS
    levels: int = lukkien.LEVELS
    images: int | None = None
    side_px: int = 128
    networks: tuple[str, str] = ("vgg16_bn", "googlenet")
    epochs: int | None = None
    rates: tuple[float, ...] = googlenet.RATES
    benches: tuple[str, ...] = ("slider", "vgg-slider", "heatmap", "prune", "train-gpu")


@dataclass(frozen=True, eq=False)
class Visit:
    """One call of the script. ends: when it stops, on the clock of time.monotonic."""

    engine: Engine
    ends: float
    sizes: Sizes = Sizes()

    @property
    def left_s(self) -> float:
        return self.ends - time.monotonic()

    def check(self) -> None:
        """Raises Stopped when the time is over."""
        if self.left_s <= 0:
            raise Stopped("The time is over.", "What was finished is kept.", "Call it again to go on.")


class Until(Control):
    """Stops training when a visit ends."""

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self._visit = visit

    def check(self) -> None:
        self._visit.check()


Step = Callable[[Visit], dict[str, Any]]
STEPS: Registry[Step] = Registry("step")


def run(visit: Visit, out: Path) -> Iterator[dict[str, Any]]:
    """Works through the steps that are not done yet; a line each."""
    out.mkdir(parents=True, exist_ok=True)
    known = read(out)
    for name, entry in STEPS.items():
        if known.get(name, {}).get("state") == DONE:
            continue
        if visit.left_s <= 0:
            return
        line = _line(name, entry.value, visit)
        with (out / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        yield line


def read(out: Path) -> dict[str, dict[str, Any]]:
    """The last line of each step so far."""
    path = out / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line["step"]: line for line in map(json.loads, lines)}


def _line(name: str, step: Step, visit: Visit) -> dict[str, Any]:
    began = time.monotonic()
    try:
        state, facts = DONE, step(visit)
        state = LEFT_OUT if "left_out" in facts else DONE
    except Stopped:
        state, facts = UNFINISHED, {}
    except Exception as error:  # one step that fails must not cost the others their time
        state, facts = FAILED, {"error": f"{type(error).__name__}: {error}"}
    head = {"step": name, "state": state, "device": describe(visit.engine.device), "torch": torch.__version__}
    return head | {"seconds": round(time.monotonic() - began, 1)} | facts


@STEPS.register("agree", "CPU and GPU agree", "Counts, masks, predictions and heatmaps on the device against a CPU.")
def agree(visit: Visit) -> dict[str, Any]:
    """Counts and masks must be equal; maps may differ by rounding."""
    there, here = visit.engine, Engine("cpu", visit.engine.folder)
    facts = {"variants": 0, "counts_differ": 0, "mask_bits_differ": 0, "maps": 0, "answers_differ": 0}
    largest, where = 0.0, ""
    for variant, image in _questions(visit):
        visit.check()
        facts["variants"] += 1
        facts["counts_differ"] += there.report(variant) != here.report(variant)
        masks = there.store.mask(variant), here.store.mask(variant)
        facts["mask_bits_differ"] += sum(int((masks[0][name] != kept).sum()) for name, kept in masks[1].items())
        for method in METHODS:
            answers = [engine.compare(variant, image, CamSpec(method=method)) for engine in (there, here)]
            facts["maps"] += 2
            facts["answers_differ"] += answers[0].pruned.prediction.top != answers[1].pruned.prediction.top
            gap = max(
                float(np.abs(getattr(answers[0], side).map - getattr(answers[1], side).map).max())
                for side in ("reference", "pruned")
            )
            if gap > largest:
                largest, where = gap, f"{variant.key}, {method}"
    return facts | {"largest_map_difference": largest, "at": where}


def _questions(visit: Visit) -> Iterator[tuple[VariantSpec, ImageRef]]:
    lite, squeeze = default_model("efficientnet-lite0"), ModelSpec(name="squeezenet1_1", weights=RANDOM, seed=0)
    for row in range(0, visit.sizes.digits, 5):
        yield VariantSpec(pruning=PruningSpec.one_shot(0.5 + row / 200)), ImageRef(name=str(row * 83))
        yield VariantSpec(pruning=PruningSpec.at_level(row % 26)), ImageRef(name=str(row * 83))
    for model in (lite, squeeze):
        for granularity in ("weight", "filter", "2:4"):
            pruning = PruningSpec.one_shot(None if ":" in granularity else 0.3, granularity=granularity)
            yield VariantSpec(model=model, pruning=pruning), ImageRef(source="gallery", name="coffee")


@STEPS.register("tests", "Tests", "The tests that are marked `device`, with their shared engine on this device.")
def tests(visit: Visit) -> dict[str, Any]:
    """Counts of pytest, and the names of what failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "device and not long", "-p", "no:cacheprovider"]
    environment = os.environ | {"SPARSIGHT_TEST_DEVICE": str(visit.engine.device)}
    root = Path(__file__).parents[1]
    try:
        ended = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=visit.left_s
        )
    except subprocess.TimeoutExpired as error:
        raise Stopped("The time is over.") from error
    lines = ended.stdout.splitlines()
    failed = [line.split(" ")[1] for line in lines if line.startswith(("FAILED", "ERROR"))]
    return {"exit": ended.returncode, "summary": lines[-1] if lines else ended.stderr[-500:], "tests_failed": failed}


@STEPS.register("budgets", "Budgets", "Networks beyond what the device may keep, and a question while it is full.")
def budgets(visit: Visit) -> dict[str, Any]:
    """What is kept stays within the budget; out of memory is met by letting go and asking again."""
    device = visit.engine.device
    if device.type != "cuda":
        return {"left_out": NEEDS_GPU}
    budget = 300_000_000
    engine = Engine(str(device), visit.engine.folder, Budgets(device_bytes=budget, ram_bytes=2_000_000_000))
    models = [ModelSpec(name=name, weights=RANDOM, seed=0) for name in ("resnet18", "resnet50", "densenet121")]
    image = ImageRef(source="gallery", name="coffee")
    torch.cuda.reset_peak_memory_stats(device)
    for step in range(6):
        for model in models:
            engine.compare(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.1 + step / 20)), image, CamSpec())
    kept = next(part for part in engine.parts() if part.name == "device")
    facts = {"budget_bytes": budget, "kept_peak_bytes": kept.peak_bytes}
    facts["allocated_peak_bytes"] = torch.cuda.max_memory_allocated(device)
    return facts | {"when_full": _when_full(engine, models[0], image)}


def _when_full(engine: Engine, model: ModelSpec, image: ImageRef) -> str:
    """Fills the card with networks of the engine, then leaves it almost nothing."""
    engine.store.allow(Budgets(device_bytes=10**12, ram_bytes=10**12))
    for step in range(20):
        engine.compare(VariantSpec(model=model, pruning=PruningSpec.one_shot(step / 40)), image, CamSpec())
    free, total = torch.cuda.mem_get_info(engine.device)
    torch.cuda.set_per_process_memory_fraction((total - free) / total, engine.device)
    try:
        engine.compare(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.77)), image, CamSpec())
        return "answered after letting go"
    except OutOfMemory:
        return "refused, with advice"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, engine.device)


@STEPS.register("benches", "Benches", "Slider, VGG slider, heatmap, prune and training on a GPU.")
def benches(visit: Visit) -> dict[str, Any]:
    rows = {}
    for name in visit.sizes.benches:
        visit.check()
        rows[name] = BENCHES[name].value(visit.engine, visit.sizes.n)
    return {"rows": rows}


@STEPS.register("thesis", "The thesis", "The MNIST protocol from training to tables.")
def thesis(visit: Visit) -> dict[str, Any]:
    """Accuracy of each seed at the first and the last level; every level resumes."""
    sizes, engine = visit.sizes, visit.engine
    plan = lukkien.Plan(weights="mnist-55000", seeds=sizes.seeds, levels=sizes.levels, device=engine.device)
    for _ in lukkien.run(plan, engine.store.files, _digits(visit)):
        visit.check()
    data = lukkien_study.evaluation_data(plan.weights)
    for _ in evaluate_thesis(Study(plan, data), engine):
        visit.check()
    rows = {}
    for seed in plan.seeds:
        for level in (0, plan.levels):
            found = engine.evaluate_accuracy(plan.variant(seed, level), data)
            rows[f"seed {seed}, level {level}"] = [found.correct, found.total]
    return {"correct": rows, "series": list(SERIES)}


def _digits(visit: Visit) -> LabelledImages | None:
    """A part of the embedded digits where not all images are wanted, else MNIST's training set."""
    if visit.sizes.images is not None:
        return visit.engine.gallery().part(torch.arange(visit.sizes.images))
    os.environ.setdefault("SPARSIGHT_MNIST", str(Path(os.environ.get("SPARSIGHT_DATA", "")) / "mnist"))
    mnist("train", visit.engine.folder / "data", download=False)  # said before training, not after
    return None


@STEPS.register("less-is-more", "Less is More", "VGG-16-BN on imagenette-128, from random weights.")
def less_is_more(visit: Visit) -> dict[str, Any]:
    sizes, engine = visit.sizes, visit.engine
    plan = merkle.Plan(
        architecture=sizes.networks[0],
        data=f"imagenette-{sizes.side_px}",
        size_px=sizes.side_px,
        epochs=sizes.epochs,
        start="random",
        normalise=True,
    )
    images = _photographs(visit, plan.backbone.rule)
    for _ in merkle.run(plan, images, None, Place(engine.store.files, engine.device, Until(visit))):
        visit.check()
    engine.catalogue.refresh()
    model = ModelSpec(name=f"{plan.architecture}@{plan.data}", weights=plan.run, seed=plan.seed)
    rows = [
        {"level": level.variant.pruning.level, "sparsity": engine.report(level.variant).sparsity}
        | {"correct": level.correct, "validation": level.total}
        for level in trained_levels(engine.catalogue, model)
    ]
    return {"model": model.key, "rows": rows}


@STEPS.register("googlenet", "The GoogLeNet study", "GoogLeNet on imagenette-128, from random weights.")
def googlenet_study(visit: Visit) -> dict[str, Any]:
    sizes, engine = visit.sizes, visit.engine
    plan = googlenet.Plan(
        architecture=sizes.networks[1],
        data=f"imagenette-{sizes.side_px}-vonrad",
        size_px=sizes.side_px,
        epochs=sizes.epochs,
        dense_epochs=sizes.epochs,
        curve_epochs=sizes.epochs,
        rates=sizes.rates,
        start="random",
    )
    images = _photographs(visit, plan.backbone.rule)
    for _ in googlenet_tables.study(plan, images, None, engine, Until(visit)):
        visit.check()
    levels = googlenet_tables.load([engine.folder], plan.model).levels
    rows = json.loads(levels[["pruning", "retraining", "rate", "correct"]].to_json(orient="records"))
    return {"model": plan.model, "rows": rows, "test": len(images.test)}


def _photographs(visit: Visit, rule: Any) -> Images:
    """imagenette-128 decoded, or a few of its photographs, or made ones."""
    if visit.sizes.images is None:
        archive = Path(os.environ.get("SPARSIGHT_DATA", "")) / "imagenette-128.zip"
        if not archive.is_file():
            raise MissingData("imagenette-128.zip is missing.", "SPARSIGHT_DATA names its folder.", "Set it.")
        return finished(load(read_folder(archive), rule, visit.engine.folder, ()))
    home = visit.engine.folder / "few"
    with photographs(home, visit.sizes.images) as (_, folder):
        return finished(load(read_folder(folder), rule, visit.engine.folder, ()))
