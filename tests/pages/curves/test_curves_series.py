"""Curves of trained series: its address, its words from the numbers, its links, and tables that are
missing or damaged.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from core import DataSpec, Engine, ModelSpec
from core.base.checks import checked
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse
from core.figures import series_text
from core.figures.plots.series import AXES, Drawn, Look, curve
from core.models.catalogue import Catalogue
from core.protocols.merkle.protocol import PUBLISHED
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place, evaluate_series
from core.protocols.series.tables import QUANTITIES, SeriesTables
from pages.parts.common import address, engine
from pages.parts.common.address_problems import problems
from pages.parts.common.story import percent
from pages.parts.curves import series_figures, series_view
from tests.pages.conftest import OpenPage, words
from tests.protocols import small_series
from tests.protocols.small_series import NAME

MODEL = ModelSpec(name=NAME, weights="merkle-layer", seed=0)
OTHER = ModelSpec(name=NAME, weights="short", seed=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with two trained series and their tables on eight photographs."""
    folder = tmp_path_factory.mktemp("series")
    data = small_series.photographs(folder / "data")
    small_series.train(folder / "cache", data)
    small_series.train(folder / "cache", data, "short", (0.0, 0.3), seed=4)
    shown = small_series.photographs(folder / "shown", 4, ("",))
    (shown / "boxes.csv").write_text("path,x0,y0,x1,y1\ntench/0-0.png,10,8,24,20\ncassette player/1-1.png,11,8,25,20\n")
    engine, data_spec = Engine("cpu", folder / "cache"), DataSpec(name=f"folder:{shown}")
    for model in (MODEL, OTHER):
        list(evaluate_series(Place(model=model, data_name="shown"), engine, engine.inputs(data_spec, model)))
    return folder / "cache"


@pytest.fixture
def series(made: Path, own_cache: Path, curves: OpenPage) -> OpenPage:
    """Opens Curves at the trained series: series(along="level")."""
    shutil.copytree(made, own_cache)

    def opened(**more: str) -> AppTest:
        return curves(**{"of": NAME} | more)

    return opened


@pytest.fixture
def table(made: Path) -> SeriesTables:
    Engine("cpu", made)
    return series_tables.load(Catalogue(Files(made)), Place(model=MODEL, data_name="shown"))


def titles(app: AppTest) -> list[str]:
    return [json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in app.get("plotly_chart")]


def test_the_page_says_what_the_table_says(series: OpenPage, table: SeriesTables) -> None:
    app = series()
    assert not app.exception
    assert not app.error
    assert not app.warning
    values = table.levels(["accuracy"]).set_index("level").value
    assert f"within five points of {percent(values[0])}" in app.header[0].value
    assert f"At 4× it is **{percent(values[2])}**" in app.header[0].value
    only, lost, p = table.gained(1)
    assert (
        f"at 2x, {only} images are correct that the dense network gets wrong, and {lost} the other way round"
        in words(app)
    )
    assert f"p = {p:.2g}" in words(app)
    assert "8 photographs of shown" in words(app)
    assert titles(app)[0] == "Accuracy (top 1) (n = 8)"
    assert len(titles(app)) == 2  # without the five most probable: of two classes
    rows = table.levels(["soft-iou-of-maps"]).set_index("level").value
    said = series(group="similarity").header[0].value
    assert f": {rows[0]:.3g} in the dense network, **{rows[2]:.3g}** at" in said
    assert len(titles(series(group="maps"))) == 4
    fit = series(group="truth")
    assert titles(fit)[0].startswith("Pointing game (n = ")
    assert "the object" in words(fit)
    assert "the ink" not in words(fit)


def test_the_address_is_a_public_format(made: Path, table: SeriesTables) -> None:
    known = series_view.parameters((table.place,))
    assert {name: entry.said for name, entry in known.items()} == {
        "of": "thesis",
        "on": "none",
        "group": "answers",
        "runs": "",
        "along": "conv",
        "only": "all",
        "counted": "all",
        "similar": "soft-iou-of-maps",
        "fit": "pointing-game",
        "published": "true",
    }
    assert series_view.run_name(table.place) == "merkle-layer.0"


@pytest.mark.long
@pytest.mark.parametrize("axis", AXES)
def test_every_axis_draws(series: OpenPage, axis: str) -> None:
    for group, title in (("similarity", "Pearson correlation (n = "), ("truth", "Energy inside the object")):
        app = series(along=axis, group=group, similar="pearson", fit="energy-inside")
        assert not app.exception
        assert app.selectbox(key="along").value == axis
        assert titles(app)[0].startswith(title)


def test_one_class_and_one_series(series: OpenPage) -> None:
    app = series(only="tench", runs="short.4")
    assert "short, seed 4" in app.header[0].value
    assert titles(app)[0] == "Accuracy (top 1) (n = 4)"
    assert "of the class tench only" in words(app)
    names = [trace.get("name") for trace in json.loads(app.get("plotly_chart")[0].proto.spec)["data"]]
    assert [name for name in names if name] == ["short, seed 4"]  # published values are of all classes


def test_images_that_are_always_right(series: OpenPage, table: SeriesTables) -> None:
    app = series(counted="right", runs="merkle-layer.0")
    assert not app.exception
    frame = table.images.assign(right=table.images.predicted == table.images.label)
    count = int(frame.groupby("image").right.all().sum())
    assert (
        titles(app)[0] == f"Accuracy (top 1) (n = {count})"
        if count
        else "No data for this selection" in app.info[0].value
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("of", "resnet18@x"),
        *(
            pytest.param(*part, marks=pytest.mark.long)
            for part in (
                ("on", "elsewhere"),
                ("runs", "none.1"),
                ("along", "time"),
                ("only", "dog"),
                ("fit", "well"),
            )
        ),
    ],
)
def test_a_wrong_address_is_said(series: OpenPage, name: str, value: str) -> None:
    app = series(**{name: value})
    assert not app.exception
    assert f"{name}={value}" in app.warning[0].value
    assert app.header


def test_the_thesis_stays_the_first_view(series: OpenPage, curves: OpenPage) -> None:
    app = curves()
    assert "60,000 training images" in words(app)
    assert app.selectbox(key="of").value == "thesis"
    app.selectbox(key="of").select(NAME).run()
    assert "8 photographs of shown" in words(app)


def test_levels_are_opened_in_explore(series: OpenPage, table: SeriesTables) -> None:
    app = series(group="explore")
    line = next(part.value for part in app.markdown if "](explore?" in part.value)
    assert line.count("](explore?") == 5
    for level in range(3):
        query = dict(parse_qsl(line.split("](explore?")[1 + level].split(")")[0]))
        models = address.Choice("thesis-cnn", tuple(engine.catalogue()))
        assert problems(query, address.of_model(NAME, MODEL.weights) | {"model": models}) == []
        assert {"model": NAME, "weights": MODEL.weights, "unit": "level", "level": str(level)}.items() <= query.items()


def test_links_to_networks_that_are_not_the_drawn_ones_say_so(series: OpenPage, own_cache: Path) -> None:
    series(group="explore")
    files = Engine("cpu", own_cache).store.files
    anew, broken = (f"{model.key}/retrained/level-01" for model in (MODEL, OTHER))
    tensors, facts = files.load(anew)
    weights, mask = unpack_sparse(tensors)
    files.save(anew, pack_sparse({name: values / 2 for name, values in weights.items()}, mask), facts)
    (own_cache / f"{broken}.safetensors").write_bytes(b"no network")
    lines = [line for line in words(series(group="explore")).splitlines() if "](explore?" in line]
    assert [line.count("](explore?") for line in lines] == [3, 2]
    assert "(retrained since" in lines[0]
    assert "(some of these networks cannot be read" in lines[1]


def test_a_damaged_table_is_said_and_the_others_are_drawn(series: OpenPage, own_cache: Path) -> None:
    Place(model=MODEL, data_name="shown").files(own_cache)[0].write_bytes(b"no table")
    app = series()
    assert not app.exception
    assert "cannot be read" in app.error[0].value
    assert "short, seed 4" in app.header[0].value


def test_tables_without_networks_are_drawn_without_links(series: OpenPage, own_cache: Path) -> None:
    card = own_cache / NAME / "card.json"
    found = json.loads(card.read_text())
    found["runs"]["short"]["seeds"] = [9]
    card.write_text(json.dumps(checked(found)))
    text = words(series(group="explore"))
    line = [part for part in text.splitlines() if "](explore?" in part]
    assert len(line) == 1


def test_presenting_takes_nothing_along(series: OpenPage) -> None:
    assert {button.proto.label for button in series().get("download_button")} == {"HTML", "levels.csv", "Report"}
    shown = series(present="1")
    assert len(shown.get("plotly_chart")) == 2
    assert not shown.get("download_button")


def test_the_code_draws_what_is_on_the_screen(made: Path, table: SeriesTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_CACHE", str(made))
    view = series_view.View(
        places=(table.place,), axis="ratio", only="tench", counted="all", published=True, similar="ssim", fit="box-iou"
    )
    lines = series_figures.code(view).splitlines()
    names: dict = {}
    exec("\n".join([*lines[:-1], f"figure = {lines[-1]}"]), names)
    rows = table.levels(["accuracy"], of_class="tench")
    wanted = curve([Drawn(run="merkle-layer", seed=0, rows=rows)], "accuracy", view.look)
    assert names["figure"].to_json() == wanted.to_json()


def test_figures_hold_the_values_and_the_published_ones(table: SeriesTables) -> None:
    rows = table.levels(table.quantities())
    drawn = [Drawn(run="merkle-layer", seed=0, rows=rows), Drawn(run="merkle-layer", seed=1, rows=rows)]
    for name in table.quantities():
        figure = curve(drawn, name, Look())
        line = next(trace for trace in figure.data if trace.name == "layer, seed 0")
        assert list(line.y) == rows[rows.quantity == name].value.tolist()
        assert list(line.x) == pytest.approx([1, 2, 4], rel=0.01)
        published = [trace for trace in figure.data if trace.name == "published (VGG-16)"]
        assert len(published) == bool(QUANTITIES[name].published)
        if published:
            values = [value for value in PUBLISHED[QUANTITIES[name].published] if value is not None]
            assert list(published[0].y) == values
    by_level = curve(drawn, "accuracy", Look(axis="level"))
    assert list(by_level.data[-1].y) == [0.97, 0.9729, 0.9593]
    assert not [
        trace for trace in curve(drawn, "accuracy", Look(published=False)).data if trace.name == "published (VGG-16)"
    ]
    collapsed = replace(drawn[0], rows=rows.assign(collapsed=rows.level == 2))
    assert list(curve([collapsed], "accuracy", Look()).data[2].marker.symbol) == ["circle", "circle", "circle-open"]


def test_a_fit_can_only_be_chosen_where_objects_are_marked(series: OpenPage, own_cache: Path, tmp_path: Path) -> None:
    engine, plain = Engine("cpu", own_cache), small_series.photographs(tmp_path / "plain", 2, ("",))
    assert series(on="shown").selectbox(key="fit").value == "pointing-game"
    list(
        evaluate_series(
            Place(model=MODEL, data_name="plain"), engine, engine.inputs(DataSpec(name=f"folder:{plain}"), MODEL)
        )
    )
    app = series(on="plain")
    assert not app.exception
    assert [box.key for box in app.selectbox if box.key in ("fit", "similar")] == ["similar"]
    assert "Fit to the object" not in [tab.label for tab in app.tabs]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((14, 15, 1.0, 4), "no significant change"),
        ((30, 14, 0.023, 4), "without the correction, a gain"),
        ((30, 14, 0.023, 1), "a gain"),
        ((9, 40, 0.001, 4), "a loss"),
    ],
)
def test_a_gain_is_held_against_all_tests_on_the_page(counts: tuple[int, int, float, int], said: str) -> None:
    assert series_text._verdict(*counts).endswith(said)
