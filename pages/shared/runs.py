"""Work of many steps inside a page, begun by a click: each result is drawn as it comes, it can be stopped, what is there stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

MOST_RUNS = 20  # of a session that are kept


@dataclass
class Run:
    """What is there so far. at_work: it goes on whenever the page runs."""

    results: list[Any] = field(default_factory=list)
    at_work: bool = False
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be done.

    key: the same key finds the same results. label: of the button. total: of steps. steps: begins the work, leaving out the first
    so many results, which are there.
    """

    key: str
    label: str
    total: int
    steps: Callable[[int], Iterator[Any]]


def follow(job: Job, draw: Callable[[DeltaGenerator, Sequence[Any]], None]) -> None:
    """Draws a button, then progress and Stop while the job works, and the results so far after every step."""
    run = _run(job.key)
    controls, place = st.empty(), st.empty()
    if run.results:
        draw(place, run.results)
    if run.at_work and not run.done:
        with controls.container(horizontal=True, vertical_alignment="center", gap="small"):
            bar = st.progress(0.0)
            st.button("Stop", key=f"_stop_{job.label}", icon=":material/stop:", on_click=_halt, args=(run,))
        for result in job.steps(len(run.results)):
            run.results.append(result)
            bar.progress(min(1.0, len(run.results) / job.total), f"{len(run.results)} of {job.total}")
            draw(place, run.results)
        run.done, run.at_work = True, False
        controls.empty()
    elif not run.done:
        left = f", {len(run.results)} of {job.total} are there" if run.results else ""
        controls.button(job.label + left, key=f"_start_{job.label}", icon=":material/play_arrow:", on_click=_begin, args=(run,))


def _run(key: str) -> Run:
    runs: dict[str, Run] = st.session_state.setdefault("_runs", {})
    run = runs.pop(key, None) or Run()
    runs[key] = run  # the newest is the last
    while len(runs) > MOST_RUNS:
        runs.pop(next(iter(runs)))
    return run


def _begin(run: Run) -> None:
    run.at_work = True


def _halt(run: Run) -> None:
    run.at_work = False
