"""The form of a new run on the Retrain page, with the equivalent command and a cost estimate."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.base.errors import BadSpec, SparsightError
from core.base.numbers import duration, size
from core.base.stamps import Stamp
from core.base.text import SHOWN
from core.data.datasets import photo_sets
from core.data.uploads import keep_zip
from core.models.architectures import OFFERED
from core.models.head import data_name
from core.protocols.merkle import job as merkle_job
from core.pruning import CRITERIA
from core.specs import AUGMENTATIONS, GRANULARITIES, OPTIMISERS, RATES, RESETS, RETRAIN_SCHEDULES, SCOPES, n_of_m
from core.training.material import photographs
from core.training.retrain import Cost, check, estimate, read_series
from core.training.task import RetrainTask
from pages.parts.common import access, engine, frame, titles
from pages.parts.common.background import Work
from pages.parts.common.state import state
from pages.parts.common.waiting import wait
from pages.parts.sidebar.model import listed

Arguments = Mapping[str, Any]
SIZES = (64, 96, 128, 160, 192, 224)
RECIPES = {
    "less-is-more": (
        "As in the paper Less is More: every level removes half of the remaining weights of the convolutions, down to"
        " 1/64, and retrains the network."
    ),
    "own": "Any granularity, criterion and schedule, at the sparsities that you choose.",
}
NAMES = {"less-is-more": "Less is More", "own": "Your own"}
STARTS = {"pretrained": "Pretrained weights", "random": "Random weights"}
RESET_TITLES = {
    "": "Initial weights of the dense network",
    "initialisation": "Random weights",
    "epoch-1": "The dense network after epoch 1",
}
OPTIMISER_TITLES = {"sgd": "SGD", "adamw": "AdamW"}
SETS = photo_sets()
READERS = {"retrain": read_series, "merkle": merkle_job.read_series}
MOST_MB = 2048  # of an upload
PERCENTAGES = "They are percentages separated by commas, such as 50, 75, 87.5."
MOST_EPOCHS = 1000
PHOTOGRAPHS, ZIP = "_photographs", "_zip"  # keys of widgets


def form() -> tuple[str, Arguments, str] | None:
    """Draws the form; computes nothing before a click.

    Returns:
        Kind of job, its arguments and its title; None until "Start training" is pressed.
    """
    left, right = st.columns(2, gap="medium")
    with left:
        data, missing = _photographs()
    with right:
        model = st.selectbox("Network", OFFERED, key="_architecture", format_func=_network_title)
        recipe = st.segmented_control(
            "Recipe",
            tuple(RECIPES),
            default="less-is-more",
            required=True,
            format_func=NAMES.__getitem__,
            key="_recipe",
            help=listed(RECIPES, NAMES),
        )
    words: dict[str, Any] = {"model": model, "data": data}
    with st.expander("Settings", icon=":material/tune:"):
        left, right = st.columns(2, gap="medium")
        with left:
            words |= _material()
        with right:
            words |= _less_is_more() if recipe == "less-is-more" else _own()
            words["seed"] = st.number_input("Seed", 0, 1000, 0, key="_seed")
    if recipe == "own":
        with frame.explained():
            command = shlex.join(_task(words).command())
            st.caption("The same run from the command line:")
            st.code(f"python -m core retrain {command}", language="shell", wrap_lines=True)
    cost, begin = st.columns(2)
    measured = cost.button("Estimate cost", key="_cost", icon=":material/timer:", width="stretch")
    begun = begin.button("Start training", key="_begin", type="primary", icon=":material/play_arrow:", width="stretch")
    if (measured or begun) and not data:
        missing.error("**Required.** Enter a folder, a zip file or a data set, or upload a zip file.")
        return None
    with frame.explained():
        return _asked(words, recipe, measured, begun)
    return None


def _asked(words: Mapping[str, Any], recipe: str, measured: bool, begun: bool) -> tuple[str, Arguments, str] | None:
    """Returns the job to start. Shows the cost estimate on request, until the form is changed."""
    if not words["data"] or not (measured or begun or state().clicked.cost):
        return None
    asked = _published(words) if recipe == "less-is-more" else _free(words)
    work = _measuring(asked)
    if begun or measured:
        access.require(access.TRAINING)
        state().clicked.cost = work.question if measured else None
    if begun:
        check(asked[1], READERS[asked[0]])
        return asked
    if state().clicked.cost == work.question:
        task = wait(work, st.container())
        if task.succeeded:
            _say_cost(task.answer)
    return None


def _measuring(asked: tuple[str, Arguments, str]) -> Work:
    kind, arguments, _ = asked
    return Work(
        place="retrain-cost",
        key=("retrain-cost", kind, json.dumps(arguments, sort_keys=True)),
        stamp=_stamp(arguments),
        what="Measuring training steps",
        run=lambda task: estimate(arguments, read=READERS[kind], progress=task.advance),
    )


def _stamp(arguments: Arguments) -> Stamp:
    """Identifies the files behind an estimate. Data sets by name do not change."""
    if arguments["photographs"] in SETS:
        return ""
    photos, held_out = photographs(arguments)
    return f"{photos.stamp} {sorted(held_out)}"


def _photographs() -> tuple[str, DeltaGenerator]:
    """Draws the choice of photographs; returns them and the place for an error message."""
    data = st.text_input(
        "Photographs",
        os.environ.get("SPARSIGHT_PHOTOS", ""),
        key=PHOTOGRAPHS,
        placeholder="a folder, a zip file, or imagenette",
        help=(
            "On the machine that runs this app: a folder or zip file with one folder per class (with or without train/"
            f" and val/), or a data set that Sparsight downloads: {', '.join(SETS)}."
        ),
    ).strip()
    missing = st.empty()
    st.file_uploader(
        "Or upload a zip file",
        ["zip"],
        key=ZIP,
        max_upload_size=MOST_MB,
        on_change=_take_zip,
        help="One folder per class. The file is kept in the app's cache folder.",
    )
    if refused := state().upload.refused_photographs:
        frame.show(refused)
    return data, missing


def _take_zip() -> None:
    """Stores the upload and selects it as the photographs."""
    file, state().upload.refused_photographs = st.session_state[ZIP], None
    if file is None:
        return
    try:
        access.require(access.TRAINING)
        st.session_state[PHOTOGRAPHS] = str(keep_zip(file.getvalue(), file.name, engine.engine().folder))
    except SparsightError as error:
        state().upload.refused_photographs = error


def _network_title(name: str) -> str:
    known = engine.catalogue()
    return known[name].title.removesuffix(" (ImageNet)") if name in known else name


def _capital(name: str) -> str:
    """horizontal-flip -> Horizontal flip."""
    return name[:1].upper() + name[1:].replace("-", " ")


def _material() -> dict[str, Any]:
    """Draws the settings of photographs and initial weights."""
    return {
        "start": st.segmented_control(
            "Start from",
            tuple(STARTS),
            default="pretrained",
            required=True,
            key="_start",
            format_func=STARTS.__getitem__,
        ),
        "weights-file": st.text_input(
            "Pretrained weights file",
            key="_weights",
            placeholder="optional",
            help="Default: torchvision's weights, which are downloaded.",
        ).strip(),
        "size": st.select_slider("Input size (pixels)", SIZES, 128, key="_size"),
        "held-out": st.text_input(
            "Held-out photographs",
            key="_held_out",
            placeholder="optional",
            help="A folder or zip file. Photographs with the same file names are excluded from training.",
        ).strip(),
    }


def _scope(key: str, help_text: str) -> str:
    return st.segmented_control(
        "Scope",
        tuple(SCOPES),
        default="layer",
        required=True,
        key=key,
        format_func=titles.SCOPES.__getitem__,
        help=help_text,
    )


def _less_is_more() -> dict[str, Any]:
    """Draws what may differ from the paper; the description of the run lists each difference."""
    scope = _scope(
        "_scope", "The paper halves each convolution; *Global* ranks the weights of all convolutions together."
    )
    epochs = st.number_input(
        "Maximum epochs per level",
        1,
        MOST_EPOCHS,
        3,
        key="_epochs",
        help="Published: 100 for the dense network, then 50.",
    )
    quick = st.toggle(
        "AdamW after pruning",
        True,
        key="_adamw",
        help="The paper uses SGD. With AdamW (0.0005), deeply pruned networks recover in far fewer epochs.",
    )
    return {"scope": scope, "epochs": epochs, "adamw": 5e-4 if quick else None}


def _own() -> dict[str, Any]:
    """Draws the settings of pruning and training."""
    granularity = st.selectbox(
        "Granularity",
        (*GRANULARITIES, "1:4"),
        key="_granularity",
        format_func=lambda name: titles.GRANULARITY.get(name, name),
        help=listed(GRANULARITIES, titles.GRANULARITY),
    )
    scope = _scope("_own_scope", listed(SCOPES, titles.SCOPES))
    criterion = st.selectbox(
        "Criterion",
        tuple(CRITERIA),
        key="_criterion",
        format_func=lambda name: CRITERIA[name].title,
        help=listed({name: entry.summary for name, entry in CRITERIA.items()}, titles.of(CRITERIA)),
    )
    schedule = st.selectbox(
        "Schedule",
        tuple(RETRAIN_SCHEDULES),
        key="_schedule",
        format_func=_capital,
        help="\n".join(f"- {text[:1].upper()}{text[1:]}" for text in RETRAIN_SCHEDULES.values()),
    )
    if schedule == "reset":
        reset = st.selectbox(
            "Reset to", tuple(RESET_TITLES), key="_reset", format_func=RESET_TITLES.__getitem__, help=listed(RESETS)
        )
        schedule += f":{reset}" if reset else ""
    words: dict[str, Any] = {"pruning": f"{granularity}-{scope}-{criterion}", "schedule": schedule}
    if not n_of_m(granularity):
        written = st.text_input("Sparsities of the levels (%)", "50, 75, 87.5", key="_sparsities")
        words["sparsities"] = [part for part in re.split(r"[,;\s]+", written.replace("%", " ")) if part]
    return words | _learning()


def _learning() -> dict[str, Any]:
    first, second = st.columns(2)
    with first:
        optimiser = st.selectbox(
            "Optimiser",
            tuple(OPTIMISERS),
            key="_optimiser",
            format_func=OPTIMISER_TITLES.__getitem__,
            help=listed(OPTIMISERS, OPTIMISER_TITLES),
        )
        epochs = st.number_input("Maximum epochs per level", 1, MOST_EPOCHS, 3, key="_own_epochs")
        batch = st.number_input("Batch size", 1, 1024, 64, key="_batch", help="Photographs per training step.")
    with second:
        rate = st.number_input("Learning rate", 0.00001, 1.0, 0.001, format="%.5f", key="_rate")
        shape = st.selectbox(
            "Learning-rate schedule",
            tuple(RATES),
            key="_rates",
            format_func=_capital,
            help=listed(RATES, {name: _capital(name) for name in RATES}),
        )
    augment = st.multiselect(
        "Augmentations",
        tuple(AUGMENTATIONS),
        ["horizontal-flip"],
        key="_augment",
        format_func=_capital,
        help=listed(AUGMENTATIONS, {name: _capital(name) for name in AUGMENTATIONS}),
    )
    return {
        "optimiser": optimiser,
        "epochs": epochs,
        "batch": batch,
        "learning-rate": rate,
        "learning-rate-schedule": shape,
        "augment": augment,
    }


def _task(words: Mapping[str, Any]) -> RetrainTask:
    """Raises BadSpec for sparsities that are missing, not numbers or out of range."""
    given: dict[str, Any] = {
        name.replace("-", "_"): tuple(value) if isinstance(value, list) else value for name, value in words.items()
    }
    if words.get("sparsities") == []:
        raise BadSpec("Sparsities of the levels is empty.", PERCENTAGES, "Enter at least one.")
    given["sparsities"] = tuple(_percent(part) / 100 for part in words.get("sparsities", ()))
    return RetrainTask(**given)


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadSpec(f"The sparsity '{text[:SHOWN]}' cannot be read.", PERCENTAGES) from error
    if not 0 <= value < 100:
        raise BadSpec(
            f"A level cannot remove {text[:SHOWN]} % of the weights.", "A sparsity is at least 0 % and below 100 %."
        )
    return value


def _free(words: Mapping[str, Any]) -> tuple[str, Arguments, str]:
    """Raises BadSpec, UnknownName."""
    task = _task(words)
    amounts = f" {', '.join(words['sparsities'])} %" if words.get("sparsities") else ""
    how = f"{titles.way(task.pruning)}{amounts}, {task.schedule.replace('-', ' ')}, {task.epochs} epochs"
    title = f"{_network_title(task.model)} on {data_name(task.data, task.size)}: {how}, seed {task.seed}"
    return "retrain", task.job_arguments(engine.engine().folder, str(engine.engine().device)), title


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
    network, scope = _network_title(words["model"]), titles.SCOPES[words["scope"]].lower()
    return "merkle", arguments, f"{network} on {data}: Less is More, {scope}, seed {words['seed']}"


def _say_cost(cost: Cost) -> None:
    st.info(
        f"About **{duration(cost.seconds)}** on {cost.device}: {cost.images:,} photographs, at most {cost.epochs}"
        f" epochs in total, {cost.step_ms:,.0f} ms per step of {cost.batch} (median of {cost.n}). On disk: about"
        f" **{size(cost.bytes)}**. Early stopping may shorten it.",
        icon=":material/timer:",
    )
    for warning in cost.warnings:
        st.warning(warning, icon=":material/warning:")
