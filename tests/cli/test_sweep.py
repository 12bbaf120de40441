"""Sweeps on the command line: run, show, export, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas
import pytest

from core.sweeps.written import read_sweep
from tests.data.made_marks import PHOTOS
from tests.data.made_sets import write_folder

SWEEP = """
models: [thesis-cnn]
prunings: [{}, {sparsity: [0.5, 0.9]}]
images: 20
heatmaps: [grad-cam]
measures: [right, agrees, pearson]
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture
def here(tmp_path: Path) -> tuple[str, ...]:
    return ("--device", "cpu", "--folder", str(tmp_path / "cache"))


def test_a_sweep_is_estimated_run_shown_and_exported(
    command, sweep: Path, here: tuple[str, ...], tmp_path: Path
) -> None:
    assert "3 networks, 20 images each: 60 passes" in command("sweep", "run", str(sweep), "--estimate", *here)[1]
    assert command("sweep", "show", str(sweep), *here)[0] == 1  # nothing is done yet
    out = command("sweep", "run", str(sweep), *here)[1]
    assert out.count("thesis-cnn/mnist-55000/seed-333/") == 3
    again = [json.loads(line) for line in command("sweep", "run", str(sweep), "--json", *here)[1].splitlines()]
    assert [line["found"] for line in again] == [True] * 3
    assert "All 3 networks of this sweep are done." in command("sweep", "run", str(sweep), "--estimate", *here)[1]
    shown = command("sweep", "show", str(sweep), "--measures", "agrees", *here)[1]
    assert shown.count("Same answer") == 3
    assert "Small digit CNN (thesis)" in shown
    assert "Pearson" not in shown
    facts = json.loads(command("sweep", "show", str(sweep), "--json", *here)[1])["rows"]
    assert len(facts) == 9
    for name, read in (("rows.csv", pandas.read_csv), ("rows.parquet", pandas.read_parquet)):
        assert "60 rows" in command("sweep", "export", str(sweep), str(tmp_path / name), *here)[1]
        rows = read(tmp_path / name)
        assert len(rows) == 60
        one = rows[rows.sparsity == 0].agrees
        assert one.mean() == 1


def test_show_repeats_the_remarks_on_the_images(command, here: tuple[str, ...], tmp_path: Path) -> None:
    photos = write_folder(tmp_path / "a", {"tench/1.jpg": PHOTOS["cat/1.jpg"], "tench/2.jpg": b"broken"})
    path = tmp_path / "photos.yaml"
    path.write_text(f"models: [efficientnet-lite0]\nprunings: [{{}}]\ndata: {photos}\nmeasures: [right]\n")
    assert command("sweep", "run", str(path), *here)[0] == 0
    note = "Left out, because unreadable: 1 photograph (tench/2.jpg). tench/2.jpg: The file is not an image"
    assert note in command("sweep", "show", str(path), *here)[1]
    assert note in json.loads(command("sweep", "show", str(path), "--json", *here)[1])["notes"][0]


def test_an_unknown_measure_is_named(command, sweep: Path, here: tuple[str, ...]) -> None:
    command("sweep", "run", str(sweep), *here)
    err = command("sweep", "show", str(sweep), "--measures", "ssim", *here)[2]
    assert "There is no measure 'ssim' in this table." in err


def test_show_compares_with_a_baseline(command, sweep: Path, here: tuple[str, ...]) -> None:
    sweep.write_text(SWEEP.replace("[grad-cam]", "[grad-cam, centre-blob]").replace("[right,", "[deletion, right,"))
    command("sweep", "run", str(sweep), *here)
    shown = " ".join(command("sweep", "show", str(sweep), "--against", "centre-blob", *here)[1].split())
    assert "Grad-CAM: at relu2, for the class that the dense network predicts" in shown
    assert "minus Centre blob" in shown
    assert "Centre blob: needs no network" in shown
    assert shown.count("Deletion (lower is better)") == 3  # networks
    assert shown.count("Pearson") == 2  # the dense network's map is the one it would be compared with
    assert "Same answer" not in shown  # no heatmap to compare
    status, _, err = command("sweep", "show", str(sweep), "--against", "centre-blop", *here)
    assert status == 1
    assert "Did you mean 'centre-blob'" in err
    assert "Add 'edges' to its heatmaps" in command("sweep", "show", str(sweep), "--against", "edges", *here)[2]
    one = command("sweep", "show", str(sweep), "--heatmaps", "grad-cam", "--measures", "pearson", *here)[1]
    assert one.count("Pearson") == 3


def test_the_sweet_spot_is_said_with_its_limits(command, sweep: Path, here: tuple[str, ...]) -> None:
    assert "is not among the networks that are done" in command("sweep", "spot", str(sweep), *here)[2]
    command("sweep", "run", str(sweep), *here)
    said = " ".join(command("sweep", "spot", str(sweep), "--tolerance", "0.3", "--threshold", "0.2", *here)[1].split())
    assert (
        "one-shot weight global magnitude: At 50.0 % sparsity, each of accuracy and Pearson correlation is still"
        in said
    )
    assert "accuracy 30 points; must exceed: Pearson correlation 0.20. Tested on the same 20 images" in said
    assert "Accuracy is nowhere clearly higher" in said
    (facts,) = json.loads(command("sweep", "spot", str(sweep), "--json", "--measures", "right", *here)[1]).values()
    assert [check["measure"] for check in facts["checks"]] == ["right", "right"]
    assert "tolerance" in command("sweep", "spot", str(sweep), "--tolerance", "2", *here)[2]
    assert "Did you mean 'grad-cam'" in command("sweep", "spot", str(sweep), "--heatmap", "grad-cma", *here)[2]


def test_what_breaks_first_is_counted(command, sweep: Path, here: tuple[str, ...], tmp_path: Path) -> None:
    command("sweep", "run", str(sweep), *here)
    said = " ".join(command("sweep", "breaks", str(sweep), "--threshold", "0.5", *here)[1].split())
    assert "Of 19 images, the explanation breaks before the answer in" in said
    assert "1 more image is left out: the heatmap of the reference is empty there" in said
    assert "Broken: Pearson correlation with the reference's heatmap stays below 0.50" in said
    assert "Threshold: 0.50. The sweep has 2 sparsities" in said
    assert "threshold explanation first answer first both at once neither 0.10" in said
    (facts,) = json.loads(command("sweep", "breaks", str(sweep), "--json", "--threshold", "0.2", *here)[1]).values()
    assert len(facts["by_image"]) == 19
    assert (facts["threshold"], facts["floor"]) == (0.2, None)
    assert "Known" in command("sweep", "breaks", str(sweep), "--measure", "ssim", *here)[2]
    table = tmp_path / "broken.csv"
    assert "Written" in command("sweep", "breaks", str(sweep), "--csv", str(table), *here)[1]
    counts = [facts[kind]["count"] for kind in ("explanation_first", "answer_first")]
    written = pandas.read_csv(table)
    assert set(written.kind) <= {"explanation", "answer", "neither"}
    assert len(written) <= 20
    assert sum(counts) <= 20


def test_the_noise_floor_is_the_usual_threshold(command, here: tuple[str, ...]) -> None:
    said = " ".join(command("sweep", "breaks", "breaks-digits", "--heatmap", "grad-cam++", *here)[1].split())
    assert "Threshold: 0.48, the mean similarity of dense networks that differ only in their seed (3 seeds" in said
    facts = json.loads(command("sweep", "breaks", "breaks-digits", "--json", *here)[1])
    assert {(one["threshold"], one["floor"]["n"]) for one in facts.values()} == {(0.18, 90)}


def test_what_is_forgotten_is_said(command, here: tuple[str, ...], tmp_path: Path) -> None:
    said = command("sweep", "forgotten", "mnist", *here)[1]
    assert said.count("of 200") == 25
    table = tmp_path / "forgotten.csv"
    words = ("sweep", "forgotten", "forgotten-digits", "--sparsity", "0.97", "--csv", str(table), *here)
    said = " ".join(command(*words)[1].split())
    assert "3 pruned networks answer 20 of 200 images (10.0 %, 95 % interval 6.6 % to 14.9 %)" in said
    assert "otherwise than 3 dense networks" in said
    assert "Welch's t test over networks" in said
    assert pandas.read_csv(table).forgotten.sum() == 20
    words = ("sweep", "forgotten", "forgotten-less-is-more", "--sparsity", "0.75", "--pooled", "--json", *here)
    (facts,) = json.loads(command(*words)[1]).values()
    (one,) = facts
    assert (one["dense"], one["pruned"]) == (4, 4)
    assert len(one["by_image"]) == 500
    assert len(one["classes"]) == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mnist", "--csv", "rows.csv"), "Say --sparsity 0.9 beside --csv"),
        (("efficientnet-lite0", "--sparsity", "0.9"), "No network has about 90.0 % sparsity"),
        (("mnist", "--sparsity", "90"), "is no sparsity"),
        (("mnist", "--measure", "pearson"), "pearson"),
        (("nothing",), "nothing"),
    ],
)
def test_what_cannot_be_forgotten_is_explained(
    command, here: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    status, _, err = command("sweep", "forgotten", *words, *here)
    assert status == 1
    assert said in " ".join(err.split())


def test_show_says_what_is_not_done_yet(command, sweep: Path, here: tuple[str, ...]) -> None:
    command("sweep", "run", str(sweep), "--part", "1/3", *here)
    assert "1 of 3 networks are done" in " ".join(command("sweep", "show", str(sweep), *here)[1].split())
    facts = json.loads(command("sweep", "show", str(sweep), "--json", *here)[1])
    assert (facts["done"], facts["networks"]) == (1, 3)
    assert {row["sparsity"] for row in facts["rows"]} == {0.0}


@pytest.mark.long
def test_two_processes_do_what_one_does(command, sweep: Path, here: tuple[str, ...], tmp_path: Path) -> None:
    said = command("sweep", "run", str(sweep), "--processes", "2", "--json", *here)[1]
    lines = [json.loads(line) for line in said.splitlines()]
    assert sorted(line["done"] for line in lines) == [1, 2, 3]
    assert len({line["network"] for line in lines}) == 3
    command("sweep", "run", str(sweep), "--processes", "2", "--json", "--precision", "bfloat16", *here)
    table = next((tmp_path / "cache").rglob("answers.parquet"))
    assert pandas.read_parquet(table).attrs["precision"] == "bfloat16"  # the options reach the processes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--part", "4/3"], "k from 1 to n"),
        (["--part", "some"], "k from 1 to n"),
        (["--processes", "0"], "processes"),
        (["--runner", "rai"], "Did you mean 'ray'"),
        (["--runner", "ray", "--processes", "2"], "Omit --processes"),
        (["--address", "10.0.0.1:6379"], "--runner ray"),
        (["--gpus-per-network", "0.25"], "--runner ray"),
    ],
)
def test_what_cannot_be_done_is_explained(
    command, sweep: Path, here: tuple[str, ...], words: list[str], said: str
) -> None:
    status, _, err = command("sweep", "run", str(sweep), *words, *here)
    assert status in (1, 2)
    assert said in err
    assert "Traceback" not in err


def test_without_ray_it_says_what_to_install(
    command, sweep: Path, here: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, err = command("sweep", "run", str(sweep), "--runner", "ray", *here)
    assert status == 1
    assert "pip install -r requirements-ray.txt" in err


def test_a_sweep_that_nobody_can_confirm_does_not_start(
    command, sweep: Path, here: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cli.sweep.ASK_FROM_S", 0.0)
    status, _, err = command("sweep", "run", str(sweep), *here)
    assert status == 1
    assert "Say --yes" in err
    assert command("sweep", "run", str(sweep), "--yes", *here)[0] == 0


def test_the_sweep_of_a_link_is_written_and_can_be_read(command, here: tuple[str, ...], tmp_path: Path) -> None:
    link, out = "http://localhost:8501/explore?model=thesis-cnn&cam=grad-cam&layer=relu2&sweep=20", tmp_path / "s.yaml"
    status, said, _ = command("sweep", "write", link, str(out), *here)
    assert (status, said) == (0, f"Written: {out}, 31 networks.\n")
    spec = read_sweep(out)
    assert (spec.images, spec.data.noise, spec.networks) == (20, 0.2, 31)
    assert [cam.method for cam in spec.cams] == ["grad-cam", "centre-blob"]
    status, _, said = command("sweep", "write", f"{link}&sparsty=90", str(out.with_name("other.yaml")), *here)
    assert status == 1
    assert "Did you mean 'sparsity'" in said
    gallery = "http://localhost:8501/explore?model=efficientnet-lite0&cam=grad-cam&photo=cat"
    status, _, said = command("sweep", "write", link, str(out), *here)
    assert status == 1
    assert "exists already" in said  # perhaps a sweep that somebody wrote
    out.unlink()
    status, _, said = command("sweep", "write", gallery, str(out), *here)
    assert status
    assert "--data" in said
