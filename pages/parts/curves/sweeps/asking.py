"""The parameters of what breaks and what is forgotten, for a sweep: what it has decides which there
are.
"""

from __future__ import annotations

from statistics import median

import streamlit as st

from core.evaluation.columns import AGAINST_REFERENCE, COLUMNS, Needs, needs
from core.figures.sweep_text import family_names
from core.saliency.baselines import BASELINES, heatmap_title
from core.specs import ModelSpec
from core.sweeps.families import first_of
from core.sweeps.floor import MEASURE
from core.sweeps.forgotten import population_of
from core.sweeps.galleries import KINDS
from core.sweeps.spec import SweepSpec
from core.sweeps.thresholds import USUAL, Threshold, usual_threshold
from pages.parts.common.parameters import Choice, Number, Parameter
from pages.parts.common.sweep_data import Opened
from pages.parts.common.widgets import current

MOST_REMOVED = 90.0  # percent: usual sparsity of what is forgotten, for trained series


def similarities(spec: SweepSpec) -> tuple[str, ...]:
    """Returns the similarities of heatmaps that a sweep has, Pearson's correlation first."""
    found = [name for name in spec.measures if needs(name) in AGAINST_REFERENCE and needs(name) not in (Needs.ANSWERS,)]
    return tuple(sorted(found, key=lambda name: name != MEASURE))


def heatmaps(spec: SweepSpec) -> tuple[str, ...]:
    """Returns the methods of a sweep that explain a network; baselines if it has no others."""
    made = tuple(dict.fromkeys(cam.method for cam in spec.cams))
    return tuple(name for name in made if name not in BASELINES) or made


def usual(of: Opened, family: str, measure: str, heatmap: str) -> Threshold:
    """Returns the threshold of a family and heatmap that nobody chose."""
    return _usual((of.name, of.stamp, family, measure, heatmap), of)


@st.cache_data(max_entries=100, show_spinner=False)
def _usual(key: tuple[str, ...], _of: Opened) -> Threshold:
    *_, family, measure, heatmap = key
    asked = first_of(_of.spec)
    if family not in asked:
        return Threshold(value=USUAL)
    return usual_threshold(_of.sweep, asked[family].model, measure, heatmap)


def parameters(of: Opened) -> dict[str, Parameter]:
    """Returns the parameters. The usual threshold follows networks, similarity and heatmap."""
    spec = of.spec
    similar, made, asked = similarities(spec), heatmaps(spec), first_of(spec)
    named = family_names(of.sweep)
    ways = {population_of(variant): _way(named.get(name, name), variant.model) for name, variant in asked.items()}
    shares = [pruning.sparsity for pruning in spec.prunings if pruning.sparsity]
    chosen: dict[str, Parameter] = {
        "family": _of(tuple(asked), named),
        "made": _of(made, {name: heatmap_title(name) for name in made}),
        "compared": _of(similar, {name: COLUMNS[name].title for name in similar}),
    }
    now = {name: str(current(name, chosen)) for name in chosen}
    return chosen | {
        "broken": Number(usual(of, now["family"], now["compared"], now["made"]).value, 0.0, 1.0, 0.01),
        "gallery": Choice("explanation", tuple(KINDS), titles=KINDS),
        "way": _of(tuple(ways), ways),
        "pooled": Choice("false", ("true", "false")),
        "forgot": Number(round(100 * median(shares), 1) if shares else MOST_REMOVED, 0.0, 100.0, 0.1),
    }


def _of(names: tuple[str, ...], named: dict[str, str]) -> Choice:
    return Choice(names[0] if names else "", names or ("",), titles=named)


def _way(title: str, model: ModelSpec) -> str:
    """Returns the name of a population: that of a family without its seed."""
    return title.replace(f", seed {model.seed}", "")
