"""The page Study: create, run, read, preview, export, and what it says if something is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.engine import Engine
from core.report import to_html
from core.report.render import MOST_BYTES
from core.study.analysis import analyse
from core.study.answers import Answers
from core.study.folder import Study, open_study
from core.study.place import expected
from core.study.prepare import prepare
from core.study.wording import headline
from pages.parts.study import report
from tests.pages.conftest import forget_all, open_page, words
from tests.report.reading import check
from tests.study.conftest import little


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with a study."""
    folder = tmp_path_factory.mktemp("studies")
    list(prepare(Engine("cpu", folder), "small", little()))
    return folder


@pytest.fixture
def study(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    """The study of the page's own cache folder, without answers."""
    monkeypatch.setenv("SPARSIGHT_CACHE", str(home))
    forget_all()
    found = open_study(home, "small")
    yield found
    for number in found.answers.participants()["participant"]:
        found.answers.exclude(int(number), "of an earlier test")
    forget_all()


def take_part(answers: Answers, prefer: str) -> None:
    token = answers.join()
    while (place := answers.show(token)).stage != "done":
        if place.stage in ("instructions", "break"):
            answers.go_on(token)
            continue
        assert place.item
        right = expected(place.item, place.left)
        if place.stage == "practice":
            answers.practise(token, place.round, place.item["item"], right)
        elif place.item["kind"] == "catch" or place.task == "name-object":
            answers.answer(token, place.number, right)
        else:
            answers.answer(token, place.number, "left" if place.left == prefer else "right")


def test_without_a_study_the_page_offers_to_create_one(own_cache: Path) -> None:
    app = open_page("study")
    assert not app.exception
    assert "watch the answers come in" in words(app)
    assert "Ten questions in three minutes" in words(app)
    assert app.button(key="_study_prepare").label == "Prepare the study"
    app.button_group(key="_study_preset").set_value("less-is-more").run()
    assert "photographs are not included" in words(app)
    assert app.number_input(key="_study_images_less-is-more").value == 50


def test_a_name_that_is_none_is_explained(own_cache: Path) -> None:
    app = open_page("study")
    app.text_input(key="_study_name_class").set_value("../x").run()
    app.button(key="_study_prepare").click().run()
    assert "cannot be called" in words(app)


def test_a_study_is_started_from_its_page(study: Study) -> None:
    app = open_page("study", study_name="small")
    assert not app.exception
    assert [metric.label for metric in app.metric] == ["Taking part", "Finished", "Answers"]
    assert app.button(key="_study_start").label == "Start the server"
    assert "0 of " in app.metric[1].value


def test_results_grow_with_the_answers(study: Study) -> None:
    assert "Nobody has answered yet" in words(open_page("study", study_name="small", show="result"))
    for _ in range(4):
        take_part(study.answers, "more")
    said = words(open_page("study", study_name="small", show="result"))
    assert "100.0 %" in said or "prefer 'pruned to" in said
    assert "Krippendorff" in said
    assert "Declared before the first answer" in said


def test_the_preview_shows_texts_and_questions(study: Study) -> None:
    app = open_page("study", study_name="small", show="preview")
    said = words(app)
    assert "Taking part is voluntary" in "".join(str(each.value) for each in app.text)
    assert "Both networks say" in said
    assert "Participants do not see which is which" in said


def test_plan_and_downloads(study: Study) -> None:
    app = open_page("study", study_name="small", show="data")
    assert not app.exception
    assert "people are enough to tell a preference of 60 % from chance" in words(app)
    app.button(key="_study_open").click().run()
    assert not study.answers.is_open
    app.button(key="_study_open").click().run()
    assert study.answers.is_open


def test_a_locked_server_shows_results_and_changes_nothing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    app = open_page("study", study_name="small")
    assert "running studies is switched off" in words(app)
    assert not [button for button in app.button if button.key in ("_study_start", "_study_prepare", "_study_delete")]


def test_an_unknown_study_in_the_address_is_reported(study: Study) -> None:
    app = open_page("study", study_name="smal")
    assert "did you mean small" in "\n".join(str(each.value) for each in [*app.warning, *app.markdown, *app.toast])


def test_the_report_says_what_the_page_says(study: Study) -> None:
    for prefer in ("1", "2", "1"):
        take_part(study.answers, prefer)
    found = analyse(study.answers.frame(), thorough=False)
    page = check(to_html(report.maker(study, found)()), MOST_BYTES)
    assert headline(found).replace("**", "") in page.words
    assert len(page.all("figure")) == len(found.tasks)
    assert page.words.startswith(study.spec.title)
    assert f"n = {found.n:,}" in page.words


@pytest.mark.parametrize("show", ["run", "result", "preview", "data"])
@pytest.mark.parametrize(("name", "value"), [("spec", "{"), ("spec", "[1]"), ("classes", "5"), ("preparation", "[1]")])
def test_damaged_facts_of_a_study_are_explained(home: Path, study: Study, show: str, name: str, value: str) -> None:
    whole = study.fact(name)
    take_part(study.answers, "less")
    study.keep(**{name: value})
    try:
        app = open_page("study", study_name="small", show=show)
        assert not app.exception
        assert "unexpected" not in words(app)
        if name == "spec":
            assert app.error
        for error in app.error:
            assert "study" in error.value
    finally:
        study.keep(**{name: whole})
