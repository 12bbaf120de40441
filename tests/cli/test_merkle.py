"""`protocol run | show merkle`: from photographs in folders to tables beside the published ones,
found again, with strips of pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

import core.cli.main as command_line
from core import Engine, ModelSpec
from core.disk.files import Files
from core.models.catalogue import Catalogue
from core.protocols.merkle import summary as merkle_summary
from core.protocols.merkle.protocol import Plan
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place
from tests.protocols.small_series import photographs

MODEL = ModelSpec(name="squeezenet1_1@tiny-photos", weights="merkle-global", seed=2)


@pytest.fixture(scope="module", autouse=True)
def _as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs to train on, a few to leave out, and what the first run said
    (run.txt).
    """
    folder = tmp_path_factory.mktemp("merkle-commands")
    photographs(folder / "tiny photos")
    (folder / "unseen").mkdir()
    for name in ("tench", "cassette player"):
        (folder / "unseen" / name).mkdir()
        for photo in sorted((folder / "tiny photos" / "val" / name).iterdir())[:3]:
            (folder / "unseen" / name / photo.name).write_bytes(photo.read_bytes())
    return folder


def words(place: Path, *more: str) -> list[str]:
    return [
        "protocol",
        "run",
        "merkle",
        "--model",
        "squeezenet1_1",
        "--data",
        str(place / "tiny photos"),
        "--size",
        "64",
        "--scope",
        "global",
        "--seeds",
        "2",
        "--epochs",
        "1",
        "--start",
        "random",
        "--held-out",
        str(place / "unseen"),
        "--folder",
        str(place / "cache"),
        "--device",
        "cpu",
        *more,
    ]


@pytest.fixture(scope="module")
def said(place: Path) -> str:
    """What the first run prints."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert command_line.main(words(place)) == 0
    return out.getvalue()


@pytest.mark.long
def test_every_reduction_is_said_first(said: str) -> None:
    plan = Plan(architecture="squeezenet1_1", data="tiny-photos", size_px=64, scope="global", epochs=1, start="random")
    lines = said.splitlines()
    assert tuple(lines[: len(merkle_summary.departures(plan))]) == merkle_summary.departures(plan)
    assert len(merkle_summary.departures(plan)) == 6
    assert "18 train" in said  # of 24, six left out
    assert merkle_summary.departures(Plan()) == ()
    assert len(merkle_summary.departures(Plan(normalise=True, adamw=0.001))) == 2


def test_the_table_stands_beside_the_published_one(said: str, place: Path) -> None:
    table = series_tables.load(Catalogue(Files(place / "cache")), Place(model=MODEL, data_name="unseen"))
    assert table.count == 6
    rows = table.levels(["accuracy"])
    for row, published in zip(
        rows.itertuples(), ("97.00%", "97.29%", "95.93%", "94.11%", "93.39%", "90.07%", "87.25%"), strict=True
    ):
        line = next(line for line in said.splitlines() if line.split()[:1] == [f"{row.conv_ratio:.4g}"])
        assert f"{published} {row.value:.1%} [{row.low:.1%}, {row.high:.1%}]" in " ".join(line.split())
        assert f"{row.ratio:.4g}" in line
    assert " | 0.0192" in said  # the published variance at compression rate 32
    assert "fewer than 20 are classified correctly by every level" in " ".join(said.split())


def test_strips_are_written_as_png_and_svg(said: str, place: Path) -> None:
    home = place / "cache" / "merkle" / MODEL.key
    for name in ("heatmaps", "visible"):
        picture = Image.open(home / f"{name}.png")
        assert picture.width > 8 * 128  # input, dense, six levels
        assert (home / f"{name}.svg").read_text().count("<image ") == 2 * 8


def test_a_second_run_finds_everything(said: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([*words(place), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [line for line in lines if line.get("run") == "merkle-global"]
    assert [step["found"] for step in steps] == [True] * 7
    assert [line["state"] for line in lines if line.get("run") == "evaluate"] == ["found"] * 7
    (tables,) = (line for line in lines if "published" in line)
    assert {row["quantity"] for row in tables["series"][0]["levels"]} >= {"accuracy", "agreement", "l1", "pearson"}


def test_show_prints_and_writes(said: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = ["protocol", "show", "merkle", "--folder", str(place / "cache"), "--device", "cpu", "--model", MODEL.name]
    assert command_line.main([*show, "--strips", str(tmp_path), "--photos", str(place / "unseen")]) == 0
    out = capsys.readouterr().out
    assert f"{MODEL.key} on unseen: 6 photographs" in out
    assert {path.name for path in (tmp_path / MODEL.key).iterdir()} == {
        "heatmaps.png",
        "heatmaps.svg",
        "visible.png",
        "visible.svg",
    }


@pytest.mark.long
def test_without_left_out_photographs_the_test_part_is_evaluated(place: Path, tmp_path: Path) -> None:
    cut = words(place)
    at = cut.index("--held-out")
    del cut[at : at + 2]
    cut[cut.index(str(place / "cache"))] = str(tmp_path)
    assert command_line.main(cut) == 0
    table = series_tables.load(Catalogue(Files(tmp_path)), Place(model=MODEL, data_name="tiny-photos-test"))
    assert table.count == 17  # of 24 in val/, as 2,800 of 3,925
    Engine("cpu", place / "cache")  # the other folder's card again


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (["--model", "perceptron"], "no trainable network"),
        (["--size", "8"], "from 32 to 4,096"),
        (["--scope", "all"], "scope 'all'"),
        (["--epochs", "0"], "number of epochs of 0"),
        (["--data", "nowhere.zip"], "does not exist"),
        (["--held-out", "nowhere.zip"], "nowhere.zip"),
        (["--data", "imagenette", "--model", "squeezenet1_1"], "could not be downloaded"),
    ],
)
def test_wrong_words_are_explained(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], wrong: str
) -> None:
    asked = words(place)
    asked[asked.index(str(place / "cache"))] = str(tmp_path)
    if "imagenette" in more:
        pytest.importorskip("torchvision")
        (tmp_path / "data").write_text("in the way of any download")
    assert command_line.main([*asked, *more]) == 1
    assert wrong in capsys.readouterr().err


def test_show_without_results_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.base.settings.REPOSITORY", tmp_path)  # nothing came along
    assert command_line.main(["protocol", "show", "merkle", "--folder", str(tmp_path)]) == 1
    assert "no results of Less is More" in capsys.readouterr().err
    assert command_line.main(["protocol", "show", "merkle", "--folder", str(tmp_path), "--model", "x@y"]) == 1
    assert "There is no model with results 'x@y'" in capsys.readouterr().err.replace("Unknown", "There is no")
