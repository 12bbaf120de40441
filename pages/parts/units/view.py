"""The view of Units: its parameters, controls, tables and sentences."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from pandas import DataFrame

from core import ModelSpec, SparsightError, VariantSpec
from core.base.numbers import percent, score
from core.base.stamps import Stamp, stamp_of
from core.data.folders import name_of
from core.units.embeddings import OFFLINE, SIMILARITIES
from core.units.included import STUDIES, unit_study
from core.units.read import summary, units
from core.units.relation import near_chance_text, relations
from core.units.study import NETWORK, UnitStudy
from pages.parts.common import engine, titles
from pages.parts.common.parameters import Choice, Number, Parameter
from pages.parts.common.widgets import choice, number

PARTS = {"scores": "Scores", "unit": "One unit", "play": "Play against the machine"}
FIRST = "digits"
MOST_UNITS = 5000  # of a layer, in an address


@dataclass(frozen=True, kw_only=True)
class View:
    """The settings of the controls."""

    study: str
    variant: VariantSpec
    layer: str
    similarity: str

    @property
    def dense(self) -> VariantSpec:
        return self.variant.dense


def parameters() -> dict[str, Parameter]:
    """Returns the parameters; networks, levels and layers are those of the chosen study."""
    name = st.session_state.get("study", FIRST)
    found = study(name if name in STUDIES else FIRST)
    models, spec = found.sweep.spec.models, found.sweep.spec
    names = {f"{model.weights}.{model.seed}": f"{model.weights}, seed {model.seed}" for model in models}
    layers = tuple(layer.name for layer in found.layers(models[0]))
    return {
        "study": Choice(FIRST, tuple(STUDIES), titles={key: each.title for key, each in STUDIES.items()}),
        "of": Choice(next(iter(names)), tuple(names), titles=names),
        "at": Number(min(12, len(spec.prunings) // 2), 0, len(spec.prunings) - 1),
        "conv": Choice(layers[-1], layers),
        "judge": Choice(OFFLINE[0], OFFLINE, titles=titles.of(SIMILARITIES)),
        "show": Choice("scores", tuple(PARTS), titles=PARTS),
        "nr": Number(0, 0, MOST_UNITS),
    }


def controls(known: dict[str, Parameter]) -> View:
    """Draws the sidebar."""
    with st.sidebar:
        name = choice("Networks", "study", known)
        known = parameters()
        model = _model(study(name), choice("Weights", "of", known))
        level = number("Level", "at", known, help="Level 0 is the dense network; each level removes more weights.")
        layer = choice("Layer", "conv", known)
        similarity = choice("Judge of similarity", "judge", known)
        st.caption(SIMILARITIES[similarity].summary)
    variants = study(name).sweep.spec.variants(model)
    return View(study=name, variant=variants[int(level)], layer=layer, similarity=similarity)


def _model(found: UnitStudy, name: str) -> ModelSpec:
    return next(model for model in found.sweep.spec.models if f"{model.weights}.{model.seed}" == name)


def study(name: str) -> UnitStudy:
    """Returns a study on the engine of all sessions."""
    return _study(name)


@st.cache_resource(show_spinner=False)
def _study(name: str) -> UnitStudy:
    return unit_study(name, engine.engine())


def networks(name: str, layer: str) -> DataFrame:
    """Returns a row for every measured network: of one layer, or of the network for NETWORK."""
    return _networks(name, layer, _stamp(name))


def of_layer(name: str, layer: str) -> DataFrame:
    """Returns a row for every unit of a layer, of every measured network."""
    return _units(name, layer, _stamp(name))


@st.cache_data(max_entries=40, show_spinner="Reading the tables ...")
def _networks(name: str, layer: str, stamp: Stamp) -> DataFrame:
    rows = summary(study(name), by_layer=layer != NETWORK)
    return rows[rows.layer == layer]


@st.cache_data(max_entries=20, show_spinner="Reading the tables ...")
def _units(name: str, layer: str, stamp: Stamp) -> DataFrame:
    return units(study(name), layer)


def _stamp(name: str) -> Stamp:
    found = study(name)
    homes = {found.folder(root, variant) for root in engine.engine().roots for variant in found.variants}
    return stamp_of(*sorted(homes))


def headline(rows: DataFrame, view: View) -> str:
    """Says what the score of this layer is, beside the dense and the untrained network."""
    here, dense, untrained = (_of(rows, key) for key in (view.variant.key, view.dense.key, _untrained(view)))
    if here is None or dense is None:
        return "The units of this network are not measured yet."
    mis = f"mis-{view.similarity}"
    if here["units"] == here["dead"]:
        return f"All {here['units']:,} units of this layer are dead."
    beside = "" if untrained is None else f", an untrained network's **{score(untrained[mis])}**"
    right = f"{percent(here['right'] / here['n'])} right answers (dense: {percent(dense['right'] / dense['n'])})"
    living = f"{here['units'] - here['dead']:,} living units of {here['units']:,}"
    return (
        f"At {percent(here['sparsity'])} sparsity, the network gives {right}. Its {living} score"
        f" **{score(here[mis])}**, the dense network's **{score(dense[mis])}**{beside}."
    )


def meaning(rows: DataFrame, view: View) -> str:
    """Says what the numbers mean."""
    here = _of(rows, view.variant.key)
    if here is None:
        return ""
    low, high, right = (here[f"{name}-{view.similarity}"] for name in ("low", "high", "right"))
    return (
        "A program sees images that excite a unit most and least, and says which of two further images excites it"
        f" more. The score is its mean confidence in the right one: 0.5 is chance. Here: {here['tasks']} tasks a unit,"
        f" 95 % interval over units and tasks {score(low)} to {score(high)}, right in {percent(right)} of the tasks."
        f" With exemplars drawn at random it scores {score(here[f'shuffled-{view.similarity}'])}."
    )


def origin(rows: DataFrame, view: View) -> str:
    """Describes images and accuracy behind the figures."""
    here = _of(rows, view.variant.key)
    if here is None:
        return ""
    spec, kept = study(view.study).sweep.spec, percent(here["overlap"])
    return (
        f"{here['n']:,} images of {name_of(spec.data.name)}, seed {spec.seed}; right answers: {here['right']:,} of"
        f" {here['n']:,} {STUDIES[view.study].accuracy_of}. On average, {kept} of a dense unit's 20 strongest images"
        " are still among its 20 strongest. Activation: the mean of a unit's map before the ReLU. A relative of the"
        " scored network may judge it kindly: compare both judges."
    )


def relation(view: View) -> str:
    """Says how the score of all units relates to sparsity and right answers, over the networks of
    the study.
    """
    return _relation(view.study, view.similarity, len(engine.card(view.variant.model).classes), _stamp(view.study))


@st.cache_data(max_entries=20, show_spinner="Resampling networks for the intervals ...")
def _relation(name: str, similarity: str, classes: int, stamp: Stamp) -> str:
    rows = networks(name, NETWORK)
    found = [each for each in relations(rows, similarity, classes) if each.name == "spearman"]
    lines = []
    for each in found:
        against = "sparsity" if each.of == "sparsity" else "the share of right answers"
        which = "" if each.near_chance else ", networks near chance left out"
        interval = f"[{score(each.low)}, {score(each.high)}]"
        clear = "" if each.is_clear else ", which includes 0"
        lines.append(
            f"- with {against}{which}: Spearman **{score(each.value)}** {interval}{clear} (n = {each.n:,} networks)"
        )
    head = "**Does the score depend on pruning?** Over all measured networks, the score of all units correlates"
    return "\n".join([head, "", *lines, "", near_chance_text(rows, similarity, classes)])


def _untrained(view: View) -> str:
    return study(view.study).untrained(view.variant.model).key


def _of(rows: DataFrame, network: str) -> dict | None:
    found = rows[rows.network == network]
    return None if found.empty else found.iloc[0].to_dict()


def baselines(rows: DataFrame, view: View) -> dict[str, float]:
    """Returns the means to mark in a distribution."""
    untrained, here = _of(rows, _untrained(view)), _of(rows, view.variant.key)
    found = {}
    if untrained is not None:
        found["untrained"] = float(untrained[f"mis-{view.similarity}"])
    if here is not None:
        found["random exemplars"] = float(here[f"shuffled-{view.similarity}"])
    return found


def has_images(view: View) -> bool:
    """Whether the images of the study are on this machine."""
    try:
        study(view.study).sweep.inputs(view.variant.model)
    except SparsightError:
        return False
    return True
