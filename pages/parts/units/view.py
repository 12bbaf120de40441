"""The view of Units: its parameters, controls, tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pandas import DataFrame

from core import SparsightError, VariantSpec
from core.base.numbers import percent, score
from core.data.folders import name_of
from core.units.embeddings import OFFLINE, SIMILARITIES
from core.units.included import STUDIES, spec_of
from core.units.layers import unit_layers
from core.units.relation import near_chance_text, relations
from pages.parts.common import engine, titles, unit_data
from pages.parts.common.parameters import Choice, Number, Parameter
from pages.parts.common.unit_data import Opened
from pages.parts.common.widgets import choice, number

PARTS = {"scores": "Scores", "unit": "One unit", "play": "Play against the machine"}
WORDS = {
    "unit": "one channel of a convolution. It is dead if all images excite it alike.",
    "exemplars": "the images that excite a unit most and least, 20 each.",
    "score": "Machine Interpretability Score (MIS): how surely a program tells what excites a unit from its exemplars.",
    "relevance": "how much a unit matters for the predicted class: mean of |gradient x activation|.",
    "clarity": "mean similarity of a unit's strongest exemplars. High: they look alike.",
    "polysemanticity": "distance of the two groups into which its strongest exemplars fall. High: it means two things.",
    "redundancy": "largest similarity of its strongest exemplars to those of another unit. High: it adds little.",
}
FIRST = "digits"
MOST_UNITS = 5000  # of a layer, in an address


@dataclass(frozen=True, kw_only=True)
class View:
    """The settings of the controls."""

    opened: Opened
    variant: VariantSpec
    layer: str
    similarity: str

    @property
    def study(self) -> str:
        """The study's name."""
        return self.opened.name

    @property
    def dense(self) -> VariantSpec:
        return self.variant.dense


def parameters() -> dict[str, Parameter]:
    """Returns the parameters; networks, levels and layers are those of the chosen study."""
    name = st.session_state.get("study", FIRST)
    known = name if name in STUDIES else FIRST
    spec, patterns = spec_of(known), STUDIES[known].layers
    models = spec.models
    names = {f"{model.weights}.{model.seed}": f"{model.weights}, seed {model.seed}" for model in models}
    layers = tuple(layer.name for layer in unit_layers(engine.card(models[0]), patterns))
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
        run = choice("Weights", "of", known)
        level = number("Level", "at", known, help="Level 0 is the dense network; each level removes more weights.")
        layer = choice("Layer", "conv", known)
        similarity = choice("Judge of similarity", "judge", known)
        st.caption(SIMILARITIES[similarity].summary)
    spec = spec_of(name)
    model = next(model for model in spec.models if f"{model.weights}.{model.seed}" == run)
    variant = spec.variants(model)[int(level)]
    return View(opened=unit_data.opened(name), variant=variant, layer=layer, similarity=similarity)


def is_measured(rows: DataFrame, view: View) -> bool:
    """Whether there are numbers of this network and of its dense one."""
    return {view.variant.key, view.dense.key} <= set(rows.network)


def headline(rows: DataFrame, view: View) -> str:
    """Says what the score of this layer is, beside the dense and the untrained network. Both are
    measured.
    """
    here, dense = _of(rows, view.variant.key), _of(rows, view.dense.key)
    if here["units"] == here["dead"]:
        return f"All {here['units']:,} units of this layer are dead."
    untrained = rows[rows.network == _untrained(view)]
    beside = "" if untrained.empty else f", an untrained network's {_with_interval(untrained.iloc[0], view)}"
    right = f"{percent(here['right'] / here['n'])} right answers (dense: {percent(dense['right'] / dense['n'])})"
    living = f"{here['units'] - here['dead']:,} living units of {here['units']:,}"
    return (
        f"At {percent(here['sparsity'])} sparsity, the network gives {right}. Its {living} score"
        f" {_with_interval(here, view)}, the dense network's {_with_interval(dense, view)}{beside}."
    )


def _with_interval(row: Mapping[str, Any], view: View) -> str:
    value, low, high = (score(row[f"{name}-{view.similarity}"]) for name in ("mis", "low", "high"))
    return f"**{value}** [{low}, {high}]"


def meaning(rows: DataFrame, view: View) -> str:
    """Says what the numbers mean."""
    here = _of(rows, view.variant.key)
    return (
        "A program sees images that excite a unit most and least, and says which of two further images excites it"
        f" more. The score is its mean confidence in the right one: 0.5 is chance. In brackets: 95 % intervals, living"
        f" units and their tasks resampled. Here: {here['tasks']} tasks a unit, right in"
        f" {percent(here[f'right-{view.similarity}'])} of them."
        f" With exemplars drawn at random it scores {score(here[f'shuffled-{view.similarity}'])}."
    )


def origin(rows: DataFrame, view: View) -> str:
    """Describes images and accuracy behind the figures."""
    here = _of(rows, view.variant.key)
    spec, kept = spec_of(view.study), percent(here["overlap"])
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
    with st.container():  # the spinner's place: nothing below moves when it goes
        return _relation(view.opened, view.similarity, len(engine.card(view.variant.model).classes))


@st.cache_data(max_entries=20, show_spinner="Resampling networks for the intervals ...", hash_funcs={Opened: repr})
def _relation(opened: Opened, similarity: str, classes: int) -> str:
    rows = unit_data.networks(opened)
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
    head = (
        "**Does the score depend on pruning?** Over all measured networks, the mean score of the living units of"
        " all measured layers correlates (in brackets: 95 % intervals, networks resampled)"
    )
    return "\n".join([head, "", *lines, "", near_chance_text(rows, similarity, classes)])


def _untrained(view: View) -> str:
    return unit_data.study(view.opened).untrained(view.variant.model).key


def _of(rows: DataFrame, network: str) -> dict[str, Any]:
    return rows[rows.network == network].iloc[0].to_dict()


def baselines(rows: DataFrame, view: View) -> dict[str, float]:
    """Returns the means to mark in a distribution."""
    untrained = rows[rows.network == _untrained(view)]
    found = {} if untrained.empty else {"untrained": float(untrained[f"mis-{view.similarity}"].iloc[0])}
    return found | {"random exemplars": float(_of(rows, view.variant.key)[f"shuffled-{view.similarity}"])}


def has_images(view: View) -> bool:
    """Whether the images of the study are on this machine."""
    try:
        unit_data.study(view.opened).sweep.inputs(view.variant.model)
    except SparsightError:
        return False
    return True
