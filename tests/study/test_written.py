"""Studies as YAML: read and written without loss; mistakes are named with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile, SparsightError
from core.study.presets import PRESETS
from core.study.spec import StudySpec
from core.study.texts import Texts
from core.study.written import from_mapping, from_text, read_study, to_mapping, to_yaml
from tests.study.conftest import small_spec

GOOD = """\
title: Which one?
model: thesis-cnn
variants:
  dense: {}
  half: {sparsity: 0.5}
  tenth: {level: 10}
tasks:
  - {kind: heatmap-pair, pairs: [[dense, half]]}
  - kind: name-object
    variants: [dense, tenth]
images: 3
"""


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_are_read_as_they_are_written(name: str) -> None:
    spec = PRESETS[name].value()
    assert from_text(to_yaml(spec)) == spec
    assert from_mapping(to_mapping(spec)) == spec


@given(text=st.text(max_size=60), title=st.text(min_size=1, max_size=30).filter(str.strip))
def test_any_text_survives_being_written(text: str, title: str) -> None:
    spec = small_spec(title=title, texts=Texts(consent=text, contact=text))
    assert from_text(to_yaml(spec)) == spec


def test_a_short_file_takes_the_usual_values() -> None:
    spec = from_text(GOOD)
    assert isinstance(spec, StudySpec)
    assert spec.names == ("dense", "half", "tenth")
    assert spec.variant("tenth").pruning.level == 10
    assert spec.answers == 5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Which one?\n", "", "no title"),
        ("images: 3", "images: none", "Line 11: A number of images of none"),
        ("images: 3", "images: -1", "Line 11:"),
        ("images: 3", "image: 3", "Line 11:.*'image'"),
        ("{sparsity: 0.5}", "{sparsity: 50}", "Line 5: A sparsity of 50"),
        ("{sparsity: 0.5}", "{sparsiti: 0.5}", "Line 5:.*sparsiti"),
        ("{sparsity: 0.5}", "0.5", "Line 5:.*not a mapping"),
        ("kind: heatmap-pair", "kind: heatmap-pairs", "Line 8:.*heatmap-pairs"),
        ("[[dense, half]]", "[[dense, quarter]]", "'quarter'"),
        ("[[dense, half]]", "[[dense, dense]]", "Line 8:.*itself"),
        ("[[dense, half]]", "[dense, half]", "Line 8: The pairs are not pairs"),
        ("[[dense, half]]", "[[dense, half]", r"Line \d+: this is not YAML"),
        ("model: thesis-cnn", "model: thesis", "Line 2:.*thesis"),
        ("model: thesis-cnn", "model: {nome: thesis-cnn}", "Line 2:.*nome"),
        ("images: 3", "display: rainbow", "Line 11:.*rainbow"),
        ("images: 3", "anonymous: perhaps", "Line 11:.*perhaps"),
        ("images: 3", "rules: {catch_share: 75}", "Line 11: A share of catch trials"),
        ("images: 3", "texts: {consent: 5}", "Line 11: The text 'consent'"),
        ("images: 3", "heatmap: {method: [a]}", "Line 11:"),
        (GOOD, "", "not a mapping"),
        (GOOD, "- a\n- b\n", "not a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(SparsightError, match=said):
        from_text(GOOD.replace(old, new))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        read_study(tmp_path / "missing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFile, match="not text"):
        read_study(tmp_path / "binary.yaml")
