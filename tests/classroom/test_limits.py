"""Limits of a server for many: from the environment and from options, never below the least."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.classroom.limits import Limits, names, variable

numbers = st.integers(1, 10**8)


@given(st.fixed_dictionaries(dict.fromkeys(names(), numbers)))
def test_what_a_command_sets_is_what_its_server_reads(values: dict[str, int]) -> None:
    limits = Limits(**values)
    assert Limits.from_environment(limits.environment()) == limits


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Limits.from_environment(dict.fromkeys(map(variable, names()), "")) == Limits()
    assert Limits.from_environment({}) == Limits()


def test_bytes_have_units() -> None:
    assert Limits.of({"upload_bytes": "2MB", "all_upload_bytes": "1 GB"}, str).upload_bytes == 2_000_000


@pytest.mark.parametrize(("name", "text"), [(name, "0") for name in names() if name != "uploads"])
def test_only_uploads_can_be_none(name: str, text: str) -> None:
    assert Limits.from_environment({variable("uploads"): text}).uploads == 0
    with pytest.raises(BadSpec, match="at least 1"):
        Limits.from_environment({variable(name): text})


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("text", ["-1", "nan", "²", "1e3x", "9" * 40])
def test_a_limit_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(BadSpec, match=variable(name)):
        Limits.from_environment({variable(name): text})
