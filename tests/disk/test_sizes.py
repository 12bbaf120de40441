"""File sizes are counted without writing, and are those of the real files."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.disk.coding import encode
from core.disk.sizes import dense_bytes, file_bytes, sparse_bytes
from core.disk.sparse import pack_sparse
from core.models.small import ThesisCNN
from core.models.zoo import named

TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
SHAPES = st.lists(st.integers(0, 12), max_size=4)
NAMES = st.text("abz.ü_0\"'", min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(SHAPES, st.sampled_from(TYPES)), min_size=1, max_size=6))
def test_a_file_of_all_values_is_as_long_as_counted(layout: dict) -> None:
    tensors = {name: torch.ones(shape, dtype=dtype) for name, (shape, dtype) in layout.items()}
    assert dense_bytes(tensors) == len(encode(tensors, {}))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.integers(0, 100))
def test_a_packed_file_is_as_long_as_counted(sparsity: float, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    weights = dict(ThesisCNN().state_dict())
    prunable = named("thesis-cnn").prunable
    mask = {name: torch.rand(weights[name].shape, generator=draw) >= sparsity for name in prunable}
    weights |= {name: weights[name] * mask[name] for name in mask}
    kept = {name: weights[name] != 0 for name in mask}
    assert sparse_bytes(weights, prunable) == len(encode(pack_sparse(weights, kept), {}))


def test_a_network_is_its_state() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8))
    assert file_bytes(network) == len(encode(network.state_dict(), {}))
