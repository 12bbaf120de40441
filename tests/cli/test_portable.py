"""`shrink`, `forget` and `export`: a smaller network by commands alone."""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from pathlib import Path

import pytest

from core.base.settings import REPOSITORY

GUIDE = REPOSITORY / "docs" / "guide.md"
HALF = ("--sparsity", "0.5", "--granularity", "filter", "--scope", "layer", "--exclude", "fc.weight")


def test_a_smaller_network_is_saved_used_and_deleted(command) -> None:
    status, out, _ = command("shrink", *HALF, "--json")
    assert status == 0
    made = json.loads(out)
    assert made["title"] == "Small digit CNN (thesis), seed 333, 50 % of filters removed"
    assert made["parameters"] == 1106 < made["parameters_before"] == 2346
    status, out, _ = command("cost", "--model", made["model"], "--json")
    assert json.loads(out)["zeros in place"]["parameters"] == 1106
    assert made["model"] in command("info")[1]
    status, out, _ = command("heatmap", "--model", made["model"], "--sparsity", "0", "--digit", "7", "--json")
    assert status == 0
    status, out, _ = command("heatmap", *HALF, "--digit", "7", "--reference", f"model.{made['model']}", "--json")
    assert (status, json.loads(out)["reference"]["name"].partition(",")[0]) == (0, "Small digit CNN (thesis)")
    assert command("forget", made["model"])[:2] == (0, f"Deleted: {made['title']}\n")
    status, _, err = command("heatmap", "--model", made["model"])
    assert status == 1
    assert made["model"] in err
    assert command("forget", made["model"])[0] == 1


def test_its_title_can_be_chosen(command) -> None:
    out = command("shrink", *HALF, "--title", "Half of it")[1]
    assert out.startswith("Half of it\nown-thesis-cnn-")
    assert "1,106 of 2,346 parameters are left" in out


def test_a_network_without_empty_channels_is_refused(command) -> None:
    status, _, err = command("shrink", "--sparsity", "0.1")
    assert (status, err.splitlines()[0]) == (
        1,
        "No whole channel of this network is empty, so none can be removed.",
    )


def test_export_writes_a_folder_or_a_zip(command, tmp_path: Path) -> None:
    folder, archive = tmp_path / "net", tmp_path / "net.zip"
    status, out, _ = command("export", *HALF, "--smaller", "--formats", "pt2", "--out", str(folder), "--json")
    assert status == 0
    found = json.loads(out)
    assert found["written"] == str(folder)
    assert found["counts"]["parameters"] == 1106
    assert set(found["files"]) | {"network.json", "README.md"} == {path.name for path in folder.iterdir()}
    status, out, _ = command("export", "--level", "20", "--formats", "pt2", "--out", str(archive))
    assert status == 0
    assert out.startswith("Small digit CNN (thesis), seed 333, level 20\n")
    assert out.endswith(f"Written: {archive}\n")
    assert "network.pt2" in zipfile.ZipFile(archive).namelist()
    assert json.loads(zipfile.ZipFile(archive).read("network.json"))["counts"]["zeros"] > 2000
    status, _, err = command("export", "--out", str(folder))
    assert (status, err.splitlines()[0]) == (1, f"{folder} is not an empty folder.")
    status, _, err = command("export", "--out", str(tmp_path / "other"), "--formats", "tflite")
    assert status == 1
    assert "tflite" in err
    assert not (tmp_path / "other").exists()


@pytest.mark.long
def test_the_commands_of_the_guide_work(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    part = GUIDE.read_text(encoding="utf-8").split("## A smaller network of your own")[1]
    lines = re.findall("^python -m core (.+)$", part.split("\n## ")[0], re.MULTILINE)
    shrunk = ""
    for line in lines:
        words = shlex.split(line, comments=True)
        words = [shrunk if re.fullmatch("own-.*-0123456789abcdef", word) else word for word in words]
        status, out, err = command(*words)
        assert (status, err) == (0, ""), line
        shrunk = out.splitlines()[1] if words[0] == "shrink" else shrunk
    assert [shlex.split(line)[0] for line in lines] == ["shrink", "export", "export", "forget"]
    assert (tmp_path / "digits-20" / "network.onnx").is_file()
    assert "network.onnx" not in zipfile.ZipFile(tmp_path / "digits.zip").namelist()
