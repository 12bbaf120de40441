"""Weights from files of any kind: what the zoo of checkpoints does not show, and none runs code."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some_
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

from core.base.errors import BadFile, BadSpec
from core.models.checkpoints import content as reading
from core.models.checkpoints import policy
from core.models.checkpoints.policy import NAMED, problems, read, some, strict
from core.models.checkpoints.tensors import fold
from tests.zoo.weight_files import (
    OTHER,
    SHAPES,
    STATE,
    Opens,
    claiming,
    compressed,
    fitted,
    network,
    old_file,
    pruned,
    safetensors_of,
    same,
    torch_file,
    training,
    under,
)


@given(some_.data())
def test_any_wrappers_and_prefixes_give_the_same_weights(data: some_.DataObject) -> None:
    prefixes = some_.lists(some_.sampled_from(["module", "_orig_mod", "model", "backbone", "net"]), max_size=3)
    wrappers = some_.lists(some_.sampled_from(["state_dict", "model", "net", "weights", "student", "x.y"]), max_size=3)
    uniform = data.draw(some_.booleans())
    whole = data.draw(prefixes)
    parts = {name: whole if uniform else data.draw(prefixes) for name in STATE}
    content: dict[str, Any] = {".".join((*parts[name], name)): values for name, values in STATE.items()}
    for name in data.draw(wrappers):
        content = {name: content, "epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}
    assert same(read(torch_file(content)).strict(SHAPES, "", ""), STATE)


@pytest.mark.parametrize("chosen", ["ema", "model_ema"])
def test_the_average_can_be_chosen(chosen: str) -> None:
    content = torch_file({"model": STATE, "model_ema": under("module.", OTHER)})
    found = fitted(content, chosen)
    assert same({key: found.state[key] for key in SHAPES}, OTHER)
    assert found.sets == ("model_ema", "model")
    assert "this is 'model_ema', averages over training (EMA). Others: model." in found.notes[0]
    with pytest.raises(BadSpec, match=r"no set of weights 'swa'. It holds model, model_ema"):
        fitted(content, "swa")


def test_half_precision_becomes_float32() -> None:
    for kind in (torch.float16, torch.bfloat16):
        half = {name: values.to(kind) if values.is_floating_point() else values for name, values in STATE.items()}
        found = fitted(torch_file(half))
        assert {values.dtype for values in found.state.values()} == {torch.float32, torch.int64}
        assert all(torch.equal(found.state[name], half[name].to(found.state[name].dtype)) for name in SHAPES)
        assert found.notes == (f"Converted from {str(kind)[6:]} to float32.",)


def old_weight_norm(layer: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return weight_norm(layer)


class Masked(nn.Module):
    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


def sparsifier(layer: nn.Module) -> nn.Module:
    """A mask as a parametrization."""
    mask = torch.rand(layer.weight.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    parametrize.register_parametrization(layer, "weight", Masked(mask))
    return layer


@pytest.mark.parametrize(
    "wrap",
    [
        old_weight_norm,
        parametrizations.weight_norm,
        spectral_norm,
        parametrizations.spectral_norm,
        sparsifier,
        lambda layer: prune.random_unstructured(layer, "weight", 0.4),
    ],
)
def test_masks_and_parametrizations_are_multiplied_out_with_equal_outputs(wrap: Callable) -> None:
    net = network()
    for name in ("conv", "fc"):
        wrap(getattr(net, name))
    net.train()(torch.rand(4, 3, 4, 4))  # spectral norm takes a step
    net.eval()
    found, plain = fitted(torch_file(net.state_dict())), network()
    plain.load_state_dict({name: found.state[name] for name in SHAPES})
    images = torch.rand(5, 3, 4, 4)
    with torch.no_grad():
        torch.testing.assert_close(plain(images), net(images), atol=1e-6, rtol=1e-5)
    assert "multiplied" in " ".join(found.notes)


def test_masks_leave_exact_zeros() -> None:
    net = pruned()
    found, notes = fold(net.state_dict(), "x")
    assert int((found["conv.weight"] == 0).sum()) == 54
    assert notes == ("Masks were multiplied into their weights: conv.weight, fc.bias.",)
    assert "conv.weight_mask" not in found


@pytest.mark.parametrize("write", ["torch", "pickle", "old torch"])
def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path, write: str) -> None:
    path, trap = tmp_path / "evil.pth", tmp_path / "written by the pickle"
    content = {"fc.weight": torch.zeros(1), "trap": Opens(trap)}
    if write == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=write == "torch")
    with pytest.raises(BadFile, match=r"evil.pth.*code") as caught:
        read(path)
    assert not trap.exists()
    assert "state_dict" in caught.value.next_step
    pickle.loads(pickle.dumps(Opens(trap))).close()  # it is a real trap
    assert trap.exists()


def test_allowed_objects_are_never_created() -> None:
    """A Namespace, numbers of numpy and paths become empty stand-ins, and only while a file is
    read.
    """
    before = set(torch.serialization.get_safe_globals())
    loaded = reading.load(torch_file(training()), "x")
    for name in ("epoch", "best_acc1", "args", "history"):
        assert type(loaded[name]) is reading._Ignored
        assert vars(loaded[name]) == {}
    assert type(loaded["curves"]) is dict
    assert set(torch.serialization.get_safe_globals()) == before


def test_files_larger_than_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, count = tmp_path / "huge.safetensors", 2**38
    header = {"fc.weight": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}
    head = safetensors_of(header, b"")
    with open(path, "wb") as file:  # a sparse file: one terabyte that takes no space
        file.write(head)
        file.truncate(len(head) + 4 * count)
    with pytest.raises(BadFile, match=r"huge.safetensors has 1,099\.5 GB, more than the free memory"):
        read(path)
    content = torch_file({"a": torch.zeros(1000, dtype=torch.float16)})
    monkeypatch.setattr(policy, "free_ram_bytes", lambda: 3999)
    with pytest.raises(BadFile, match=r"would take 4\.0 kB in float32"):
        read(content)
    monkeypatch.setattr(policy, "free_ram_bytes", lambda: 4000)
    read(content)


HERE = Path(__file__).parents[2]
PEAK = """
import pathlib, resource, sys
from core.base.errors import BadFile
from core.models.checkpoints.policy import read

def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

paths = sorted(pathlib.Path(sys.argv[1]).iterdir())
read(paths[0])  # what reading takes at all
before = peak_bytes()
for path in paths[1:]:
    try:
        read(path)
    except BadFile:
        continue
    raise SystemExit(f"{path} was read")
print(peak_bytes() - before)
"""


def test_files_that_claim_gigabytes_take_no_memory(tmp_path: Path) -> None:
    huge = safetensors_of({"a": {"dtype": "F32", "shape": [9**9], "data_offsets": [0, 4 * 9**9]}}, b"1234")
    beyond = (10**9).to_bytes(8, "little") + b"{" + bytes(20)
    for at, content in enumerate((old_file(), huge, beyond, claiming(), claiming(old=True), compressed())):
        (tmp_path / str(at)).write_bytes(content)
    found = subprocess.run(
        [sys.executable, "-c", PEAK, tmp_path], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 20_000_000


def test_absent_files_are_said(tmp_path: Path) -> None:
    for path, text in ((tmp_path / "absent.pt", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(BadFile, match=text):
            read(path)


@given(some_.binary(max_size=300), some_.sampled_from(["start", "end", "zip", "old", "safetensors"]))
def test_no_content_ends_in_another_error(noise: bytes, where: str) -> None:
    """Bytes of a real file replaced by others: it is refused, or its weights are read."""
    real = {"old": old_file(), "safetensors": save(STATE)}
    content = bytearray(real.get(where, torch_file(STATE)))
    place = {"start": 0, "end": max(0, len(content) - len(noise))}.get(where, sum(noise) % len(content))
    content[place : place + len(noise)] = noise
    for damaged in (bytes(content), bytes(content[: len(noise)])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = fitted(damaged)
            except BadFile:
                continue
        assert all(bool(values.isfinite().all()) for key, values in found.state.items() if key in SHAPES)


def test_densenets_old_names() -> None:
    expected = {
        "features.denseblock1.denselayer2.norm1.weight": (4,),
        "features.denseblock1.denselayer2.conv2.weight": (4,),
    }
    old = {name.replace("norm1", "norm.1").replace("conv2", "conv.2"): torch.zeros(4) for name in expected}
    assert problems(read(save(old)).fit(expected).state, expected) == []


def test_problems_are_listed_in_plain_words() -> None:
    wrong = {name: values for name, values in STATE.items() if name != "conv.bias"}
    wrong |= {"fc.weight": torch.zeros(3, 16), "head.weight": torch.zeros(1)}
    with pytest.raises(BadFile) as caught:
        strict(wrong, SHAPES, "own.pth", "Choose another.")
    assert caught.value.wrong == (
        "own.pth: the weights do not fit. Missing: conv.bias. Not part of the network: head.weight. "
        "Of another shape: fc.weight 3 x 16 instead of 2 x 16."
    )


@given(some_.integers(0, 40))
def test_a_long_list_names_five_and_counts_the_rest(count: int) -> None:
    text = some(map(str, range(count)))
    assert text.count(",") == max(0, min(count, NAMED) - 1)
    assert text.endswith(f"and {count - NAMED} more") == (count > NAMED)
