"""The report of a sweep has the sweep's own numbers, says what is not done, and nothing else."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas
import pytest

from core.base.errors import BadSpec
from core.engine.engine import Engine
from core.figures.decisions import breaks_text, spot_text
from core.figures.wording import plain
from core.report import Report, of_sweep, to_html
from core.report.document import Drawn, Table
from core.report.render import MOST_BYTES
from core.specs import CamSpec, ModelSpec
from core.sweeps.breaks import find_breaks
from core.sweeps.families import families
from core.sweeps.known import known_sweeps
from core.sweeps.read import summary
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.spots import Limits, spots
from core.sweeps.sweep import Sweep
from tests.report.reading import check, content_of

NAME = "less-is-more-faithfulness"


@pytest.fixture(scope="module")
def included(engine: Engine) -> Sweep:
    return Sweep(engine, known_sweeps(engine.roots)[NAME].read())


@pytest.fixture(scope="module")
def report(included: Sweep) -> Report:
    return of_sweep(included)


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return to_html(report)


def test_it_is_one_accessible_file_that_loads_nothing(html: str) -> None:
    page = check(html, MOST_BYTES)
    assert page.words.startswith("Less is More: faithfulness and baselines")
    assert html.count("Plotly.newPlot(plot") == 1


def test_its_numbers_are_the_sweeps(included: Sweep, html: str) -> None:
    page, rows = check(html, MOST_BYTES), summary(included)
    (link,) = (each for each in page.all("a") if each["download"] == "means.csv")
    saved = pandas.read_csv(io.StringIO(content_of(link["href"])), keep_default_na=False, na_values=[""])
    assert len(saved) == len(rows)
    assert saved["mean"].to_numpy(float) == pytest.approx(rows["mean"].to_numpy(float), nan_ok=True)
    assert list(saved.n) == list(rows.n)
    shown = {(row[0], row[3], row[4]) for row in page.tables[0][1:]}
    right = rows[rows.measure == "right"].drop_duplicates("network")
    for each in right.itertuples():
        wanted = f"level {each.level} of the trained series (retrained)", "Accuracy", f"{each.mean:.3f}"
        assert wanted in shown


def test_it_says_what_the_command_line_says(included: Sweep, html: str) -> None:
    page = check(html, MOST_BYTES)
    for spot in spots(included, Limits()).values():
        assert plain(spot_text(spot)) in page.words
    for family in families(included, ("agrees", "pearson")).values():
        assert plain(breaks_text(find_breaks(family.rows, "pearson", 0.5))) in page.words


def test_it_says_where_the_numbers_come_from(included: Sweep, html: str) -> None:
    page = check(html, MOST_BYTES)
    facts = [included.tables.read(included.cells(each)[0], included.identity(each)) for each in included.variants]
    for found in facts:
        assert found is not None
        assert found[1]["weights"] in page.words
        assert found[1]["device"] in page.words
    assert f"python -m core report {NAME}" in page.words
    assert "n = 100 for each network" in page.words


def test_every_figure_has_a_still_picture_and_words_of_its_own(report: Report, html: str) -> None:
    page = check(html, MOST_BYTES)
    figures = [block for block in report.blocks if isinstance(block, Drawn)]
    stills = [each for each in page.all("img") if each.get("class") == "still"]
    assert len(figures) == len(stills) == len({each["alt"] for each in stills})
    for each, block in zip(stills, figures, strict=True):
        assert content_of(each["src"]).startswith("<svg")
        assert each["alt"] == block.alt


@pytest.mark.long
def test_the_same_sweep_gives_the_same_file(included: Sweep, html: str) -> None:
    assert to_html(of_sweep(included)) == html


def test_a_sweep_without_results_says_what_to_run(engine: Engine) -> None:
    spec = SweepSpec(models=(ModelSpec(),), prunings=grid(sparsity=[0.123]), images=3)
    with pytest.raises(BadSpec, match="No network of this sweep is done yet") as error:
        of_sweep(Sweep(engine, spec))
    assert "sweep run sweep.yaml" in error.value.next_step


@pytest.mark.long
def test_a_sweep_in_part_shows_what_is_known(engine: Engine) -> None:
    known = known_sweeps(engine.roots)["less-is-more"].read()
    more = replace(known, prunings=(*known.prunings, *grid(sparsity=[0.5])))
    page = check(to_html(of_sweep(Sweep(engine, more))), MOST_BYTES)
    assert "7 of 8 networks are done" in page.words


def test_answers_alone_need_no_heatmap(engine: Engine) -> None:
    known = known_sweeps(engine.roots)["mnist"].read()
    spec = replace(known, models=known.models[:1], prunings=known.prunings[:3], cams=(), measures=("right", "agrees"))
    made = of_sweep(Sweep(engine, spec), "Only answers")
    page = check(to_html(made), MOST_BYTES)
    assert "What breaks first?" not in page.words
    assert "python -m core report sweep.yaml" in page.words  # it has no name


def test_a_title_is_never_markup(included: Sweep, report: Report) -> None:
    title = "<script>alert(1)</script> **bold** &amp; [x](http://example.org)"
    html = to_html(of_sweep(included, title))
    page = check(html, MOST_BYTES)
    assert page.words.startswith(title)
    assert "<script>alert" not in html
    assert len(page.all("strong")) == len(check(to_html(report), MOST_BYTES).all("strong"))


def test_tables_without_other_numbers_are_saved_as_they_are_shown(report: Report) -> None:
    table = next(block for block in report.blocks if isinstance(block, Table) and block.name == "networks")
    saved = pandas.read_csv(io.StringIO(table.csv))
    assert list(saved) == list(table.rows.rows[0])
    assert len(saved) == len(table.rows.rows) - 1


def test_a_heatmap_of_an_own_class_is_named(engine: Engine) -> None:
    known = known_sweeps(engine.roots)["mnist"].read()
    assert known.cams == (CamSpec(method="grad-cam++", layer="conv2", target="own"),)
    one = replace(known, models=known.models[:1])
    assert "Grad-CAM++" in check(to_html(of_sweep(Sweep(engine, one))), MOST_BYTES).words
