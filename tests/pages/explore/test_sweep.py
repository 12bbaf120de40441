"""The sweep of a view: stated, measured, started and shown; a locked server starts none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
from streamlit.testing.v1 import AppTest

from core.figures.decisions import spot_text
from core.figures.sweep_text import finding
from core.jobs.jobs import Jobs
from core.sweeps.read import of_measure, summary
from core.sweeps.spots import Limits, spots
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping
from pages.parts.common import access, engine, job_list
from tests.pages.conftest import DIGITS, OpenPage, words

WAIT_S = 120
RETRAINED = DIGITS | {"schedule": "iterative-reset", "unit": "level", "level": "4"}
VIEW = RETRAINED | {"sweep": "20", "measure": "soft-iou"}


@pytest.fixture
def folder(own_cache: Path) -> Iterator[Path]:
    """Whatever was begun is stopped in the end."""
    yield own_cache
    for job in Jobs(own_cache).all():
        Jobs(own_cache).stop(job.id)


def labels(app: AppTest) -> set[str]:
    return {node.label for kind in ("button", "download_button") for node in app.get(kind)}


def ended(folder: Path) -> None:
    end = time.monotonic() + WAIT_S
    while (job := Jobs(folder).all()[0]).state == "running" and time.monotonic() < end:
        time.sleep(0.2)
    assert job.state == "done", (job.state, job.error, Jobs(folder).log(job.id))


@pytest.mark.long
def test_it_is_stated_started_and_shown(folder: Path, explore: OpenPage) -> None:
    app = explore(**VIEW)
    assert "**26 networks** (Small digit CNN (thesis); Iterative, weights reset;" in words(app)
    assert "**20 images** of embedded digits with noise" in words(app)
    assert {"Start sweep", "Estimate cost", "Sweep as YAML"} <= labels(app)
    assert "python -m core sweep run sweep.yaml" in "".join(code.value for code in app.code)
    app.button(key="_start_sweep").click().run()
    assert not app.error, app.error[0].value
    ended(folder)
    app = explore(**VIEW)
    assert not {"Start sweep", "Estimate cost"} & labels(app)
    (chart,) = [chart for chart in app.get("plotly_chart") if "mean with 95 %" in chart.proto.alt]
    assert "Soft IoU" in chart.proto.alt
    (job,) = Jobs(folder).all()
    rows = of_measure(summary(Sweep(engine.engine(), from_mapping(job.arguments["spec"]))), "soft-iou")
    assert finding(rows) in words(app)
    (spot,) = spots(Sweep(engine.engine(), from_mapping(job.arguments["spec"])), Limits()).values()
    assert spot_text(spot) in "".join(each.value for each in app.markdown)
    assert "Limits: may be lower by less than: accuracy 2 points" in words(app)
    app.slider(key="tolerance").set_value(20.0).run()
    app.slider(key="similar").set_value(0.0).run()
    assert (app.query_params["tolerance"], app.query_params["similar"]) == ("20", "0")
    assert spot_text(spot) not in "".join(each.value for each in app.markdown)
    app.toggle(key="_sweep_table").set_value(True).run()
    (table,) = [table.value for table in app.dataframe if "95 % interval" in table.value]
    assert list(table.n) == ["20"] * 52
    app.selectbox(key="measure").set_value("agrees").run()
    assert app.query_params["measure"] == "agrees"
    assert "is the one that the reference network predicts" in words(app)


def test_its_cost_is_measured_on_a_click(folder: Path, explore: OpenPage) -> None:
    app = explore(**VIEW)
    app.button(key="_start_sweep cost").click().run()
    end = time.monotonic() + WAIT_S
    while not app.info and time.monotonic() < end:
        app.run()
    assert "26 networks, 20 images each: 1,040 passes through a network" in app.info[0].value
    assert Jobs(folder).all() == []


def test_a_locked_server_starts_none(folder: Path, explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    app = explore(**VIEW)
    assert "starting sweeps is switched off" in words(app)
    assert "Start sweep" not in labels(app)
    assert "Sweep as YAML" in labels(app)  # it names nothing of the server
    job_list.begin(("sweep", {}, "nothing"), access.SWEEPS, "")
    assert Jobs(folder).all() == []


def test_closed_it_computes_nothing_and_leaves_the_address(explore: OpenPage) -> None:
    app = explore(**DIGITS)
    assert "Start sweep" not in labels(app)
    assert "sweep" not in app.query_params


def test_photographs_need_a_set(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_PHOTOS", raising=False)
    app = explore(model="efficientnet-lite0", photo="coffee", cam="grad-cam", sweep="20")
    assert "A sweep needs a data set of photographs" in words(app)
    assert "Start sweep" not in labels(app)


def test_the_finding_counts_intervals_that_do_not_overlap() -> None:
    bounds = {"a": ((0.5, 0.6), (0.1, 0.2)), "b": ((0.1, 0.2), (0.1, 0.2)), "c": ((0.0, 0.1), (0.3, 0.4))}
    rows = pandas.DataFrame(
        {"network": name, "schedule": "none" if place == 0 else "one-shot", "sparsity": place / 4, "heatmap": heatmap}
        | {"mean": low, "low": low, "high": high, "n": 9}
        for place, (name, both) in enumerate(bounds.items())
        for heatmap, (low, high) in zip(("grad-cam", "centre-blob"), both, strict=True)
    )
    said = finding(rows)
    assert "Of 3 networks, 1 score above a spot in the centre, 1 below it" in said
    assert "**0.50** (0.50 to 0.60, n = 9) without pruning, **0.00** (0.00 to 0.10, n = 9) at 50.0 % sparsity" in said
    assert "spot" not in finding(rows[rows.heatmap == "grad-cam"])
