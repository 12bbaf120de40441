"""Plan and data: power, downloads, backup, closing and deleting a study."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from core.base.errors import SparsightError
from core.base.numbers import counted, percent
from core.stats.power import StudyDesign, detectable, needed
from core.study.export import export_zip
from core.study.folder import Study, delete_study, facts_of
from core.study.written import to_yaml
from pages.parts.common import access, frame
from pages.parts.common.job_list import AT_WORK
from pages.parts.common.markdown import plain
from pages.parts.study import studies


def section(study: Study) -> None:
    """Draws the section."""
    _facts(study)
    _power(study)
    _downloads(study)
    if not access.locked():
        _manage(study)


def _facts(study: Study) -> None:
    spec, facts = study.spec, facts_of(study)
    qualified = facts.get("qualified", {})
    st.markdown(
        f"**{plain(spec.title)}** {spec.images} images of each class, all classified correctly by every variant "
        f"({sum(qualified.values()):,} of {facts.get('looked_at', 0):,} images qualify), "
        f"{counted(spec.answers, 'answer')} to each item, {counted(spec.trials, 'question')} a participant, "
        f"seed {spec.seed}, texts {spec.texts.stamp}."
    )


def _power(study: Study) -> None:
    """Draws how many people a study needs."""
    st.subheader("How many people?", anchor=False)
    spec = study.spec
    left, middle, right = st.columns(3)
    wanted = left.slider("Preference to find (%)", 51, 95, 60, key="_power_share", help="Share among decided answers.")
    ties = middle.slider("Answers 'both equally' (%)", 0, 90, 30, key="_power_ties")
    alike = right.slider(
        "Resemblance of a person's answers (%)",
        0,
        50,
        5,
        key="_power_rho",
        help="Intraclass correlation: 0 if answers of one person are as different as those of two.",
    )
    each = max(1, spec.trials // max(1, spec.comparisons))
    design = StudyDesign(answers_a_person=each, correlation=alike / 100, tie_share=ties / 100)
    found, smallest = needed(wanted / 100, design), detectable(study.answers.counts()["slots"], design)
    people = "No number of people is" if found.participants is None else f"{found.participants:,} people are"
    text = (
        f"{people} enough to tell a preference of {wanted} % from chance, with {counted(each, 'answer')} of each person"
    )
    text += " to a comparison and a power of 80 %."
    if smallest.preference is not None:
        text += f" With all {counted(smallest.participants, 'place')} of this study, the smallest such preference is "
        text += f"{percent(smallest.preference)}."
    st.markdown(text)
    st.caption("Normal approximation, two-sided 5 % level, with Kish's design effect. `study power` simulates it.")


def _downloads(study: Study) -> None:
    st.subheader("Downloads", anchor=False)
    with st.container(horizontal=True):
        for label, pseudonyms in (("Everything (zip)", False), ("With pseudonyms (zip)", True)):
            st.download_button(
                label,
                partial(_zip, study, pseudonyms),
                f"{study.name}{'-pseudonyms' if pseudonyms else ''}.zip",
                "application/zip",
                on_click="ignore",
                icon=":material/download:",
                help="Answers, participants, design, measures, codebook, the study as YAML, versions."
                + (" New random names, no ids, times from each person's beginning." if pseudonyms else ""),
            )
        st.download_button(
            "Study (YAML)", to_yaml(study.spec), f"{study.name}.yaml", "application/yaml", on_click="ignore"
        )
        st.download_button(
            "Backup (SQLite)", lambda: _backup(study), f"{study.name}.db", "application/x-sqlite3", on_click="ignore"
        )


def _zip(study: Study, pseudonymise: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.zip"
        export_zip(study, path, pseudonymise)
        return path.read_bytes()


def _backup(study: Study) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.db"
        study.backup(path)
        return path.read_bytes()


def _manage(study: Study) -> None:
    st.subheader("Manage", anchor=False)
    is_open = study.answers.is_open
    label, text = (
        ("Close the study", "No more participants; those who have begun can finish.")
        if is_open
        else (
            "Open the study again",
            "New participants are let in.",
        )
    )
    with st.container(horizontal=True):
        st.button(label, key="_study_open", help=text, on_click=_open, args=(study, not is_open))
        with st.popover("Delete the study", icon=":material/delete:"):
            answers = study.answers.counts()["answers"]
            st.markdown(f"This deletes the study with {counted(answers, 'answer')}. Download a backup first.")
            st.button("Delete it", key="_study_delete", type="primary", on_click=_delete, args=(study,))
    st.caption(f"A password opens the researcher's pages of the server: `python -m core study password {study.name}`.")


def _open(study: Study, whether: bool) -> None:
    with frame.explained():
        access.require(access.STUDIES)
        study.answers.open(whether)


def _delete(study: Study) -> None:
    with frame.explained():
        access.require(access.STUDIES)
        job = studies.server_job(study)
        if job is not None and job.state in AT_WORK:
            raise SparsightError("The study is being served.", "", "Stop its server first.")
        delete_study(studies.folder(), study.name)
