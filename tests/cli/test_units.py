"""Units on the command line: measured, shown, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SWEEP = """
models: [thesis-cnn]
prunings: [{}, {level: [5, 12, 20, 25]}]
images: 60
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "units.yaml"
    path.write_text(SWEEP)
    return path


def test_units_are_measured_and_shown(command, sweep: Path, tmp_path: Path) -> None:
    here = ("--similarities", "pixels", "--device", "cpu", "--folder", str(tmp_path / "cache"))
    assert "measured yet" in command("units", "show", str(sweep), *here)[2]
    lines = [json.loads(line) for line in command("units", "run", str(sweep), "--json", *here)[1].splitlines()]
    assert [line["found"] for line in lines] == [False] * 6
    again = [json.loads(line) for line in command("units", "run", str(sweep), "--json", *here)[1].splitlines()]
    assert all(line["found"] for line in again)
    shown = " ".join(command("units", "show", str(sweep), *here)[1].split())
    assert "6 of 6 networks are measured. 60 images, 3 tasks a unit" in shown
    assert "Not comparable with published values" in shown
    assert "Does the score depend on pruning?" in shown
    facts = json.loads(command("units", "show", str(sweep), "--json", *here)[1])
    assert (facts["done"], facts["networks"], len(facts["rows"])) == (6, 6, 6)
    assert {each["of"] for each in facts["relations"]["pixels"]} == {"sparsity", "right"}
    by_layer = command("units", "show", str(sweep), "--by-layer", *here)[1]
    assert by_layer.count("conv2") == 6


@pytest.mark.parametrize(("study", "units"), [("squeezenet1_1", 640), ("efficientnet-lite0", 784)])
def test_an_included_study_shows_its_own_layers(command, study: str, units: int, tmp_path: Path) -> None:
    facts = json.loads(command("units", "show", study, "--json", "--folder", str(tmp_path))[1])
    assert (facts["done"], facts["networks"]) == (8, 8)
    assert {row["units"] for row in facts["rows"]} == {units}
    _, _, err = command("units", "show", study, "--layers", "*", "--folder", str(tmp_path))
    assert "measured yet" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--similarities", "pixel"], "Did you mean 'pixels'"),
        (["--similarities", "dreamsim"], "pip install dreamsim"),
        (["--layers", "conv3"], "conv2"),
        (["--part", "0/3"], "k from 1 to n"),
    ],
)
def test_what_cannot_be_measured_is_explained(
    command, sweep: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    status, _, err = command("units", "run", str(sweep), *words, "--device", "cpu", "--folder", str(tmp_path / "cache"))
    assert status in (1, 2)
    assert said in err
    assert "Traceback" not in err


def test_layers_are_chosen_by_pattern(command, sweep: Path, tmp_path: Path) -> None:
    here = ("--similarities", "pixels", "--device", "cpu", "--folder", str(tmp_path / "cache"))
    assert command("units", "run", str(sweep), "--layers", "*v2", "--part", "2/6", *here)[0] == 0
    facts = json.loads(command("units", "show", str(sweep), "--layers", "conv2", "--by-layer", "--json", *here)[1])
    assert [(row["layer"], row["units"]) for row in facts["rows"]] == [("conv2", 8)]


def test_too_few_images_are_explained(command, sweep: Path, tmp_path: Path) -> None:
    sweep.write_text(SWEEP.replace("60", "15"))
    status, _, err = command("units", "run", str(sweep), "--device", "cpu", "--folder", str(tmp_path / "cache"))
    assert status == 1
    assert "15 images are too few" in err
