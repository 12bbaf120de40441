"""The form of a new run on the Retrain page: what the same run is called on the command line, and
what it will cost.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.base.errors import BadSpec
from core.base.numbers import duration, size
from core.data.datasets import photo_sets
from core.models.architectures import OFFERED
from core.models.head import data_name
from core.protocols.merkle import job as merkle_job
from core.pruning import CRITERIA
from core.specs import AUGMENTATIONS, GRANULARITIES, OPTIMISERS, RATES, RESETS, RETRAIN_SCHEDULES, SCOPES, n_of_m
from core.training.retrain import Cost, check, estimate, read_series
from core.training.task import RetrainTask
from pages.parts.common import access, engine, frame, titles
from pages.parts.sidebar.model import listed

Arguments = Mapping[str, Any]
SIZES = (64, 96, 128, 160, 192, 224)
RECIPES = {
    "less-is-more": (
        "As in the paper Less is More: every level removes half of the weights left in the convolutions, down to 1/64,"
        " and trains the network again."
    ),
    "own": "Any granularity, criterion and schedule, at the sparsities that you choose.",
}
NAMES = {"less-is-more": "Less is More", "own": "Your own"}
SETS = photo_sets()
READERS = {"retrain": read_series, "merkle": merkle_job.read_series}


def form() -> tuple[str, Arguments, str] | None:
    """Kind of job, its arguments and its title; None until "Begin" is pressed.

    Nothing is computed before a click.
    """
    recipe = st.segmented_control(
        "Recipe",
        tuple(RECIPES),
        default="less-is-more",
        required=True,
        format_func=NAMES.__getitem__,
        key="_recipe",
        label_visibility="collapsed",
    )
    st.caption(RECIPES[recipe])
    left, right = st.columns(2, gap="medium")
    with left:
        words = _material()
    with right:
        words |= _less_is_more() if recipe == "less-is-more" else _own()
        words["seed"] = st.number_input("Seed", 0, 1000, 0, key="_seed")
    if recipe == "own":
        with frame.explained():
            command = shlex.join(_task(words).command())
            st.caption("The same from the command line:")
            st.code(f"python -m core retrain {command}", language="shell", wrap_lines=True)
    cost, begin = st.columns(2)
    measured = cost.button("What will it cost?", key="_cost", icon=":material/timer:", width="stretch")
    begun = begin.button("Begin", key="_begin", type="primary", icon=":material/play_arrow:", width="stretch")
    if not (measured or begun):
        return None
    if not words["data"]:
        st.error(
            "**Photographs is empty.** Name a folder, a zip file or a data set on the machine that runs this app.",
            icon=":material/error:",
        )
        return None
    with frame.explained():
        access.require(access.TRAINING)
        asked = _published(words) if recipe == "less-is-more" else _free(words)
        if begun:
            check(asked[1], READERS[asked[0]])
            return asked
        with st.spinner("Measuring a few steps ..."):
            _say_cost(estimate(asked[1], read=READERS[asked[0]]))
    return None


def _material() -> dict[str, Any]:
    """Which network learns from which photographs."""
    return {
        "model": st.selectbox("Network", OFFERED, key="_architecture"),
        "data": (
            st.text_input(
                "Photographs",
                os.environ.get("SPARSIGHT_PHOTOS", ""),
                key="_photographs",
                placeholder="imagenette",
                help=(
                    "A folder or zip file with one folder a class (with train/ and val/, or without), or a data set "
                    f"that is fetched: {', '.join(SETS)}."
                ),
            ).strip()
        ),
        "held-out": (
            st.text_input(
                "Held out",
                key="_held_out",
                placeholder="optional",
                help="A folder or zip file. Photographs with the same file names are excluded from training.",
            ).strip()
        ),
        "start": st.segmented_control(
            "Start from", ("pretrained", "random"), default="pretrained", required=True, key="_start"
        ),
        "weights-file": (
            st.text_input(
                "Pretrained weights", key="_weights", placeholder="optional; the network's own by default"
            ).strip()
        ),
        "size": st.select_slider("Input size, pixels", SIZES, 128, key="_size"),
    }


def _less_is_more() -> dict[str, Any]:
    """What may differ from the paper; each difference is said in the run's description."""
    scope = st.segmented_control(
        "Scope",
        tuple(SCOPES),
        default="layer",
        required=True,
        key="_scope",
        format_func=titles.SCOPES.__getitem__,
        help="The paper halves each convolution; *Global* ranks the weights of all convolutions together.",
    )
    epochs = st.number_input(
        "Epochs per level, at most", 1, 100, 3, key="_epochs", help="As published: 100 for the dense network, then 50."
    )
    quick = st.toggle(
        "AdamW after pruning",
        True,
        key="_adamw",
        help="The paper trains with SGD. AdamW (0.0005) brings deeply pruned networks back in far fewer epochs.",
    )
    return {"scope": scope, "epochs": epochs, "adamw": 5e-4 if quick else None}


def _own() -> dict[str, Any]:
    """How it is pruned, and how it learns."""
    granularity = st.selectbox(
        "Granularity",
        (*GRANULARITIES, "1:4"),
        key="_granularity",
        format_func=lambda name: titles.GRANULARITY.get(name, name),
        help=listed(GRANULARITIES, titles.GRANULARITY),
    )
    scope = st.segmented_control(
        "Scope",
        tuple(SCOPES),
        default="layer",
        required=True,
        key="_own_scope",
        format_func=titles.SCOPES.__getitem__,
        help=listed(SCOPES, titles.SCOPES),
    )
    criterion = st.selectbox(
        "Criterion",
        tuple(CRITERIA),
        key="_criterion",
        help=listed({name: entry.summary for name, entry in CRITERIA.items()}),
    )
    schedule = st.selectbox("Schedule", tuple(RETRAIN_SCHEDULES), key="_schedule", help=listed(RETRAIN_SCHEDULES))
    if schedule == "reset":
        reset = st.selectbox(
            "Reset to", ("the dense network's start", "initialisation", "epoch-1"), key="_reset", help=listed(RESETS)
        )
        schedule += "" if reset.startswith("the") else f":{reset}"
    words: dict[str, Any] = {"pruning": f"{granularity}-{scope}-{criterion}", "schedule": schedule}
    if not n_of_m(granularity):
        written = st.text_input("Sparsities of the levels, %", "50, 75, 87.5", key="_sparsities")
        words["sparsities"] = [part for part in re.split(r"[,;\s]+", written.replace("%", " ")) if part]
    return words | _learning()


def _learning() -> dict[str, Any]:
    first, second = st.columns(2)
    with first:
        optimiser = st.selectbox("Optimiser", tuple(OPTIMISERS), key="_optimiser", help=listed(OPTIMISERS))
        epochs = st.number_input("Epochs per level, at most", 1, 100, 3, key="_own_epochs")
    with second:
        rate = st.number_input("Learning rate", 0.00001, 1.0, 0.001, format="%.5f", key="_rate")
        shape = st.selectbox("Rates", tuple(RATES), key="_rates", help=listed(RATES))
    augment = st.multiselect(
        "Augmentations", tuple(AUGMENTATIONS), ["horizontal-flip"], key="_augment", help=listed(AUGMENTATIONS)
    )
    return {
        "optimiser": optimiser,
        "epochs": epochs,
        "learning-rate": rate,
        "learning-rate-schedule": shape,
        "augment": augment,
    }


def _task(words: Mapping[str, Any]) -> RetrainTask:
    """Raises BadSpec for sparsities that are no numbers."""
    given: dict[str, Any] = {
        name.replace("-", "_"): tuple(value) if isinstance(value, list) else value for name, value in words.items()
    }
    given["sparsities"] = tuple(_percent(part) / 100 for part in words.get("sparsities", ()))
    return RetrainTask(**given)


def _percent(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadSpec(
            f"The sparsity '{text}' cannot be read.", "Percents with commas between, such as 50, 75, 87.5."
        ) from error


def _free(words: Mapping[str, Any]) -> tuple[str, Arguments, str]:
    """Raises BadSpec, UnknownName."""
    task = _task(words)
    return "retrain", task.job_arguments(engine.engine().folder, str(engine.engine().device)), task.title


def _published(words: Mapping[str, Any]) -> tuple[str, Arguments, str]:
    data = data_name(words["data"], words["size"])
    plan = {
        "architecture": words["model"],
        "data": data,
        "size_px": words["size"],
        "normalise": words["start"] == "pretrained",
    }
    plan |= {name: words[name] for name in ("scope", "seed", "epochs", "start", "adamw")}
    arguments = {
        "plan": plan,
        "photographs": words["data"],
        "held_out": words["held-out"],
        "weights": words["weights-file"],
        "folder": str(engine.engine().folder),
        "device": str(engine.engine().device),
    }
    return "merkle", arguments, f"Less is More: {words['model']}@{data}, {words['scope']}, seed {words['seed']}"


def _say_cost(cost: Cost) -> None:
    st.info(
        f"About **{duration(cost.seconds)}** on {cost.device}: {cost.images:,} photographs, {cost.epochs} epochs in all"
        f" at most, {cost.step_ms:,.0f} ms for a step of {cost.batch} (median of {cost.n}). On disk: about"
        f" **{size(cost.bytes)}**. Early stopping may make it shorter.",
        icon=":material/timer:",
    )
