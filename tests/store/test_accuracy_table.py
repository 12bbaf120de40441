"""The accuracy table: what is written is read, an earlier folder wins, damage is named, a folder
that cannot be written is said.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.checks import checked
from core.base.errors import CacheNotWritable
from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.specs import DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.store.accuracy_table import COLUMNS, AccuracyTable, read_counts, write_counts

SHIPPED = shipped_folder()
MODEL = ModelSpec()
VARIANT = VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(0.5))
NOISY = DataSpec(noise=0.2)


def place(root: Path) -> Path:
    return root / MODEL.key / "accuracy.csv"


NETWORK = "0123456789abcdef"


def one_row(root: Path, correct: int, network: str = NETWORK) -> None:
    write_counts(place(root), [(VARIANT.pruning.key, NOISY.key, correct, 5000, network)])


def table_of(*roots: Path) -> AccuracyTable:
    return AccuracyTable(roots, lambda variant: NETWORK + "more of its checksum")


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
counts = st.integers(0, 10**6).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(st.dictionaries(st.tuples(names, names), counts, max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: dict) -> None:
    path = tmp_path_factory.mktemp("table") / "deep" / "accuracy.csv"
    write_counts(path, ((*key, *row, NETWORK) for key, row in rows.items()))
    assert read_counts(path) == ({key: (*row, NETWORK) for key, row in rows.items()}, ())
    assert [entry.name for entry in path.parent.iterdir()] == ["accuracy.csv"]  # nothing temporary is left


def test_no_table_has_no_rows(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "accuracy.csv") == ({}, ())
    assert table_of(tmp_path).get(VARIANT, NOISY) is None


def test_counts_are_found_by_variant_and_data(tmp_path: Path) -> None:
    one_row(tmp_path, 4321)
    table = table_of(tmp_path)
    assert table.get(VARIANT, NOISY) == (4321, 5000)
    assert table.get(VARIANT, DataSpec()) is None
    assert table.get(VARIANT.dense, NOISY) is None
    assert table.get(VariantSpec(model=ModelSpec(seed=334), pruning=VARIANT.pruning), NOISY) is None


def test_counts_of_other_weights_are_not_used(tmp_path: Path) -> None:
    """A row of another network in an earlier folder does not hide one of this network in a later
    one; tables of older versions do not say which network they counted.
    """
    one_row(tmp_path / "own", 1, "f" * 16)
    assert table_of(tmp_path / "own").get(VARIANT, NOISY) is None
    one_row(tmp_path / "shipped", 2)
    assert table_of(tmp_path / "own", tmp_path / "shipped").get(VARIANT, NOISY) == (2, 5000)
    older = f"pruning,data,correct,total\n{VARIANT.pruning.key},{NOISY.key},3,5000\n"
    place(tmp_path / "own").write_text(older)
    assert table_of(tmp_path / "own").get(VARIANT, NOISY) is None


def test_a_network_that_is_trained_anew_is_counted_anew(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / MODEL.key, tmp_path / MODEL.key)
    engine, level = Engine("cpu", tmp_path), VariantSpec(model=MODEL, pruning=PruningSpec.at_level(5))
    before = [engine.known_accuracy(variant, NOISY) for variant in (VARIANT, level)]
    assert all(before)
    for trained, other in ((level, 20), (VARIANT.dense, 0)):
        source = VariantSpec(model=ModelSpec(seed=334), pruning=PruningSpec.at_level(other))
        shutil.copy(
            SHIPPED / f"{engine.store.stored_key(source)}.safetensors",
            tmp_path / f"{engine.store.stored_key(trained)}.safetensors",
        )
    for variant, old in zip((VARIANT, level), before, strict=True):
        assert engine.known_accuracy(variant, NOISY) is None
        assert engine.accuracy(variant, NOISY).correct != old.correct


def test_an_earlier_folder_wins_and_a_later_one_fills_up(tmp_path: Path) -> None:
    one_row(tmp_path / "own", 1)
    write_counts(
        place(tmp_path / "shipped"),
        [(VARIANT.pruning.key, NOISY.key, 2, 5000, NETWORK), ("dense", NOISY.key, 3, 5000, NETWORK)],
    )
    table = table_of(tmp_path / "own", tmp_path / "shipped")
    assert table.get(VARIANT, NOISY) == (1, 5000)
    assert table.get(VARIANT.dense, NOISY) == (3, 5000)


HEAD = f"{','.join(COLUMNS)}\n"


def line(**changes: str) -> str:
    """A line whose checksum matches."""
    facts = {"pruning": "dense", "data": "digits", "correct": "4900", "total": "5000", "network": "0" * 16}
    return ",".join(checked(facts | changes).values()) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + line(correct="5001"),
        HEAD + line(correct="-1"),
        HEAD + line(correct="4.5"),
        HEAD + line().replace("4900", "4901"),  # a flipped digit
        HEAD + line().replace("dense", "dance"),
        HEAD + "dense,digits\n",
        HEAD + "dense,digits,49",
        (HEAD + line())[:-20],
        HEAD[:20],
        HEAD[:-1],
        "pruning,data\n",
        "",
        "model,data,correct,total\ndense,digits,4900,5000\n",
    ],
)
def test_a_damaged_table_is_named_and_not_used(tmp_path: Path, content: str) -> None:
    place(tmp_path).parent.mkdir(parents=True)
    place(tmp_path).write_text(content)
    table = table_of(tmp_path)
    assert table.get(VariantSpec(), DataSpec()) is table.get(VARIANT, NOISY) is None
    (remark,) = table.remarks(MODEL)
    assert str(place(tmp_path)) in remark
    assert "counted again" in remark
    assert "git checkout" in remark


def test_a_damaged_line_costs_no_other_line(tmp_path: Path) -> None:
    one_row(tmp_path, 4321)
    kept, path = place(tmp_path).read_text(), place(tmp_path)
    path.write_text(kept + line().replace("4900", "4901"))
    table = table_of(tmp_path)
    assert table.get(VARIANT, NOISY) == (4321, 5000)
    assert table.get(VariantSpec(), DataSpec()) is None
    (remark,) = table.remarks(MODEL)
    assert remark.startswith(f"Line 3 of {path} is damaged, so not used. What it held is counted again")
    path.write_text(kept + '"unclosed,\n' * 5)  # a quotation mark does not swallow the lines below it
    assert table.get(VARIANT, NOISY) == (4321, 5000)
    assert table.remarks(MODEL)[0].startswith("Lines 3, 4, 5 and 2 more of")


@given(st.data())
def test_any_changed_byte_is_said(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "accuracy.csv"
    write_counts(path, [("dense", "digits", 4900, 5000, "f" * 16), ("level-05", "digits", 4321, 5000, "0" * 16)])
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    path.write_bytes(content)
    assert len(read_counts(path).remarks) == 1


def test_a_whole_line_is_read(tmp_path: Path) -> None:
    (tmp_path / "accuracy.csv").write_text(HEAD + line())
    assert read_counts(tmp_path / "accuracy.csv") == ({("dense", "digits"): (4900, 5000, "0" * 16)}, ())


@given(st.data())
def test_no_changed_byte_changes_a_count(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "accuracy.csv"
    write_counts(path, [("dense", "digits", 4900, 5000, "f" * 16), ("level-05", "digits", 4321, 5000, "0" * 16)])
    whole, content = read_counts(path).rows, bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    path.write_bytes(content)
    assert read_counts(path).rows.items() <= whole.items()


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    (tmp_path / "accuracy.csv").write_bytes(b"\xff\xfe\x00\x80")
    rows, (remark,) = read_counts(tmp_path / "accuracy.csv")
    assert rows == {}
    assert "its header is not" in remark


def test_writing_again_replaces(tmp_path: Path) -> None:
    one_row(tmp_path, 1)
    one_row(tmp_path, 2)
    assert read_counts(place(tmp_path)).rows == {(VARIANT.pruning.key, NOISY.key): (2, 5000, NETWORK)}


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheNotWritable, match="could not be written"):
        one_row(tmp_path / "file", 1)
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    one_row(tmp_path, 1)
    place(tmp_path).parent.chmod(0o555)
    try:
        with pytest.raises(CacheNotWritable):
            one_row(tmp_path, 2)
    finally:
        place(tmp_path).parent.chmod(0o755)
    assert read_counts(place(tmp_path)).rows == {(VARIANT.pruning.key, NOISY.key): (1, 5000, NETWORK)}


def test_what_cannot_be_renamed_leaves_nothing_behind(tmp_path: Path) -> None:
    place(tmp_path).mkdir(parents=True)  # a folder stands where the table should go
    (place(tmp_path) / "content").write_text("")
    with pytest.raises(CacheNotWritable):
        one_row(tmp_path, 1)
    assert [entry.name for entry in place(tmp_path).parent.iterdir()] == ["accuracy.csv"]


def test_a_table_that_changes_on_disk_is_read_again(tmp_path: Path) -> None:
    table = table_of(tmp_path / "own", tmp_path / "shipped")
    assert table.get(VARIANT, NOISY) is None
    one_row(tmp_path / "shipped", 7)
    assert table.get(VARIANT, NOISY) == (7, 5000)
    one_row(tmp_path / "own", 8)
    assert table.get(VARIANT, NOISY) == (8, 5000)
    one_row(tmp_path / "own", 9)  # of the same size
    assert table.get(VARIANT, NOISY) == (9, 5000)
    place(tmp_path / "own").unlink()
    assert table.get(VARIANT, NOISY) == (7, 5000)


def test_a_table_that_stays_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_row(tmp_path, 7)
    table = table_of(tmp_path)
    table.get(VARIANT, NOISY)
    monkeypatch.setattr(Path, "read_bytes", lambda *_, **__: pytest.fail("it was read again"))
    assert table.get(VARIANT, NOISY) == (7, 5000)
