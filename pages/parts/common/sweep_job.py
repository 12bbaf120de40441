"""A sweep as a job: what it costs, starting it, and watching it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core import Sweep, VariantSpec
from core.base.numbers import counted
from core.base.stamps import Stamp
from core.engine.reference import against
from core.jobs.jobs import Job
from core.sweeps.estimate import Estimate, estimate
from core.sweeps.job import KIND, arguments_of
from core.sweeps.known import keep
from core.sweeps.spec import SweepSpec
from pages.parts.common import access, engine, frame, job_list
from pages.parts.common.background import Work
from pages.parts.common.frame import guarded
from pages.parts.common.job_list import AT_WORK, REFRESH_S, jobs
from pages.parts.common.waiting import follow

DELETING = "Delete this job? Answers of networks that are done are kept.", "Delete job"


def arguments(spec: SweepSpec) -> dict[str, Any]:
    """Returns the arguments of the job that runs a sweep."""
    return arguments_of(engine.engine(), spec)


def find(spec: SweepSpec) -> Job | None:
    """Returns the job of a sweep, if there is one."""
    return jobs().find(KIND, arguments(spec))


def stamp(spec: SweepSpec) -> Stamp:
    """Returns the stamp of the files behind all of its networks, and of what is done of it."""
    done = [job.id + str(job.steps) for job in [find(spec)] if job]
    stamps = (engine.stamp(one, spec.data, *_against(spec, one)) for one in Sweep(engine.engine(), spec).variants)
    return " ".join((*dict.fromkeys(stamps), *done))


def _against(spec: SweepSpec, variant: VariantSpec) -> tuple[VariantSpec, ...]:
    return against(variant, spec.reference_of(variant.model))


def start_button(spec: SweepSpec, title: str, begun: Callable[[str], None] | None = None) -> None:
    """Draws the button that starts a sweep, where the server allows it.

    Args:
        begun: is told the name of the sweep.
    """
    if access.offers(access.SWEEPS):
        st.button(
            "Start sweep",
            key="_start_sweep",
            icon=":material/play_arrow:",
            type="primary",
            on_click=_begin,
            args=(spec, title, begun),
            help="Runs in a process of its own, and continues when this page is closed.",
        )


def _begin(spec: SweepSpec, title: str, begun: Callable[[str], None] | None) -> None:
    said = "The sweep has started. It continues when this page is closed."
    with frame.explained():
        access.require(access.SWEEPS)
        name = keep(engine.engine().roots, spec, title)
        job_list.begin((KIND, arguments(spec), title), access.SWEEPS, said)
        if begun:
            begun(name)


def cost(spec: SweepSpec) -> None:
    """Draws a button that measures what a sweep would cost, and the answer."""

    def draw(found: Sequence[Estimate]) -> None:
        st.info(found[-1].text, icon=":material/timer:")

    work = Work(
        place="sweep cost",
        key=("sweep cost", spec),
        stamp=stamp(spec),
        what="Measuring a few images",
        run=lambda task: estimate(Sweep(engine.engine(), spec), progress=task.advance),
        slow=True,
    )
    follow(work, "Estimate cost", draw)


def watch(job: Job | None, grows: bool = False) -> None:
    """Draws the job of a sweep, and those of other sweeps that are at work.

    Args:
        grows: draw the page anew when a network is done.
    """
    here = () if job is None or job.state == "done" else (job.id,)
    others = (other.id for other in job_list.of_kind(lambda kind: kind == KIND) if other.state in AT_WORK)
    shown = tuple(dict.fromkeys((*here, *others)))
    at_work = tuple(name for name in shown if jobs().get(name).state in AT_WORK)
    done = job.last.get("done", 0) if job and grows else None
    if shown:
        st.fragment(_progress, run_every=REFRESH_S if at_work else None)(shown, at_work, done)


@guarded
def _progress(shown: tuple[str, ...], at_work: tuple[str, ...], done: int | None) -> None:
    """at_work, done: the jobs that were at work when the page was drawn, and how many networks of
    the first one were done.
    """
    found = [jobs().get(name) for name in shown]
    has_grown = done is not None and found[0].last.get("done", 0) != done
    if has_grown or tuple(job.id for job in found if job.state in AT_WORK) != at_work:
        st.rerun()
    for job in found:
        with st.container(border=True):
            job_list.head(job, access.SWEEPS, DELETING)
            finished, networks = job.last.get("done", 0), job.last.get("networks", 0)
            text = f"{finished:,} of {counted(networks, 'network')}" if networks else "starting"
            job_list.progress(job, lambda line: (line.get("done", 0), line.get("networks", 0)), text)
            job_list.log(job)
