"""Results of any content have a short `repr` that names their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.base.brief import brief
from core.specs import VariantSpec


@brief
@dataclass(frozen=True)
class Result:
    value: Any
    hidden: str = field(default="hidden", repr=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros((224, 224), np.float32), "<ndarray of 224 x 224>"),
        (torch.zeros(3, 4), "<Tensor of 3 x 4>"),
        (pandas.DataFrame({"a": [1, 2]}), "<DataFrame of 2 x 1>"),
        (VariantSpec(), repr(VariantSpec().key)),
        (Result(np.zeros(9)), "Result(...)"),
        (1 / 3, "0.333333"),
        (None, "None"),
        ((0.5,), "(0.5,)"),
        ({"soft-iou": 0.25, "iou": None}, "{'soft-iou': 0.25, 'iou': None}"),
        (tuple(range(1000)), "<tuple of 1,000>"),
        (["a" * 100], f"['{'a' * 59}…']"),
    ],
)
def test_what_is_shown(value: object, shown: str) -> None:
    assert repr(Result(value)) == f"Result(value={shown})"


CONTENT = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), inner.map(lambda one: (one,))),
)


@given(CONTENT)
def test_any_content_has_one(value: object) -> None:
    assert repr(Result(value)).startswith("Result(value=")
