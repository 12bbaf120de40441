"""Packing a pruned network: bit-exact for any mask, small, and wary of tensors that do not fit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadFile
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse

DTYPES = {
    torch.float32: torch.int32,
    torch.float64: torch.int64,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
}


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal type, shape and bits: tells -0.0 from 0.0. Every NaN equals every other: indexing alone
    makes a quiet one of a signalling one.
    """
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    whole = DTYPES.get(a.dtype, a.dtype)
    equal = a.reshape(-1).view(whole) == b.reshape(-1).view(whole)
    return bool((equal | (a.isnan() & b.isnan()).reshape(-1)).all())


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    weights, mask = {}, {}
    for name in draw(st.lists(st.text("ab./", min_size=1, max_size=6), max_size=4, unique=True)):
        shape = draw(st.lists(st.integers(0, 5), max_size=4))
        dtype = draw(st.sampled_from(list(DTYPES)))
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
        low, high = (-(2**15), 2**15 - 1) if DTYPES[dtype] == torch.int16 else (-(2**31), 2**31 - 1)
        # NaN and -0.0 too.
        bits = torch.randint(low, high, shape or (1,), generator=generator, dtype=torch.int64).to(DTYPES[dtype])
        weights[name] = bits.view(dtype).reshape(shape)
        if draw(st.booleans()):
            share = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
            mask[name] = torch.rand(shape, generator=generator) < share
    return weights, mask


@settings(max_examples=60, deadline=None)
@given(networks())
def test_round_trip_is_bit_exact(network):
    weights, mask = network
    back, back_mask = unpack_sparse(pack_sparse(weights, mask))
    assert set(back) == set(weights)
    assert set(back_mask) == set(mask)
    for name, kept in mask.items():
        assert torch.equal(back_mask[name], kept)
        assert same_bits(back[name][kept], weights[name][kept])
        assert not back[name][~kept].any()
    assert all(same_bits(back[name], weights[name]) for name in set(weights) - set(mask))


def test_a_kept_zero_stays_kept():
    weight, kept = torch.tensor([0.0, -0.0, 1.0, 2.0]), torch.tensor([True, True, False, True])
    back, mask = unpack_sparse(pack_sparse({"w": weight}, {"w": kept}))
    assert torch.equal(mask["w"], kept)
    assert same_bits(back["w"], torch.tensor([0.0, -0.0, 0.0, 2.0]))


def test_on_disk_a_sparse_network_is_small(tmp_path):
    weight = torch.randn(1000, 100)
    kept = torch.zeros(1000, 100, dtype=torch.bool)
    kept[:20] = True  # 98 % removed
    files = Files(tmp_path)
    files.save("level", pack_sparse({"fc.weight": weight * kept, "fc.bias": torch.ones(3)}, {"fc.weight": kept}), {})
    assert files.bytes("level") < 0.06 * weight.numel() * 4
    weights, mask = unpack_sparse(files.load("level")[0])
    assert torch.equal(weights["fc.weight"], weight * kept)
    assert torch.equal(mask["fc.weight"], kept)


def test_packing_leaves_its_arguments_alone_and_follows_no_gradient():
    weight = torch.ones(4, requires_grad=True)
    packed = pack_sparse({"w": weight}, {"w": torch.tensor([True, False, True, False])})
    assert not packed["kept/w"].requires_grad
    assert torch.equal(weight.detach(), torch.ones(4))


def test_a_strided_weight_is_packed_in_reading_order():
    weight = torch.arange(6.0).reshape(2, 3).t()
    kept = weight > 2
    back, mask = unpack_sparse(pack_sparse({"w": weight}, {"w": kept}))
    assert torch.equal(back["w"], weight * kept)
    assert torch.equal(mask["w"], kept)


@pytest.mark.parametrize(
    "mask",
    [{"v": torch.ones(4, dtype=torch.bool)}, {"w": torch.ones(3, dtype=torch.bool)}, {"w": torch.ones(4)}],
    ids=["no weight", "other shape", "not bool"],
)
def test_masks_that_do_not_fit_are_refused(mask):
    with pytest.raises(ValueError, match="mask"):
        pack_sparse({"w": torch.ones(4)}, mask)


@pytest.mark.parametrize(
    "change",
    [
        {"kept/w": torch.ones(7)},
        {"shape/w": torch.tensor([-4, -3])},
        {"shape/w": torch.tensor([99])},
        {"shape/w": torch.tensor(12)},
        {"bits/w": torch.ones(2)},
        {"other/w": torch.ones(1)},
        {"kept/v": torch.ones(1)},
    ],
)
def test_foreign_tensors_are_refused(change):
    packed = pack_sparse({"w": torch.ones(3, 4)}, {"w": torch.ones(3, 4) > 0})
    with pytest.raises(BadFile, match="cannot be unpacked"):
        unpack_sparse(packed | change)


@pytest.mark.parametrize("name", ["bits/w", "kept/w", "shape/w"])
def test_missing_tensors_are_refused(name):
    packed = pack_sparse({"w": torch.ones(3, 4)}, {"w": torch.ones(3, 4) > 0})
    del packed[name]
    with pytest.raises(BadFile):
        unpack_sparse(packed)
