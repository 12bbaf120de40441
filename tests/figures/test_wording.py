"""Sentences hold the numbers they are made from."""

from __future__ import annotations

from core.figures.wording import accuracy_text
from core.results import Accuracy
from core.specs import DataSpec, VariantSpec


def test_accuracy_in_words_has_counts_and_interval() -> None:
    accuracy = Accuracy(variant=VariantSpec(), data=DataSpec(), correct=4560, total=5000, low=0.9038, high=0.9195)
    assert accuracy_text(accuracy) == "91.2 % (4,560 of 5,000; 95 % interval 90.4 to 92.0 %)"
