"""Which network, and how it is pruned: widgets -> ModelSpec and a PruningSpec without an amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import streamlit as st

from core import ModelSpec, PruningSpec
from core.base.numbers import size
from core.data.classes import class_index
from core.data.gallery import GALLERY
from core.models.cards import RANDOM, Card
from core.pruning import CRITERIA
from core.pruning.repair import has_batch_norm
from core.pruning.scores import needs_images
from core.specs import GRANULARITIES, REPAIRS, SCHEDULES, SCOPES, TRAINED, Schedule, n_of_m
from core.sweeps.address import excluded_weights
from pages.parts.common import engine, frame, plugins, present, titles
from pages.parts.common.address import of_model
from pages.parts.common.markdown import message, plain
from pages.parts.common.parameters import Choice, Stated
from pages.parts.common.state import state
from pages.parts.common.widgets import Known, choice, current, number, segments, several
from pages.parts.sidebar import downloads

# Parameters whose choices depend on the model. Each model keeps its own values of them.
OF_ITS_OWN = (
    "weights",
    "unit",
    "fine",
    "ratio",
    "level",
    "source",
    "seed",
    "ref",
    "schedule",
    "class",
    "excluded",
    "byhand",
    "repair",
    "layer",
)


def look_again() -> None:
    """Adds networks that were retrained or imported since the last call to the catalogue."""
    engine.catalogue().refresh()


def model_choice(known: Known) -> ModelSpec:
    """Draws the choice of the network."""
    plugins.problems()
    name = choice("Network", "model", known, help=_which())
    _remember(name)
    known = of_model(name)
    found = engine.catalogue().default_model(name)
    if not engine.card(found).reads_digits:
        found = replace(found, weights=choice("Weights", "weights", known, help=_sets(engine.card(found))))
    _described(found)
    known = of_model(name, found.weights)
    _fit("unit", known)
    found = replace(found, seed=_seed(known))
    if not present.on():
        frame.link("pages/my_networks.py", "Try my network", ":material/upload_file:")
    return found


def network_line(model: ModelSpec) -> str:
    """Describes the network in one line, with a badge if its weights need a download."""
    card, parts = engine.card(model), [plain(engine.catalogue().title(model))]
    if not card.reads_digits and model.weights != next(iter(card.weights)):
        parts.append(plain(titles.WEIGHTS.get(model.weights, model.weights)))
    series = engine.series_of(model)
    if len(series.seeds if series else card.seeds) > 1:
        parts.append(f"seed {model.seed}")
    if not downloads.is_there(model):
        parts.append(f":orange-badge[:material/cloud_download: {size(card.weights[model.weights].bytes)}]")
    return ", ".join(parts)


def family_line(family: PruningSpec) -> str:
    """Describes in one line how the network is pruned."""
    if family.level is not None:
        return titles.SCHEDULES[family.schedule]
    what = titles.GRANULARITY.get(family.granularity, family.granularity)
    parts = [what] if n_of_m(family.granularity) else [what, titles.SCOPES[family.scope].lower()]
    parts.append(CRITERIA[family.criterion].title)
    if left_alone := len(family.excluded):
        parts.append(f"{left_alone} layer{'s' * (left_alone > 1)} excluded")
    if by_hand := len(family.overrides):
        parts.append(f"{by_hand} layer{'s' * (by_hand > 1)} set individually")
    if family.repair != "none":
        parts.append("BatchNorm re-estimated")
    return ", ".join(parts)


def _seed(known: Known) -> int:
    """Draws the choice of the training run, where these weights have several."""
    _fit("seed", known)
    entry = known["seed"]
    assert isinstance(entry, Choice)
    if len(entry.names) == 1:
        return int(entry.default)
    return int(
        segments(
            "Model seed", "seed", known, help="One training run per seed, each from a different random initialisation."
        )
    )


def _fit(name: str, known: Known) -> None:
    """Resets a value that these weights do not offer."""
    entry = known[name]
    assert isinstance(entry, Choice)
    if st.session_state.get(name, entry.default) not in entry.names:
        st.session_state[name] = entry.default


def _which() -> str:
    """Lists the included networks, and those that are downloaded on first use."""
    models = [entry.value.first_model(name) for name, entry in engine.catalogue().items()]
    here = [model for model in models if downloads.is_there(model)]
    away = [
        f"{plain(engine.catalogue().title(model))} ({size(engine.card(model).weights[model.weights].bytes)})"
        for model in models
        if model not in here
    ]
    text = f"On this machine: {', '.join(plain(engine.catalogue().title(model)) for model in here)}."
    if away:
        text += f"\n\nDownloaded on first use: {', '.join(away)}."
    return f"{text}\n\nThe address can name any other torchvision CNN, for example `?model=resnet34`."


def _sets(found: Card) -> str:
    return listed(
        {name: weights.summary for name, weights in found.weights.items()}
        | {RANDOM: "random weights, for a sanity check"},
        titles.WEIGHTS,
    )


def _described(model: ModelSpec) -> None:
    """Writes the facts of the chosen network."""
    card = engine.card(model)
    st.caption(f"{card.parameters:,} parameters")
    known = engine.catalogue()
    if model.name in known and (known[model.name].plugin or known[model.name].facts.get("own")):
        for note in card.notes:
            st.caption(message(note))


def _remember(name: str) -> None:
    """Keeps the parameter values of the previous model and restores those of the chosen one."""
    view = state().view
    before, view.model = view.model or name, name
    if name == before:
        return
    kept = view.its_own
    if photo := _photo_of_a_class(name):
        st.session_state["photo"] = photo
    alike = engine.catalogue().named(before).reads_digits == engine.catalogue().named(name).reads_digits
    for parameter in OF_ITS_OWN:
        if parameter in st.session_state and not (alike and parameter == "source"):
            kept[before, parameter] = st.session_state[parameter]
            entry = of_model(name)[parameter]
            st.session_state[parameter] = kept.get(
                (name, parameter), entry.usual if isinstance(entry, Stated) else entry.parse(())
            )


def _photo_of_a_class(name: str) -> str | None:
    """Returns a photograph of the gallery that shows a class of this network, if the current
    photograph does not.
    """
    classes = engine.catalogue().named(name).classes
    known = [photo for photo, entry in GALLERY.items() if class_index(entry.value.subject, classes) is not None]
    return known[0] if known and current("photo", of_model(name)) not in known else None


def family_choice(model: ModelSpec) -> PruningSpec:
    """Draws the pruning widgets; the returned spec has no amount yet (sparsity 0 or level 0)."""
    known, found = of_model(model.name, model.weights), engine.card(model)
    schedule = _schedule(model, known)
    if schedule in TRAINED:
        st.caption(message(found.weights[model.weights].summary))
        return PruningSpec.at_level(0, schedule)
    granularity = choice("Granularity", "granularity", known, help=listed(GRANULARITIES, titles.GRANULARITY))
    scope = "global" if n_of_m(granularity) else segments("Scope", "scope", known, help=listed(SCOPES, titles.SCOPES))
    criterion = choice(
        "Criterion", "criterion", known, help=listed({entry.title: entry.summary for entry in CRITERIA.values()})
    )
    if needs_images(criterion):
        st.caption(":gray-badge[a few images] Measured once per network on a few images.")
    excluded, overrides = _layers(found, known, granularity)
    repair = _repair(model, known)
    return PruningSpec.one_shot(
        0.0, scope, criterion, granularity=granularity, excluded=excluded, overrides=overrides, repair=repair
    )


def _repair(model: ModelSpec, known: Known) -> str:
    """Draws the choice of what is re-estimated after pruning, for networks with BatchNorm."""
    if not _has_batch_norm(engine.card(model)):
        return "none"
    text = (
        listed(REPAIRS, titles.REPAIRS)
        + "\n\nUses the same images as the criteria: the photographs of the gallery, or embedded digits."
    )
    repair = segments("Repair", "repair", known, help=text)
    if repair != "none":
        st.caption(
            "Estimated on only a few images: where pruning has done little damage, this does more harm than good."
        )
    return repair


@lru_cache(maxsize=200)
def _has_batch_norm(found: Card) -> bool:
    return has_batch_norm(found.skeleton)


def _layers(found: Card, known: Known, granularity: str) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...]]:
    """Draws the choice of excluded layers and of layers with their own sparsity."""
    if present.on():
        alone, own = current("excluded", known), current("byhand", known)
        shares = {name: current(f"amount.{name}", known) for name in own}
    else:
        with st.expander("Layers", icon=":material/layers:"):
            alone = several(
                "Exclude layers",
                "excluded",
                known,
                placeholder="none",
                help="First layer: the one that reads the image. Classifier: the one that computes the logits.",
            )
            if "classifier" not in alone:
                st.caption(
                    "Many papers exclude the classifier: pruning it affects accuracy more than its share of the"
                    " weights suggests."
                )
            shares = {} if n_of_m(granularity) else _amounts_by_hand(known)
    excluded = excluded_weights(found, alone)
    overrides = {f"{name}.weight": share / 100 for name, share in shares.items()}
    return excluded, tuple((weight, share) for weight, share in overrides.items() if weight not in excluded)


def _amounts_by_hand(known: Known) -> dict[str, float]:
    """Draws one slider per chosen layer; returns percent by layer."""
    chosen = several(
        "Per-layer sparsity",
        "byhand",
        known,
        placeholder="none",
        help="Each chosen layer gets its own slider; the main slider sets the sparsity of all other layers.",
    )
    return {name: number(name, f"amount.{name}", known, format="%.1f %%") for name in chosen}


def _schedule(model: ModelSpec, known: Known) -> Schedule:
    """Draws the choice of the schedule, where these weights have a trained series."""
    series = engine.series_of(model)
    if series is None:
        return "one-shot"
    names: tuple[Schedule, ...] = ("one-shot", series.schedule)
    chosen = choice(
        "Schedule", "schedule", known, help=listed({name: SCHEDULES[name] for name in names}, titles.SCHEDULES)
    )
    return series.schedule if chosen == series.schedule else "one-shot"


def listed(texts: Mapping[str, str], titles: Mapping[str, str] | None = None) -> str:
    """Lists names with their meanings for a help text. titles: display names."""
    named = {(titles or {}).get(name, name): text for name, text in texts.items()}
    return "\n".join(f"- **{plain(name)}**: {message(text)}" for name, text in named.items())
