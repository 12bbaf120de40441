"""The choice of what the network is compared with."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from core import ModelSpec, PruningSpec, VariantSpec
from core.engine.reference_name import reference_name
from core.engine.reference_text import DENSE, read_reference, seeds_of, write_reference
from core.models.cards import Card
from pages.parts.common import engine
from pages.parts.common.markdown import plain
from pages.parts.common.references import ReferenceTexts, of_model
from pages.parts.common.widgets import choice, current, several

SPARSITIES = range(10, 100, 10)  # percent
HELP = (
    "The network on the left. By default it is this network before pruning. Another seed shows how much two trainings"
    " differ; another network, a level or a sparsity is compared as it is. Both heatmaps are for the class that it"
    " predicts."
)


def reference_choice(model: ModelSpec) -> None:
    """Draws the choice."""
    entry = of_model(model)
    names = offered(model, (current("ref", {"ref": entry}),))
    choice("Compared with", "ref", {"ref": replace(entry, names=tuple(names), titles=names)}, help=HELP)


def references_choice(model: ModelSpec, name: str, most: int) -> tuple[str, ...]:
    """Draws a choice of several references; by default the dense networks of all seeds.

    Args:
        name: of the parameter.
    """
    entry = ReferenceTexts((), model=model)
    names = offered(model, current(name, {name: entry}))
    known = {name: replace(entry, names=tuple(names), titles=names)}
    chosen = several("References", name, known, placeholder="default: every seed", max_selections=most)
    return chosen or tuple(text for text in names if text == DENSE or text.startswith("seed."))[:most]


def reference_of(model: ModelSpec, family: PruningSpec) -> VariantSpec | None:
    """Returns the chosen reference; None for the network's own dense one.

    Args:
        family: how the network is pruned; its amount does not matter.
    """
    text = current("ref", {"ref": of_model(model)})
    variant = VariantSpec(model=model, pruning=family)
    reference = read_reference(text, variant, engine.catalogue())
    return None if reference == variant.dense else reference


def reference_line(model: ModelSpec) -> str:
    """Names another reference than the dense network, after a comma; else ""."""
    text = current("ref", {"ref": of_model(model)})
    return "" if text == DENSE else f", beside: {plain(title_of(text, model))}"


def offered(model: ModelSpec, chosen: tuple[str, ...] = ()) -> dict[str, str]:
    """Returns titles of references: dense networks of other seeds, levels of the series,
    sparsities, other networks on this machine that take such images, and those that are chosen.
    """
    return {name: title_of(name, model) for name in (DENSE, *_others(model), *chosen)}


def _others(model: ModelSpec) -> list[str]:
    here = engine.engine().store
    others = [replace(model, seed=seed) for seed in seeds_of(model, engine.catalogue()) if seed != model.seed]
    card, top = engine.card(model), max(engine.card(model).grid) * 100
    series = engine.series_of(model)
    networks = [
        found
        for name, entry in engine.catalogue().items()
        for weights in entry.value.weights
        if entry.value.reads_digits == card.reads_digits
        if (found := _first(name, weights)) and (name, weights) != (model.name, model.weights)
    ]
    dense = [VariantSpec(model=each) for each in (*others, *networks) if not here.missing(each)]
    return [
        *(write_reference(VariantSpec(model=model), variant) for variant in dense),
        *(f"level.{level}" for level in range(1, 1 + (series.last if series else 0))),
        *(f"sparsity.{share}" for share in SPARSITIES if share <= top),
    ]


def _first(name: str, weights: str) -> ModelSpec:
    found = ModelSpec(name=name, weights=weights, seed=engine.catalogue().default_model(name).seed)
    return replace(found, seed=seeds_of(found, engine.catalogue())[0])


def title_of(text: str, model: ModelSpec) -> str:
    """Returns what people read for a reference."""
    if text == DENSE:
        return "Its dense network"
    name = text.partition(",")[0].removeprefix("model.").partition("/")[0] if text.startswith("model.") else model.name
    return _title(text, model, engine.catalogue().named(name))


@lru_cache(maxsize=1000)
def _title(text: str, model: ModelSpec, card: Card) -> str:
    """card: of the reference; another one of the same name has another title."""
    variant = VariantSpec(model=model)
    reference = read_reference(text, variant, engine.catalogue())
    name = reference_name(engine.catalogue(), variant, reference or variant.dense).removeprefix("the ")
    return name[:1].upper() + name[1:]
