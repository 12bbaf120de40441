"""The command line: what it prints, what it says when something is off, and its exit status."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

import core.cli.main as command_line
from core.base.settings import REPOSITORY, shipped_folder
from core.cli.console import NOT_KEPT
from core.cli.errors import RENAMED_OPTIONS
from core.cli.structure import options_of
from core.engine.engine import Engine
from core.protocols.registry import PROTOCOLS
from tests.data.made_marks import MARKED, PHOTOS, png
from tests.data.made_sets import folder_files, write_folder
from tests.overflowing import write_overflowing
from tests.protocols import small_series

HELPED = (
    ["info"],
    ["heatmap"],
    ["keep"],
    ["cost"],
    ["shrink"],
    ["forget"],
    ["export"],
    ["evaluate"],
    ["retrain"],
    ["jobs"],
    ["ship"],
    *(["protocol", action, name] for action in ("run", "show") for name in PROTOCOLS),
    ["protocol", "sensitivity", "lukkien"],
)


def strict(text: str) -> Any:
    """JSON as machines read it: NaN and infinity are errors."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def own_process(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SPARSIGHT_DEVICE": "cpu"}
    return subprocess.run(
        [sys.executable, *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, **more
    )


@pytest.fixture
def digit_file(engine: Engine, tmp_path: Path) -> Path:
    path = tmp_path / "my-digit.png"
    Image.fromarray(engine.gallery().images[3500].numpy()).save(path)
    return path


# --- what it prints


def test_info_lists_the_registries(command) -> None:
    status, out, err = command("info", "--json", "--device", "cpu")
    found = strict(out)
    assert (status, err) == (0, "")
    registries = {"models", "data sets", "photographs", "criteria", "CAM methods", "measures"}
    assert set(found) == {"device", "folder", "versions", "memory"} | registries
    assert "grad-cam++" in found["CAM methods"]
    assert found["device"].startswith("CPU")
    plain = command("info", "--device", "cpu")[1]
    assert all(name in plain for names in (found["models"], found["CAM methods"], found["measures"]) for name in names)


def test_heatmap_answers_as_the_engine_does(command, engine: Engine) -> None:
    from core import CamSpec, ImageRef, PruningSpec, VariantSpec

    status, out, _ = command(
        "heatmap",
        "--digit",
        "3500",
        "--sparsity",
        "0.7",
        "--cam",
        "grad-cam",
        "--layer",
        "conv2",
        "--target",
        "own",
        "--json",
    )
    answer = engine.compare(
        VariantSpec(pruning=PruningSpec.one_shot(0.7)),
        ImageRef(name="3500"),
        CamSpec(method="grad-cam", layer="conv2", target="own"),
    )
    found = strict(out)
    assert status == 0
    assert found["variant"] == answer.pruned.variant.key
    assert found["mask"]["kept"] == answer.mask.kept == 2324 - 1627
    assert found["pruned"]["predicted"] == answer.pruned.prediction.top
    assert found["similarity"]["pearson"] == pytest.approx(answer.similarity["pearson"], abs=1e-5)
    assert found["label"] == 7


def test_an_unknown_photograph_is_named_whatever_the_network_reads(command) -> None:
    status, _, err = command("heatmap", "--photo", "tea")
    assert status == 1
    assert "There is no photograph 'tea'" in err


def test_the_version_is_the_one_that_provenance_states(command) -> None:
    out = command("--version")[1]
    assert out.strip() == strict(command("info", "--json", "--device", "cpu")[1])["versions"]["sparsight"]


def test_heatmap_defaults_are_those_its_help_names(command) -> None:
    found = strict(command("heatmap", "--json")[1])
    assert found["variant"] == "thesis-cnn/mnist-55000/seed-333/one-shot/weight-global-magnitude/0.900000"
    assert (found["image"], found["cam"]) == ("digits/0+noise-0.2-s0", "grad-cam@relu2>dense")


def test_evaluate_a_data_set(command, engine: Engine, tmp_path: Path) -> None:
    from core import CamSpec, DataSpec, PruningSpec, VariantSpec

    rows = tmp_path / "rows.csv"
    words = ("--sparsity", ".7", "--noise", "0.2", "--cam", "grad-cam", "--heatmaps", "--out", str(rows))
    status, out, err = command("evaluate", "--json", *words)
    found = strict(out)
    variant, data = VariantSpec(pruning=PruningSpec.one_shot(0.7)), DataSpec(noise=0.2)
    assert (status, err) == (0, "")
    assert (found["variant"], found["data"]) == (variant.key, data.key)
    assert (found["correct"], found["total"]) == (engine.evaluate_accuracy(variant, data).correct, 5000)
    evaluated = engine.evaluate(variant, data, CamSpec(method="grad-cam", target="own")).rows
    scores, empty, overlap = evaluated["soft-iou"], evaluated["empty"], found["heatmaps"]["soft-iou"]
    assert overlap["mean"] == pytest.approx(scores.mean(), abs=1e-5)
    assert overlap["n"] == scores.count()
    assert overlap["empty-maps"] == empty.sum() > 0
    assert overlap["mean-without-empty-maps"] == pytest.approx(scores[~empty].mean(), abs=1e-5)
    assert len(rows.read_text().splitlines()) == 5001


@pytest.mark.long
def test_evaluate_prints_faithfulness_by_name(command, tmp_path: Path) -> None:
    photos = small_series.photographs(tmp_path / "photos", 2, ("",))
    words = ("evaluate", "--model", "squeezenet1_1@imagenette-128", "--data", str(photos), "--heatmaps")
    out = command(*words, "--faithfulness")[1]
    assert all(f"  {title}  " in out for title in ("Deletion", "Insertion", "Average drop", "Increase"))
    assert "Deletion" not in command(*words)[1]
    status, _, err = command("evaluate", "--faithfulness")
    assert status == 1
    assert "--faithfulness without --heatmaps" in err


def test_evaluate_takes_the_dense_network_unless_told_otherwise(command) -> None:
    found = strict(command("evaluate", "--json")[1])
    assert found["variant"] == "thesis-cnn/mnist-55000/seed-333/dense"
    assert found["accuracy"] > 0.97


def test_a_folder_of_photographs_is_evaluated(command, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "photos", folder_files(each=2))
    status, out, _ = command("evaluate", "--model", "efficientnet-lite0", "--data", f"folder:{path}", "--json")
    found = strict(out)
    assert status == 0
    assert (found["total"], found["among_classes"]) == (4, 2)  # tench and espresso; the third class is unheard of
    assert "unheard of" in found["notes"][0]


def test_evaluate_says_which_marks_count_and_names_the_object(command, tmp_path: Path) -> None:
    masks = {"masks/cat/1.png": png(MARKED), "masks/cat/2.png": png(MARKED[::2, ::2]), "masks/3.png": png(~MARKED)}
    words = ("evaluate", "--model", "squeezenet1_1@imagenette-128", "--heatmaps")
    names = {"cat/1.jpg": "tench/1.jpg", "cat/2.jpg": "tench/2.jpg", "dog/3.jpg": "church/3.jpg"}
    photos = {new: PHOTOS[old] for old, new in names.items()}
    marked = write_folder(tmp_path / "a", photos | {name.replace("cat", "tench"): each for name, each in masks.items()})
    out = command(*words, "--data", str(marked))[1]
    assert "Their masks cannot be used: 1 photograph (tench/2.jpg). masks/tench/2.png has 30 x 20 pixels" in out
    assert "Energy inside the object" in out
    assert "the ink" not in out
    found = strict(command(*words, "--data", str(marked), "--json")[1])
    assert any("masks/tench/2.png has 30 x 20 pixels" in note for note in found["notes"])
    assert found["heatmaps"]["soft-iou"]["n"] == 2
    boxes = "path,x0,y0,x1,y1\ntench/1.jpg,12,8,36,28\n"
    drawn = command(*words, "--data", str(write_folder(tmp_path / "b", photos | {"boxes.csv": boxes.encode()})))[1]
    assert "Energy inside the boxes" in drawn
    assert drawn.count("no object is marked") == 0
    out = command(*words, "--data", str(write_folder(tmp_path / "c", photos)))[1]
    assert out.count("Undefined: no object is marked in these images.") == 3
    digits = command("evaluate", "--heatmaps")[1]
    assert "Energy inside the ink" in digits


def test_a_damaged_line_of_accuracies_is_remarked_on(command, tmp_path: Path) -> None:
    table = tmp_path / "cache" / "thesis-cnn" / "mnist-55000" / "seed-333" / "accuracy.csv"
    table.parent.mkdir(parents=True)
    shipped = (shipped_folder() / "thesis-cnn" / "mnist-55000" / "seed-333" / "accuracy.csv").read_text()
    table.write_text(shipped.replace(",5000,", ",5001,", 1))
    assert f"Line 2 of {table} is damaged, so not used." in command("evaluate")[1]
    assert f"Line 2 of {table} is damaged, so not used." in strict(command("evaluate", "--json")[1])["notes"][0]


def test_a_path_that_does_not_exist_is_said(command) -> None:
    status, _, err = command("evaluate", "--model", "efficientnet-lite0", "--data", "nowhere/photos")
    assert status == 1
    assert "nowhere/photos does not exist." in err
    assert "There is no data set, folder or zip file 'nowhere'." in command("evaluate", "--data", "nowhere")[2]


def test_classes_that_do_not_match_are_explained_as_on_the_pages(command, tmp_path: Path) -> None:
    from core.models.building import untrained
    from core.models.own import About
    from core.models.zoo import named

    state = {name: values.clone() for name, values in untrained(named("squeezenet1_1").build, 1).items()}
    state = {name: values[:10] if values.shape[0] == 1000 else values for name, values in state.items()}
    model = Engine("cpu", tmp_path / "cache").add_model(save(state), About(architecture="squeezenet1_1"))
    photos = write_folder(tmp_path / "a", {f"{row}/1.jpg": PHOTOS["cat/1.jpg"] for row in range(1, 11)})
    status, _, err = command("evaluate", "--model", model.name, "--data", str(photos))
    assert status == 1
    assert "The folders are numbered from 1 to 10, the network's outputs from 0 to 9: none is matched" in err


def test_a_folder_of_toys_named_kite_is_said_to_count_as_birds(command, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "photos", folder_files(("kite", "n01608432", "espresso"), each=1))
    words = ("--model", "efficientnet-lite0", "--json")
    notes = [
        strict(command("evaluate", *words, "--data", f"folder:{path}")[1])["notes"],
        strict(command("heatmap", *words, "--cam", "grad-cam", "--photo", f"folder:{path}/1")[1])["notes"],
    ]
    for found in notes:
        assert (
            "'kite' is counted as ImageNet's class 21, kite (a bird of prey, n01608432), not a toy on a string"
            in found[0]
        )
        assert "espresso" not in found[0]


def test_a_photograph_is_compared(command) -> None:
    words = ("heatmap", "--model", "efficientnet-lite0", "--sparsity", "0.1", "--cam", "grad-cam", "--json")
    found = [strict(command(*words, *more)[1]) for more in ([], ["--photo", "coffee"])]
    assert [answer["image"] for answer in found] == ["gallery/cat", "gallery/coffee"]
    assert [answer["label"] for answer in found] == [None, 967]
    assert found[1]["dense"]["predicted"] == 967


def test_a_network_is_compared_with_another_seed(command) -> None:
    words = ("heatmap", "--digit", "3500", "--sparsity", "0.7", "--reference", "seed.334")
    status, out, err = command(*words)
    found = strict(command(*words, "--json")[1])
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == found["headline"]
    assert "as the dense network of seed 334 does" in found["headline"]
    assert "  compared with  the dense network of seed 334" in out
    assert found["reference"]["variant"] == "thesis-cnn/mnist-55000/seed-334/dense"
    assert found["reference"]["predicted"] == 7
    assert "dense" not in found
    usual = strict(command(*words[:-2], "--json")[1])
    assert usual["reference"]["name"] == "the dense network"
    assert usual["similarity"] != found["similarity"]


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (["--reference", "seed.1"], "seed"),
        (["--reference", "sed.334"], "is no reference"),
        (["--reference", "seed.334", "--map", "7"], "maps no class"),
        (["--reference", "seed.334", "--map", "7=eight"], "class"),
        (["--reference", "seed.334", "--map", "7=8", "--map", "8=8"], "twice"),
    ],
)
def test_a_reference_that_cannot_be_is_refused(command, more: list[str], wrong: str) -> None:
    status, _, err = command("heatmap", "--digit", "3500", *more)
    assert status == 1
    assert wrong in err


@pytest.mark.parametrize(
    "words",
    [["heatmap", "--photo", "cat"], ["heatmap", "--photo", "oxford-pets/3"], ["evaluate", "--data", "folder:."]],
)
def test_photographs_are_refused_for_a_network_for_digits(command, words: list[str]) -> None:
    status, _, err = command(*words)
    assert status == 1
    assert "photograph" in err


def test_heatmap_as_text(command) -> None:
    """What a person wants first: the sentence, the answers by name, each score with its meaning;
    layers only on request.
    """
    words = ("heatmap", "--model", "efficientnet-lite0", "--photo", "coffee", "--sparsity", "0.3")
    status, out, err = command(*words)
    found = strict(command(*words, "--json")[1])
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0] == found["headline"]
    assert found["headline"].startswith("At 30.0 % sparsity (1.42× compression) the network still says espresso (")
    assert "  weights left  3,226,294 of 4,608,992 prunable weights (30.0 % sparse)" in out
    assert [line.split("%")[1].split("  ")[1] for line in lines if re.match(r"  [1-5]  ", line)] == [
        each["name"] for each in found["dense"]["top"]
    ]
    assert found["dense"]["top"][0]["name"] == "espresso"
    assert (
        f"  Pearson correlation           {found['similarity']['pearson']:.2f}  Whether the two maps are bright" in out
    )
    assert "_conv_head.weight" not in out
    assert len(lines) < 60
    layers = command(*words, "--layers")[1]
    assert re.search(r"^  _conv_head\.weight +283,057 +409,600 +30\.9 %$", layers, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["cost", "--sparsity", "0.9"],
            ["Parameters                                2,346", "File size, all values                   10.0 kB"],
        ),
        (
            ["evaluate"],
            ["97.9 %  4,897 of 5,000; 95 % interval 97.5 % to 98.3 %", "images   Embedded digits"],
        ),
        (["info"], ["photographs", "Memory in use", "MB"]),
        (["keep", "--sparsity", "0.9"], ["The pruned network takes", "Written: "]),
        (
            ["protocol", "show", "lukkien", "--train-on", "55000"],
            ["0    2,324  100.0 %  97.9 %  98.2 %", "iterative-reset, seed 335"],
        ),
    ],
    ids=lambda words: words[0],
)
def test_answers_have_names_units_and_counts(command, words: list[str], expected: list[str]) -> None:
    out = command(*words, "--device", "cpu")[1]
    assert all(text in out for text in expected)
    assert all(line == line.rstrip() for line in out.splitlines())


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["--level", "12", "--seed", "335"], "thesis-cnn/mnist-55000/seed-335/iterative-reset/level-12"),
        (
            ["--sparsity", "0", "--scope", "layer"],
            "thesis-cnn/mnist-55000/seed-333/one-shot/weight-layer-magnitude/0.000000",
        ),
        (
            ["--sparsity", ".5", "--criterion", "random"],
            "thesis-cnn/mnist-55000/seed-333/one-shot/weight-global-random-s0/0.500000",
        ),
    ],
)
def test_heatmap_of_other_variants(command, words: list[str], key: str) -> None:
    assert strict(command("heatmap", "--json", *words)[1])["variant"] == key


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--digit", "3500", "--target", "label"], 7),
        (["--target", "3"], 3),
        (["--model", "efficientnet-lite0", "--sparsity", "0", "--target", "Espresso"], 967),
    ],
)
def test_heatmap_for_other_classes(command, words: list[str], expected: int) -> None:
    assert strict(command("heatmap", *words, "--json")[1])["pruned"]["target_class"] == expected


def test_undefined_scores_are_said(command) -> None:
    plain, found = command("heatmap", "--level", "25")[1], strict(command("heatmap", "--level", "25", "--json")[1])
    assert re.search(
        "^  Pearson correlation +–  Undefined, because the pruned network's map is empty", plain, re.MULTILINE
    )
    assert "the network has collapsed" in plain
    assert found["similarity"]["pearson"] is None
    assert found["mask"]["collapsed"] is True


def test_a_zip_is_written(command, tmp_path: Path) -> None:
    path = tmp_path / "view.zip"
    status, out, _ = command("heatmap", "--digit", "3500", "--sparsity", "0.7", "--out", str(path), "--json")
    found = strict(out)
    assert (status, found["written"]) == (0, str(path))
    with zipfile.ZipFile(path) as archive:
        pictures = {"1-input.png", "2-dense.png", "3-pruned.png", "4-dense-minus-pruned.png"}
        assert set(archive.namelist()) == pictures | {"maps.npz", "provenance.json"}
        maps = np.load(io.BytesIO(archive.read("maps.npz")), allow_pickle=False)
        assert maps["pruned_map"].mean() == pytest.approx(found["pruned"]["map"]["mean"], abs=1e-5)
        assert strict(archive.read("provenance.json").decode())["keys"]["variant"] == found["variant"]


def test_an_own_image(command, digit_file: Path) -> None:
    found = strict(command("heatmap", "--image", str(digit_file), "--noise", "0", "--json")[1])
    assert found["image"].startswith("own/")
    assert found["label"] is None
    assert found["dense"]["predicted"] == 7
    assert "labelled" not in command("heatmap", "--image", str(digit_file))[1]


def test_what_was_done_to_an_own_image_is_said(command, engine: Engine, tmp_path: Path) -> None:
    ink_on_paper = Image.fromarray(255 - engine.gallery().images[3500].numpy()).resize((200, 200))
    ink_on_paper.save(tmp_path / "paper.png")
    out = command("heatmap", "--image", str(tmp_path / "paper.png"))[1]
    assert re.search("^Notes\n(.*\n)*.*[Ii]nverted", out, re.MULTILINE)


def test_a_protocol_is_shown(command) -> None:
    status, out, _ = command("protocol", "show", "lukkien", "--train-on", "55000", "--json")
    assert status == 0
    assert strict(out)["facts"]["seeds"] == [333, 334, 335]


def test_the_included_table_of_choices_is_shown_at_once(command) -> None:
    status, out, _ = command("protocol", "sensitivity", "lukkien", "--json")
    assert status == 0
    (found,) = map(strict, out.splitlines())  # nothing is computed
    assert len(found["rows"]) == 4 * 168


@pytest.mark.long
def test_a_protocol_tells_what_choices_change(command, tmp_path: Path) -> None:
    words = ("--seeds", "333", "--levels", "2", "--images", "10", "--folder", str(tmp_path), "--device", "cpu")
    status, out, _ = command("protocol", "sensitivity", "lukkien", *words, "--json")
    assert status == 0
    *steps, found = map(strict, out.splitlines())
    assert [step["done"] for step in steps[:3]] == [1, 2, 3]
    assert len(found["rows"]) == 2 * 168  # of the seed and of the mean
    assert Path(found["written"]).is_file()
    status, out, _ = command("protocol", "sensitivity", "lukkien", *words)
    assert status == 0
    assert "168 combinations of 5 choices" in out
    assert "are undefined" in out  # ten digits, all classified correctly


# --- what it says when something is off

WRONG: dict[str, tuple[list[str], int, str]] = {
    "command": (["heatmp"], 2, "Did you mean 'heatmap'?"),
    "action": (["protocol", "rnu"], 2, "Did you mean 'run'?"),
    "option": (["heatmap", "--sparsty", "0.3"], 2, "Did you mean '--sparsity'?"),
    "option with =": (["heatmap", "--levl=3"], 2, "Did you mean '--level'?"),
    "no command": ([], 2, "--help"),
    "no protocol": (["protocol", "run"], 2, "--help"),
    "text for a number": (["heatmap", "--sparsity", "much"], 2, "much"),
    "two amounts": (["heatmap", "--sparsity", "0.5", "--level", "3"], 2, "--level"),
    "method": (["heatmap", "--cam", "grad-cam+"], 1, "Did you mean 'grad-cam++'?"),
    "criterion": (["heatmap", "--criterion", "magnitud"], 1, "Did you mean 'magnitude'?"),
    "criterion by another name": (["heatmap", "--criterion", "l1"], 1, "Did you mean 'magnitude'?"),
    "network by what it reads": (["heatmap", "--model", "mnist"], 1, "Did you mean 'thesis-cnn'?"),
    "percent for a share": (["heatmap", "--sparsity", "90"], 1, "For 90 %, use 0.9."),
    "no number": (["heatmap", "--seed", "1e99"], 2, "--seed cannot be '1e99'.\nIt takes a whole number"),
    "a number below everything": (["heatmap", "--noise", "-inf"], 1, "0 % to 100 %"),
    "an option without a value": (["heatmap", "--noise"], 2, "--noise=VALUE"),
    "a fraction for a whole number": (["heatmap", "--seed", "2.7"], 2, "--seed cannot be '2.7'"),
    "a list without values": (["protocol", "run", "merkle", "--seeds"], 2, "--seeds has an empty value"),
    "one word too many": (["heatmap", "cat"], 2, "'cat' is one argument too many"),
    "empty value": (["heatmap", "--cam", ""], 2, "--cam has an empty value"),
    "empty value with =": (["heatmap", "--folder="], 2, "--folder has an empty value"),
    "seed below 0": (
        ["heatmap", "--seed", "-1"],
        1,
        "A seed of -1 cannot be used.\nIt must be a whole number from 0",
    ),
    "seeds below 0": (["protocol", "run", "lukkien", "--seeds", "-1"], 1, "A seed of -1 cannot be used."),
    "target below 0": (["heatmap", "--target", "-1"], 1, "or its index from 0 to 9.\nChoose one of them."),
    "name of a class": (
        ["heatmap", "--model", "efficientnet-lite0", "--target", "espreso"],
        1,
        "Did you mean 'espresso'?",
    ),
    "noise below 0": (["heatmap", "--noise", "-1"], 1, "0 % to 100 %"),
    "level where nothing was trained": (
        ["heatmap", "--model", "efficientnet-lite0", "--level", "1"],
        1,
        "It has no trained series.",
    ),
    "device of another maker": (["heatmap", "--device", "mps"], 1, "It runs on cpu and cuda."),
    "size": (["protocol", "run", "merkle", "--size", "99999999999999999999"], 1, "from 32 to 4,096"),
    "scope": (["heatmap", "--scope", "globl"], 1, "Did you mean 'global'?"),
    "target": (["heatmap", "--target", "lable"], 1, "Did you mean 'label'?"),
    "target that int() cannot read": (["heatmap", "--target", "²"], 1, "dense, own, label"),
    "class": (["heatmap", "--target", "10"], 1, "0 to 9"),
    "weights": (["heatmap", "--weights", "mnist-5500"], 1, "Did you mean 'mnist-55000'?"),
    "seed": (["heatmap", "--seed", "1"], 1, "--seeds 1"),
    "protocol": (["protocol", "run", "lukien"], 2, "Did you mean 'lukkien'?"),
    "protocol to show": (["protocol", "show", "lukien"], 2, "Did you mean 'lukkien'?"),
    "sparsity above 1": (["heatmap", "--sparsity", "1.4"], 1, "0 % to 100 %"),
    "sparsity below 0": (["heatmap", "--sparsity", "-0.1"], 1, "0 % to 100 %"),
    "sparsity nan": (["heatmap", "--sparsity", "nan"], 1, "0 % to 100 %"),
    "sparsity inf": (["heatmap", "--sparsity", "inf"], 1, "0 % to 100 %"),
    "level": (["heatmap", "--level", "99"], 1, "0 to 25"),
    "negative level": (["heatmap", "--level", "-1"], 1, "whole number"),
    "digit": (["heatmap", "--digit", "99999"], 1, "0 to 4999"),
    "noise": (["heatmap", "--noise", "2"], 1, "0 to 1"),
    "label of an own image": (["heatmap", "--image", "docs/explore.png", "--target", "label"], 1, "no label"),
    "missing image": (["heatmap", "--image", "nowhere.png"], 1, "No such file"),
    "folder as image": (["heatmap", "--image", "core"], 1, "directory"),
    "unreadable image": (["heatmap", "--image", "README.md"], 1, "not an image"),
    "missing folder": (["heatmap", "--out", "nowhere/view.zip"], 1, "Choose an existing, writable folder"),
    "device": (["heatmap", "--device", "gpu"], 1, "Did you mean 'cuda'?"),
    "training set": (["protocol", "run", "lukkien", "--train-on", "5"], 1, "60000"),
    "levels": (["protocol", "run", "lukkien", "--levels", "99"], 1, "0 to 25"),
    "file as folder": (["info", "--folder", "README.md"], 1, "not a folder"),
    "a folder with too long a name": (["info", "--folder", "x" * 300], 1, "not a folder"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_words_get_clear_answers(command, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(REPOSITORY)
    words, expected, said = WRONG[name]
    status, out, err = command(*words)
    assert (status, out) == (expected, "")
    assert said in err
    assert "Traceback" not in err
    lines = strict(command(*words, "--json")[2])["error"]
    assert "\n".join(lines) == err.strip()
    assert len(lines) == 3 or expected == 2  # an unknown option needs no rule


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there(command) -> None:
    status, _, err = command("heatmap", "--device", "cuda")
    assert status == 1
    assert "no device 'cuda'" in err


def test_a_run_says_at_once_that_its_folder_cannot_be_written(command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    status, _, err = command("protocol", "run", "lukkien", "--folder", str(tmp_path / "file" / "cache"))
    assert status == 1
    assert "cannot be written" in err
    assert "--folder" in err


def test_reading_needs_no_writable_folder(command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert command("heatmap", "--folder", str(tmp_path / "file" / "cache"))[0] == 0


def test_a_stopped_command_says_that_nothing_is_kept(command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(engine: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.cli.installation.facts", interrupted)
    status, out, err = command("info")
    assert (status, out) == (130, "")
    assert err == f"{NOT_KEPT}\n"


def test_a_network_whose_outputs_overflow_gives_no_answer(command, tmp_path: Path) -> None:
    write_overflowing(tmp_path / "cache")
    status, out, _ = command("heatmap", "--digit", "3500", "--sparsity", "0.5", "--target", "label", "--json")
    found = strict(out)
    assert status == 0
    assert [found[side]["predicted"] for side in ("dense", "pruned")] == [None, None]
    assert found["pruned"]["probabilities"] == [None] * 10
    assert found["pruned"]["state"] == "invalid"
    assert set(found["pruned"]["overlap"].values()) == {None}
    plain = command("heatmap", "--digit", "3500", "--sparsity", "0.5")[1]
    assert "outputs overflow, so it gives no answer" in plain
    assert "SPARSIGHT_PRECISION" in plain
    assert not re.search(r"\bnan\b", plain)
    counted = strict(command("evaluate", "--heatmaps", "--json")[1])
    assert (counted["correct"], counted["unanswered"], counted["total"]) == (0, 5000, 5000)
    assert "5,000 images without a finite answer" in counted["notes"][0]
    assert counted["heatmaps"]["maps"] == {"usable": 0, "empty": 0, "invalid": 5000}
    assert counted["heatmaps"]["soft-iou"]["mean"] is None


# --- in a process of its own


@pytest.mark.parametrize("words", [[], *HELPED, ["protocol"]], ids=" ".join)
def test_help_comes_without_torch(words: list[str]) -> None:
    code = (
        f"import sys; from core.cli.main import main\ntry: main({[*words, '--help']!r})\nfinally: print('torch' in"
        " sys.modules)"
    )
    done = own_process("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("False")
    assert done.stdout.startswith("Usage: python -m core")


@pytest.mark.parametrize("words", HELPED, ids=" ".join)
def test_help_explains_every_option_and_names_defaults(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([*words, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    app = command_line.build()
    for word in words:
        app = app[word]
    for name, argument in options_of(app).items():
        if name.startswith("--no-"):
            continue
        (line,) = [line for line in lines if re.match(rf"  {name}(?![\w-])", line)]
        assert len(line.split(":", 1)[1].split()) >= 2, f"{name} is not explained"
        default = argument.field_info.default
        if argument.required:
            assert "[required]" in line
        elif default not in (None, False, "", (), 0):
            shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
            assert f"[default: {shown}]" in line


def test_each_protocol_has_its_own_options_only() -> None:
    run = command_line.build()["protocol"]["run"]
    options = {name: set(options_of(run[name])) for name in PROTOCOLS}
    assert "--levels" in options["lukkien"]
    assert not {"--levels", "--prunings"} & options["merkle"]
    assert not {"--levels", "--scope", "--adamw"} & options["googlenet"]


def test_the_defaults_of_protocols_are_those_of_their_plans() -> None:
    """The options repeat them, because a plan loads torch."""
    from core.protocols.googlenet import protocol as googlenet
    from core.protocols.lukkien import protocol as lukkien

    options = {name: entry.value.run_options() for name, entry in PROTOCOLS.items()}
    assert (options["lukkien"].seeds, options["lukkien"].levels) == (lukkien.SEEDS, lukkien.LEVELS)
    assert (options["googlenet"].sparsities, options["googlenet"].prunings) == (googlenet.RATES, googlenet.THREE)


OLD = [
    (["retrain", "--rate", "0.1"], "--learning-rate"),
    (["retrain", "--rates", "cosine"], "--learning-rate-schedule"),
    (["retrain", "--first-epochs", "3"], "--dense-epochs"),
    (["retrain", "--pace=reset"], "--schedule"),
    (["retrain", "--retraining", "reset"], "--schedule"),
    (["protocol", "run", "googlenet", "--rates", ".5"], "--sparsities"),
    (["protocol", "run", "merkle", "--leave-out", "x"], "--held-out"),
    (["protocol", "run", "merkle", "--epochs-limit", "3"], "--epochs"),
    (["protocol", "run", "merkle", "--set-name", "x"], "--data-name"),
    (["ship", "x", "--photos", "x"], "--evaluate-on"),
    (["ship", "x", "--photos-name", "x"], "--data-name"),
]


@pytest.mark.parametrize(("words", "new"), OLD, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_an_old_name_leads_to_the_new_one(command, words: list[str], new: str) -> None:
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    assert err.endswith(f"has another name.\nIt is now '{new}'.\nWrite '{new}' instead.\n")


def test_every_old_name_is_tested_and_every_new_one_exists() -> None:
    written = {word.partition("=")[0] for words, _ in OLD for word in words}
    assert written >= set(RENAMED_OPTIONS)
    assert set(options_of(command_line.build())) >= {new for names in RENAMED_OPTIONS.values() for new in names}


@pytest.mark.long
@pytest.mark.parametrize("words", [["info"], ["heatmap"], ["--help"], ["heatmap", "--help"], ["heatmap", "--cam", "x"]])
def test_a_pipe_gets_plain_text(words: list[str], tmp_path: Path) -> None:
    """No escape codes, nothing wrapped or cut, whatever the environment says of terminals."""
    more = [] if "--help" in words else ["--folder", str(tmp_path)]
    environment = os.environ | {"SPARSIGHT_DEVICE": "cpu", "FORCE_COLOR": "1", "COLUMNS": "20"}
    done = subprocess.run(
        [sys.executable, "-m", "core", *words, *more], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert "\x1b" not in done.stdout + done.stderr
    assert "…" not in done.stdout
    assert max(map(len, (done.stdout + done.stderr).splitlines())) > 50


def test_a_fault_of_our_own_is_no_traceback(command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(engine: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("core.cli.installation.facts", broken)
    status, out, err = command("info")
    assert (status, out) == (1, "")
    assert err.startswith("Sparsight failed: ZeroDivisionError: division by zero\nThis is a bug in Sparsight.\n")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")],
)
def test_memory_that_runs_out_is_no_fault_of_ours(command, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def greedy(engine: object) -> None:
        raise error

    monkeypatch.setattr("core.cli.installation.facts", greedy)
    status, out, err = command("info")
    assert (status, out) == (1, "")
    assert err.startswith("The memory of this machine is not enough for this.")
    assert "choose a smaller network" in err


def test_a_whole_process(tmp_path: Path) -> None:
    done = own_process("-m", "core", "heatmap", "--level", "3", "--json", "--folder", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert strict(done.stdout)["mask"]["kept"] == 1187


def test_a_whole_process_that_fails() -> None:
    done = own_process("-m", "core", "heatmap", "--cam", "grad-cam+")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Did you mean 'grad-cam++'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_reader_that_leaves_early_causes_no_noise() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "core", "info"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_pruned_network_is_kept_on_disk(command, tmp_path: Path) -> None:
    status, out, _ = command("keep", "--sparsity", "0.5", "--json", "--folder", str(tmp_path))
    found = strict(out)
    assert status == 0
    assert Path(found["written"]).stat().st_size == found["bytes"] > 0


def test_memory_and_precision_are_options(command) -> None:
    before = dict(os.environ)
    status, out, _ = command("info", "--json", "--device-bytes", "99MB", "--ram-bytes", "77MB", "--device", "cpu")
    assert status == 0
    assert strict(out)["memory"]["device"].endswith(f"of {99 * 10**6:,} bytes")
    assert strict(out)["memory"]["RAM"].endswith(f"of {77 * 10**6:,} bytes")
    assert dict(os.environ) == before
    status, out, _ = command("heatmap", "--json", "--precision", "bfloat16", "--device", "cpu")
    assert "Computed in bfloat16" in " ".join(strict(out)["notes"])
    assert command("info", "--precision", "int3")[0] == 1
    assert command("info", "--disk-bytes", "much")[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    {
        "dense, but a criterion": (["evaluate", "--criterion", "random"], "--criterion would have no effect here"),
        "dense, but layers": (
            ["evaluate", "--exclude", "fc.weight", "--repair", "batch-norm"],
            "--exclude, --repair would have no effect",
        ),
        "a trained level, but a scope": (
            ["heatmap", "--level", "5", "--scope", "layer"],
            "--scope would have no effect here",
        ),
        "a pattern and an amount": (
            ["cost", "--granularity", "2:4", "--sparsity", "0.2"],
            "2:4 and --sparsity cannot be used together",
        ),
        "a file of heatmaps that nobody asked for": (["evaluate", "--out", "rows.csv"], "--out without --heatmaps"),
        "a method that nobody asked for": (["evaluate", "--cam", "grad-cam"], "--cam without --heatmaps"),
        "no epochs": (["protocol", "run", "merkle", "--epochs", "0"], "A number of epochs of 0 cannot be used"),
        "photographs without strips": (
            ["protocol", "show", "merkle", "--photos", "x"],
            "--photos would have no effect without --strips",
        ),
    }.values(),
)
def test_words_that_would_change_nothing_are_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main([*words, "--folder", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["protocol", "run", "merkle", "--levels", "3"],
        ["protocol", "run", "merkle", "--prunings", "filters"],
        ["protocol", "run", "lukkien", "--data", "x"],
        ["protocol", "show", "lukkien", "--strips", "x"],
    ],
    ids=" ".join,
)
def test_an_option_of_another_protocol_is_unknown(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main([*words, "--folder", str(tmp_path)]) == 2
    assert f"There is no option '{words[3]}' here." in capsys.readouterr().err


@pytest.mark.parametrize("command", ["keep", "cost"])
def test_commands_without_a_heatmap_know_no_method(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([command, "--cam", "grad-cam"]) == 2
    assert "--cam" in capsys.readouterr().err


def test_a_network_without_weights_is_told_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "heatmap",
        "--granularity",
        "filter",
        "--sparsity",
        "1",
        "--folder",
        str(tmp_path),
        "--out",
        str(tmp_path / "all.zip"),
        "--json",
    ]
    assert command_line.main(words) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda text: pytest.fail(text))
    assert (found["mask"]["kept"], found["mask"]["compression_ratio"]) == (0, None)
    assert (tmp_path / "all.zip").is_file()


@pytest.mark.long
def test_strips_are_made_of_networks_that_are_here_and_others_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        command_line.main(
            ["protocol", "show", "merkle", "--strips", str(tmp_path / "strips"), "--folder", str(tmp_path)]
        )
        == 0
    )
    out = capsys.readouterr().out
    made = {str(path.parent.relative_to(tmp_path / "strips")) for path in (tmp_path / "strips").rglob("heatmaps.png")}
    model = "squeezenet1_1@imagenette-128"
    assert made == {f"{model}/merkle-layer/seed-0", f"{model}/merkle-global/seed-0"}
    assert all(f"No strips of {model}/{run}/seed-1: " in out for run in ("merkle-layer", "merkle-global"))


@pytest.mark.parametrize(
    "words",
    [
        ["sweep", "show", "{}"],
        ["sweep", "write", "http://127.0.0.1/explore?model=thesis-cnn", "{}.yaml"],
        ["study", "write", "class", "{}.yaml"],
        ["study", "restore", "friday", "{}"],
        ["report", "digits", "--out", "{}/x.html"],
        ["heatmap", "--sparsity", "{}"],
        ["{}"],
    ],
)
def test_a_name_that_no_system_takes_is_refused_in_few_words(command, words: list[str]) -> None:
    status, _, err = command(*(word.format("x" * 10_000) for word in words))
    assert status in (1, 2)
    assert "This is a bug" not in err
    assert len(err) < 4000
