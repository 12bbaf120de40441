"""`protocol run | show googlenet`: from photographs in folders to tables, found again, and clear
answers to wrong words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import core.cli.main as command_line
from core.base.settings import shipped_folder
from core.protocols.googlenet.interpretability import QUESTION
from core.protocols.googlenet.published import FINDINGS, READINGS
from core.protocols.googlenet.summary import farthest, methods, text
from core.protocols.googlenet.tables import PLACE, VonradTables, found, load
from core.stats.intervals import wilson
from tests.protocols.small_series import photographs

Command = Callable[..., tuple[int, str, str]]
MODEL = "squeezenet1_1@tiny-photos"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vonrad-commands")
    photographs(folder / "tiny photos", per_class=16)
    return folder


@pytest.fixture
def command(place: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str, **more: object) -> tuple[int, str, str]:
        status = command_line.main([*words, "--folder", str(place / "cache"), "--device", "cpu"])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def words(place: Path, *more: str) -> list[str]:
    """A run of two rates and two prunings."""
    return [
        "protocol",
        "run",
        "googlenet",
        "--model",
        "squeezenet1_1",
        "--data",
        str(place / "tiny photos"),
        "--size",
        "32",
        "--sparsities",
        ".89",
        ".5",
        "--prunings",
        "unstructured",
        "filters",
        "--epochs",
        "1",
        "--start",
        "random",
        *more,
    ]


@pytest.fixture
def done(command: Command, place: Path) -> VonradTables:
    assert command(*words(place))[0] == 0
    return load([place / "cache"], MODEL)


def besides_progress(err: str) -> list[str]:
    """Return the lines of stderr that do not say how far the work is; on a slow machine some do."""
    return [line for line in err.splitlines() if "so far" not in line and '{"progress"' not in line]


@pytest.mark.long
def test_a_run_tells_its_progress_and_ends_with_the_tables(command: Command, place: Path) -> None:
    status, out, err = command(*words(place, "--seeds", "3"))
    assert (status, [line for line in err.splitlines() if "so far" not in line and '{"progress"' not in line]) == (
        0,
        [],
    )
    assert "vonrad-filters-iterative, seed 3, 89 %: epoch 1 of 1" in out
    assert "GoogLeNet on ImageNet, top-1 69.78 %" in out
    status, out, _ = command(*words(place, "--seeds", "3", "--json"))
    lines = [json.loads(line) for line in out.splitlines()]
    assert all(line["found"] for line in lines[1:-1])
    assert {row["seed"] for row in lines[-1]["levels"]} >= {3}


@pytest.mark.long
def test_what_is_shown(command: Command, done: VonradTables) -> None:
    status, out, _ = command("protocol", "show", "googlenet", "--model", MODEL)
    assert status == 0
    assert all(sentence in out for sentence in (*READINGS, *FINDINGS, "squeezenet1_1 instead of GoogLeNet."))
    for row in done.levels.itertuples():
        assert f"{row.correct:,} of {row.total:,}" in out
    found = json.loads(command("protocol", "show", "googlenet", "--json")[1])
    assert len(found["levels"]) == len(done.levels)
    assert found["published"]["reference"]["parameters"] == 6_624_904


@pytest.mark.long
def test_units_are_scored_beside_accuracy(command: Command, place: Path) -> None:
    more = ("--units", "20", "--unit-layers", "features.0", "features.3.*3x3", "--similarities", "pixels")
    status, out, err = command(*words(place, *more, "--json"))
    assert (status, [line for line in err.splitlines() if "so far" not in line and '{"progress"' not in line]) == (
        0,
        [],
    )
    *steps, last = [json.loads(line) for line in out.splitlines()]
    scored = [step for step in steps if step.get("stage") == "units"]
    assert [step["done"] for step in scored] == list(range(1, len(scored) + 1))
    assert len(last["units"]) == 1 + len(
        [row for row in last["levels"] if row["seed"] == 0 and row["retraining"] != "curve"]
    )
    assert {row["units"] for row in last["units"]} == {64 + 64}
    assert all(json.loads(line).get("found", True) for line in command(*words(place, *more, "--json"))[1].splitlines())
    assert json.loads(command("protocol", "show", "googlenet", "--json")[1]) == last
    shown = command("protocol", "show", "googlenet")[1]
    assert QUESTION in shown
    assert last["answers"]["pixels"] in shown
    assert command("protocol", "show", "vonrad")[1] == shown


@pytest.mark.long
def test_the_summary_is_of_one_rate(done: VonradTables) -> None:
    rows = methods(done)
    rows = rows[rows.seed == 0]
    assert list(rows.pruning) == ["dense", *["unstructured"] * 3, *["filters"] * 3]
    assert list(rows.retraining)[1:4] == ["none", "one-shot", "iterative"]
    assert set(rows.rate[1:]) == {0.89}


@pytest.mark.long
def test_how_far_a_method_stays_near_the_dense_network(done: VonradTables) -> None:
    """Against the definition, on accuracies set by hand."""
    for accuracies, expected in (
        ((0.79, 0.9), 0.89),
        ((0.79, 0.3), 0.5),
        ((0.5, 0.9), 0.89),
        ((0.78, 0.78), 0.89),
        ((0.7, 0.7), None),
    ):
        levels = done.levels[done.levels.seed == 0].copy()
        levels.loc[levels.pruning == "dense", "accuracy"] = 0.8
        chosen = (levels.pruning == "filters") & (levels.retraining == "iterative")
        levels.loc[chosen & (levels.rate == 0.5), "accuracy"] = accuracies[0]
        levels.loc[chosen & (levels.rate == 0.89), "accuracy"] = accuracies[1]
        assert farthest(VonradTables(MODEL, done.facts, levels, done.epochs), 0)["filters", "iterative"] == expected


@pytest.mark.long
def test_a_study_that_is_not_finished_is_shown_as_far_as_it_is(done: VonradTables) -> None:
    for rows in range(1, len(done.levels)):
        assert "Dense: " in text(VonradTables(MODEL, done.facts, done.levels.head(rows), done.epochs.head(rows)))


WRONG = {
    "no photographs": (["--model", "resnet18"], "--data"),
    "no such photographs": (["--data", "nowhere"], "nowhere"),
    "network": (["--data", "DATA", "--model", "lenet"], "Known"),
    "pruning": (["--data", "DATA", "--prunings", "filtres"], "filters"),
    "rate": (["--data", "DATA", "--sparsities", "1.2"], "0 % to 100 %"),
    "all goes": (["--data", "DATA", "--sparsities", "1"], "remove every weight"),
    "too much": (["--data", "DATA", "--sparsities", ".99"], "inception"),
    "epochs": (["--data", "DATA", "--epochs", "0"], "number of epochs"),
    "size": (["--data", "DATA", "--size", "5"], "from 32 to 4,096"),
    "optimiser": (["--data", "DATA", "--optimiser", "sgdd"], "sgd"),
    "weights": (["--data", "DATA", "--weights-file", "DATA", "--size", "32"], "cannot be read (Is a directory)"),
    "units": (["--data", "DATA", "--units", "19"], "19 images are too few"),
    "layers": (["--data", "DATA", "--units", "40", "--unit-layers", "inception"], "inception"),
    "judge": (["--data", "DATA", "--units", "40", "--similarities", "pixel"], "Did you mean 'pixels'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_words_get_clear_answers(command: Command, place: Path, name: str) -> None:
    given, said = WRONG[name]
    status, _, err = command(
        "protocol", "run", "googlenet", *(str(place / "tiny photos") if word == "DATA" else word for word in given)
    )
    assert status == 1
    assert said in err
    assert "Traceback" not in err


def test_nothing_to_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["protocol", "show", "googlenet", "--model", "vgg16@cats", "--folder", str(tmp_path)]) == 1
    assert "vgg16@cats" in capsys.readouterr().err


@pytest.mark.parametrize("name", found([shipped_folder()]))
def test_the_tables_that_come_along_are_of_a_real_run(name: str) -> None:
    """Their counts fit each other and the network's real sizes, whatever part of the run is
    there.
    """
    tables = load([shipped_folder()], name)
    levels = tables.levels
    assert len(levels) >= 1 + 3 * 6 + 3
    assert not levels.duplicated(PLACE).any()
    for row in levels.itertuples():
        assert (row.low, row.high) == pytest.approx(wilson(row.correct, row.total))
        assert row.accuracy == row.correct / row.total
        assert abs(row.sparsity - row.rate) < 0.01
        assert row.parameters_left <= (1 - row.sparsity + 0.006) * row.parameters  # biases and norms are no weights
    assert set(levels.total) == {tables.facts["runs"]["0"]["test"]}
    epochs = tables.epochs.groupby(PLACE).epoch.max()
    trained = levels[levels.epochs > 0].set_index(PLACE).epochs
    assert epochs.to_dict() == trained.to_dict()
