"""Explore without a server: every position of the slider says what Explore says."""

from __future__ import annotations

import json
import re

import pytest

from core.base.errors import BadSpec, UnknownName
from core.base.settings import REPOSITORY
from core.engine.engine import Engine
from core.figures.wording import headline
from core.report.demo import METHODS, MOST_BYTES, Shown, demo_html
from core.report.words import html_of, literal
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec
from tests.report.reading import check

CONTENT = re.compile(r'<script type="application/json" id="content">(.*?)</script>', re.DOTALL)
INCLUDED_BYTES = 1_500_000  # docs/demo.html


@pytest.fixture(scope="module")
def html(engine: Engine) -> str:
    heard = []
    made = demo_html(engine, Shown(photographs=(), digits=2), lambda done, total: heard.append((done, total)))
    assert heard[-1] == (104, 104)  # two digits at 26 levels, by two methods
    return made


def content_of(html: str) -> dict:
    found = CONTENT.search(html)
    assert found
    return json.loads(found[1])


def test_it_is_one_small_accessible_file(html: str) -> None:
    page = check(html, MOST_BYTES)
    labels = {each["for"] for each in page.all("label") if "for" in each}
    assert labels == {"image", "sparsity"}
    assert [each["type"] for each in page.all("input")] == ["radio", "radio", "range"]


def test_each_position_says_what_explore_says(engine: Engine, html: str) -> None:
    item = content_of(html)["items"][1]
    row = item["title"].split("row ")[1].split(" ")[0]
    for place in (0, 12, 25):
        variant = VariantSpec(pruning=PruningSpec.at_level(place))
        answers = [engine.compare(variant, ImageRef(name=row), CamSpec(method=method)) for method in METHODS]
        for answer, method in zip(answers, item["methods"], strict=True):
            assert method["steps"][place]["html"] == str(html_of(headline(answer, literal)))
            value = answer.similarity["pearson"]
            assert method["agreement"][place] == (None if value is None else round(value, 4))
            assert method["steps"][place]["picture"].startswith("data:image/jpeg;base64,")
            assert method["steps"][place]["alt"]


def test_the_same_networks_give_the_same_file(engine: Engine, html: str) -> None:
    assert demo_html(engine, Shown(photographs=(), digits=2)) == html


@pytest.mark.parametrize("shown", [{"digits": 11}, {"digits": -1}, {"digits": 0, "photographs": ()}])
def test_a_page_without_or_with_too_many_images_is_refused(shown: dict) -> None:
    with pytest.raises(BadSpec):
        Shown(**shown)


def test_an_unknown_photograph_is_refused() -> None:
    with pytest.raises(UnknownName):
        Shown(photographs=("dragon",))


def test_the_included_page_is_whole_and_small() -> None:
    html = (REPOSITORY / "docs" / "demo.html").read_text(encoding="utf-8")
    check(html, INCLUDED_BYTES)
    items = content_of(html)["items"]
    assert all(len(item["points"]) == 26 and len(item["methods"]) == 2 for item in items)
    for item in items:
        assert "CC BY-SA 3.0" in item["credit"] if "digits" in item["title"] else "CC0" in item["credit"]
