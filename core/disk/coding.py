"""The content of a stored file: safetensors with facts and a checksum in its metadata. Nothing is
ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from core.base.checks import CHECK, checked, is_whole

FORMAT = 1  # increase it if an old reader would misunderstand a new file
RECORD = "sparsight"  # the only entry of the safetensors metadata: JSON
LONGEST_HEAD_BYTES = 100_000_000  # safetensors' own limit

Tensors = dict[str, Tensor]
Facts = dict[str, Any]


class Damage(Exception):
    """The content of a file cannot be used, with the reason."""


def encode(tensors: Tensors, facts: Facts) -> bytes:
    """Encode the content of an entry's file; equal tensors and facts give equal bytes.

    Args:
        tensors: by name, of any shape and device; stored bit for bit.
        facts: anything that JSON can hold, without NaN.
    """
    # Tied weights are stored twice.
    copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    size = sum(tensor.numel() * tensor.element_size() for tensor in copies.values())
    record = {"format": FORMAT, "torch": str(torch.__version__), "bytes": size, "facts": facts}
    # As a reader will see it: number keys become strings, tuples become lists.
    record = json.loads(json.dumps(record, allow_nan=False))
    record = checked(record)
    record["sha256"] = digest(copies, record)
    return safetensors.torch.save(copies, {RECORD: json.dumps(record, sort_keys=True)})


def decode(content: bytes) -> tuple[Tensors, Facts]:
    """Decode tensors and facts of a file's content, verifying the checksum. Raises Damage."""
    record = read_record(content[8 : 8 + int.from_bytes(content[:8], "little")])
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise Damage(f"its tensors cannot be read ({error})") from error
    if digest(tensors, record) != record["sha256"]:
        raise Damage("its checksum does not match")
    return tensors, record["facts"]


def read_head(file: BinaryIO) -> Facts:
    """Read our record from the header of an open file and verify it; the tensors are not verified.
    Files of older versions carry no checksum of the record alone: it is then not verified either.

    Raises Damage.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > LONGEST_HEAD_BYTES:
        raise Damage("it is not a safetensors file")
    return read_record(file.read(length))


def read_record(head: bytes) -> Facts:
    """Read our record from a safetensors header.

    Raises Damage if there is none or it is of another format version.
    """
    try:
        record = json.loads(json.loads(head)["__metadata__"][RECORD])
        version, complete = record["format"], isinstance(record["facts"], dict) and isinstance(record["sha256"], str)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damage("it is truncated or was not written by Sparsight") from error
    if version != FORMAT:
        raise Damage(f"it has format {version}, this version of Sparsight reads format {FORMAT}")
    if not complete:
        raise Damage("it was not written by Sparsight")
    if CHECK in record and not is_whole({name: value for name, value in record.items() if name != "sha256"}):
        raise Damage("the checksum of its facts does not match")
    return record


def digest(tensors: Tensors, record: Facts) -> str:
    """Return the sha256 of the record (without its own sha256) and of name, type, shape and bytes
    of every tensor.
    """
    rest = {name: value for name, value in record.items() if name != "sha256"}
    total = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
