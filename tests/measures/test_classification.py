"""Predictions: probabilities, counts and agreement."""

from __future__ import annotations

import math

import pytest
import torch

from core.measures import probabilities, top1
from core.specs import NO_ANSWER

LOGITS = torch.tensor([[0.0, 2.0, 1.0], [5.0, -1.0, 5.0], [1.0, 1.0, 3.0]])


def test_probabilities_by_definition() -> None:
    found = probabilities(LOGITS)
    for row, logits in zip(found.tolist(), LOGITS.tolist(), strict=True):
        total = sum(math.exp(value) for value in logits)
        assert row == pytest.approx([math.exp(value) / total for value in logits])


def test_probabilities_of_large_and_of_half_precision_logits() -> None:
    assert probabilities(torch.tensor([[1e4, 0.0]])).tolist() == [[1.0, 0.0]]
    assert probabilities(LOGITS.bfloat16()).dtype == torch.float32


def test_top1_takes_the_first_of_equals() -> None:
    assert top1(LOGITS).tolist() == [1, 0, 2]


def test_logits_that_are_no_numbers_are_never_right() -> None:
    broken = LOGITS.clone()
    for bad in (torch.nan, torch.inf, -torch.inf):
        broken[0, 0] = bad
        assert top1(broken).tolist() == [NO_ANSWER, 0, 2]
        assert probabilities(broken)[0].isnan().all()
        assert torch.equal(probabilities(broken)[1:], probabilities(LOGITS)[1:])
