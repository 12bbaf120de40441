"""A reference as text of an address or of the command line.

"dense"; "seed.334"; "level.3"; "sparsity.30", in percent; "model.NAME/WEIGHTS/SEED". A network and
an amount can stand together: "seed.334,level.3". A sparsity may say how the network is pruned:
"sparsity.30,way.filter-global-magnitude"; an N:M pattern is a way and an amount:
"way.2:4-global-magnitude". The text is relative to the network that is compared: what it omits is
the same.
"""

from __future__ import annotations

import math

from core.base.errors import BadSpec, UnknownName
from core.base.text import whole_number
from core.models.cards import RANDOM
from core.models.catalogue import Catalogue
from core.pruning import CRITERIA
from core.specs import ModelSpec, PruningSpec, VariantSpec, n_of_m

DENSE = "dense"
NETWORKS, AMOUNTS = ("model", "seed"), (("level",), ("sparsity",), ("sparsity", "way"), ("way",))
FORMS = (
    "dense, seed.334, level.3, sparsity.30, sparsity.30,way.filter-global-magnitude, model.NAME/WEIGHTS/SEED, or "
    "seed.334,level.3"
)


def read_reference(text: str, variant: VariantSpec, catalogue: Catalogue) -> VariantSpec | None:
    """Return the reference that a text names; None for the network's own dense one.

    Raises BadSpec: the text has another form. UnknownName: no such network, seed or level.
    """
    if text == DENSE:
        return None
    pieces = [part.partition(".") for part in text.split(",")]
    kinds, parts = tuple(kind for kind, _, _ in pieces), {kind: value for kind, _, value in pieces}
    network = kinds[:1] if kinds[0] in NETWORKS else ()
    if kinds[len(network) :] not in AMOUNTS and kinds != network:
        raise BadSpec(f"'{text[:80]}' is no reference.", f"A reference is {FORMS}.", "Write one of these.")
    model = variant.model
    if "seed" in parts:
        model = _with_seed(parts["seed"], model, catalogue)
    elif "model" in parts:
        model = _named(parts["model"], catalogue)
    return VariantSpec(model=model, pruning=_pruning(parts, variant, model, catalogue))


def write_reference(variant: VariantSpec, reference: VariantSpec | None) -> str:
    """Return the shortest text of a reference, which `read_reference` reads again for this network.

    Raises BadSpec for a reference that was pruned in another way than the network.
    """
    if reference is None or reference == variant.dense:
        return DENSE
    model, pruning, parts = reference.model, reference.pruning, []
    if (model.name, model.weights) != (variant.model.name, variant.model.weights):
        parts.append(f"model.{model.name}/{model.weights}/{model.seed}")
    elif model.seed != variant.model.seed:
        parts.append(f"seed.{model.seed}")
    if pruning.is_trained:
        parts.append(f"level.{pruning.level}")
    elif pruning.is_one_shot:
        parts += _written(pruning, variant)
    return ",".join(parts)


def _written(pruning: PruningSpec, variant: VariantSpec) -> list[str]:
    """Return the parts of a one-shot pruning. Raises BadSpec."""
    amount = f"sparsity.{(pruning.sparsity or 0.0) * 100:g}"
    if not n_of_m(pruning.granularity) and pruning.family == _family(variant, 0.0).family:
        return [amount]
    way, has_amount = f"{pruning.granularity}-{pruning.scope}-{pruning.criterion}", not n_of_m(pruning.granularity)
    if pruning != _way(way, pruning.sparsity if has_amount else None):
        raise BadSpec(
            f"{pruning.key} has no short name.",
            "The text of a reference names no excluded layers, no sparsities of single layers, no repair and no seed.",
            "Compare it in a notebook: engine.compare(..., reference=...).",
        )
    return [*([amount] if has_amount else []), f"way.{way}"]


def _with_seed(text: str, model: ModelSpec, catalogue: Catalogue) -> ModelSpec:
    known = [str(seed) for seed in seeds_of(model, catalogue)]
    if text not in known:
        raise UnknownName("seed of these weights", text, known)
    return ModelSpec(name=model.name, weights=model.weights, seed=int(text))


def seeds_of(model: ModelSpec, catalogue: Catalogue) -> tuple[int, ...]:
    """Return the seeds of the networks that were trained as this one was.

    Raises as `Catalogue.card`.
    """
    series = catalogue.series_of(model)
    return series.seeds if series else catalogue.card(model).seeds


def _named(text: str, catalogue: Catalogue) -> ModelSpec:
    name, _, rest = text.partition("/")
    weights, _, seed = rest.partition("/")
    card, usual = catalogue.named(name), catalogue.default_model(name)
    weights = weights or usual.weights
    if weights not in (*card.weights, RANDOM):
        raise UnknownName("set of weights", weights, [*card.weights, RANDOM])
    model = ModelSpec(name=name, weights=weights, seed=usual.seed)
    if not seed:
        return ModelSpec(name=name, weights=weights, seed=seeds_of(model, catalogue)[0])
    if weights == RANDOM and (number := whole_number(seed)) is not None:
        return ModelSpec(name=name, weights=weights, seed=number)
    return _with_seed(seed, model, catalogue)


def _pruning(parts: dict[str, str], variant: VariantSpec, model: ModelSpec, catalogue: Catalogue) -> PruningSpec:
    if "level" in parts:
        series, level = catalogue.series_of(model), parts["level"]
        levels = [] if series is None else [str(each) for each in range(series.last + 1)]
        if series is None or level not in levels:
            raise UnknownName("level of these weights", level, levels)
        return PruningSpec.at_level(int(level), series.schedule)
    if "way" in parts and "sparsity" not in parts:
        return _way(parts["way"], None)
    if "sparsity" not in parts:
        return PruningSpec()
    try:
        share = float(parts["sparsity"]) / 100
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise BadSpec(
            f"'{parts['sparsity'][:40]}' is no sparsity of a reference.",
            "It is percent, 0 to 100.",
            "Write sparsity.30.",
        )
    return _way(parts["way"], share) if "way" in parts else _family(variant, share)


def _way(text: str, share: float | None) -> PruningSpec:
    """Return a one-shot pruning of this granularity, scope and criterion. share: None for an N:M
    pattern, which has its own.
    """
    granularity, _, rest = text.partition("-")
    scope, _, criterion = rest.partition("-")
    if (n_of_m(granularity) is None) == (share is None):
        raise BadSpec(
            f"'{text[:80]}' {'needs a sparsity' if share is None else 'has a sparsity of its own'}.",
            "An N:M pattern determines the sparsity; other ways of pruning need one.",
            "Write sparsity.30,way.filter-global-magnitude, or way.2:4-global-magnitude.",
        )
    if criterion not in CRITERIA:
        raise UnknownName("criterion", criterion, CRITERIA)
    return PruningSpec.one_shot(share, scope, criterion, granularity=granularity)


def _family(variant: VariantSpec, share: float) -> PruningSpec:
    """Return a one-shot pruning in the way of the network's own, by magnitude if it has none."""
    own = variant.pruning
    if not own.is_one_shot:
        return PruningSpec.one_shot(share)
    more = {"seed": own.seed, "excluded": own.excluded, "overrides": own.overrides, "repair": own.repair}
    return PruningSpec.one_shot(share, own.scope, own.criterion, granularity=own.granularity, **more)
