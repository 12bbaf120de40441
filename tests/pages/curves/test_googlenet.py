"""The GoogLeNet study on a page: its numbers are the tables', for finished and unfinished studies,
and it says what is our reading.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pandas import DataFrame, concat
from streamlit.testing.v1 import AppTest

from core.protocols.googlenet.interpretability import QUESTION, answer, related
from core.protocols.googlenet.published import FINDINGS, READINGS
from core.protocols.googlenet.summary import headline, missing, silent
from core.protocols.googlenet.tables import VonradTables, write, write_units
from pages.parts.common.parameters import Choice
from pages.parts.curves import googlenet as vonrad_view
from tests.figures.plots.test_googlenet import scored, tables
from tests.pages.conftest import OpenPage

MODEL = "a@b"


def whole() -> VonradTables:
    study = tables()
    study.levels["device"] = "CPU"
    facts = {
        "runs": {
            "0": {
                "classes": list("abcde"),
                "train": 1000,
                "validation": 200,
                "test": 400,
                "readings": list(READINGS),
                "departures": ["resnet18 instead of GoogLeNet."],
            }
        }
    }
    return VonradTables(MODEL, facts, study.levels, study.epochs)


def page(model: str, folder: str) -> None:
    from pathlib import Path

    from pages.parts.common import first_figure
    from pages.parts.curves import googlenet as vonrad_view

    vonrad_view.show(model, [Path(folder)])
    first_figure.finish()  # as the frame of each page does


def opened(folder: Path, study: VonradTables, part: str = "accuracy") -> AppTest:
    write(folder, study)
    app = AppTest.from_function(page, args=(MODEL, str(folder)), default_timeout=120)
    app.session_state["part"] = part
    return app.run()


def words(app: AppTest) -> str:
    return "\n".join(part.value for kind in (app.header, app.markdown, app.caption) for part in kind)


def test_it_shows_four_figures_a_table_and_what_is_ours(tmp_path: Path) -> None:
    shown = {part: opened(tmp_path, whole(), part) for part in vonrad_view.TABS}
    assert not any(app.exception for app in shown.values())
    assert [len(app.get("plotly_chart")) for app in shown.values()] == [3, 1, 0, 0]
    said = "".join(map(words, shown.values()))
    assert all(
        sentence in said
        for sentence in (*READINGS, *FINDINGS, "resnet18 instead of GoogLeNet.", "top-1 69.78 %", "CPU")
    )
    assert "retrained iteratively, reaches: " in said  # ours beside the paper's findings
    (table,) = shown["savings"].dataframe
    assert list(table.value.correct)[:2] == ["360 of 400", "38 of 400"]
    assert len(table.value) == 1 + 2 * 3


def test_interpretability_is_shown_where_units_are_scored(tmp_path: Path) -> None:
    assert "--units 2000" in opened(tmp_path, whole(), "units").info[0].value
    study = scored(whole())
    assert study.units is not None
    write_units(tmp_path, MODEL, study.units)
    app = opened(tmp_path, study, "units")
    assert "EfficientNet-lite1 has not judged these networks." in app.info[0].value
    app.selectbox(key="judge").set_value("pixels").run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    said, found = words(app), related(study, "pixels")
    assert QUESTION in said
    assert answer(found, "pixels").replace("[", "\\[").replace("]", "\\]") in said
    assert "30 units of 2 convolutions" in said
    (table,) = app.dataframe
    assert list(table.value.n) == [each.n for each in found]


def test_the_cost_is_chosen_and_stands_in_the_address(tmp_path: Path) -> None:
    app = opened(tmp_path, whole(), "savings")
    app.selectbox(key="cost").set_value("multiply-adds, channels removed").run()
    assert not app.exception
    assert {name: known.default for name, known in vonrad_view.parameters([tmp_path]).items()} == {
        "network": MODEL,
        "cost": "parameters",
        "judge": "efficientnet-lite1",
        "part": "accuracy",
    }


@pytest.mark.parametrize("rows", [1, 2, 8, 20])
def test_an_unfinished_study_is_shown(tmp_path: Path, rows: int) -> None:
    study = whole()
    app = opened(tmp_path, VonradTables(MODEL, study.facts, study.levels.head(rows), study.epochs.head(0)))
    assert not app.exception
    assert "90.0 % of 400 test images" in app.header[0].value


def test_the_headline_names_the_best_of_each_retraining() -> None:
    said = headline(whole(), 0)
    # 350 x (1 - 0.89) is 38; one-shot and iterative are set to 3 and 6 more
    assert "without retraining at most **9.5 %**" in said
    assert "retrained at most **10.2 %**" in said
    assert "in rounds at most **11.0 %**" in said


def test_networks_that_learnt_nothing_are_named() -> None:
    study = whole()
    assert silent(study, 0) == ""
    epochs = DataFrame(study.epochs)
    epochs.loc[epochs.pruning == "filters", "loss"] = 1.6095  # ln 5 is 1.6094
    said = silent(VonradTables(MODEL, study.facts, study.levels, epochs), 0)
    assert "structured, whole filters, one-shot at 89 %" in said
    assert "unstructured" not in said


def test_what_a_stopped_run_lacks_is_said() -> None:
    study = whole()
    assert missing(study, 0) == ""
    levels = study.levels[~((study.levels.retraining == "iterative") & (study.levels.pruning == "filters"))]
    levels = levels[~((levels.retraining == "one-shot") & (levels.pruning == "unstructured") & (levels.rate > 0.8))]
    said = missing(VonradTables(MODEL, study.facts, levels, study.epochs), 0)
    assert (
        "global unstructured, L1, one-shot (at 89 %, 95 %); structured, whole filters, iterative (all of them)" in said
    )


def test_two_seeds_are_shown_and_each_departure_says_whose_it_is(tmp_path: Path) -> None:
    study = whole()
    runs = {"runs": study.facts["runs"] | {"1": study.facts["runs"]["0"]}}
    again = study.levels[study.levels.pruning != "filters"].assign(seed=1)
    app = opened(tmp_path, VonradTables(MODEL, runs, concat([study.levels, again]), study.epochs))
    assert not app.exception
    assert "seeds 0, 1 (one network each)" in words(app)
    assert "The sentence above is of seed 0." in words(app)
    assert "**Not as published:**" in words(app)  # the same for both
    cut = again[~((again.retraining == "iterative") & (again.rate > 0.8))]
    app = opened(tmp_path, VonradTables(MODEL, runs, concat([study.levels, cut]), study.epochs))
    (of_second,) = [caption.value for caption in app.caption if "Not as published, seed 1:" in caption.value]
    assert "The run was stopped; missing: global unstructured, L1, iterative (at 89 %, 95 %)" in of_second
    (of_first,) = [caption.value for caption in app.caption if "Not as published, seed 0:" in caption.value]
    assert "stopped" not in of_first


def test_a_network_whose_tables_alone_are_here_has_a_name(tmp_path: Path) -> None:
    for model, title in (("googlenet@photos-96", "GoogLeNet, photos-96"), ("a@b", "a@b")):
        study = whole()
        write(tmp_path / title, VonradTables(model, study.facts, study.levels, study.epochs))
        network = vonrad_view.parameters([tmp_path / title])["network"]
        assert isinstance(network, Choice)
        assert network.titles == {model: title}


def test_what_is_there(tmp_path: Path) -> None:
    assert vonrad_view.there([tmp_path]) == []
    write(tmp_path, whole())
    assert vonrad_view.there([tmp_path]) == [MODEL]


def test_curves_offers_the_study_where_there_is_one(curves: OpenPage, own_cache: Path) -> None:
    write(own_cache, whole())
    app = curves(of=vonrad_view.NAME, network=MODEL)
    assert not app.exception
    assert app.selectbox(key="of").value == vonrad_view.NAME
    assert "90.0 % of 400 test images" in app.header[0].value
    assert "Training images" not in "".join(part.label for part in app.selectbox)


def test_curves_says_what_it_cannot_show(curves: OpenPage, own_cache: Path) -> None:
    write(own_cache, whole())
    app = curves(of=vonrad_view.NAME, network="no@network")
    assert not app.exception
    assert "no@network" in words(app) + "".join(part.value for part in app.warning)
