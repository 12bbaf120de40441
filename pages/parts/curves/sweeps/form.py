"""A sweep of one's own: a form or a YAML file, its cost, and its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
import yaml

from core import CamSpec, DataSpec, ModelSpec, PruningSpec, Sweep
from core.base import yaml_text
from core.base.errors import BadFile, BadSpec
from core.base.numbers import counted
from core.base.text import SHOWN
from core.evaluation.columns import COLUMNS, needs
from core.figures.sweep_text import question
from core.pruning import CRITERIA
from core.saliency import CAMS
from core.saliency.baselines import BASELINES, heatmap_title
from core.specs import GRANULARITIES, SCOPES, n_of_m
from core.specs.images import DIGIT_NOISE
from core.sweeps.spec import OF_ANSWERS, SweepSpec, grid
from core.sweeps.views import MEASURES
from core.sweeps.written import from_mapping, to_yaml
from pages.parts.common import engine, frame, present, sweep_job, titles
from pages.parts.common.job_list import AT_WORK
from pages.parts.common.markdown import plain
from pages.parts.curves.sweeps.view import PREFIX
from pages.parts.sidebar import photo_sets

IMAGES = ("20", "50", "100", "200", "500", "1000", "all")
PERCENTAGES = "They are percentages separated by commas, such as 10, 20, 30."
MOST_BYTES = 100_000  # of a YAML file
DIGITS = "digits"


def page() -> None:
    """Draws the page of a new sweep."""
    if present.on():
        return
    st.markdown(
        "A sweep asks many networks about the same images, and keeps a row for each image. It runs in a process of its"
        " own; its curves appear here while it grows."
    )
    ways = {"form": "Fill in a form", "file": "Read a YAML file"}
    way = st.segmented_control(
        "How", ways, default="form", required=True, key="_new_sweep", format_func=ways.__getitem__
    )
    with frame.explained():
        found = _read() if way == "file" else _filled_in()
        if found is not None:
            _offer(*found)
    sweep_job.watch(None)


def _offer(spec: SweepSpec, title: str) -> None:
    """States what would be asked, and offers to start it."""
    sweep = Sweep(engine.engine(), spec)
    st.markdown(question(sweep, spec.images or len(sweep.inputs(spec.models[0])), plain, "will answer"))
    job = sweep_job.find(spec)
    if job is not None and job.state in AT_WORK:
        st.info("This sweep is running: choose it under **Networks** in the sidebar.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        sweep_job.start_button(spec, title, _open)
        if photo_sets.offers_export(spec.data.name):
            st.download_button(
                "Sweep as YAML",
                to_yaml(spec, title),
                "sweep.yaml",
                "application/yaml",
                key="_new_sweep_yaml",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
    sweep_job.cost(spec)


def _open(name: str) -> None:
    """Shows the curves of a sweep, which grow."""
    st.session_state["of"] = PREFIX + name


def _read() -> tuple[SweepSpec, str] | None:
    """Reads a sweep from an uploaded file. Raises BadFile, BadSpec, UnknownName."""
    file = st.file_uploader("YAML file of a sweep", type=["yaml", "yml"], key="_sweep_file")
    if file is None:
        return None
    if file.size > MOST_BYTES:
        raise BadFile("The file is too large for a sweep.", "A sweep takes some lines.", "Choose another file.")
    try:
        text = file.getvalue().decode()
        content = yaml_text.load(text)
    except UnicodeDecodeError as error:
        raise BadFile("The file is not text.", "A sweep is a YAML file.", "Choose another file.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadFile("The file is not YAML.", f"{' '.join(str(error).split())[:300]}", "Correct it.") from error
    if content is None:
        raise BadFile("The file is empty.", "A sweep is a YAML file.", "Choose another file.")
    spec = from_mapping(content)
    if not photo_sets.offers_export(spec.data.name):
        raise BadSpec(
            "A sweep on this server cannot name a folder.", "The server is locked.", "Name a data set that it has."
        )
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    return spec, first.lstrip("# ") if first.startswith("#") else file.name


def _filled_in() -> tuple[SweepSpec, str] | None:
    """Draws the form. Raises BadSpec."""
    left, right = st.columns(2, gap="large")
    with left:
        models = _networks()
        levels, ranking = _prunings(models[0])
    with right:
        data = _data(models[0])
        if data is None:
            return None
        images = st.selectbox("How many images", IMAGES, index=2, key="_sweep_images")
        cams, measures = _heatmaps(data)
    prunings = levels + _one_shot(ranking)  # after all widgets: an error hides none of them
    spec = SweepSpec(
        models=models,
        prunings=prunings,
        data=data,
        images=None if images == "all" else int(images),
        cams=tuple(CamSpec(method=name) for name in cams),
        measures=measures,
    )
    maps = ", ".join(map(heatmap_title, cams)) or "answers"
    network = engine.catalogue().title(models[0])
    return spec, f"{network}, {counted(len(prunings), 'pruning')}: {maps}, {images} images"


def _networks() -> tuple[ModelSpec, ...]:
    """Draws the choice of a network, its weights and seeds."""
    catalogue = engine.catalogue()
    named = titles.of(catalogue)
    name = st.selectbox("Network", tuple(catalogue), key="_sweep_network", format_func=lambda one: named.get(one, one))
    card = catalogue.named(name)
    weights = tuple(card.weights)
    chosen = weights[0]
    if len(weights) > 1:
        chosen = st.selectbox(
            "Weights", weights, key="_sweep_weights", format_func=lambda one: titles.WEIGHTS.get(one, one)
        )
    series = engine.series_of(ModelSpec(name=name, weights=chosen))
    seeds = tuple(series.seeds if series else card.seeds)
    asked = st.multiselect("Seeds", seeds, seeds[:1], key=f"_sweep_seeds_{name}") if len(seeds) > 1 else seeds
    return tuple(ModelSpec(name=name, weights=chosen, seed=seed) for seed in asked or seeds[:1])


def _prunings(model: ModelSpec) -> tuple[tuple[PruningSpec, ...], dict[str, Any]]:
    """Draws the prunings; returns the trained levels, or the dense network, and the fields of those
    without retraining.
    """
    levels = tuple(variant.pruning for variant, _ in engine.engine().levels(model))
    found: tuple[PruningSpec, ...] = (PruningSpec(),)
    if levels and st.toggle(f"Its {counted(len(levels), 'trained level')}", value=True, key="_sweep_levels"):
        found = levels
    if not st.toggle("Pruned without retraining", value=not levels, key="_sweep_one_shot"):
        return found, {}
    shares = st.text_input("Sparsities (%)", "10, 20, 30, 40, 50", key="_sweep_shares")
    criteria = st.multiselect(
        "Criteria", tuple(CRITERIA), ["magnitude"], key="_sweep_criteria", format_func=titles.of(CRITERIA).__getitem__
    )
    scope = st.segmented_control(
        "Ranking",
        tuple(SCOPES),
        default="global",
        required=True,
        key="_sweep_scope",
        format_func=titles.SCOPES.__getitem__,
    )
    granularity = st.selectbox(
        "What is removed",
        tuple(name for name in GRANULARITIES if n_of_m(name) is None),
        key="_sweep_granularity",
        format_func=titles.GRANULARITY.__getitem__,
    )
    return found, {"sparsity": shares, "criterion": criteria, "scope": scope, "granularity": granularity}


def _one_shot(ranking: Mapping[str, Any]) -> tuple[PruningSpec, ...]:
    """Returns the prunings without retraining. Raises BadSpec."""
    if not ranking:
        return ()
    if not ranking["criterion"]:
        raise BadSpec("No criterion is chosen.", "", "Choose what decides which weights are removed.")
    return grid(**dict(ranking) | {"sparsity": [_percent(part) for part in ranking["sparsity"].split(",")]})


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadSpec(f"The sparsity '{text.strip()[:SHOWN]}' cannot be read.", PERCENTAGES) from error
    if not 0 <= value <= 100:
        raise BadSpec(
            f"{text.strip()[:SHOWN]} % of the weights cannot be removed.", "A sparsity lies between 0 and 100 %."
        )
    return value / 100


def _data(model: ModelSpec) -> DataSpec | None:
    """Draws the choice of images; says how to get some if there are none."""
    if engine.card(model).reads_digits:
        noise = st.toggle("Noise, as in training", value=True, key="_sweep_noise")
        return DataSpec(name=DIGITS, noise=DIGIT_NOISE if noise else 0.0)
    sets = photo_sets.fitting(model)
    if not sets:
        st.info(photo_sets.how_to_get_one("A sweep", model), icon=":material/info:")
        return None
    named = titles.SOURCES
    source = st.selectbox("Photographs", tuple(sets), key="_sweep_data", format_func=lambda one: named.get(one, one))
    return DataSpec(name=sets[source])


def _heatmaps(data: DataSpec) -> tuple[Sequence[str], tuple[str, ...]]:
    """Draws the choice of heatmaps and measures."""
    made = (*CAMS, *BASELINES)
    cams = st.multiselect("Heatmaps", made, ["grad-cam"], key="_sweep_cams", format_func=heatmap_title)
    of_maps = tuple(name for name in COLUMNS if cams or needs(name) in OF_ANSWERS)
    usual = [name for name in ("label", *MEASURES) if name in of_maps]
    named = titles.of(COLUMNS)
    measures = st.multiselect(
        "Measures", of_maps, usual, key=f"_sweep_measures_{bool(cams)}", format_func=lambda one: named.get(one, one)
    )
    return cams, tuple(measures)
