"""The report of a view, and the address that it is read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import BadSpec, SparsightError, UnknownName
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.figures.wording import headline, plain
from core.report import of_view, to_html
from core.report.address import is_address, read_view
from core.report.render import MOST_BYTES
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec
from tests.report.reading import check

HOST = "http://127.0.0.1:8501/explore?"
DIGIT = "model=thesis-cnn&cam=grad-cam&layer=relu2&digit=3&nth=4"
TRAINED = f"{DIGIT}&schedule=iterative-reset"
PHOTO = "model=efficientnet-lite0&cam=grad-cam&layer=_swish.head"


def test_the_whole_view_is_in_one_file(engine: Engine) -> None:
    link = f"{HOST}{DIGIT}&sparsity=80"
    asked = read_view(link, engine)
    answer = engine.compare(asked.variant, asked.image, asked.cam, asked.reference)
    page = check(to_html(of_view(engine, answer, asked.opacity, link)), MOST_BYTES)
    assert page.words.startswith("A 3, row")
    assert plain(headline(answer)) in page.words
    assert len([each for each in page.all("img") if not each.get("class")]) == 4
    assert f"python -m core report '{link}' --out report.html" in page.words
    assert engine.store.checksum(asked.variant) in page.words
    scores, predictions, curve = page.tables
    found = {row[1]: row[3] for row in scores if row[0] == "similarity"}
    assert found["Pearson correlation"] == f"{answer.similarity['pearson']:.3f}".replace("-", "−")
    assert predictions[1][1] == "3"
    assert len(curve) - 1 == min(31, len(engine.series(asked.variant)))


def test_the_same_view_gives_the_same_file(engine: Engine) -> None:
    answer = engine.compare(VariantSpec(pruning=PruningSpec.at_level(25)), ImageRef(name="7"), CamSpec())
    once, again = (to_html(of_view(engine, answer)) for _ in range(2))
    assert once == again
    assert "collapsed" in check(once, MOST_BYTES).words  # an empty map is no obstacle


@pytest.mark.parametrize(
    ("query", "pruning"),
    [
        (f"{DIGIT}&sparsity=80", PruningSpec.one_shot(0.8)),
        (DIGIT, PruningSpec.one_shot(0.7)),
        (f"{DIGIT}&unit=level&level=5", None),
        (f"{TRAINED}&unit=level&level=7", PruningSpec.at_level(7)),
        (f"{TRAINED}&sparsity=67.2", PruningSpec.at_level(5)),
        (f"{DIGIT}&granularity=2:4", PruningSpec.one_shot(0.5, granularity="2:4")),
    ],
)
def test_the_amount_is_that_of_the_slider(engine: Engine, query: str, pruning: PruningSpec | None) -> None:
    found = read_view(HOST + query, engine).variant.pruning
    if pruning is None:
        series = engine.catalogue.series_of(VariantSpec().model)
        assert series is not None
        pruning = PruningSpec.one_shot(series.targets[5])
    assert found == pruning


@pytest.mark.parametrize(
    ("query", "sparsity"),
    [("fine=45", 0.45), ("", 0.25), ("wide=true&sparsity=80", 0.8), ("sparsity=80", 0.8), ("unit=ratio&ratio=1", 0.0)],
)
def test_networks_of_photographs_have_a_fine_slider(engine: Engine, query: str, sparsity: float) -> None:
    assert read_view(f"{HOST}{PHOTO}&{query}", engine).variant.pruning.sparsity == sparsity


def test_the_image_is_that_of_the_address(engine: Engine) -> None:
    digit = read_view(f"{HOST}{DIGIT}&noise=false", engine).image
    assert int(engine.gallery().labels[int(digit.name)]) == 3
    assert digit.noise == 0
    assert read_view(f"{HOST}{PHOTO}&photo=rocket", engine).image == ImageRef(source="gallery", name="rocket")
    assert read_view(f"{HOST}{PHOTO}", engine).image.name == "cat"


def test_a_folder_of_photographs(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(tmp_path))
    found = read_view(f"{HOST}{PHOTO}&source=folder&row=3", engine).image
    assert found == ImageRef(source=f"folder:{tmp_path}", name="2")


@pytest.mark.parametrize(
    "query",
    [
        f"{DIGIT}&source=own",
        f"{DIGIT}&sparsity=many",
        f"{DIGIT}&sparsity=nan",
        f"{DIGIT}&nth=501",
        f"{DIGIT}&nth=0",
        f"{DIGIT}&sparsity=140",
        f"{TRAINED}&unit=level&level=26",
        f"{TRAINED}&unit=level&level=x",
        f"{PHOTO}&photo=dragon",
        f"{PHOTO}&source=nowhere",
        f"{DIGIT}&colour=red",
    ],
)
def test_what_is_not_known_is_explained(engine: Engine, query: str) -> None:
    with pytest.raises((BadSpec, UnknownName)):
        read_view(HOST + query, engine)


def test_an_address_is_told_from_a_name(engine: Engine) -> None:
    assert is_address(HOST + DIGIT)
    assert is_address("explore?model=thesis-cnn")
    assert not any(map(is_address, ("digits", "sweeps/explore.yaml", "lukkien")))
    with pytest.raises(SparsightError):
        read_view("http://h/explore?model=efficientnet-lite0&photo=<script>", engine)


def test_names_of_classes_and_images_are_never_markup(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "<script>alert(1)</script>"
    entry = GALLERY["coffee"]
    monkeypatch.setitem(GALLERY._entries, "coffee", entry.__class__(**{**vars(entry), "title": bad}))
    view = read_view(f"{HOST}{PHOTO}&photo=coffee&fine=10", engine)
    fresh = Engine("cpu", engine.folder)
    html = to_html(of_view(fresh, fresh.compare(view.variant, view.image, view.cam)))
    assert check(html, MOST_BYTES).words.startswith(bad)
    assert "<script>alert" not in html
