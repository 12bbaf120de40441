"""The second CAM method beside another, so that a finding does not rest on one method alone.

The second method must be able to disagree. If average pooling and a linear layer follow the target
layer, gradients
are the same in every cell: Grad-CAM, HiRes-CAM and XGrad-CAM are then identical by construction,
and Layer-CAM and Grad-CAM++ nearly so. A method that lets negative gradients count is therefore
paired with one that does not.
"""

from __future__ import annotations

NEGATIVE_LIMIT = 0.01  # a layer with a larger share of negative values counts as not rectified
SIGNED = ("grad-cam", "hires-cam", "xgrad-cam", "shapley-cam")  # positive and negative gradients count


def second_method(method: str, negative_share: float) -> str:
    """Return the second method beside `method` at a layer with this share of negative values."""
    if method not in SIGNED:
        return "grad-cam"
    return "layer-cam" if negative_share <= NEGATIVE_LIMIT else "grad-cam-elementwise"


def second_methods(method: str) -> tuple[str, ...]:
    """Return every method that `second_method` may return for this one."""
    return tuple(dict.fromkeys(second_method(method, share) for share in (0.0, 1.0)))
