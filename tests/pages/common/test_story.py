"""The sentence at the top says the one thing that matters; warnings say what to do next."""

from __future__ import annotations

import numpy as np
import pytest

from core.specs import CamSpec, PruningSpec
from pages.parts.common import story
from tests.made import SIDE, Made

EMPTY = np.zeros((SIDE, SIDE))
ALL = (36, 288, 2000)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            Made(),
            "still says **7** (0.82), and **part of its evidence moves** (Grad-CAM agrees by 0.65, Layer-CAM 0.70).",
        ),
        (Made(agreements=(0.2, -0.1)), ", but **looks elsewhere** (Grad-CAM agrees by only 0.20, Layer-CAM −0.10)."),
        (Made(agreements=(0.2, 0.6)), "**part of its evidence moves** (Grad-CAM agrees by 0.20, Layer-CAM 0.60)."),
        (Made(agreements=(0.9, 0.85)), " and **looks at the same places** (Grad-CAM agrees by 0.90, Layer-CAM 0.85)."),
        (
            Made(agreements=(0.19, 0.89), cam=CamSpec(method="grad-cam++", layer="conv2")),
            "(0.82). Grad-CAM++ moves (0.19), Grad-CAM does not (0.89): **part of this is the method**.",
        ),
        (
            Made(agreements=(0.89, 0.19)),
            "Layer-CAM moves (0.19), Grad-CAM does not (0.89): **part of this is the method**.",
        ),
        (Made(agreements=(None, 0.9)), "How far its evidence agrees is undefined"),
        (
            Made(agreements=(0.9, None)),
            "Grad-CAM agrees by 0.90, but Layer-CAM finds no evidence in one of the networks.",
        ),
        (
            Made(pruned_says=1),
            "**changes its answer**: **7** (0.82) becomes **1** (0.82). It is a 7, so the dense network was right.",
        ),
        (Made(pruned_says=1, label=1), "It is a 1: pruning corrected the answer."),
        (Made(pruned_says=1, label=2), "Both are wrong: it is a 2."),
        (Made(dense_says=1, pruned_says=1), "Layer-CAM 0.70). Both are wrong"),
        (Made(pruned_says=1, label=None), "**7** (0.82) becomes **1** (0.82)."),
        (Made(pruned_map=EMPTY, pruned_state="empty"), "still says **7** (0.82), but its **heatmap is empty**."),
        (Made(pruned_map=EMPTY, pruned_state="constant"), "**heatmap is constant**"),
        (
            Made(collapsed=True, pruned_says=3),
            "has **collapsed**: no input reaches its output, and it says 3 to every image.",
        ),
        (Made(dense_map=EMPTY + 1, pruned_map=EMPTY + 1), "**nothing changes**"),
        (
            Made(kept=ALL, sparsity=0.0),
            "**Nothing is removed yet**: this is the dense network, and it says **7** (0.82).",
        ),
    ],
)
def test_the_sentence(made: Made, said: str) -> None:
    assert said in story.headline(made.build())


THIRD, ZEROS = (12, 96, 668), (24, 192, 1332)  # left, and zero before: 66.6 %


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            Made(kept=THIRD, already_zero=ZEROS, sparsity=0.0),
            "**This dense network is already 66.6 % sparse**, and it says **7** (0.82). Move the sparsity slider.",
        ),
        (
            Made(kept=THIRD, already_zero=ZEROS, pruning=PruningSpec()),
            "**This dense network is already 66.6 % sparse**, and it says **7** (0.82). Move the sparsity slider.",
        ),
        (
            Made(kept=THIRD, already_zero=ZEROS, sparsity=0.3),
            (
                "**This pruning removed 0 further weights**: the dense network was already 66.6 % sparse, and the"
                " lowest-ranked weights were already zero. It says **7** (0.82)."
            ),
        ),
        (
            Made(kept=(12, 96, 436), already_zero=ZEROS, sparsity=0.3),
            "At **76.6 % sparsity** (66.6 % before this pruning, 4.14× compression) the network still says",
        ),
        (
            Made(kept=THIRD, already_zero=ZEROS, removed_others=1, pruned_says=1),
            "(66.6 % before this pruning, 2.94× compression) the network",
        ),
        (
            Made(kept=(36, 288, 1980), already_zero=(0, 0, 20), sparsity=0.0),
            "**Nothing is removed yet**: this is the dense network",
        ),
    ],
)
def test_the_sentence_about_a_network_that_was_sparse_before(made: Made, said: str) -> None:
    assert said in story.headline(made.build())


def test_a_repair_without_pruning_is_no_dense_network() -> None:
    repaired = PruningSpec.one_shot(0.0, repair="batch-norm")
    said = story.headline(Made(kept=ALL, sparsity=0.0, pruning=repaired, pruned_says=1).build())
    assert said.startswith(
        "**Nothing is removed yet, but BatchNorm was measured again** on a few images: the network **changes its"
        " answer**"
    )


def test_the_sentence_names_sparsity_and_size_as_counted() -> None:
    assert story.headline(Made(sparsity=0.1).build()).startswith("At **50.0 % sparsity** (1.98× compression)")


@pytest.mark.parametrize(
    ("made", "starts"),
    [
        (Made(), []),
        (Made(pruned_says=1), ["**Flipped prediction.**"]),
        (Made(pruned_state="empty"), ["**The pruned network's map is empty.**"]),
        (Made(dense_state="constant"), ["**The dense network's map is constant.**"]),
        (
            Made(pruned_state="invalid", pruned_says=2),
            ["**The pruned network's map is invalid.**", "**Flipped prediction.**"],
        ),
        (Made(collapsed=True, pruned_state="empty", pruned_says=2), ["**Collapsed network.**"]),
        (
            Made(negative_share=0.614, cam=CamSpec(method="grad-cam++", layer="conv2")),
            ["**61.4 % of this layer's values are negative: Grad-CAM++ is unstable here.**"],
        ),
        (Made(negative_share=0.614), []),  # Grad-CAM is sound there
        (Made(negative_share=0.0, cam=CamSpec(method="grad-cam++")), []),
    ],
)
def test_warnings(made: Made, starts: list[str]) -> None:
    found = story.warnings(made.build())
    assert len(found) == len(starts)
    assert all(text.startswith(start) for text, start in zip(found, starts, strict=True))


def test_warnings_say_what_to_do_next() -> None:
    assert "Iterative, weights reset" in story.warnings(Made(pruned_says=1).build())[0]
    assert "lower level" in story.warnings(Made(pruned_says=1, pruning=PruningSpec.at_level(12)).build())[0]
    assert "A lower sparsity" in story.warnings(Made(pruned_state="empty").build())[0]
    assert "Choose another method" in story.warnings(Made(dense_state="invalid").build())[0]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Made(pruned_state="empty"), "because the pruned network's map is empty"),
        (Made(dense_state="constant"), "because the dense network's map is constant"),
        (Made(clean=EMPTY), "there is no ink to compare with"),
        (Made(), "for these maps"),
    ],
)
def test_a_dash_has_a_reason(made: Made, why: str) -> None:
    assert why in story.undefined(made.build())


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0 %"),
        (0.5, "50.0 %"),
        (0.8954, "89.5 %"),
        (0.99914, "99.91 %"),
        (0.99999, "above 99.99 %"),
        (1, "100.0 %"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert story.percent(share) == text
