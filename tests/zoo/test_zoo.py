"""Awkward inputs are taken, or refused with the reason; none ends in another error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo.case import Case
from tests.zoo.page import page
from tests.zoo.table import ZOO

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{kind}: {case.what}") for kind, cases in ZOO.items() for case in cases]
)
def test_the_zoo(case: Case, tmp_path: Path) -> None:
    if case.error is None:
        assert case.says in "\n".join(case.ask(tmp_path))
        return
    with pytest.raises(case.error) as raised:
        tuple(case.ask(tmp_path))
    error = raised.value
    assert case.says
    assert case.says in str(error)
    assert error.wrong
    assert error.next_step


def test_the_page_lists_the_zoo() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make tables"


def test_no_input_is_listed_twice() -> None:
    for cases in ZOO.values():
        assert len({case.what for case in cases}) == len(cases)
