"""Thirty threads ask one engine that has no room for two networks. Every answer is compared, bit
for bit, with that of another engine, which has room and answers in turn.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
from safetensors.torch import save

from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from core.base.errors import MissingData, SparsightError, UnknownName
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.models.own import About
from core.models.zoo import default_model
from core.results import Comparison
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import Budgets
from core.store.weights import network_bytes

THREADS, ANSWERS = 30, 100  # in a trial
LITE, SQUEEZE = default_model("efficientnet-lite0"), "squeezenet1_1"
RETRAINED = ModelSpec(name=f"{SQUEEZE}@imagenette-128", weights="merkle-global", seed=0)
UNTRAINED = ModelSpec(name=SQUEEZE, weights=RANDOM, seed=0)
NETWORKS = (ModelSpec(), LITE, RETRAINED, UNTRAINED)
PAUSE_S = 0.5  # between two changes, on average
GONE = (UnknownName, MissingData)  # what a question about a deleted network raises
METHODS = ("grad-cam", "grad-cam++", "layer-cam")
Question = tuple[VariantSpec, ImageRef, CamSpec]
Change = Callable[[Engine, random.Random], None]


@dataclass(frozen=True)
class Answered:
    """One answer: what was found, or the error instead of it."""

    found: Comparison | None
    error: Exception | None = None


def nothing(engine: Engine, draw: random.Random) -> None:
    """The budgets stay, and every network."""


def budgets_change(engine: Engine, draw: random.Random) -> None:
    """From no room at all to room for some networks."""
    most = 3 * network_bytes(engine.card(LITE))
    engine.store.allow(replace(Budgets(), device_bytes=draw.randrange(most), ram_bytes=draw.randrange(most)))


def networks_are_dropped(engine: Engine, draw: random.Random) -> None:
    """As when their files change."""
    engine.store.forget(draw.choice(NETWORKS))


def a_network_is_deleted(engine: Engine, draw: random.Random) -> None:
    """An own one, and added again."""
    engine.forget(_own(engine))
    time.sleep(PAUSE_S * draw.random())
    _own(engine)


CASES: dict[str, Change] = {
    "30 threads, room for one network": nothing,
    "30 threads, budgets change": budgets_change,
    "30 threads, networks are dropped": networks_are_dropped,
    "30 threads, a network is deleted and added": a_network_is_deleted,
}


def trial(number: int, folder: Path) -> Trial:
    """One batch of questions, asked twice."""
    case, change = list(CASES.items())[number % len(CASES)]
    draw = random.Random(f"answers {number}")
    engines = [Engine("cpu", folder / name) for name in ("in-turn", "at-once")]
    own = [_own(engine) for engine in engines][-1]
    networks = (*NETWORKS, own) if change is a_network_is_deleted else NETWORKS
    questions = [_question(networks[place % len(networks)], draw) for place in range(ANSWERS)]
    began = time.perf_counter()
    expected = [_ask(engines[0], question) for question in questions]
    between = time.perf_counter()
    one = network_bytes(engines[1].card(LITE))
    engines[1].store.allow(replace(Budgets(), device_bytes=one, ram_bytes=one))
    with _changing(engines[1], change, draw), ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda question: _ask(engines[1], question), questions))
    ended = time.perf_counter()
    found = list(_faults(questions, expected, answers, own))
    return Trial(
        case,
        tuple(found),
        {
            "answers": len(answers),
            "differing": len(found),
            "of a deleted network": sum(isinstance(answer.error, GONE) for answer in answers),
            "in turn, s": round(between - began, 2),
            "at once, s": round(ended - between, 2),
        },
    )


def differing(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yield the parts of two results that are not the same, bit for bit. Stamps tell files apart,
    so those of two cache folders always differ.
    """
    if type(one) is not type(other):
        yield where
    elif is_dataclass(one):
        for each in fields(one):
            if each.name == "stamp":
                continue
            yield from differing(getattr(one, each.name), getattr(other, each.name), f"{where}.{each.name}")
    elif isinstance(one, np.ndarray):
        if (one.dtype, one.shape, one.tobytes()) != (other.dtype, other.shape, other.tobytes()):
            yield where
    elif isinstance(one, dict):
        if list(one) != list(other):
            yield where
        else:
            for name in one:
                yield from differing(one[name], other[name], f"{where}[{name}]")
    elif isinstance(one, tuple | list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from differing(*pair, f"{where}[{place}]")
    elif repr(one) != repr(other):  # of a float, repr tells every bit, and NaN is itself
        yield where


def _faults(
    questions: list[Question], expected: list[Answered], answers: list[Answered], own: ModelSpec
) -> Iterator[str]:
    for question, right, answer in zip(questions, expected, answers, strict=True):
        asked = " ".join(each.key for each in question)
        if right.found is None or right.error is not None:
            yield f"{asked}: no answer in turn: {right.error!r}"
        elif answer.found is not None:
            if parts := list(differing(right.found, answer.found)):
                yield f"{asked}: {', '.join(parts[:3])} and {len(parts[3:])} others differ"
        elif question[0].model != own or not isinstance(answer.error, GONE):
            yield f"{asked}: {answer.error!r}"


def _ask(engine: Engine, question: Question) -> Answered:
    try:
        return Answered(engine.compare(*question))
    except SparsightError as error:
        return Answered(None, error)
    except Exception as error:
        return Answered(None, error)


def _question(model: ModelSpec, draw: random.Random) -> Question:
    """A mixed sparsity, image and method. Some questions come twice."""
    digits = model == ModelSpec()
    if model == RETRAINED and draw.random() < 0.5:
        pruning = PruningSpec.at_level(draw.randrange(7), "retrained")
    else:
        granularity = draw.choice(("weight", "weight", "filter"))
        pruning = PruningSpec.one_shot(round(draw.uniform(0, 0.95 if digits else 0.6), 2), granularity=granularity)
    image = (
        ImageRef(name=str(draw.randrange(5000)))
        if digits
        else ImageRef(source="gallery", name=draw.choice(list(GALLERY)))
    )
    return VariantSpec(model=model, pruning=pruning), image, CamSpec(method=draw.choice(METHODS))


def _own(engine: Engine) -> ModelSpec:
    """Add an own network, unless it is there, with the values of the untrained one."""
    with engine.store.borrow(VariantSpec(model=UNTRAINED)) as network:
        return engine.add_model(save(dict(network.state_dict())), About(architecture=SQUEEZE))


@contextmanager
def _changing(engine: Engine, change: Change, draw: random.Random) -> Iterator[None]:
    """Change again and again while the block runs."""
    ended = Event()

    def work() -> None:
        while not ended.wait(2 * PAUSE_S * draw.random()):
            change(engine, draw)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


CAMPAIGNS.register(
    "answers", "Answers", "100 answers of 30 threads about four networks, with room for one: those that differ."
)(Campaign(n=20, trial=trial))
