"""Tensors of a checkpoint: which ones are weights at all, and masks and parametrizations multiplied
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from core.base.errors import BadFile
from core.base.text import first_few

Tensors = dict[str, Tensor]
COUNTER = "num_batches_tracked"
FLOATS = "Weights must be dense floating-point tensors."
PARAMETRIZED = re.compile(r"(?P<module>.*\.|)parametrizations\.(?P<tensor>\w+)\.(?P<part>.+)")
NAMED = 5


def check_layout(name: str, key: str, values: Tensor) -> None:
    """Raise BadFile for a tensor that is not a plain array in memory."""
    wrong = next_step = ""
    if values.is_quantized:
        wrong, next_step = "is quantised", "Save the network before it is quantised, or call .dequantize() on it."
    elif values.layout != torch.strided:
        wrong, next_step = "is sparse", "Call .to_dense() on it before saving."
    elif values.device.type != "cpu":
        wrong, next_step = f"is on the device '{values.device.type}', without values", "Load its values, save it again."
    elif values.is_complex():
        wrong, next_step = "holds complex numbers", "Choose the weights of a CNN."
    elif values.numel() * values.element_size() > values.untyped_storage().nbytes():
        shape = " x ".join(map(str, values.shape))
        wrong = f"claims the shape {shape}, but the file holds {values.untyped_storage().nbytes():,} bytes of it"
        next_step = "Call .clone() on it before saving."
    if wrong:
        raise BadFile(f"{name}: the tensor '{key}' {wrong}.", FLOATS, next_step)


def as_weights(name: str, key: str, values: Tensor) -> Tensor:
    """Return a tensor of the network in float32; a counter stays an integer.

    Raises BadFile for integers, NaN and infinite values.
    """
    if key.endswith(COUNTER):
        return values.long()
    if not values.is_floating_point():
        raise BadFile(
            f"{name}: the tensor '{key}' holds integers ({_type(values)}).",
            FLOATS,
            "Save the network before it is quantised, or dequantised to floating point.",
        )
    values = values.float()
    if not torch.isfinite(values).all():
        bad = int((~torch.isfinite(values)).sum())
        raise BadFile(
            f"{name}: {bad:,} of the {values.numel():,} values of '{key}' are NaN or infinite.",
            "Such a network gives no answers.",
            "Choose an earlier checkpoint, from before the training diverged.",
        )
    return values


def types(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """Return the floating-point types other than float32."""
    found = {_type(values) for values in tensors if values.is_floating_point() and values.dtype != torch.float32}
    return tuple(sorted(found))


def _type(values: Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")


def fold(tensors: Mapping[str, Tensor], name: str) -> tuple[Tensors, tuple[str, ...]]:
    """Multiply out what torch.nn.utils keeps beside weights: masks of `prune`, weight norm,
    spectral norm, and parametrizations of these kinds.

    Returns:
        the tensors under their plain names, and sentences on what was done.
    Raises:
        BadFile: a parametrization of another kind.
    """
    found, masks, norms = dict(tensors), [], []
    for key in [key for key in tensors if key.endswith("_orig")]:
        base = key.removesuffix("_orig")
        if f"{base}_mask" in found:
            found[base] = found.pop(key).float() * found.pop(f"{base}_mask").float()
            masks.append(base)
        elif f"{base}_u" in found and f"{base}_v" in found:
            found[base] = _spectral(found.pop(key), found.pop(f"{base}_u"), found.pop(f"{base}_v"))
            norms.append(base)
    for key in [key for key in tensors if key.endswith("weight_g") and f"{key[:-2]}_v" in tensors]:
        found[key[:-2]] = _weight_norm(found.pop(key), found.pop(f"{key[:-2]}_v"))
        norms.append(key[:-2])
    parametrized: dict[str, Tensors] = {}
    for match in filter(None, map(PARAMETRIZED.fullmatch, tensors)):
        parts = parametrized.setdefault(match["module"] + match["tensor"], {})
        parts[match["part"]] = found.pop(match[0])
    for base, parts in parametrized.items():
        found[base] = _without(parts, base, name)
        (masks if "0.mask" in parts else norms).append(base)
    notes = []
    if masks:
        notes.append(f"Masks were multiplied into their weights: {first_few(masks, NAMED)}.")
    if norms:
        notes.append(f"Parametrizations were multiplied out: {first_few(norms, NAMED)}.")
    return found, tuple(notes)


def _without(parts: Tensors, base: str, name: str) -> Tensor:
    kinds = {
        ("0.mask", "original"): lambda: parts["original"].float() * parts["0.mask"].float(),
        ("original0", "original1"): lambda: _weight_norm(parts["original0"], parts["original1"]),
        ("0._u", "0._v", "original"): lambda: _spectral(parts["original"], parts["0._u"], parts["0._v"]),
    }
    remove = kinds.get(tuple(sorted(parts)))
    if remove is None or not torch.isin(parts.get("0.mask", torch.ones(1)).float(), torch.tensor([0.0, 1.0])).all():
        raise BadFile(
            f"{name}: '{base}' is parametrized in an unknown way ({', '.join(sorted(parts))}).",
            "Masks, weight norm and spectral norm are removed; other parametrizations need their code.",
            "Call torch.nn.utils.parametrize.remove_parametrizations on the layer, then save again.",
        )
    return remove()


def _weight_norm(lengths: Tensor, directions: Tensor) -> Tensor:
    """Return lengths * directions / |directions|, as weight_norm of torch.nn.utils computes it."""
    lengths, directions = lengths.float(), directions.float()
    one = [axis for axis in range(directions.ndim) if lengths.ndim != directions.ndim or lengths.shape[axis] == 1]
    return directions * (lengths / torch.linalg.vector_norm(directions, dim=one, keepdim=True))


def _spectral(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return the weight divided by its largest singular value, as estimated by u and v."""
    weight, u, v = weight.float(), u.float(), v.float()
    return weight / torch.dot(u, weight.flatten(1) @ v)
