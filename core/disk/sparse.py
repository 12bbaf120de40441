"""Compact storage of pruned weights: one bit per weight for the mask, and only kept values."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.base.errors import BadFile


def pack_sparse(weights: Mapping[str, Tensor], mask: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Pack weights and mask as tensors for `Files.save`.

    A masked weight W becomes "bits/W" (its mask, 8 to a byte), "kept/W" (its kept values in order)
    and "shape/W"; any other becomes "dense/W". A kept weight of exactly 0.0 remains kept. Values
    are stored bit for bit.

    Args:
        weights: by parameter name, any shape and type, on any device.
        mask: bool by parameter name, True = kept, each of its weight's shape; names may be missing.
    Returns:
        tensors on the CPU.
    Raises:
        ValueError: a mask without a weight, of another shape, or not bool.
    """
    if unknown := sorted(set(mask) - set(weights)):
        raise ValueError(f"masks without weights: {unknown}")
    packed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        weight = weight.detach().cpu()
        if name not in mask:
            packed[f"dense/{name}"] = weight
            continue
        kept = mask[name].cpu()
        if kept.dtype != torch.bool or kept.shape != weight.shape:
            raise ValueError(
                f"the mask of {name} is {kept.dtype} {tuple(kept.shape)}, its weight {tuple(weight.shape)}"
            )
        packed[f"bits/{name}"] = torch.from_numpy(np.packbits(kept.numpy().reshape(-1)))
        packed[f"kept/{name}"] = weight[kept]
        packed[f"shape/{name}"] = torch.tensor(weight.shape, dtype=torch.int64)
    return packed


def unpack_sparse(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Unpack weights and mask from the result of `pack_sparse`; pruned weights are +0.

    Returns:
        weights by parameter name with removed ones zero, and the mask of those that have one.
    Raises:
        BadFile: the tensors do not match.
    """
    weights: dict[str, Tensor] = {}
    mask: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        kind, _, name = key.partition("/")
        if kind == "dense":
            weights[name] = tensor
        elif kind == "bits":
            weights[name], mask[name] = _unpack(name, tensors)
        elif kind not in ("kept", "shape") or f"bits/{name}" not in tensors:
            raise _bad(key)
    return weights, mask


def _unpack(name: str, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Unpack one weight and its mask. Raises BadFile."""
    try:
        bits, values = tensors[f"bits/{name}"], tensors[f"kept/{name}"]
        shape = tensors[f"shape/{name}"].tolist()
        size = math.prod(shape)
        if min(shape, default=0) < 0 or bits.dtype != torch.uint8 or bits.shape != (-(-size // 8),):
            raise _bad(name)
        kept = torch.from_numpy(np.unpackbits(bits.numpy(), count=size).astype(bool)).reshape(shape)
        if values.shape != (int(kept.sum()),):
            raise _bad(name)
    except (KeyError, TypeError) as error:
        raise _bad(name) from error
    weight = torch.zeros(shape, dtype=values.dtype)
    weight[kept] = values
    return weight, kept


def _bad(name: str) -> BadFile:
    return BadFile(
        f"The packed weights '{name}' cannot be unpacked.",
        "A masked weight needs matching bits, kept values and shape.",
        "Delete their file and run the step that creates it again.",
    )
