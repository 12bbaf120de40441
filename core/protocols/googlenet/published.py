"""von Rad and Seuffert: published values, unknowns and our readings.

Shown beside every result.
"""

from __future__ import annotations

from typing import Any

# torchvision's GoogLeNet IMAGENET1K_V1, from which the paper starts, on ImageNet's validation
# images
REFERENCE: dict[str, Any] = {
    "model": "googlenet",
    "top_1": 0.69778,
    "top_5": 0.8953,
    "parameters": 6_624_904,
    "multiply_adds": 1.50e9,
}
FINDINGS = (
    (
        "Connection sparsity is the best trade-off of size and accuracy, above all with iterative retraining, but"
        " expensive."
    ),
    "With enough retraining the accuracy comes near the dense network's and sometimes passes it.",
    (
        "The interpretability of single units (Machine Interpretability Score) has no significant relation with the"
        " pruning rate; networks near chance can score high."
    ),
)
READINGS = (
    (
        "Unstructured: one global ranking of |w| over all convolutions and linear layers. The classifier is not "
        "pruned: on other data it is drawn anew, on another scale (a ranking with SqueezeNet's classifier removed all "
        "of it at 89 %, and the network was dead)."
    ),
    "Structured: mean |w| of a filter, the same share of every layer; the classifier is not pruned.",
    (
        "Connection sparsity: mean |w| of a kernel, which connects one input channel to one output channel, the same "
        "share of every layer; the first layer is not pruned. The other reading, whole input channels, is a separate "
        "series (input-channels)."
    ),
    (
        "Iterative: the rates themselves are the rounds, so every rate is a network of the series; density ratios are "
        "equal only if the rates give equal ratios."
    ),
    (
        "SGD, learning rate 0.01 along a cosine, momentum 0.9, weight decay 1e-4, batch 64, images flipped at random, "
        "no early stopping; the epoch with the best validation accuracy is kept, and test images are only evaluated."
    ),
    (
        "On other data than ImageNet the dense network is torchvision's with a new head, trained by the same recipe; "
        "every series starts from it."
    ),
)
UNKNOWN = "The values in the paper's figures, its norms, scopes, schedules, optimiser and learning rate are not known."
ADAMW = (
    "AdamW at a learning rate of 0.0003 instead of SGD: chosen on the validation images, where in two short epochs "
    "SGD restored a SqueezeNet pruned by 89 % to 17 % at most, AdamW to 64 %."
)
