"""Sentences hold the numbers they are made from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.figures.names import USUAL, names, of
from core.figures.plots.base import empty_figure, with_floor
from core.figures.wording import accuracy_text, headline, plain, undefined
from core.results import Accuracy, Comparison
from core.specs import DataSpec, ModelSpec, VariantSpec
from core.sweeps.floor import Floor
from tests.made import Made, spot


def test_accuracy_in_words_has_counts_and_interval() -> None:
    accuracy = Accuracy(variant=VariantSpec(), data=DataSpec(), correct=4560, total=5000, low=0.9038, high=0.9195)
    assert accuracy_text(accuracy) == "91.2 % (4,560 of 5,000; 95 % interval 90.4 to 92.0 %)"


SEED = VariantSpec(model=ModelSpec(seed=334))


def beside(**changes: object) -> Comparison:
    """A comparison made by hand with the dense network of another seed."""
    answer = Made(**changes).build()
    reference = replace(answer.reference, variant=SEED)
    return replace(answer, reference=reference, reference_name="the dense network of seed 334")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            beside(agreements=(0.9, 0.95)),
            "At 50.0 % sparsity (1.98× compression) the network says 7 (0.82), as the dense network of seed 334 does"
            " (0.82), and looks at the same places (Grad-CAM agrees by 0.90, Layer-CAM 0.95).",
        ),
        (
            beside(pruned_says=1),
            "the network says 1 (0.82), but the dense network of seed 334 says otherwise: 7 (0.82). It is a 7, so the"
            " dense network of seed 334 is right.",
        ),
        (beside(dense_says=1), "7 (0.82), but the dense network of seed 334 says otherwise: 1 (0.82). It is a 7, so"),
        (beside(pruned_state="empty"), "does (0.82), but its heatmap is empty."),
        (beside(pruned_map=spot(4, 4)), "for exactly the same evidence."),
        (beside(collapsed=True), "has collapsed: no input reaches its output. The dense network of seed 334 says 7"),
        (beside(kept=(36, 288, 2000)), "Without pruning, the network says 7 (0.82), as the dense network of seed 334"),
    ],
    ids=("same places", "wrong", "right", "empty", "equal", "collapsed", "not pruned"),
)
def test_the_headline_names_both_networks(answer: Comparison, text: str) -> None:
    assert text in plain(headline(answer))


def test_a_name_from_a_file_is_escaped_in_the_headline() -> None:
    answer = replace(beside(), reference_name="My <b>net</b>, dense")
    assert "MY-NET" in headline(answer, lambda name: "MY-NET" if "<b>" in name else name)
    assert "<b>" not in headline(answer, lambda name: "MY-NET" if "<b>" in name else name)


def test_two_networks_have_names_in_titles_files_and_sentences() -> None:
    usual, other = Made().build(), beside()
    assert names(usual) is USUAL
    assert names(usual).titles == ("Dense", "Pruned")
    assert names(other).titles == ("Dense network of seed 334", "This network")
    assert of(usual, usual.reference, "map") == "the dense network's map"
    assert of(usual, usual.pruned, "map") == "the pruned network's map"
    assert of(other, other.reference, "map") == "the map of the dense network of seed 334"
    assert of(other, other.pruned, "map") == "the map of this network"
    assert undefined(beside(dense_state="empty")).endswith("the map of the dense network of seed 334 is empty.")


FLOOR = Floor(seeds=(333, 334, 335), mean=0.45, low=0.4, high=0.5, n=90)


@pytest.mark.parametrize(("value", "said"), [(0.39, True), (0.4, False), (0.62, False), (None, False)])
def test_less_than_two_seeds_agree_is_a_finding(value: float | None, said: bool) -> None:
    answer = Made(agreements=(value, 0.7)).build()
    text = "less than two dense networks of different seeds agree with each other (0.45 on average, n = 90 images)"
    assert (text in plain(headline(answer, floor=FLOOR))) is said
    assert "seeds" not in headline(answer)


def test_a_figure_of_agreement_has_the_noise_floor() -> None:
    figure = with_floor(empty_figure("Agreement"), FLOOR)
    band, line = figure.layout.shapes
    assert (band.y0, band.y1, line.y0, line.y1) == (0.4, 0.5, 0.45, 0.45)
    assert figure.layout.annotations[0].text == "two dense networks of different seeds: 0.45"
