"""What breaks first and what is forgotten, in Curves: the numbers of the command, images that are
there, and images that are not.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from core.engine.engine import Engine
from core.figures.decisions import breaks_text, threshold_text
from core.figures.forgotten import forgotten_text, hard_text, similar_text
from core.sweeps.breaks import SAME, find_breaks
from core.sweeps.families import families, first_of
from core.sweeps.forgotten import find_forgotten, population_of, populations
from core.sweeps.galleries import gallery
from core.sweeps.known import known_sweeps
from core.sweeps.sweep import Sweep
from core.sweeps.thresholds import usual_threshold
from tests.pages.conftest import OpenPage, open_page, shown_by, words

RANDOM = "thesis-cnn/mnist-55000/seed-333 one-shot weight global random"


def included(name: str) -> Sweep:
    engine = Engine("cpu")
    return Sweep(engine, known_sweeps(engine.roots)[name].read())


def pictures(app: AppTest) -> list[str]:
    return [image.alt for element in app.get("image") for image in element.proto.imgs]


def links(app: AppTest) -> list[dict[str, str]]:
    return [dict(parse_qsl(found)) for found in re.findall(r"\[Open in Explore\]\(explore\?([^)]*)\)", words(app))]


@pytest.mark.parametrize("heatmap", [pytest.param("grad-cam", marks=pytest.mark.long), "grad-cam++"])
def test_the_finding_is_the_commands_at_the_noise_floor(heatmap: str, curves: OpenPage) -> None:
    app = curves(of="sweep.breaks-digits", finding="breaks", family=RANDOM, made=heatmap)
    assert not app.exception
    sweep = included("breaks-digits")
    threshold = usual_threshold(sweep, sweep.spec.models[0], "pearson", heatmap)
    assert threshold.floor is not None
    family = families(sweep, (SAME, "pearson"), heatmap)[RANDOM]
    found = find_breaks(family.rows, "pearson", threshold.value, family.reference)
    assert breaks_text(found) in words(app)
    assert threshold_text(threshold) in words(app)
    assert len(app.get("plotly_chart")) == 4
    assert "broken" not in app.query_params


def test_the_threshold_follows_the_heatmap_until_it_is_set(curves: OpenPage) -> None:
    app = curves(of="sweep.breaks-digits", finding="breaks")
    assert app.slider(key="broken").value == 0.18
    app.selectbox(key="made").set_value("grad-cam++").run()
    assert app.slider(key="broken").value == 0.48
    app.slider(key="broken").set_value(0.8).run()
    assert app.query_params["broken"] == "0.8"
    assert "Threshold: 0.80." in words(app)


def test_a_gallery_shows_digits_at_once_and_links_to_the_same_view(curves: OpenPage) -> None:
    app = curves(of="sweep.breaks-digits", finding="breaks", gallery="answer")
    assert not app.exception
    sweep = included("breaks-digits")
    rows = families(sweep, (SAME, "pearson", "label"), "grad-cam")
    family = rows[next(iter(first_of(sweep.spec)))].rows
    asked = gallery(family, find_breaks(family, "pearson", 0.18), "answer")
    first = asked.iloc[0]
    assert len(pictures(app)) == 3 * 8
    assert f"Image {first.image}" in pictures(app)
    linked = links(app)
    assert len(linked) == 8
    opened = open_page("explore", **linked[0])
    assert not opened.exception
    assert shown_by(opened).key == first.network
    assert any(f"label **{int(first.label)}**" in each.value for each in opened.markdown)
    app.button(key="_next_images").click().run()
    assert f"Image {asked.iloc[8].image}" in pictures(app)
    app.button(key="_previous_images").click().run()
    assert f"Image {first.image}" in pictures(app)


def test_photographs_that_are_not_there_are_a_table(curves: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_PHOTOS", raising=False)
    app = curves(of="sweep.efficientnet-lite0", finding="breaks", gallery="answer")
    assert not app.exception
    assert pictures(app) == []
    assert "SPARSIGHT_PHOTOS naming your copy of imagenette-224-unseen.zip" in words(app)
    assert "The sweep has 12 sparsities" in words(app)
    (table,) = [table.value for table in app.dataframe if "heatmap breaks" in table.value]
    assert len(table) == 8
    app = curves(of="sweep.breaks-efficientnet-lite0", finding="breaks")
    assert "The sweep has" not in words(app)


@pytest.mark.parametrize("name", ["mnist", "faithfulness"])
def test_a_sweep_without_similarities_says_so(name: str, curves: OpenPage) -> None:
    app = curves(of=f"sweep.{name}", finding="breaks")
    assert not app.exception
    assert "This sweep lacks one of them" in words(app)


def test_what_is_forgotten_is_the_commands(curves: OpenPage) -> None:
    sweep = included("forgotten-digits")
    app = curves(of="sweep.forgotten-digits", finding="forgotten", forgot="97")
    assert not app.exception
    (population,) = populations(sweep, "pearson").values()
    found = find_forgotten(population, 0.97, "pearson")
    for text in (forgotten_text(found), hard_text(found), similar_text(found)):
        assert text in words(app)
    assert len(app.get("plotly_chart")) == 2
    assert len(pictures(app)) == 3 * 8
    seeds = {linked["seed"] for linked in links(app)}
    assert seeds == {"333"}


@pytest.mark.long
def test_several_ways_can_be_put_together(curves: OpenPage) -> None:
    sweep = included("forgotten-less-is-more")
    ways = list(dict.fromkeys(map(population_of, first_of(sweep.spec).values())))
    for way, pooled in ((ways[1], "false"), (ways[0], "true")):
        app = curves(of="sweep.forgotten-less-is-more", finding="forgotten", way=way, pooled=pooled, forgot="75")
        assert not app.exception
        population = populations(sweep, "pearson", pooled=pooled == "true")
        name = way if pooled == "false" else sweep.spec.models[0].name
        assert forgotten_text(find_forgotten(population[name], 0.75, "pearson")) in words(app)


@pytest.mark.long
def test_one_network_says_what_it_cannot_tell(curves: OpenPage) -> None:
    app = curves(of="sweep.efficientnet-lite0", finding="forgotten", forgot="30")
    assert not app.exception
    assert "nothing can be said about other seeds" in words(app)
    assert "cannot be tested with" in words(app)
    app = curves(of="sweep.mnist", finding="forgotten", forgot="10")
    assert "No image is forgotten at this sparsity" in words(app)
