"""The slider shows the answer to where it stands, and never an older one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import Event

import pytest

import core
from core import CamSpec, Engine, ImageRef, PruningSpec, SparsightError, VariantSpec
from core.data.gallery import GALLERY
from core.figures.notebook.explorer import Explorer
from core.figures.notebook.latest import Latest
from core.jobs.control import check
from core.models.zoo import default_model

DIGIT = ImageRef(name="3500")


def shown(explorer: Explorer) -> str:
    """The HTML below the controls."""
    return explorer.children[-1].value


def one_shot(sparsity: float) -> VariantSpec:
    return VariantSpec(pruning=PruningSpec.one_shot(sparsity))


def test_it_begins_with_an_answer(engine: Engine) -> None:
    explorer = core.explore("thesis-cnn", engine=engine)
    assert explorer.slider.value == 70
    assert shown(explorer) == core.html(engine.compare(one_shot(0.7), DIGIT, CamSpec()))


def test_moving_the_slider_shows_the_answer_there(engine: Engine) -> None:
    explorer = core.explore("thesis-cnn", 3500, engine=engine)
    explorer.slider.value = 90
    answer = explorer.wait()
    assert answer.mask == engine.compare(one_shot(0.9), DIGIT, CamSpec()).mask
    assert shown(explorer) == core.html(engine.compare(one_shot(0.9), DIGIT, CamSpec()))


def test_the_last_of_many_moves_is_the_one_that_stays(engine: Engine) -> None:
    explorer = core.explore("thesis-cnn", 3500, engine=engine)
    for value in (5, 15, 25, 35, 45, 55, 98.5):
        explorer.slider.value = value
    assert explorer.wait().mask.variant == one_shot(0.985)
    assert "98.5 % sparsity" in shown(explorer)


def test_method_and_image_can_be_chosen(engine: Engine) -> None:
    explorer = core.explore("thesis-cnn", 3500, engine=engine)
    explorer.method.value = "layer-cam"
    explorer.image.value = ImageRef(name="4500")
    answer = explorer.wait()
    assert answer.question[1:] == (ImageRef(name="4500"), CamSpec(method="layer-cam", layer="relu2"))
    assert [title for title, _ in explorer.image.options][:2] == ["A 7, row 3500", "A 0, row 0"]


def test_a_trained_series_has_a_slider_of_levels(engine: Engine) -> None:
    explorer = core.explore("thesis-cnn", 3500, PruningSpec.at_level(3), engine=engine)
    assert (explorer.slider.value, explorer.slider.max) == (3, 25)
    explorer.slider.value = 17
    assert explorer.wait().mask.variant == VariantSpec(pruning=PruningSpec.at_level(17))


def test_photographs_begin_as_the_app_does(engine: Engine) -> None:
    explorer = core.explore(engine=engine)
    assert explorer.answer.question[0] == VariantSpec(
        model=default_model("efficientnet-lite0"), pruning=PruningSpec.one_shot(0.3)
    )
    assert explorer.slider.max == 60
    assert next(title for title, _ in explorer.image.options) == GALLERY["coffee"].title
    assert len(explorer.image.options) == len(GALLERY)


def test_a_file_of_one_s_own_will_do(engine: Engine) -> None:
    file = GALLERY["rocket"].value.path
    explorer = core.explore("efficientnet-lite0", Path(file), engine=engine)
    assert explorer.image.options[0][0] == "your own image"
    assert explorer.answer.picture.image.source == "own"


def test_an_error_takes_the_place_of_the_picture_and_the_slider_goes_on(engine: Engine) -> None:
    explorer = core.explore("efficientnet-lite0", GALLERY["rocket"].value.path, cam=CamSpec(target=812), engine=engine)
    own = explorer.image.value
    explorer.image.options = (*explorer.image.options, ("gone", ImageRef(source="own", name="<b>")))
    explorer.image.value = ImageRef(source="own", name="<b>")
    with pytest.raises(SparsightError):
        explorer.wait()
    assert shown(explorer).startswith("<p>")
    assert "<img" not in shown(explorer)
    assert "<b>" not in shown(explorer)
    explorer.image.value = own
    assert explorer.wait().picture.image == own
    assert "<img" in shown(explorer)


def test_unknown_names_are_explained_at_once(engine: Engine) -> None:
    with pytest.raises(SparsightError, match="no-such-network"):
        core.explore("no-such-network", engine=engine)


def test_without_ipywidgets_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    monkeypatch.delitem(sys.modules, "core.figures.notebook.explorer")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # importing it now fails as if it were missing
    with pytest.raises(SparsightError, match=r"needs ipywidgets.*requirements-notebooks\.txt"):
        core.explore("thesis-cnn", engine=engine)


def test_an_overtaken_question_stops_and_is_never_shown() -> None:
    started, results, errors = Event(), [], []

    def answer(question: str) -> str:
        started.set()
        while question == "slow":
            check()  # as the store does before each pass
            time.sleep(0.001)
        return question

    latest: Latest[str, str] = Latest(answer, results.append, errors.append)
    latest.ask("slow")
    assert started.wait(10)
    for question in ("dropped", "newest"):
        latest.ask(question)
    latest.wait(10)
    assert results[-1] == "newest"
    assert "slow" not in results
    assert errors == []


def test_waiting_has_an_end() -> None:
    release = Event()
    latest: Latest[str, bool] = Latest(lambda question: release.wait(10), lambda answer: None, lambda error: None)
    latest.ask("never")
    with pytest.raises(TimeoutError):
        latest.wait(0.01)
    release.set()
    latest.wait(10)
