"""Any sweep in Curves: numbers of the tables, of some images, and of what the machine costs."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.base.numbers import score
from core.engine.engine import Engine
from core.figures.decisions import spot_text
from core.jobs.jobs import Jobs
from core.sweeps import curves as sweep_curves
from core.sweeps.curves import Asked
from core.sweeps.known import keep, known_sweeps
from core.sweeps.read import of_measure, parts
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.spots import Limits, spots
from core.sweeps.sweep import Sweep
from core.sweeps.views import MEASURES
from pages.parts.common import sweep_job
from pages.parts.curves.sweeps import view
from tests.pages.conftest import OpenPage, open_page, words


def included(name: str) -> Sweep:
    engine = Engine("cpu")
    return Sweep(engine, known_sweeps(engine.roots)[name].read())


@pytest.mark.parametrize(
    ("name", "measure", "asked", "address"),
    [
        ("less-is-more", "right", Asked(), {}),
        ("less-is-more", "soft-iou", Asked(label=3), {"label": "3"}),
        ("mnist", "soft-iou", Asked(answered="wrong"), {"answered": "wrong"}),
        ("faithfulness", "insertion", Asked(difference=True), {"minus": "true"}),
    ],
)
def test_the_headline_is_the_tables(
    name: str, measure: str, asked: Asked, address: dict[str, str], curves: OpenPage
) -> None:
    app = curves(of=f"sweep.{name}", value=measure, **address)
    assert not app.exception
    sweep = included(name)
    rows = of_measure(sweep_curves.curves(sweep.spec, [*parts(sweep)], [measure], asked), measure)
    last = rows[rows.seeds == rows.seeds.max()].sort_values("sparsity").iloc[-1]
    (said,) = app.header
    assert f"**{score(last['mean'])}**" in said.value
    assert f"n = {last.n:,}" in said.value
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize("axis", ["density", "ratio", "conv", "level", "multiply-adds"])
def test_every_axis_is_drawn(axis: str, curves: OpenPage) -> None:
    app = curves(of="sweep.less-is-more", versus=axis)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


def test_the_sweet_spot_is_the_commands_and_follows_the_class(curves: OpenPage) -> None:
    sweep = included("less-is-more")
    for label in (None, 3):
        app = curves(of="sweep.less-is-more", finding="spot", **({} if label is None else {"label": str(label)}))
        assert not app.exception
        (spot,) = spots(sweep, Limits(), label=label).values()
        assert spot_text(spot) in words(app)
        assert len(app.get("plotly_chart")) == 1


def test_a_network_that_is_chosen_opens_in_explore(curves: OpenPage) -> None:
    key = included("less-is-more").variants[3].key
    app = curves(of="sweep.less-is-more", point=key)
    assert "explore?model=squeezenet1_1%40imagenette-128&weights=merkle-layer&seed=0" in words(app)
    link = urlsplit(re.search(r"\((compare\?.*?)\)", words(app))[1])
    app = open_page(link.path, **parse_qs(link.query))
    assert not app.exception
    assert "Parts of the address" not in words(app)


def test_a_headline_of_several_lines_begins_without_pruning(curves: OpenPage) -> None:
    (said,) = curves(of="sweep.efficientnet-lite0", value="soft-iou").header
    start, *ends = said.value.split("; ")
    assert start.endswith("** without pruning")
    assert [" sparsity" in end for end in ends] == [True, False, False]


def test_what_cannot_be_asked_is_said(curves: OpenPage) -> None:
    app = curves(of="sweep.faithfulness", value="right", answered="wrong", minus="true")
    assert not app.exception
    app = curves(of="sweep.nothing")
    assert "nothing" in words(app)
    app = curves(of="sweep.faithfulness", finding="breaks")
    assert "This sweep lacks one of them" in words(app)


def test_a_sweep_without_answers_can_be_started(curves: OpenPage, own_cache: Path) -> None:
    spec = included("digits").spec
    roots = (own_cache,)
    mine = type(spec)(models=spec.models, prunings=spec.prunings[:2], data=spec.data, images=13, seed=77)
    keep(roots, mine, "Mine")
    name = next(name for name, one in known_sweeps(roots).items() if one.title == "Mine")
    app = curves(of=f"sweep.{name}")
    assert "No network of this sweep is done yet" in words(app)
    assert "Start sweep" in [button.label for button in app.button]
    assert f"sweep.{name}" in view.choices()


def test_the_form_states_what_it_would_ask(curves: OpenPage) -> None:
    app = curves(of="new-sweep")
    assert not app.exception
    assert "**26 networks**" in words(app)
    app.toggle(key="_sweep_levels").set_value(False).run()
    app.toggle(key="_sweep_one_shot").set_value(True).run()
    assert "**6 networks**" in words(app)
    app.text_input(key="_sweep_shares").set_value("10, many").run()
    assert "'many' cannot be read" in words(app)
    app.text_input(key="_sweep_shares").set_value("10, 101").run()
    assert "cannot be removed" in words(app)
    app.text_input(key="_sweep_shares").set_value("").run()
    assert "cannot be read" in words(app)
    assert set(MEASURES) <= set(app.multiselect(key="_sweep_measures_True").value)


def test_a_sweep_is_started_and_its_curve_grows(curves: OpenPage, own_cache: Path) -> None:
    app = curves(of="new-sweep")
    app.toggle(key="_sweep_levels").set_value(False).run()
    app.toggle(key="_sweep_one_shot").set_value(True).run()
    app.text_input(key="_sweep_shares").set_value("50").run()
    app.selectbox(key="_sweep_images").set_value("20").run()
    app.button(key="_start_sweep").click().run()
    (name,) = (one.name for one in known_sweeps((own_cache,)).values())
    assert app.session_state["of"] == f"sweep.{name}"
    (job,) = Jobs(own_cache).all()
    try:
        deadline = time.monotonic() + 120
        while Jobs(own_cache).get(job.id).state != "done" and time.monotonic() < deadline:
            time.sleep(0.2)
        app.run()
        assert "at 50.0 % sparsity" in app.header[0].value
        assert "n = 20" in app.header[0].value
    finally:
        Jobs(own_cache).stop(job.id)


def test_a_locked_server_starts_none(curves: OpenPage, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    app = curves(of="new-sweep")
    assert "starting sweeps is switched off" in words(app)
    assert "Start sweep" not in [button.label for button in app.button]
    sweep_job._begin(included("digits").spec, "Mine", None)
    assert not Jobs(own_cache).all()
    assert not known_sweeps((own_cache,))


def one_answer(spec: SweepSpec, roots: tuple[Path, ...]) -> Sweep:
    """Runs a sweep and makes it known."""
    sweep = Sweep(Engine("cpu", roots[0]), spec)
    list(sweep.run())
    keep(roots, spec, "Own")
    return sweep


@pytest.mark.parametrize("tab", ["curve", "spot", "breaks", "forgotten"])
def test_one_image_and_one_sparsity_are_drawn_or_explained(tab: str, curves: OpenPage, own_cache: Path) -> None:
    spec = replace(included("digits").spec, prunings=grid(sparsity=0.5), images=1, seed=5)
    one_answer(spec, (own_cache,))
    (name,) = known_sweeps((own_cache,))
    app = curves(of=f"sweep.{name}", finding=tab)
    assert not app.exception
    assert "unexpected error" not in words(app)


def test_a_table_that_is_deleted_while_it_is_shown_is_gone(curves: OpenPage, own_cache: Path) -> None:
    spec = replace(included("digits").spec, prunings=(*grid(), *grid(sparsity=[0.5, 0.8])), images=10, seed=6)
    sweep = one_answer(spec, (own_cache,))
    (name,) = known_sweeps((own_cache,))
    app = curves(of=f"sweep.{name}")
    assert "at 80.0 % sparsity" in app.header[0].value
    for cell in sweep.cells(sweep.variants[-1]):
        sweep.tables.path(cell).unlink()
    app.run()
    assert "at 50.0 % sparsity" in app.header[0].value
    shutil.rmtree(own_cache / "sweeps" / spec.set_key)
    app.run()
    assert "No network of this sweep is done yet" in words(app)


def test_answers_of_other_sweeps_are_not_called_none(curves: OpenPage, own_cache: Path) -> None:
    app = curves(of="sweep.digits")
    assert "Some answers are here, but no network of this sweep has all of them yet" in words(app)
    assert len(app.get("plotly_chart")) == 1
