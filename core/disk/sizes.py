"""Sizes of stored files, computed without writing them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from core.base.checks import CHECK, DIGITS
from core.disk.coding import FORMAT, RECORD

Layout = dict[str, tuple[torch.dtype, list[int]]]  # type and shape by name
NAMES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.int64: "I64",
}
LAST_FIRST = list(NAMES)  # safetensors sorts by type in this order, last first, and then by name


def dense_bytes(tensors: Mapping[str, Tensor]) -> int:
    """Return the bytes of a file with every value: the length of `coding.encode(tensors, {})`."""
    return _bytes({name: (values.dtype, list(values.shape)) for name, values in tensors.items()})


def sparse_bytes(tensors: Mapping[str, Tensor], prunable: Iterable[str]) -> int:
    """Return the bytes of a file with one bit per prunable weight and the values that are not zero,
    as `sparse.pack_sparse` writes it.
    """
    names, layout = set(prunable), Layout()
    for name, values in tensors.items():
        if name in names:
            layout[f"bits/{name}"] = (torch.uint8, [-(-values.numel() // 8)])
            layout[f"kept/{name}"] = (values.dtype, [int(torch.count_nonzero(values))])
            layout[f"shape/{name}"] = (torch.int64, [values.ndim])
        else:
            layout[f"dense/{name}"] = (values.dtype, list(values.shape))
    return _bytes(layout)


def file_bytes(network: nn.Module) -> int:
    """Return `dense_bytes` of a network's state."""
    return dense_bytes(network.state_dict())


def _bytes(layout: Layout) -> int:
    """Count eight bytes of length, the header of safetensors (padded with spaces to a multiple of
    eight), and the values.
    """
    sizes = {name: math.prod(shape) * dtype.itemsize for name, (dtype, shape) in layout.items()}
    record = {
        "format": FORMAT,
        "torch": str(torch.__version__),
        "bytes": sum(sizes.values()),
        "facts": {},
        CHECK: "0" * DIGITS,
        "sha256": "0" * 64,
    }
    head: dict[str, object] = {"__metadata__": {RECORD: json.dumps(record, sort_keys=True)}}
    start = 0
    for name in sorted(layout, key=lambda name: (-LAST_FIRST.index(layout[name][0]), name.encode())):
        dtype, shape = layout[name]
        head[name] = {"dtype": NAMES[dtype], "shape": shape, "data_offsets": [start, start + sizes[name]]}
        start += sizes[name]
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    return 8 + -(-len(text) // 8) * 8 + start
