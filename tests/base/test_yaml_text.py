"""YAML that others wrote: the same as the library reads, and no bombs."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.base import yaml_text
from core.base.errors import BadFile, BadSpec
from core.study.written import from_text
from core.sweeps.written import read_sweep

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


def bomb(levels: int) -> str:
    """Some lines that stand for ten times as many parts with each level."""
    lines = ["models: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"m{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join((*lines, f"title: *a{levels - 1}"))


@given(values)
def test_any_value_is_read_as_the_library_reads_it(value: Any) -> None:
    text = yaml.safe_dump(value)
    assert yaml_text.load(text) == yaml.safe_load(text) == value


def test_a_few_aliases_are_as_good_as_what_they_stand_for() -> None:
    assert yaml_text.load("a: &x [1, 2]\nb: *x\nc: *x") == {"a": [1, 2], "b": [1, 2], "c": [1, 2]}


@pytest.mark.parametrize("text", [bomb(9), bomb(30), "a: &x [*x]", "&x {a: {b: *x}}"])
def test_aliases_without_end_are_refused_at_once(text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ValueError, match="alias"):
        yaml_text.load(text)
    assert time.monotonic() - begun < 5


def test_studies_and_sweeps_refuse_them(tmp_path: Any) -> None:
    with pytest.raises(BadSpec, match="100,000 parts"):
        from_text(bomb(9))
    (tmp_path / "sweep.yaml").write_text(bomb(9))
    with pytest.raises(BadFile, match="100,000 parts"):
        read_sweep(tmp_path / "sweep.yaml")
