"""`python -m core decide`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas
import pytest

from core.base.settings import REPOSITORY

USUAL = ("decide", "--level", "3", "--sparsity", "0.2", "--images", "30", "--device", "cpu")


def test_it_recommends_writes_the_table_and_names_the_export(command, tmp_path: Path) -> None:
    words = (*USUAL, "--limit-accuracy", "0.3", "--cost", "size-kept", "--out", str(tmp_path / "table.csv"))
    status, out, err = command(*words)
    assert (status, err) == (0, "")
    assert "Ship Level 3" in out
    assert "Export it: python -m core export --model thesis-cnn --weights mnist-55000 --seed 333 --level 3" in out
    rows = pandas.read_csv(tmp_path / "table.csv")
    assert rows.network.tolist() == ["Dense", "20.0 % of single weights", "Level 3"]
    assert rows.recommended.tolist() == [False, False, True]
    facts = json.loads(command(*words, "--json")[1])
    assert [row["network"] for row in facts["networks"]] == rows.network.tolist()
    assert facts["networks"][2]["kept_bytes"] == rows.kept_bytes[2]
    assert "--level 3" in facts["export"]
    assert facts["sentences"][0].startswith("**Ship Level 3**")


def test_texts_name_other_networks_and_ways_of_pruning(command) -> None:
    texts = ("seed.334", "sparsity.25,way.filter-global-magnitude", "model.thesis-cnn/mnist-55000/335,level.2")
    facts = json.loads(
        command("decide", "--candidates", *texts, "--images", "10", "--reference", "level.1", "--json")[1]
    )
    keys = [row["key"].split("/", 1)[1] for row in facts["networks"]]
    assert keys == [
        "mnist-55000/seed-333/iterative-reset/level-01",
        "mnist-55000/seed-334/dense",
        "mnist-55000/seed-333/one-shot/filter-global-magnitude/0.250000",
        "mnist-55000/seed-335/iterative-reset/level-02",
    ]


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ((), "0 candidates"),
        (("--candidates", "dense"), "reference is among"),
        (("--candidates", "lvl.3"), "is no reference"),
        (("--level", "99"), "99"),
        (("--level", "3", "--cost", "price"), "price"),
        (("--level", "3", "--limit-accuracy", "1.5"), "1.5"),
        (("--level", "3", "--images", "0"), "0"),
        (("--level", "3", "--images", "9999"), "more than the data set has"),
        (("--level", "3", "--threshold", "7"), "threshold"),
        (("--level", "3", "--data", "/no/such/folder"), "no/such/folder"),
        (("--sparsity", "1.2"), "1.2"),
    ],
)
def test_bad_input_is_explained(command, more: tuple[str, ...], wrong: str) -> None:
    status, out, err = command("decide", *more)
    assert (status, out) == (1, "")
    assert wrong in err


def test_stopped_it_says_what_is_kept(command, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.sweeps import candidates

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(candidates, "costs_of", stopped)
    status, out, err = command(*USUAL)
    assert (status, out) == (130, "")
    assert "The images that are done are kept; the same command goes on from there." in err


def test_the_guide_says_what_the_command_answers(command) -> None:
    text = " ".join((REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8").split())
    words = "decide --level 3 6 10 --images 1000 --noise 0.2 --limit-accuracy 0.02"
    assert f"python -m core {words}" in text
    facts = json.loads(command(*words.split(), "--device", "cpu", "--json")[1])
    dense, third, sixth, tenth = facts["networks"]
    assert [row["verdict"] for row in (third, sixth, tenth)] == ["within", "within", "beyond"]
    assert sixth["recommended"]
    lower = [round(-100 * sixth[f"accuracy_difference_{name}"], 1) for name in ("found", "bound_low")]
    sizes = [f"{row['kept_bytes'] / 1000:.1f} kB" for row in (sixth, dense)]
    assert f"its compressed file has {sizes[0]} instead of {sizes[1]}" in text
    assert f"its accuracy is {lower[0]} points lower on 1,000 digits, and at most {lower[1]} points" in text
    (apart,) = [line for line in facts["sentences"] if "cannot be told apart" in line]
    needed = re.search("about ([0-9,]+) would do", apart)
    assert needed is not None
    assert f"about {needed[1]} would do." in text
