"""Results show themselves as the app shows them: the same sentence, pictures, alternative texts and
numbers, with nothing from a file as markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib import import_module
from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter

import core
from core import CamSpec, DataSpec, Engine, ImageRef, PruningSpec, VariantSpec
from core.base.errors import BadSpec
from core.evaluation.evaluate import Table
from core.figures.notebook.display import VIEWS, register
from core.figures.notebook.view import View, to_text
from core.figures.scores import first_scores
from core.figures.wording import headline, plain
from core.models.zoo import default_model
from core.protocols.googlenet import tables as googlenet
from core.results import Comparison

ALT = [
    "The input at 70.0086% sparsity",
    "Heatmap of the dense network, beside the one at 70.0086% sparsity",
    "Heatmap of the pruned network at 70.0086% sparsity",
    "Difference of the two heatmaps at 70.0086% sparsity",
]
PRUNED = VariantSpec(pruning=PruningSpec.one_shot(0.7))
IMAGE = ImageRef(name="3500")
HOSTILE = "<img src=x onerror=alert(1)>&amp;\"'**bold**\u202e"


class Page(HTMLParser):
    """What a browser makes of the HTML: its words, its tags, and its pictures by alternative
    text.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.pictures: dict[str, str] = {}
        self.feed(html)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        assert not any(name.startswith("on") for name in found)
        if tag == "img":
            self.pictures[found["alt"] or ""] = found["src"] or ""


@pytest.fixture(scope="module")
def answer(engine: Engine) -> Comparison:
    return engine.compare(PRUNED, IMAGE, CamSpec())


def test_a_comparison_shows_the_headline_four_pictures_and_the_scores(answer: Comparison) -> None:
    page = Page(core.html(answer))
    assert plain(headline(answer)) in page.text
    assert [alt for alt in page.pictures if not alt.startswith("Colour bar")] == ALT
    assert all(url.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")) for url in page.pictures.values())
    for score in first_scores(answer):
        assert f"{score.title}{score.value}{score.change} {score.origin}{score.summary}" in page.text
    assert {"script", "style", "link"}.isdisjoint(page.tags)


def test_scores_are_those_of_the_app(answer: Comparison) -> None:
    soft_iou = first_scores(answer)[0]
    assert soft_iou.value == f"{answer.overlap_pruned['soft-iou']:.2f}"
    assert soft_iou.origin == f"from {answer.overlap_reference['soft-iou']:.2f}"


def test_an_undefined_score_is_a_dash_with_its_reason(engine: Engine) -> None:
    emptied = engine.compare(VariantSpec(pruning=PruningSpec.one_shot(1.0)), IMAGE, CamSpec())
    soft_iou, *_, pearson = first_scores(emptied)
    assert (soft_iou.value, soft_iou.change) == ("0.00", f"−{soft_iou.origin.removeprefix('from ')}")
    assert (pearson.value, pearson.change, pearson.origin) == ("–", "–", "from 1.00")
    assert "the pruned network's map is empty" in pearson.summary
    assert "The map is zero everywhere" in Page(core.html(emptied)).text


def with_names(answer: Comparison, name: str) -> Comparison:
    """The comparison of a network whose classes have this name, and an image with this title."""
    sides = {
        side: replace(
            getattr(answer, side),
            prediction=replace(getattr(answer, side).prediction, classes=(name,) * 10),
        )
        for side in ("reference", "pruned")
    }
    return replace(
        answer, picture=replace(answer.picture, title=name, credit=name, notes=(name,)), notes=(name,), **sides
    )


def test_names_from_files_are_never_markup(answer: Comparison) -> None:
    hostile = with_names(answer, HOSTILE)
    results = (hostile, hostile.pruned, hostile.picture, core.rows({HOSTILE: [hostile]}))
    usual = (answer, answer.pruned, answer.picture, core.rows({"digit": [answer]}))
    for result, harmless in zip(results, usual, strict=True):
        page = Page(core.html(result))
        assert "<img src=x onerror=alert(1)>&amp;\"'" in page.text
        assert set(page.tags) <= {*Page(core.html(harmless)).tags, "p"}
        assert all(url.startswith("data:image/") for url in page.pictures.values())


def test_a_name_is_never_bold_and_stays_on_its_line(answer: Comparison) -> None:
    page = core.html(with_names(answer, "a**b**c\nd" + "e" * 200).pruned)
    assert "<strong>b" not in page
    assert "e" * 80 not in page


def every_result(engine: Engine, answer: Comparison) -> Iterator[object]:
    """One real result of each kind that has a view."""
    noisy = DataSpec(noise=0.2)
    yield from (answer, answer.pruned, answer.picture, answer.agreement, answer.mask)
    yield engine.card(PRUNED.model)
    yield engine.accuracy(PRUNED, noisy)
    yield engine.cost(PRUNED)
    yield engine.evaluate(PRUNED, noisy, CamSpec(target="own"))
    yield core.rows({"one-shot": [answer]})
    yield core.load_study(engine.roots, *core.found_studies(engine.roots)[0])
    yield core.series_tables.load(engine.catalogue, core.series_images.found(engine.roots)[0])
    yield googlenet.load(engine.roots, googlenet.found(engine.roots)[0])


def test_ipython_asks_for_every_view_and_text_says_the_same(engine: Engine, answer: Comparison) -> None:
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    register(shell)
    shown = set()
    for result in every_result(engine, answer):
        kind = type(result)
        shown.add(f"{kind.__module__}.{kind.__qualname__}")
        data, _ = shell.display_formatter.format(result, include={"text/html", "text/plain"})
        assert data["text/html"] == core.html(result)
        first = data["text/plain"].splitlines()[0]
        assert first in Page(data["text/html"]).text
        assert "**" not in data["text/plain"]
        assert len(repr(result)) < 1000  # outside a notebook, without what arrays hold
        assert "\n" not in repr(result)
    assert shown == set(VIEWS)


def test_every_view_is_there() -> None:
    for kind, (module, name) in VIEWS.items():
        home, _, cls = kind.rpartition(".")
        assert isinstance(getattr(import_module(home), cls), type)
        assert callable(getattr(import_module(f"core.figures.notebook.{module}"), name))


def test_what_has_no_view_is_explained() -> None:
    with pytest.raises(BadSpec, match="A PruningSpec has no view"):
        core.html(PruningSpec())


def test_a_table_without_maps_shows_its_shares(engine: Engine) -> None:
    columns = ("predicted", "right", "right-top5")
    table = engine.evaluate(PRUNED, DataSpec(noise=0.2), CamSpec(target="own"), columns)
    assert isinstance(table, Table)
    assert "Right90.4 %5,000" in Page(core.html(table)).text


def test_a_photograph_says_its_label_and_whether_an_object_is_marked(engine: Engine) -> None:
    variant = VariantSpec(model=default_model("efficientnet-lite0"), pruning=PruningSpec.one_shot(0.3))
    page = Page(core.html(engine.compare(variant, ImageRef(source="gallery", name="coffee"), CamSpec())))
    assert "label espresso" in page.text
    assert "No object is marked in this image" not in page.text
    assert "The input, Coffee, at" in next(iter(page.pictures))
    page = Page(core.html(engine.compare(variant, ImageRef(source="gallery", name="camera"), CamSpec())))
    assert "No object is marked in this image" in page.text


def test_rows_are_checked() -> None:
    with pytest.raises(core.SparsightError, match="way to show a map"):
        core.rows({}, show="overlays")
    with pytest.raises(BadSpec, match="The row dense has no comparison"):
        core.rows({"dense": []})


def test_a_view_as_text_is_aligned() -> None:
    view = View(headline="**Two** rows", titles=("**one**",), notes=("a note",))
    assert to_text(view) == "Two rows\none\na note"
