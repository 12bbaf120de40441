"""Work of many steps inside a page, begun by a click: each result is drawn as it comes, it can be
stopped, what is there stays.

The work goes on in a thread of this session, and the page looks at it now and then: a page that is
busy itself could not be stopped from one of its fragments. Work that no page looks at any more ends
by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.parts.common.frame import guarded

MOST_RUNS = 20  # of a session that are kept
LOOK_S, FORGOTTEN_S = 0.4, 5.0


@dataclass
class Run:
    """What is there so far. seen: when a page last looked."""

    results: list[Any] = field(default_factory=list)
    at_work: bool = False
    done: bool = False
    error: Exception | None = None
    seen: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be done.

    key: the same key finds the same results, so it holds the stamp of the files that answer. label:
    of the button. total: of steps.
    steps: begins the work, leaving out the first so many results, which are there. draw: shows the
    results so far.
    """

    key: str
    label: str
    total: int
    steps: Callable[[int], Iterator[Any]]
    draw: Callable[[Sequence[Any]], None]


def follow(job: Job) -> None:
    """Draws a button, then progress and Stop while the work goes on, and the results so far."""
    run = _run(job.key)
    st.fragment(_look, run_every=LOOK_S if run.at_work else None)(job, run, run.at_work)


@guarded
def _look(job: Job, run: Run, by_itself: bool) -> None:
    """by_itself: whether this is called again and again."""
    run.seen = time.monotonic()
    if run.at_work != by_itself:
        st.rerun()
    if run.at_work:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.progress(min(1.0, len(run.results) / job.total), f"{len(run.results)} of {job.total}")
            st.button("Stop", key=f"_stop_{job.label}", icon=":material/stop:", on_click=_halt, args=(run,))
    elif not run.done:
        left = f", {len(run.results)} of {job.total} are there" if run.results else ""
        st.button(
            job.label + left, key=f"_start_{job.label}", icon=":material/play_arrow:", on_click=_begin, args=(job, run)
        )
    if run.results:
        job.draw(run.results[:])
    if run.error:
        error, run.error = run.error, None
        raise error


def _run(key: str) -> Run:
    runs: dict[str, Run] = st.session_state.setdefault("_runs", {})
    run = runs.pop(key, None) or Run()
    runs[key] = run  # the newest is the last
    while len(runs) > MOST_RUNS:
        runs.pop(next(iter(runs)))
    return run


def _begin(job: Job, run: Run) -> None:
    if "_runner" not in st.session_state:
        st.session_state["_runner"] = ThreadPoolExecutor(max_workers=1, thread_name_prefix="run")
    run.at_work, run.seen = True, time.monotonic()
    st.session_state["_runner"].submit(_work, job, run)


def _work(job: Job, run: Run) -> None:
    try:
        for result in job.steps(len(run.results)):
            run.results.append(result)
            if not run.at_work or time.monotonic() - run.seen > FORGOTTEN_S:
                return
        run.done = True
    except Exception as error:  # raised where a person sees it
        run.error = error
    finally:
        run.at_work = False


def _halt(run: Run) -> None:
    run.at_work = False
