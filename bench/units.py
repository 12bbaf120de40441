"""Benches of single units: exemplars, the interpretability score, and ablation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bench.measure import BENCHES, alternate, line
from bench.sweeps import photographs
from core.data.batches import Batch, Inputs
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.saliency.capture import find_layer
from core.specs import DataSpec, ModelSpec, VariantSpec
from core.units.embeddings import SIMILARITIES, Source, embeddings
from core.units.exemplars import Exemplars, Search, find_exemplars, in_channels_last
from core.units.layers import UnitLayer, unit_layers
from core.units.relevance import MOST_ABLATED, ablate, chosen_units
from core.units.score import Tasks, confidence, depth_of, differences, draw_tasks, tasks_of

MODEL = ModelSpec(name="squeezenet1_1", weights=RANDOM, seed=0)
IMAGES, ABLATED_IMAGES = 500, 32
JUDGE = "pixels"


@contextmanager
def _photographs(engine: Engine, images: int) -> Iterator[tuple[Inputs, list[Batch]]]:
    """Give photographs, decoded and at the device; their files are there inside the block."""
    with photographs(images) as (_, place):
        inputs = engine.inputs(DataSpec(name=f"folder:{place}"), MODEL)
        yield inputs, list(inputs.batches(rows=torch.arange(min(images, len(inputs)))))


@BENCHES.register(
    "exemplars",
    "Exemplars",
    "The strongest and weakest images of all units of SqueezeNet 1.1 over 500 photographs, against the bare passes.",
)
def exemplars(engine: Engine, n: int | None, images: int = IMAGES) -> dict[str, Any]:
    """In turn, n times (default 3) after a warm-up. Photographs are decoded before. `forward_s`:
    the median of the bare passes, `overhead`: ours over it. `kept_bytes`: what is kept of the units
    at the end, which does not grow with the images.
    """
    with _photographs(engine, images) as (_, batches):
        layers, count = unit_layers(engine.card(MODEL)), sum(len(batch.rows) for batch in batches)
    search = Search(images=count, depth=depth_of(tasks_of(count)))
    found: list[dict[str, Exemplars]] = []
    with engine.store.borrow(VariantSpec(model=MODEL)) as network:

        def ours(i: int) -> None:
            found[:] = [find_exemplars(network, batches, layers, search).exemplars]

        def bare(i: int) -> None:
            with torch.no_grad():
                for batch in batches:
                    network(in_channels_last(batch.images))

        times = alternate(ours, bare, n or 3, engine.device)
    kept = sum(value.nbytes for one in found[0].values() for value in vars(one).values())
    row = line("exemplars", engine.device, times[0], ("the bare passes", times[1]), images=count, kept_bytes=kept)
    return row | {"forward_s": row["peer_s"], "overhead": round(row["ours_s"] / row["peer_s"], 3)}


@BENCHES.register(
    "mis",
    "Interpretability score",
    "The score of all units of SqueezeNet 1.1 once exemplars and embeddings are there, against a loop over tasks.",
)
def mis(engine: Engine, n: int | None, images: int = IMAGES, units: int | None = None) -> dict[str, Any]:
    """In turn, n times (default 1) after a warm-up on one unit. units: at most so many of each
    layer; all by default. `largest_difference`: of any unit's score from the loop's.
    """
    with _photographs(engine, images) as (inputs, batches):
        layers, count = unit_layers(engine.card(MODEL)), sum(len(batch.rows) for batch in batches)
        source = Source(inputs=inputs, card=engine.card(MODEL), rows=torch.arange(count), key="bench")
        vectors = embeddings(JUDGE, source, engine.store).vectors
    search = Search(images=count, depth=depth_of(tasks_of(count)))
    with engine.store.borrow(VariantSpec(model=MODEL)) as network:
        found = find_exemplars(network, batches, layers, search).exemplars
    tasks = [draw_tasks(found[layer.name].strongest[:units], found[layer.name].weakest[:units], 0) for layer in layers]
    scores: dict[str, Tensor] = {}

    def ours(i: int) -> None:
        scores["ours"] = torch.cat([confidence(differences(each, vectors)).mean(1) for each in tasks])

    def peer(i: int) -> None:
        scores["peer"] = torch.cat([loop(each, vectors, None if i else 1) for each in (tasks if i else tasks[:1])])

    times = alternate(ours, peer, n or 1, engine.device)
    apart = float((scores["ours"] - scores["peer"]).abs().max())
    text = "a loop over units, tasks and images, as the paper defines it, written here"
    more = {"images": count, "units": len(scores["ours"]), "judge": SIMILARITIES[JUDGE].title}
    return line("mis", engine.device, times[0], (text, times[1]), largest_difference=apart, **more)


def loop(tasks: Tasks, vectors: Tensor, units: int | None = None) -> Tensor:
    """Return the score of each unit, (K,), task by task and image by image."""
    scores = []
    for unit in range(len(tasks.strong[:units])):
        sure = []
        for task in range(tasks.strong.shape[1]):
            strong, weak = tasks.strong[unit, task], tasks.weak[unit, task]
            sides = []
            for query in (tasks.strong_query[unit, task], tasks.weak_query[unit, task]):
                one = vectors[query]
                to_strong = sum(float(one @ vectors[image]) for image in strong) / len(strong)
                to_weak = sum(float(one @ vectors[image]) for image in weak) / len(weak)
                sides.append(to_strong - to_weak)
            sure.append(confidence(torch.tensor(sides[0] - sides[1])))
        scores.append(torch.stack(sure).mean())
    return torch.stack(scores)


@BENCHES.register(
    "ablation",
    "Ablation",
    "128 units of the last Fire module of SqueezeNet 1.1 taken away one by one, against whole passes.",
)
def ablation(engine: Engine, n: int | None, images: int = ABLATED_IMAGES, units: int = MOST_ABLATED) -> dict[str, Any]:
    """In turn, n times (default 1) after a warm-up on one unit. `largest_difference`: of any unit's
    mean fall of the probability.
    """
    with _photographs(engine, images) as (_, batches):
        layer = unit_layers(engine.card(MODEL))[-2]
    chosen = chosen_units(layer, 0, units)
    falls: dict[str, Tensor] = {}
    with engine.store.borrow(VariantSpec(model=MODEL)) as network:

        def ours(i: int) -> None:
            falls["ours"] = ablate(network, batches, layer, chosen if i else chosen[:1]).drop

        def peer(i: int) -> None:
            falls["peer"] = whole_passes(network, batches, layer, chosen if i else chosen[:1])

        times = alternate(ours, peer, n or 1, engine.device)
    apart = float((falls["ours"] - falls["peer"]).abs().max())
    more = {"images": sum(len(batch.rows) for batch in batches), "units": len(chosen), "layer": layer.name}
    return line("ablation", engine.device, times[0], ("whole passes", times[1]), largest_difference=apart, **more)


def whole_passes(network: nn.Module, batches: list[Batch], layer: UnitLayer, units: Tensor) -> Tensor:
    """Return the mean fall of the predicted class' probability, (k,), by a whole pass a unit."""
    module, falls, images = find_layer(network, layer.read), torch.zeros(len(units)), 0
    with torch.no_grad():
        for batch in batches:
            before = network(batch.images).softmax(1)
            own = before.argmax(1, keepdim=True)
            for place, unit in enumerate(units.tolist()):

                def silence(module: nn.Module, given: object, answer: Tensor, unit: int = unit) -> Tensor:
                    answer = answer.clone()
                    answer[:, unit] = 0
                    return answer

                handle = module.register_forward_hook(silence)
                after = network(batch.images).softmax(1)
                handle.remove()
                falls[place] += (before - after).gather(1, own).sum().cpu()
            images += len(batch.rows)
    return falls / images
