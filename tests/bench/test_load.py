"""The load of a class: its visitors see what a browser would, and a wrong answer is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bench.browser import free_port
from bench.load.run import Asked, Seen, _differing, load, served
from bench.load.student import START, Step, Student, View, again
from bench.load.visitor import NoAnswer, Visitor

pytestmark = pytest.mark.long
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("class") / "cache", free_port(), CPU) as (address, _):
        yield address


def texts(parts: tuple[tuple[str, str], ...], kind: str) -> list[str]:
    return [text for each, text in parts if each == kind]


def test_a_visitor_moves_the_slider_and_sees_its_answer(home: str) -> None:
    visitor = Visitor(home)
    visitor.open("explore", START)
    visitor.hurry("fine", 20)
    shown = visitor.set("fine", 40)
    visitor.close()
    assert any("40.0 % sparsity" in heading for heading in texts(shown.parts, "heading"))
    assert sum("at 40.0000% sparsity" in picture for picture in texts(shown.parts, "imgs")) >= 4
    assert "fine=40" in shown.address
    assert shown.errors == ()
    assert shown.pictures_s is not None
    assert 0 < shown.pictures_s <= shown.complete_s


def test_the_address_is_that_of_the_view_though_the_browser_asked_before_it_had_the_last_one(home: str) -> None:
    visitor = Visitor(home)
    visitor.open("explore", START)
    before = visitor._query
    visitor.set("fine", 45)
    late, visitor._query = visitor._query, before
    asked = visitor._rerun(visitor._state("fine", 30))  # sent with the address of before
    visitor._query = late  # which arrives only now
    shown = visitor._answered(asked)
    visitor.close()
    assert any("30.0 % sparsity" in heading for heading in texts(shown.parts, "heading"))
    assert "fine=45" not in shown.address


def test_a_visitor_sees_errors_and_finds_no_widget_that_is_not_there(home: str) -> None:
    visitor = Visitor(home)
    visitor.open("explore", START)
    visitor.set("source", "Your own")
    shown = visitor.upload("upload", "broken.png", b"no picture")
    assert shown.errors
    with pytest.raises(NoAnswer, match="no widget 'nothing'"):
        visitor.set("nothing", 1)
    visitor.close()


def test_a_view_again_is_the_same_and_another_answer_is_found(home: str) -> None:
    student, seen = Student(home, 1), Seen()
    for look in (lambda: student.arrive().shown, student._slider, student._upload):
        seen.add(Step("slider", look(), student.upload))
    student.leave()
    assert _differing(home, seen)[:2] == ([], 0)
    parts = seen.steps[1].shown.parts
    wrong = tuple((kind, text.replace("%", "per cent")) for kind, text in parts)
    seen.views[seen.steps[1].view] = {wrong: 2, parts: 1}
    found, unchecked, _ = _differing(home, seen)
    assert len(found) == 2
    assert "per cent" in found[0]
    assert unchecked == 0


def test_other_uploads_are_other_pictures(home: str) -> None:
    student = Student(home, 2)
    student.arrive()
    student._upload()
    student.leave()
    one, other = (again(home, View(student.visitor.address, number, waits=False)) for number in (0, 1))
    assert texts(one.parts, "imgs") != texts(other.parts, "imgs")


def test_a_small_class() -> None:
    found = load(CPU, Asked(users=2, minutes=0.4, browser=False))
    assert found["answers"] >= 2
    assert (found["differing"], found["unchecked"], found["errors"]) == (0, 0, 0), found
    assert found["memory_peak_gb"] > 0.2
    assert 0 < found["server_cpu_share"] <= 1
