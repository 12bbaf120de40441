"""Create a study from a preset or a YAML file, and watch it being prepared."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.base.errors import SparsightError
from core.base.numbers import counted
from core.data.folders import name_of
from core.study.folder import home_of, names
from core.study.prepare import KIND, arguments_of
from core.study.presets import PRESETS
from core.study.spec import StudySpec
from core.study.written import from_text, to_yaml
from pages.parts.common import access, engine, frame, job_list
from pages.parts.common.frame import guarded
from pages.parts.common.job_list import AT_WORK, REFRESH_S, jobs
from pages.parts.common.markdown import plain
from pages.parts.study import studies

OWN = "own"
DELETING = "Delete this job? What is drawn is kept, and a new preparation takes it up.", "Delete job"
STAGES = {"networks": "asking the networks about the images", "pictures": "drawing pictures"}


def section() -> None:
    """Draws the form."""
    if not access.offers(access.STUDIES):
        return
    titles = {name: each.title for name, each in PRESETS.items()} | {OWN: "A file of my own"}
    chosen = st.segmented_control(
        "What to ask", list(titles), default="class", format_func=titles.__getitem__, required=True, key="_study_preset"
    )
    spec = _own() if chosen == OWN else PRESETS[str(chosen)].value()
    if spec is None:
        return
    st.markdown(PRESETS[str(chosen)].summary if chosen != OWN else f"**{plain(spec.title)}**")
    name, spec = _choices(spec, str(chosen))
    st.markdown(_what(spec))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Prepare the study",
            key="_study_prepare",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_begin,
            args=(name, spec),
            help="Looks for images that every network classifies correctly, and draws the pictures.",
        )
        st.download_button(
            "Study as YAML",
            to_yaml(spec),
            f"{name or 'study'}.yaml",
            "application/yaml",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="To change tasks, texts or rules, and to keep beside the results.",
        )


def _own() -> StudySpec | None:
    """Returns the study of an uploaded file."""
    given = st.file_uploader("Study (YAML)", type=["yaml", "yml"], key="_study_file", max_upload_size=1)
    if given is None:
        st.caption("Download a preset as YAML, change it, and choose it here. docs/studies.md explains every line.")
        return None
    with frame.explained():
        try:
            return from_text(given.getvalue().decode("utf-8"))
        except UnicodeDecodeError:
            st.error("The file is not text. A study is a YAML file.", icon=":material/error:")
    return None


def _choices(spec: StudySpec, preset: str) -> tuple[str, StudySpec]:
    """Draws the name and the numbers that are changed most often."""
    left, middle, right = st.columns(3)
    with left:
        name = st.text_input(
            "Name", value=_free_name(preset), key=f"_study_name_{preset}", max_chars=40, help="For you; not shown."
        )
    with middle:
        images = st.number_input(
            "Images of each class", 1, 500, spec.images, key=f"_study_images_{preset}", help="Every variant is right."
        )
    with right:
        most = len(spec.names) and spec.comparisons * int(images) * 10
        trials = st.number_input(
            "Questions a participant", 1, max(1, most), min(spec.trials, most), key=f"_study_trials_{preset}"
        )
    return name.strip(), replace(spec, images=int(images), trials=int(trials))


def _free_name(preset: str) -> str:
    taken = set(names(studies.folder()))
    return next(name for at in range(1, 1000) if (name := f"{preset}-{at}") not in taken)


def _what(spec: StudySpec) -> str:
    """Says what will be asked, in a sentence."""
    shown = ", ".join(plain(name) for name in spec.names)
    return (
        f"{counted(len(spec.tasks), 'task')} about {plain(engine.catalogue().title(spec.model))} ({shown}) and images "
        f"of '{plain(name_of(spec.data.name))}'. A participant answers {counted(spec.questions, 'question')} in about "
        f"{counted(spec.minutes, 'minute')}; {counted(spec.answers, 'answer')} are wanted for each picture."
    )


def _begin(name: str, spec: StudySpec) -> None:
    with frame.explained():
        access.require(access.STUDIES)
        home_of(studies.folder(), name)
        if name in studies.all_names():
            raise SparsightError(f"The study '{name}' exists.", "", "Choose another name.")
        arguments = arguments_of(engine.engine(), name, spec)
        said = "The preparation has started. It continues when this page is closed."
        job_list.begin((KIND, arguments, f"Study '{name}'"), access.STUDIES, said)


def progress() -> None:
    """Draws the preparations that are at work, have failed or are damaged."""
    job_list.damaged(lambda kind: kind == KIND, access.STUDIES)
    shown = [job for job in job_list.of_kind(lambda kind: kind == KIND) if job.state != "done"]
    if not shown:
        return
    at_work = tuple(job.id for job in shown if job.state in AT_WORK)
    run_every = REFRESH_S if at_work else None
    st.fragment(_progress, run_every=run_every)(tuple(job.id for job in shown), at_work)


@guarded
def _progress(shown: tuple[str, ...], at_work: tuple[str, ...]) -> None:
    found = [jobs().get(name) for name in shown]
    if tuple(job.id for job in found if job.state in AT_WORK) != at_work:
        ready = [job for job in found if job.id in at_work and job.state == "done"]
        if ready:  # the page opens the new study
            st.session_state["study_name"] = str(ready[-1].arguments["name"])
        st.rerun()
    for job in found:
        with st.container(border=True):
            job_list.head(job, access.STUDIES, DELETING)
            done, total = job.last.get("done", 0), job.last.get("total", 0)
            stage = STAGES.get(job.last.get("stage", ""), "starting")
            text = f"{stage}: {done:,} of {total:,}" if total else stage
            job_list.progress(job, lambda line: (line.get("done", 0), line.get("total", 0)), text)
            job_list.log(job)
