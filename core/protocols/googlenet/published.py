"""von Rad and Seuffert: what is published, what is not, and how we read it.

Shown beside every result.
"""

from __future__ import annotations

from typing import Any

# torchvision's GoogLeNet IMAGENET1K_V1, which the paper begins with, on ImageNet's validation
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
)
READINGS = (
    (
        "Unstructured: one global ranking of |w| over all convolutions and linear layers. The layer that makes the"
        " classes is left whole: on other data it is newly drawn, on another scale (a ranking with SqueezeNet's removed"
        " all of it at 89 %, and the network was dead)."
    ),
    "Structured: mean |w| of a filter, the same share of every layer; the layer that makes the classes is left whole.",
    (
        "Connection sparsity: mean |w| of a kernel, which joins one input channel to one output channel, the same share"
        " of every layer; the first layer is left whole. The other reading, whole input channels, is a series of its"
        " own (input-channels)."
    ),
    (
        "Iterative: the rates themselves are the rounds, so every rate is a network of the series; equal density ratios"
        " only if the rates are."
    ),
    (
        "SGD, learning rate 0.01 along a cosine, momentum 0.9, weight decay 1e-4, batch 64, images mirrored at random,"
        " no early stopping; the epoch with the most right answers on the validation images is kept, and test images"
        " are only counted."
    ),
    (
        "On other data than ImageNet the dense network is torchvision's with a new head, trained by the same recipe;"
        " every series begins with it."
    ),
)
UNKNOWN = "The values in the paper's figures, its norms, scopes, schedules, optimiser and learning rate are not known."
ADAMW = (
    "AdamW at a learning rate of 0.0003 instead of SGD: chosen on the validation images, where SGD brought a SqueezeNet"
    " pruned by 89 % back to 17 % at most in two short epochs, AdamW to 64 %."
)
