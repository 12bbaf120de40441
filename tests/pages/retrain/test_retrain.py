"""Retrain: a run is begun, seen, stopped and found; its networks are at once in Explore; nothing
long runs inside the page.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.datasets import DATASETS
from core.jobs.jobs import Job, Jobs
from pages.parts.common import engine
from pages.parts.retrain import runs
from tests.pages.conftest import open_page, shown_by, words
from tests.protocols import small_series

WAIT_S = 240  # two epochs of a tiny data set, on a busy machine too
DIGITS = next(name for name, entry in DATASETS.items() if entry.facts.get("kind") != "photos")
OpenRetrain = Callable[[], AppTest]


@pytest.fixture
def retrain(own_cache: Path) -> Iterator[OpenRetrain]:
    """Opens the page; whatever it has begun is stopped in the end."""

    yield partial(open_page, "retrain")
    for job in Jobs(own_cache).all():
        Jobs(own_cache).stop(job.id)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_series.photographs(tmp_path_factory.mktemp("photographs") / "tiny")


def filled(app: AppTest, photographs: Path) -> AppTest:
    """A small run of one's own: level 0 and one pruned level, an epoch each."""
    app.segmented_control(key="_recipe").set_value("own").run()
    app.text_input(key="_photographs").set_value(str(photographs))
    app.segmented_control(key="_start").set_value("random")
    app.select_slider(key="_size").set_value(64)
    app.text_input(key="_sparsities").set_value("50 %")
    app.number_input(key="_own_epochs").set_value(1)
    return app.run()


def ended(folder: Path, state: str) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        (job,) = Jobs(folder).all()
        if job.state == state:
            return
        assert job.state in ("running", "stopping"), (job.state, job.error, Jobs(folder).log(job.id))
        time.sleep(0.5)
    raise AssertionError(f"the job was not {state} within {WAIT_S} s")


@pytest.mark.long
def test_a_run_from_the_form_to_explore_and_away_again(
    retrain: OpenRetrain, photographs: Path, own_cache: Path
) -> None:
    app = filled(retrain(), photographs)
    assert f"python -m core retrain --data {photographs}" in app.code[0].value
    app.button(key="_begin").click().run()
    assert not app.error, app.error[0].value
    ended(own_cache, "done")
    app = retrain()
    assert "No active runs." in words(app)  # a finished one stands with its networks only
    toggle = next(toggle for toggle in app.toggle if toggle.label == "Training curves")
    toggle.set_value(True).run()
    assert len(app.get("plotly_chart")) == 2
    assert "Only 7 validation photographs choose the best epoch" in "".join(warning.value for warning in app.warning)
    # Others came along.
    (table,) = [table for table in app.dataframe if list(table.value["removed (target)"]) == ["0.0 %", "50.0 %"]]
    assert all(" of 12 (" in right or " of " in right for right in table.value["correct (validation)"])
    name = f"{small_series.NAME}-64"
    (run,) = engine.catalogue()[name].value.weights
    page = open_page("explore", model=name, weights=run, level="1")
    assert not page.exception
    assert not page.error
    assert shown_by(page).key.endswith("retrained/level-01")
    app = retrain()
    next(button for button in app.button if button.label == "Delete networks").click().run()
    assert not app.error, app.error[0].value
    assert name not in engine.catalogue()
    assert not list(own_cache.glob(f"{name}/**/*.safetensors"))
    assert Jobs(own_cache).all() == []


def test_the_cost_is_measured_not_guessed(retrain: OpenRetrain, photographs: Path) -> None:
    app = filled(retrain(), photographs)
    app.button(key="_cost").click().run()
    (said,) = [info.value for info in app.info]
    assert "24 photographs, at most 2 epochs in total" in said
    assert "median of 5" in said
    warned = "".join(warning.value for warning in app.warning)
    assert "all 24 training photographs fit into one batch of 64" in warned
    assert "Only 7 validation photographs choose the best epoch" in warned
    shutil.copytree(photographs / "train" / "tench", photographs / "train" / "another")
    assert not app.run().info  # of other photographs
    app.button(key="_cost").click().run()
    assert "36 photographs" in app.info[0].value
    shutil.rmtree(photographs / "train" / "another")
    app.number_input(key="_seed").set_value(1).run()
    assert not app.info  # of another run


@pytest.mark.long
def test_a_run_is_stopped_and_goes_on(retrain: OpenRetrain, photographs: Path, own_cache: Path) -> None:
    app = filled(retrain(), photographs)
    app.number_input(key="_own_epochs").set_value(100).run()
    app.button(key="_begin").click().run()
    (job,) = Jobs(own_cache).all()
    app = retrain()
    app.button(key=f"_Stop_{job.id}").click().run()
    ended(own_cache, "stopped")
    app = retrain()
    assert "stopped: finished work is kept" in words(app)
    assert app.button(key=f"_Resume_{job.id}").label == "Resume"
    app.button(key=f"_Delete_{job.id}").click().run()
    assert Jobs(own_cache).all() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("", "Required"), ("/nowhere/at/all", "nowhere"), (DIGITS, "holds digits")],
)
def test_photographs_that_are_not_there_are_said_before_anything_begins(
    retrain: OpenRetrain, own_cache: Path, wrong: str, said: str
) -> None:
    app = retrain()
    app.text_input(key="_photographs").set_value(wrong).run()
    app.button(key="_cost").click().run()
    assert said in app.error[0].value.replace("\\", "")
    assert Jobs(own_cache).all() == []


@pytest.mark.parametrize("sparsities", ["half", "100", "50, 120", "1e999", "nan", "-", "0x10", "9" * 400])
def test_sparsities_that_make_no_series_are_refused(
    retrain: OpenRetrain, photographs: Path, own_cache: Path, sparsities: str
) -> None:
    app = filled(retrain(), photographs)
    app.text_input(key="_sparsities").set_value(sparsities).run()
    app.button(key="_begin").click().run()
    assert app.error
    assert not app.exception
    assert Jobs(own_cache).all() == []


def test_a_path_that_looks_like_an_option_is_only_a_path(
    retrain: OpenRetrain, photographs: Path, own_cache: Path
) -> None:
    app = filled(retrain(), photographs)
    app.text_input(key="_photographs").set_value("-broken").run()
    app.button(key="_begin").click().run()
    assert not app.exception
    assert "-broken does not exist" in app.error[0].value.replace("\\", "")
    assert Jobs(own_cache).all() == []


def test_a_series_that_is_trained_in_part_opens_as_far_as_it_goes(
    retrain: OpenRetrain, photographs: Path, own_cache: Path
) -> None:
    small_series.train(own_cache, photographs)
    (own_cache / small_series.NAME / "merkle-layer/seed-0/retrained/level-02.safetensors").unlink()
    retrain()  # finds the series
    for page, place in (("explore", {}), ("compare", {"rows": "schedules"})):
        app = open_page(page, model=small_series.NAME, **place)
        assert not app.exception
        assert not app.error, app.error[0].value
        if page == "explore":
            assert "Levels 0 to 1 of 2 are trained so far." in words(app)
            assert app.slider(key="level").max == 1


def job(state: str, **last: object) -> Job:
    return Job(id="retrain-1", kind="retrain", title="", arguments={}, state=state, begun=0.0, steps=1, last=last)


@pytest.mark.parametrize(
    ("found", "share", "said"),
    [
        (job("running"), 0.0, "starting"),
        (job("failed"), 0.0, "stopped at: starting"),
        (
            job("stopped", stage="decoding", photographs=1200, decoded=600),
            0.5,
            "stopped at: decoding photographs, 600 of 1,200",
        ),
        (
            job("running", stage="epoch", level=1, levels=3, epoch=2, epochs=4, correct=3, total=4),
            0.375,
            "epoch 2: 3 of 4 correct (75.0 %)",
        ),
        (job("running", stage="level", level=1, levels=3, best_epoch=2), 0.5, "level 1 of 3"),
        (
            job("stopped", stage="level", level=1, levels=3, best_epoch=2, stopped_by_hand=True),
            0.25,
            "stopped early; its best network",
        ),
        (job("done", stage="level", level=3, levels=3, best_epoch=2), 1.0, "level 3 of 3"),
    ],
)
def test_how_far_a_run_is(found: Job, share: float, said: str) -> None:
    done, total = runs._part(found.last)
    assert (done / total if total else 0.0) == share
    assert said in runs._progress(found)
