"""`python -m core report` and `demo`: files that are written, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report.reading import check

MOST = 8_000_000
EMPTY = "models: [thesis-cnn]\nprunings: [{sparsity: 0.123}]\nimages: 3\nmeasures: [right]\n"


def test_a_sweep_by_its_name(command, tmp_path: Path) -> None:
    out = tmp_path / "mine.html"
    status, said, _ = command("report", "faithfulness", "--out", str(out))
    assert status == 0
    assert said.startswith(f"Written: {out}, ")
    page = check(out.read_text(encoding="utf-8"), MOST)
    assert page.words.startswith("EfficientNet-lite0: is the heatmap faithful?")
    facts = json.loads(command("report", "faithfulness", "--out", str(out), "--json")[1])
    assert facts["bytes"] == out.stat().st_size


def test_a_protocol_and_a_view(command, tmp_path: Path) -> None:
    out = tmp_path / "mine.html"
    assert command("report", "googlenet", "--out", str(out))[0] == 0
    assert "GoogLeNet" in out.read_text(encoding="utf-8")
    link = "http://127.0.0.1:8501/explore?model=thesis-cnn&cam=grad-cam&layer=relu2&sparsity=90"
    assert command("report", link, "--out", str(out))[0] == 0
    assert "at 90.0 % sparsity" in check(out.read_text(encoding="utf-8"), MOST).words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "nothing"), "There is no sweep 'nothing'"),
        (("report", "digits", "--out", "report.pdf"), "is no HTML file"),
        (("report", "digits", "--out", "/no/such/folder/report.html"), "does not exist"),
        (("report", "http://x/explore?source=own&model=thesis-cnn"), "was uploaded"),
        (("demo", "--digits", "11"), "cannot be shown"),
        (("demo", "--out", "demo.txt"), "is no HTML file"),
    ],
)
def test_what_cannot_be_reported_is_explained(command, words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    extra = () if "--out" in words else ("--out", str(tmp_path / "out.html"))
    status, _, error = command(*words, *extra)
    assert status == 1
    assert said in error
    assert len(error.strip().splitlines()) in (2, 3)
    assert not (tmp_path / "out.html").exists()


def test_a_sweep_without_results(command, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(EMPTY)
    status, _, error = command("report", str(path), "--out", str(tmp_path / "out.html"))
    assert status == 1
    assert "No network of this sweep is done yet." in error


def test_a_folder_that_cannot_be_written(command, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()  # in the place of the file, as root may write into any folder
    status, _, error = command("report", "faithfulness", "--out", str(tmp_path / "report.html"))
    assert status == 1
    assert "cannot be written" in error
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.long
def test_a_demo(command, tmp_path: Path) -> None:
    out = tmp_path / "demo.html"
    status, said, _ = command("demo", "--out", str(out), "--digits", "0", "--photographs", "coffee")
    assert status == 0
    assert said.startswith(f"Written: {out}")
    assert "espresso" in check(out.read_text(encoding="utf-8"), 10_000_000).words
