"""Errors for people have three parts, and a wrong name gets the nearest one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base import errors
from core.base.errors import BadSpec, SparsightError, UnknownName
from core.base.registry import Registry
from core.base.text import LONGEST

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SparsightError)]


def test_the_three_parts_make_the_message() -> None:
    error = BadSpec("A sparsity of 2 cannot be used.", "It is a share from 0 to 1.", "Choose another.")
    assert (error.wrong, error.allowed, error.next_step) == (
        "A sparsity of 2 cannot be used.",
        "It is a share from 0 to 1.",
        "Choose another.",
    )
    assert str(error) == "A sparsity of 2 cannot be used. It is a share from 0 to 1. Choose another."


def test_parts_may_be_left_out() -> None:
    assert str(BadSpec("No.", next_step="Try again.")) == "No. Try again."


@given(st.text(st.characters(codec=None), max_size=50), st.integers(1, 300))
def test_whatever_a_message_quotes_it_can_be_shown(name: str, times: int) -> None:
    error = BadSpec(f"'{name * times}' is no folder.", "It is one.", "Choose another.")
    assert len(error.wrong) <= LONGEST + 5 * LONGEST  # every sign is written as six at most
    error.wrong.encode()
    assert not set(error.wrong) & set("\x1b\0\r\u202e\u2028")
    assert error.wrong.endswith("' is no folder.")


def test_names_of_other_languages_are_left_as_they_are() -> None:
    name = "Größe, 数字, e\u0301, 👩\u200d🔬\nand a second line"
    assert BadSpec(name).wrong == name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_caught_as_one_and_says_when_it_is_raised(kind: type[SparsightError]) -> None:
    error = kind("noun", "name", ["names"]) if kind is UnknownName else kind("wrong")
    with pytest.raises(SparsightError):
        raise error
    assert kind.__doc__


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("grad-cam+", "grad-cam++"),
        ("gradcam", "grad-cam"),
        ("GRAD-CAM", "grad-cam"),
        ("eigen", "eigen-cam"),
        ("", None),
        (7, None),
    ],
)
def test_the_nearest_name_is_suggested_when_there_is_one(name: object, nearest: str | None) -> None:
    error = UnknownName("CAM method", name, ["grad-cam", "grad-cam++", "eigen-cam"])
    assert error.nearest == nearest
    assert error.wrong == f"There is no CAM method '{name}'."
    assert error.allowed == "Known: grad-cam, grad-cam++, eigen-cam."
    assert error.next_step == (f"Did you mean '{nearest}'?" if nearest else "Choose one of them.")


def test_registries_raise_it() -> None:
    things: Registry[int] = Registry("thing")
    things.register("first", "First", "The first one.")(1)
    with pytest.raises(UnknownName, match=r"no thing 'frist'\. Known: first\. Did you mean 'first'\?"):
        things["frist"]
    with pytest.raises(ValueError, match="registered twice"):
        things.register("first", "First", "Again.")(2)
