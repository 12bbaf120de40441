"""Convert saliency maps (h, w) to heatmaps (H, W) in [0, 1], and report maps without evidence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-7  # pytorch-grad-cam's, in the denominator of each scaling
FLAT = 1e-6  # a spread below this share of the largest value is rounding, not evidence
STATES = ("ok", "empty", "constant", "invalid")  # keys of core.results.MAP_STATES


def normalise(maps: Tensor, size: Sequence[int], from_zero: bool = False) -> tuple[Tensor, list[str]]:
    """Scale each map to [0, 1], resize it bilinearly, scale it again.

    Args:
        maps: (N, h, w) saliency maps in cells.
        size: (H, W) of the heatmaps in pixels.
        from_zero: only divide by the maximum, without subtracting the minimum.

    Returns:
        heatmaps (N, H, W) float32 in [0, 1], and the state of each map: "ok", "empty" (zero
        everywhere), "constant" or "invalid" (NaN or infinite somewhere). All but "ok" are zero
        everywhere, never stretched into noise.

    Source: pytorch-grad-cam's scale_cam_image, twice. Differs from it: constant and invalid maps
    become zero.
    """
    maps = maps.detach().float()
    codes = _state_codes(maps)
    usable = (codes == 0)[:, None, None]
    scaled = _scale(torch.where(usable, maps, 0.0), from_zero)
    heatmaps = functional.interpolate(scaled[:, None], size=tuple(size), mode="bilinear", align_corners=False)[:, 0]
    return _scale(heatmaps, from_zero), [STATES[code] for code in codes.tolist()]


def usable_and_empty(states: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return which maps of these states are usable, and which heatmaps are zero everywhere, (N,)
    bool; an invalid map is neither.

    A constant saliency map counts as an empty heatmap, because scaling subtracts its smallest
    value.
    """
    return torch.tensor([state == "ok" for state in states]), torch.tensor(
        [state in ("empty", "constant") for state in states]
    )


def to_measure(heatmaps: Tensor, states: Sequence[str]) -> Tensor:
    """Replace each invalid heatmap of (N, H, W) by NaN: it is drawn as zeros but must not be scored
    as an empty map.
    """
    invalid = torch.tensor([state == "invalid" for state in states], dtype=torch.bool, device=heatmaps.device)
    return heatmaps.masked_fill(invalid[:, None, None], torch.nan)


def _state_codes(maps: Tensor) -> Tensor:
    """Return the index into STATES of each map, (N,)."""
    low, high = maps.amin(dim=(1, 2)), maps.amax(dim=(1, 2))  # NaN if any value is NaN
    codes = torch.zeros(len(maps), dtype=torch.long, device=maps.device)
    codes[high - low <= FLAT * torch.maximum(high.abs(), low.abs())] = 2
    codes[(high == 0) & (low == 0)] = 1
    codes[~(torch.isfinite(low) & torch.isfinite(high))] = 3
    return codes


def _scale(maps: Tensor, from_zero: bool) -> Tensor:
    """Subtract each map's minimum, unless 0 stays 0, and divide by its maximum; a zero map stays
    zero.
    """
    maps = maps - (0 if from_zero else maps.amin(dim=(1, 2), keepdim=True))
    return maps.div_(maps.amax(dim=(1, 2), keepdim=True) + EPSILON)
