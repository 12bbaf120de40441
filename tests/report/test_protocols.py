"""Reports of the included protocols: figures of every tab, the published numbers beside ours."""

from __future__ import annotations

import io

import pandas
import pytest

import core
from core.base.errors import MissingData, UnknownName
from core.engine.engine import Engine
from core.figures import study_text
from core.figures.wording import plain
from core.protocols.googlenet import tables as googlenet_tables
from core.protocols.googlenet.summary import headline
from core.protocols.registry import PROTOCOLS
from core.report import of_protocol, to_html
from core.report.document import Drawn
from core.report.protocols import REPORTS, protocol_named
from core.report.render import MOST_BYTES
from tests.report.reading import Page, check, content_of


@pytest.fixture(scope="module")
def pages(engine: Engine) -> dict[str, Page]:
    return {name: check(to_html(of_protocol(engine, name)), MOST_BYTES) for name in REPORTS}


def saved(page: Page, name: str) -> pandas.DataFrame:
    (link,) = (each for each in page.all("a") if each["download"] == f"{name}.csv")
    return pandas.read_csv(io.StringIO(content_of(link["href"])))


def test_the_thesis(engine: Engine, pages: dict[str, Page]) -> None:
    study = core.load_study(engine.roots, "mnist-60000", "mnist-test+noise-0.2-s0")
    page = pages["lukkien"]
    for sentence in (study_text.headline(study), study_text.together(study), study_text.emptied(study)):
        assert plain(sentence) in page.words
    for heading in ("Accuracy and overlap", "Correlation", "The heatmaps", "Correct and wrong answers"):
        assert heading in page.words
    assert "Other choices" in page.words  # of the included networks
    mean = saved(page, "mean")
    assert list(mean.overlap) == pytest.approx(list(study.mean_series().overlap))
    assert len(page.tables[0]) == 27


def test_less_is_more(engine: Engine, pages: dict[str, Page]) -> None:
    page, found = pages["merkle"], core.series_images.found(engine.roots)
    table = core.series_tables.load(engine.catalogue, found[0])
    rows, own = saved(page, "levels"), table.levels(table.quantities())
    ours = rows[(rows.run == found[0].model.weights) & (rows.seed == found[0].model.seed)]
    assert list(ours.value) == pytest.approx(list(own.value), nan_ok=True)
    assert table.facts[0]["weights"] in page.words


def test_googlenet(engine: Engine, pages: dict[str, Page]) -> None:
    study = googlenet_tables.load(engine.roots, googlenet_tables.found(engine.roots)[0])
    assert plain(headline(study, study.seeds()[0])) in pages["googlenet"].words
    assert list(saved(pages["googlenet"], "levels").correct) == list(study.levels.correct)


def test_every_protocol_has_a_report_and_another_name_means_the_same(engine: Engine) -> None:
    assert set(REPORTS) == set(PROTOCOLS)
    assert protocol_named("vonrad") == "googlenet"
    assert protocol_named("digits") is None
    with pytest.raises(UnknownName, match="protocol"):
        of_protocol(engine, "nobody")


def test_every_figure_says_what_it_shows(engine: Engine) -> None:
    for name in REPORTS:
        figures = [block for block in of_protocol(engine, name).blocks if isinstance(block, Drawn)]
        assert figures
        assert all(len(each.alt) > 30 for each in figures)


def test_a_protocol_without_results_says_how_to_run_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "roots", property(lambda self: ()))
    for name in REPORTS:
        with pytest.raises(MissingData):
            of_protocol(engine, name)
