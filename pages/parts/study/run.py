"""Run a study: start and stop its server, show link and QR code, count answers as they come."""

from __future__ import annotations

import streamlit as st

from core.base.listening import local_address
from core.base.numbers import counted
from core.study.analysis import analyse
from core.study.folder import Study
from core.study.invite import EVERYWHERE, HERE, link, qr_code
from core.study.server.run import KIND, PORT
from core.study.wording import headline
from pages.parts.common import access, frame, job_list, present
from pages.parts.common.frame import guarded
from pages.parts.common.job_list import AT_WORK, jobs
from pages.parts.common.markdown import message, plain
from pages.parts.study import result, studies

LOOK_S = 2.0
REACH = {EVERYWHERE: "Phones and computers in the same network", HERE: "Only this machine"}
CANNOT_REACH = """\
- The phone must be in the **same network** as this machine: the same Wi-Fi, not mobile data.
- Many guest networks keep devices apart. Open a **hotspot** on this machine or on a phone, let everyone join it, then \
stop and start the server: the link changes.
- A **firewall** on this machine may refuse the port. On Ubuntu: `sudo ufw allow {port}/tcp`.
- The server must be started for *{everywhere}*; now it is: *{now}*.
- If this machine has several networks, its other addresses work too: `hostname -I` lists them.
"""


def section(study: Study) -> None:
    """Draws the section."""
    job = studies.server_job(study)
    running = job is not None and job.state in AT_WORK
    if not running:
        _start(study)
        if job is not None and job.state in ("failed", "died"):
            killed = "The server was killed. Every answer is kept; start it again."
            st.error(message(access.without_paths(job.error or killed)), icon=":material/error:")
            job_list.log(job)
    st.fragment(_live, run_every=LOOK_S if running else None)(study.name, job.id if running and job else "")


def _start(study: Study) -> None:
    if not access.offers(access.STUDIES):
        return
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    with left:
        host = st.selectbox("Who can take part", list(REACH), format_func=REACH.__getitem__, key="_study_host")
    with middle:
        port = st.number_input("Port", 1, 65535, PORT, key="_study_port")
    with right:
        st.button(
            "Start the server",
            key="_study_start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_begin,
            args=(study, str(host), int(port)),
            help="Participants open a link; the server runs until you stop it, also when this page is closed.",
        )
    if host == EVERYWHERE:
        st.caption(
            "Everyone in your network can open this study, and nothing else of this machine. The connection is not "
            "encrypted; answers hold no names."
        )


def _begin(study: Study, host: str, port: int) -> None:
    with frame.explained():
        access.require(access.STUDIES)
        arguments = studies.server_arguments(study, host, port)
        job_list.begin((KIND, arguments, f"Server of '{study.name}'"), access.STUDIES, "The server has started.")


@guarded
def _live(name: str, serving: str) -> None:
    """Draws what changes while people answer. serving: the job that was at work, "" for none."""
    study = studies.opened(name)
    job = studies.server_job(study)
    now = job.id if job is not None and job.state in AT_WORK else ""
    if now != serving:
        st.rerun()
    if job is not None and now:
        _invitation(study, str(job.arguments["host"]), int(job.arguments["port"]), job.id)
    else:
        _counts(study)
    rows = study.answers.frame()
    analysis = analyse(rows, thorough=False)
    if analysis.n and (not now or _is_revealed()):
        said = headline(analysis, plain)
        st.markdown(f"#### {said}" if present.on() else said)
        result.shares(analysis, "live")


def _is_revealed() -> bool:
    """Draws the switch that shows the result while people still answer."""
    return st.toggle(
        "Show the result",
        key="_study_reveal",
        help="Hidden while people answer, so that nobody is influenced by what others prefer.",
    )


def _invitation(study: Study, host: str, port: int, job: str) -> None:
    """Draws the link and its QR code, large enough for the back row."""
    address = link(host, port)
    code, words = st.columns([2, 3], gap="large", vertical_alignment="center")
    with code:
        st.image(qr_code(address), width="stretch" if present.on() else 260, alt=f"QR code of {address}")
    with words:
        head = st.title if present.on() else st.header
        head(f"[{address.removeprefix('http://').rstrip('/')}]({address})", anchor=False)
        st.markdown(
            f"**{plain(study.spec.title)}** {counted(study.spec.questions, 'question')}, "
            f"about {counted(study.spec.minutes, 'minute')}."
        )
        if host == EVERYWHERE and local_address() is None:
            st.warning("This machine is in no network, so that only it reaches the study.", icon=":material/wifi_off:")
        _counts(study)
        if not present.on():
            if not access.locked():
                st.button(
                    "Stop the server",
                    key="_study_stop",
                    icon=":material/stop:",
                    on_click=_stop,
                    args=(job,),
                    help="Answers are kept; participants can continue when it is started again.",
                )
            with st.expander("Your phone cannot reach this?", icon=":material/help:"):
                st.markdown(CANNOT_REACH.format(port=port, everywhere=REACH[EVERYWHERE], now=REACH.get(host, host)))


def _stop(job: str) -> None:
    with frame.explained():
        access.require(access.STUDIES)
        jobs().stop(job)


def _counts(study: Study) -> None:
    counts = study.answers.counts()
    shown = (
        ("Taking part", f"{counts['running']:,}"),
        ("Finished", f"{counts['done']:,} of {counts['slots']:,}"),
        ("Answers", f"{counts['answers']:,}"),
    )
    for column, (label, value) in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(label, value)
    if not present.on():
        rules = study.spec.rules
        gone = f"{counted(counts['withdrawn'], 'participant')} withdrew, {counts['excluded']:,} excluded."
        if not rules.catch_share and not rules.fastest_ms:
            gone += " This study has no rules of exclusion."
        st.caption(
            f"{gone} Answers include catch trials. The study is {'open' if study.answers.is_open else 'closed'}."
        )
