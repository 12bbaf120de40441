"""Retrain's runs, as reported by their processes, and the networks they trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import CamSpec, ModelSpec
from core.base.numbers import size
from core.figures.plots import training as plots_training
from core.jobs.jobs import Facts, Job
from core.models.trained_levels import trained_levels
from core.results import TrainedLevel
from pages.parts.common import access, engine, frame, job_list, present, titles
from pages.parts.common.job_list import AT_WORK, REFRESH_S, TITLE, jobs, of_kind
from pages.parts.common.markdown import message, plain
from pages.parts.common.network_links import explore_link
from pages.parts.common.state import state
from pages.parts.common.story import percent

KINDS = ("retrain", "merkle")  # of the jobs that train
DELETING = "Delete this run and its curves? Networks that are already trained are kept.", "Delete run"


def all_runs() -> list[Job]:
    """Returns all jobs that train, newest first."""
    return of_kind(lambda kind: kind in KINDS)


def begin(asked: tuple[str, Mapping[str, Any], str]) -> None:
    """Starts a run, or resumes the one with the same settings. asked: kind, arguments, title."""
    job_list.begin(asked, access.TRAINING, "The run has started. It continues when this page is closed.")


@st.fragment(run_every=REFRESH_S)
@frame.guarded
def running() -> None:
    """Draws all unfinished runs, newest first, every two seconds.

    Finished runs are listed with their networks.
    """
    found = all_runs()
    unfinished = [job for job in found if not (job.state == "done" and _is_here(_trained_by(job)))]
    if not unfinished:
        st.caption("No active runs.")
    job_list.damaged(lambda kind: kind in KINDS, access.TRAINING)
    for job in unfinished:
        _one(job)
    done = tuple((job.id, _levels_done(job)) for job in found)
    before, state().levels_done = state().levels_done, done
    if before not in (None, done):
        st.rerun()  # the list of trained networks has grown


def _levels_done(job: Job) -> int:
    """Counts the networks that the job has trained or found."""
    return int(job.last.get("level", 0)) + (job.last.get("stage") == "level")


def _trained_by(job: Job) -> ModelSpec | None:
    """Returns the series that a job trains; None until its process has reported it."""
    for line in jobs().progress(job.id):
        if "model" in line:
            return ModelSpec(name=line["model"], weights=line["run"], seed=line["seed"])
    return None


def _is_here(model: ModelSpec | None) -> bool:
    known = engine.catalogue()
    return model is not None and model.name in known and model.weights in known.named(model.name).weights


def _one(job: Job) -> None:
    with st.container(border=True):
        job_list.head(job, access.TRAINING, DELETING)
        job_list.progress(job, _part, _progress(job))
        lines = jobs().progress(job.id)
        _about_photographs(lines)
        _curves(job, lines)
        job_list.log(job)


def _about_photographs(lines: Sequence[Facts]) -> None:
    """Reports skipped photographs and warnings about small data sets."""
    line = next((line for line in lines if line.get("stage") == "training"), {})
    if line.get("skipped_images"):
        st.caption(
            f":material/broken_image: {line['skipped_images']:,} photographs could not be read and were skipped,"
            f" the first: {plain(access.without_paths(' '.join(line['skipped'][:1])), TITLE)}"
        )
    for warning in line.get("warnings", ()):
        st.warning(warning, icon=":material/warning:")


def _curves(job: Job, lines: Sequence[Facts]) -> None:
    if not any(line.get("stage") == "epoch" for line in lines):
        return
    figures = (
        ("loss", plots_training.loss(lines), "Loss by epoch"),
        ("right", plots_training.right(lines), "Accuracy by epoch"),
    )
    for column, (name, figure, alt) in zip(st.columns(2, gap="small"), figures, strict=True):
        column.plotly_chart(present.figure(figure), key=f"_{name}_{job.id}", config=present.STILL, alt=alt)


def _part(line: Facts) -> tuple[float, float]:
    """Returns how many levels a line says are trained, or photographs decoded, and of how many."""
    if "decoded" in line:
        return line["decoded"], line["photographs"]
    if "level" not in line:
        return 0.0, 0.0
    whole = 0.0 if line.get("stopped_by_hand") else 1.0
    within = line["epoch"] / line["epochs"] if line.get("stage") == "epoch" else whole
    return line["level"] + within, line["levels"] + 1


def _progress(job: Job) -> str:
    """Describes the progress."""
    last = job.last
    if "level" not in last:
        done = f", {last['decoded']:,} of {last['photographs']:,}" if "decoded" in last else ""
        text = {"decoding": f"decoding photographs{done}", "training": "the first epoch"}.get(
            last.get("stage", ""), "starting"
        )
        return text if job.state in AT_WORK else f"stopped at: {text}"
    text = f"level {last['level']} of {last['levels']}"
    if last.get("stopped_by_hand"):
        return f"{text}, stopped early; its best network so far, from epoch {last['best_epoch']}, is kept"
    if last.get("stage") == "epoch":
        text += (
            f", epoch {last['epoch']}: {last['correct']:,} of {last['total']:,} correct"
            f" ({percent(last['correct'] / last['total'])})"
        )
    return text


def trained() -> None:
    """Draws every trained series on this machine, level by level, with its size on disk."""
    models = [name for name, entry in engine.catalogue().items() if entry.facts.get("retrained")]
    if not models:
        st.caption("None yet. Each level of a run appears here, in Explore and in Compare once it is trained.")
    finished = {_trained_by(job): job for job in all_runs() if job.state == "done"}
    for name in models:
        for run, weights in engine.catalogue().named(name).weights.items():
            for seed in weights.series.seeds if weights.series else ():
                model = ModelSpec(name=name, weights=run, seed=seed)
                _series(model, weights.summary, finished.get(model))


def _series(model: ModelSpec, summary: str, job: Job | None) -> None:
    """job: the finished run that trained the series, if it still exists."""
    levels = trained_levels(engine.catalogue(), model)
    total = size(sum(level.bytes for level in levels))
    count = f"{len(levels)} network{'' if len(levels) == 1 else 's'}"
    network, run = engine.catalogue()[model.name].title, titles.WEIGHTS.get(model.weights, model.weights)
    with st.expander(f"{plain(network)}; {plain(run)}, seed {model.seed}: {count}, {total}"):
        st.caption(message(summary))
        if not levels:
            st.caption("No level is trained yet.")
        st.dataframe(
            _rows(levels),
            hide_index=True,
            width="stretch",
            column_config={"Explore": st.column_config.LinkColumn(display_text="Open")},
        )
        if job and st.toggle("Training curves", key=f"_show_{job.id}"):
            lines = jobs().progress(job.id)
            _about_photographs(lines)
            _curves(job, lines)
        if any(level.own for level in levels) and access.offers(access.DELETION):
            _delete(model, sum(level.bytes for level in levels if level.own))
        elif not any(level.own for level in levels) and levels:
            st.caption("These networks are included with Sparsight and cannot be deleted here.")


def _rows(levels: tuple[TrainedLevel, ...]) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {
        name: [] for name in ("level", "removed (target)", "correct (validation)", "best epoch", "size", "Explore")
    }
    for level in levels:
        right = (
            "–"
            if level.total is None
            else f"{level.correct:,} of {level.total:,} ({percent((level.correct or 0) / level.total)})"
        )
        number = str(level.variant.pruning.level)
        cells = (
            number,
            percent(level.target),
            right,
            f"{level.epoch or '–'}",
            size(level.bytes),
            explore_link(level.variant, CamSpec()),
        )
        for column, cell in zip(rows.values(), cells, strict=True):
            column.append(cell)
    return rows


def _delete(model: ModelSpec, count: int) -> None:
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        st.markdown(
            f"The networks of this run take up {size(count)}. They can only be restored by training them again. The run"
            " and its curves are deleted too."
        )
        st.button("Delete networks", key=f"_delete_{model.key}", type="primary", on_click=_forget, args=(model,))


def _forget(model: ModelSpec) -> None:
    with frame.explained():
        access.require(access.DELETION)
        engine.engine().forget(model)
        engine.forget()
        for job in all_runs():
            if job.state == "done" and _trained_by(job) == model:
                jobs().delete(job.id)
