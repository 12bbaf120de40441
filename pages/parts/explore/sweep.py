"""The sweep of this view: its network, pruned to every amount of its curve, over a data set. It is
stated at once, measured and started on a click, and runs as a job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st
from pandas import DataFrame

from core import DataSpec, VariantSpec
from core.base.numbers import counted, percent, score
from core.data.datasets import DATASETS, truth_of
from core.evaluation.columns import COLUMNS
from core.figures.decisions import details, spot_text
from core.figures.sweep_text import finding
from core.figures.wording import plain as unmarked
from core.jobs.jobs import Job
from core.results import DENSE_NAME, Comparison
from core.saliency.baselines import heatmap_title
from core.sweeps.floor import MEASURE, Floor
from core.sweeps.read import frame as rows_of
from core.sweeps.read import of_measure, remarks, summary
from core.sweeps.spec import SweepSpec
from core.sweeps.spots import Limits, SweetSpot, spots
from core.sweeps.sweep import Sweep
from core.sweeps.views import of_view
from core.sweeps.written import to_yaml
from pages.parts.common import access, address, engine, link, present, reports, story, sweep_job
from pages.parts.common.background import Work
from pages.parts.common.job_list import AT_WORK
from pages.parts.common.markdown import message, plain
from pages.parts.common.parameters import Choice
from pages.parts.common.waiting import wait
from pages.parts.common.widgets import choice, number
from pages.parts.explore.floor import data_of, floor_of
from pages.parts.sidebar import photo_sets
from pages.parts.sidebar.model import family_line

if TYPE_CHECKING:
    from core.report import Report

FILE = "sweep.yaml"


MAY_BE_LOWER = "Accuracy, and how well heatmaps match the marked object. Fix it before you look at results."
MUST_CORRELATE = "The mean Pearson correlation with the reference's heatmap of the same image."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A sweep and the words for it. data, reference: what people read for them."""

    spec: SweepSpec
    variant: VariantSpec
    data: str
    reference: str

    @property
    def sweep(self) -> Sweep:
        return Sweep(engine.engine(), self.spec)

    @property
    def heatmap(self) -> str:
        return heatmap_title(self.spec.cams[0].method)

    @property
    def title(self) -> str:
        """What the job and the file are called."""
        network = engine.catalogue().title(self.variant.model)
        beside = "" if self.reference == DENSE_NAME else f", beside {self.reference}"
        return f"{network}, {family_line(self.variant.pruning)}: {self.heatmap} on {self.data}{beside}"


def section(answer: Comparison) -> None:
    """Draws the section. Not a fragment: what it waits for can be stopped."""
    left, right = st.columns([1, 3], gap="medium", vertical_alignment="center")
    with left:
        images = choice("Images", "sweep", help="How many images every network is asked about.")
    data = data_of(answer)
    if data is None:
        right.caption(photo_sets.how_to_get_one("A sweep", answer.pruned.variant.model))
        return
    asked = _asked(answer, data, None if images == "all" else int(images))
    with right:
        st.markdown(_question(asked))
    job = sweep_job.find(asked.spec)
    rows, notes = _rows(asked, job) if job and job.state not in AT_WORK else (None, ())
    _actions(asked, job, rows)
    sweep_job.watch(job)
    if rows is not None and not rows.empty:
        _results(asked, rows, floor_of(answer))
        if notes:
            st.caption(" ".join(message(access.without_paths(note)) for note in notes))


def _asked(answer: Comparison, data: DataSpec, images: int | None) -> Asked:
    variant, _, cam = answer.question
    spec = of_view(engine.engine(), variant, cam, data, images, answer.against[0])
    title = DATASETS[data.name].title if data.name in DATASETS else "your photographs"
    title = title[0].lower() + title[1:] if title[1:].islower() else title
    return Asked(spec=spec, variant=variant, data=title, reference=answer.reference_name)


def _question(asked: Asked) -> str:
    """States what the sweep would ask, in a sentence."""
    spec, inputs = asked.spec, engine.engine().inputs(asked.spec.data, asked.variant.model)
    variants = asked.sweep.variants
    first, last = engine.report(variants[0]).sparsity, engine.report(variants[-1]).sparsity
    count = spec.images or len(inputs)
    noise = " with noise" if spec.data.noise else ""
    dense = asked.reference == DENSE_NAME
    same = "still the dense network's" if dense else f"that of {plain(asked.reference)}"
    which = "all" if spec.images is None else "drawn from their classes in proportion"
    return (
        f"**{counted(spec.networks, 'network')}** ({plain(engine.catalogue().title(asked.variant.model))};"
        f" {family_line(asked.variant.pruning)}; {percent(first)} to {percent(last)} sparsity) answer"
        f" **{counted(count, 'image')}** of {plain(asked.data)}{noise}, {which}: is the answer right, is it {same},"
        f" where does {asked.heatmap} look, and does a spot in the centre score as well?"
    )


def _actions(asked: Asked, job: Job | None, rows: DataFrame | None) -> None:
    """Draws what can be done: start it here, take it along, measure its cost."""
    is_done = rows is not None and not rows.empty and rows.network.nunique() == asked.spec.networks
    offers_start = not is_done and (job is None or job.state == "done")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if offers_start:
            sweep_job.start_button(asked.spec, asked.title)
        if photo_sets.offers_export(asked.spec.data.name):
            _take_along(asked)
    if offers_start:
        sweep_job.cost(asked.spec)


def _take_along(asked: Asked) -> None:
    text = to_yaml(asked.spec, asked.title)
    st.download_button(
        "Sweep as YAML",
        text,
        FILE,
        "application/yaml",
        key="_sweep_yaml",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
    with st.popover("Command", icon=":material/terminal:", type="tertiary"):
        st.markdown("The same sweep on the command line, with the YAML file:")
        st.code(f"python -m core sweep run {FILE}\npython -m core sweep show {FILE}", language="bash", wrap_lines=True)
        st.code(text, language="yaml", wrap_lines=True)


def _rows(asked: Asked, job: Job) -> tuple[DataFrame | None, tuple[str, ...]]:
    """Returns the summary of what is done, None if reading it was stopped; and remarks on the
    images.
    """
    work = Work(
        place="sweep",
        key=("sweep", asked.spec),
        stamp=f"{sweep_job.stamp(asked.spec)} {job.begun}",
        what="Reading the answers",
        run=lambda task: (summary(asked.sweep), remarks(asked.sweep)),
    )
    found: tuple[DataFrame, tuple[str, ...]] | None = wait(work, st.container()).answer
    return found or (None, ())


def _results(asked: Asked, rows: DataFrame, floor: Floor | None) -> None:
    from core.figures.plots import sweeps as plots
    from core.figures.plots.base import with_floor

    truth = truth_of(asked.spec.data.name)
    usual = address.PARAMETERS["measure"]
    assert isinstance(usual, Choice)
    titled = {name: story.of_truth(text, truth) for name, text in usual.titles.items()}
    entry = replace(usual, names=tuple(name for name in usual.names if name in asked.spec.measures), titles=titled)
    left, right = st.columns([1, 3], gap="medium", vertical_alignment="center")
    with left:
        measure = choice("Measure", "measure", {"measure": entry})
    link.write()
    shown = of_measure(rows, measure)
    with right:
        st.markdown(f"{story.of_truth(COLUMNS[measure].summary, truth)} {finding(shown)}")
    figure = plots.means(rows, measure, truth)
    st.plotly_chart(
        present.figure(with_floor(figure, floor) if floor and measure == MEASURE else figure),
        config=present.STILL,
        key="sweep_means",
        alt=f"{titled[measure]}: mean with 95 % interval by sparsity. {unmarked(finding(shown))}",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        as_table = st.toggle("Table", key="_sweep_table")
        st.download_button(
            "All rows as CSV",
            lambda: rows_of(asked.sweep).to_csv(index=False).encode(),
            "sweep.csv",
            "text/csv",
            key="_sweep_csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="One row for every image, network and heatmap.",
        )
        if photo_sets.offers_export(asked.spec.data.name):
            reports.button(lambda: _report(asked), "sweep")
    if as_table:
        st.dataframe(table(shown), hide_index=True, width="stretch")
    _sweet_spot(asked)


def _report(asked: Asked) -> Report:
    from core.report import of_sweep

    return of_sweep(asked.sweep, asked.title)


def _sweet_spot(asked: Asked) -> None:
    """Draws how far the network can be pruned within limits that a person sets."""
    st.subheader("How far can one go?", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        points = number("May be lower by (percentage points)", "tolerance", help=MAY_BE_LOWER)
    with right:
        least = number("Heatmaps must correlate by more than", "similar", help=MUST_CORRELATE)
    limits = Limits(tolerance=points / 100, threshold=least)
    work = Work(
        place="sweet spot",
        key=("sweet spot", asked.spec, limits.tolerance, limits.threshold),
        stamp=sweep_job.stamp(asked.spec),
        what="Testing",
        run=lambda task: spots(asked.sweep, limits),
    )
    found: dict[str, SweetSpot] | None = wait(work, st.container()).answer
    for spot in (found or {}).values():
        st.markdown(spot_text(spot, plain(asked.reference)))
        st.caption("  \n".join(details(spot, limits)))


def table(shown: DataFrame) -> dict[str, list[str]]:
    """Formats the rows of a measure."""
    return {
        "sparsity": [percent(value) for value in shown.sparsity],
        "heatmap": [heatmap_title(name) for name in shown.heatmap],
        "mean": [score(value, 3) for value in shown["mean"]],
        "95 % interval": [
            f"{score(low, 3)} to {score(high, 3)}" for low, high in zip(shown.low, shown.high, strict=True)
        ],
        "n": [f"{n:,}" for n in shown.n],
    }
