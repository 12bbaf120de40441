"""The studies of this machine, as the page Study reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from pandas import DataFrame

from core.base.errors import SparsightError
from core.disk.frames import read_frame
from core.jobs.jobs import Job
from core.study import prepare
from core.study.folder import ABOUT, Study, home_of, names, open_study
from core.study.server.run import KIND as SERVE
from pages.parts.common import engine
from pages.parts.common.job_list import AT_WORK, jobs

PREPARE = prepare.KIND
PARTS = {
    "run": "Run",
    "result": "Result",
    "preview": "Preview",
    "data": "Plan and data",
}


def folder() -> Path:
    """Returns the cache folder."""
    return engine.engine().folder


def all_names() -> list[str]:
    """Returns the studies that are prepared."""
    return names(folder())


def first_name() -> str:
    """Returns the study that the page shows first: one that is served, else the newest; "" for
    none.
    """
    known = all_names()
    served = [job.arguments.get("name") for job in jobs().all() if job.kind == SERVE and job.state in AT_WORK]
    running = [str(name) for name in served if name in known]
    newest = sorted(known, key=lambda name: (home_of(folder(), name) / ABOUT).stat().st_mtime_ns)
    return (running or newest[-1:] or [""])[0]


def opened(name: str) -> Study:
    """Returns a study; kept open as long as its files are the same. Raises as `open_study`."""
    home = home_of(folder(), name)
    about = home / ABOUT
    stamp = about.stat().st_mtime_ns if about.is_file() else 0
    return _opened(str(folder()), name, stamp)


@st.cache_resource(max_entries=20, show_spinner=False)
def _opened(folder: str, name: str, stamp: int) -> Study:
    return open_study(Path(folder), name)


def server_job(study: Study) -> Job | None:
    """Returns the job that serves a study, if there is one at work."""
    found = [job for job in jobs().all() if job.kind == SERVE and job.arguments.get("name") == study.name]
    return next((job for job in found if job.state in AT_WORK), found[0] if found else None)


def server_arguments(study: Study, host: str, port: int) -> dict[str, Any]:
    """Returns the arguments of the job that serves a study."""
    return {"name": study.name, "folder": str(folder().absolute()), "host": host, "port": port}


def measures(study: Study) -> DataFrame | None:
    """Returns what was measured of the heatmaps; None if the table is missing or damaged."""
    try:
        return read_frame(study.home / prepare.MEASURED)[0]
    except SparsightError:
        return None
