"""Weights from files of any kind: one table says what becomes of each, and none runs code."""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import pickle
import re
import struct
import sys
import types
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some_
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.base.errors import BadFile, BadSpec
from core.models.checkpoints import content as reading
from core.models.checkpoints import policy
from core.models.checkpoints.policy import NAMED, Fitted, problems, read, some, strict
from core.models.checkpoints.tensors import fold


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), flat=nn.Flatten(), fc=nn.Linear(16, 2))
    ).eval()


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(values.shape) for name, values in module.state_dict().items()}


STATE: dict[str, Tensor] = dict(network().state_dict())
OTHER = {name: values + 1 for name, values in STATE.items()}
SHAPES = shapes(network())
CLASSIFIER = "fc.weight"


def torch_file(content: object, **options: Any) -> bytes:
    target = io.BytesIO()
    torch.save(content, target, **options)
    return target.getvalue()


def old_file() -> bytes:
    return torch_file(STATE, _use_new_zipfile_serialization=False)


def under(prefix: str, state: Mapping[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {f"{prefix}{name}": values for name, values in state.items()}


def same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


def fitted(content: bytes, chosen: str = "") -> Fitted:
    return read(content, "mine.pth").fit(SHAPES, CLASSIFIER, chosen)


class Opens:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


class AttributeDict(dict):
    """Pickled, it names a class of a package that is not installed."""

    __module__ = "pytorch_lightning.utilities.parsing"


def lightning_file() -> bytes:
    """As Lightning writes it; torch.save looks its class up by name: it exists for a moment."""
    content = {
        "state_dict": under("model.") | {"loss_fn.weight": torch.ones(2), "train_acc.total": torch.tensor(3)},
        "hyper_parameters": AttributeDict(lr=0.1),
        "callbacks": {"EarlyStopping": {"best": torch.tensor(0.5)}},
        "epoch": 3,
    }
    name = AttributeDict.__module__
    module = types.ModuleType(name)
    vars(module)["AttributeDict"] = AttributeDict
    with pytest.MonkeyPatch.context() as patch:
        for part in ("pytorch_lightning", "pytorch_lightning.utilities", name):
            patch.setitem(sys.modules, part, module)
        return torch_file(content)


def training() -> dict[str, Any]:
    """What training scripts store beside the weights."""
    net = network()
    optimiser = torch.optim.Adam(net.parameters())
    net.train()(torch.rand(2, 3, 4, 4)).sum().backward()
    optimiser.step()
    return {
        "epoch": np.int64(7),
        "best_acc1": np.float32(0.5),
        "history": np.arange(3.0),
        "args": argparse.Namespace(lr=0.1, out=pathlib.Path("runs/1"), milestones=[1, 2]),
        "curves": defaultdict(list, loss=[0.3]),
        "optimizer": optimiser.state_dict(),
        "model": STATE,
    }


def averaged() -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AveragedModel(network(), multi_avg_fn=get_ema_multi_avg_fn(0.9)).state_dict()


def pruned() -> nn.Module:
    net = network()
    prune.l1_unstructured(net.conv, "weight", 0.5)
    prune.random_unstructured(net.fc, "bias", 1)
    return net


def changed(**tensors: Tensor) -> dict[str, Tensor]:
    return STATE | {name.replace("_", ".", 1): values for name, values in tensors.items()}


def safetensors_of(header: dict[str, Any], content: bytes) -> bytes:
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + content


def zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def torchscript() -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(network(), torch.rand(1, 3, 4, 4)), target)
    return target.getvalue()


def quantised() -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(STATE["fc.weight"], 0.1, 0, torch.qint8)


class Kind(NamedTuple):
    """One kind of file. outcome: what the message of its refusal says; "" for a file whose weights
    are those of the network. note: what is said of a file that is read.
    """

    make: Callable[[], bytes]
    outcome: str = ""
    note: str = ""


# The table: what a file is, how it is made, and what becomes of it.
ZOO = {
    # read, with equal weights
    "state dict": Kind(lambda: torch_file(STATE)),
    "safetensors": Kind(lambda: save(STATE)),
    "torch before 1.6": Kind(old_file),
    "state_dict and epoch": Kind(lambda: torch_file({"state_dict": STATE, "epoch": 7, "best": 0.5}), "", "epoch, best"),
    "DataParallel": Kind(lambda: torch_file(under("module."))),
    "torch.compile in DataParallel": Kind(lambda: torch_file(under("module._orig_mod."))),
    "model_state_dict": Kind(lambda: torch_file({"model_state_dict": STATE})),
    "net": Kind(lambda: torch_file({"net": under("module.")})),
    "an unknown wrapper": Kind(lambda: torch_file({"student_weights": STATE})),
    "an unknown prefix": Kind(lambda: torch_file(under("resnet_of_mine."))),
    "a backbone, and a head without": Kind(
        lambda: torch_file(
            {key if key.startswith("fc") else f"backbone.{key}": values for key, values in STATE.items()}
        )
    ),
    "Lightning": Kind(lightning_file, "", "loss_fn.weight, train_acc.total"),
    "training state": Kind(lambda: torch_file(training()), "", "optimizer"),
    "average beside the weights": Kind(
        lambda: torch_file({"model_ema": OTHER, "model": STATE}), "", "2 sets of weights; this is 'model'"
    ),
    "average in one dict": Kind(
        lambda: torch_file({"state_dict": under("ema_model.", OTHER) | under("model.")}), "", "Others: ema_model"
    ),
    "average only": Kind(lambda: torch_file({"model_ema": STATE}), "", r"only averages over training \(EMA\)"),
    "AveragedModel of torch": Kind(lambda: torch_file(averaged()), "", "n_averaged"),
    "without counters": Kind(
        lambda: torch_file({key: values for key, values in STATE.items() if "num_batches" not in key})
    ),
    "training heads of GoogLeNet": Kind(
        lambda: torch_file({**STATE, "aux1.conv.weight": torch.zeros(1), "AuxLogits.fc.bias": torch.zeros(1)})
    ),
    "head fc.1": Kind(lambda: torch_file({key.replace("fc.", "fc.1."): values for key, values in STATE.items()})),
    "Parameters": Kind(lambda: torch_file({"state_dict": STATE | dict(network().named_parameters())})),
    "dequantised, with scales": Kind(
        lambda: torch_file(STATE | {"conv.scale": torch.tensor([0.1]), "conv.zero_point": torch.tensor([0])}),
        "",
        "conv.scale",
    ),
    "with a normalisation": Kind(
        lambda: torch_file(under("model.") | {"normalize.mean": torch.rand(3)}), "", "check mean and deviation"
    ),
    "float64": Kind(
        lambda: torch_file({k: v.double() if v.is_floating_point() else v for k, v in STATE.items()}), "", "float64"
    ),
    # refused: not plain weights
    "NaN": Kind(lambda: torch_file(changed(conv_bias=torch.tensor([0, float("nan"), 0, 1]))), "1 of the 4.*conv.bias"),
    "infinite": Kind(lambda: torch_file(changed(fc_bias=torch.tensor([float("inf"), 0]))), "'fc.bias' are NaN or inf"),
    "overflows float32": Kind(lambda: torch_file(changed(fc_bias=torch.tensor([1e300, 0]).double())), "fc.bias"),
    "integers": Kind(lambda: torch_file(changed(fc_weight=torch.ones(2, 16, dtype=torch.int8))), "integers.*int8"),
    "quantised": Kind(lambda: torch_file(changed(fc_weight=quantised())), "fc.weight' is quantised"),
    "sparse": Kind(lambda: torch_file(changed(fc_weight=STATE["fc.weight"].to_sparse())), "fc.weight' is sparse"),
    "meta": Kind(
        lambda: torch_file(changed(fc_weight=torch.empty(2, 16, device="meta"))), "'fc.weight.*without values"
    ),
    "expanded": Kind(
        lambda: torch_file(changed(fc_weight=torch.zeros(1, 1).expand(400_000, 200))),
        "fc.weight' claims the shape 400000 x 200, but the file holds 4 bytes",
    ),
    "overlapping": Kind(
        lambda: torch_file(changed(fc_weight=torch.zeros(17).as_strided((2, 16), (1, 1)))), "claims the shape 2 x 16"
    ),
    "unknown parametrization": Kind(
        lambda: torch_file(STATE | {"fc.parametrizations.weight.original": torch.ones(2, 16)}), "unknown way"
    ),
    "a mask of another shape": Kind(
        lambda: torch_file(STATE | {"fc.weight_orig": torch.ones(2, 16), "fc.weight_mask": torch.ones(3)}),
        "masks or norms that do not fit",
    ),
    # refused: another network
    "another network": Kind(lambda: torch_file(nn.Linear(3, 2).state_dict()), "Missing: conv.weight"),
    "more layers": Kind(
        lambda: torch_file(STATE | {"conv2.weight": torch.zeros(4, 4, 3, 3)}), "Not part of the network: conv2.weight"
    ),
    "another shape": Kind(lambda: torch_file(changed(fc_weight=torch.zeros(3, 16))), "fc.weight 3 x 16 instead of 2"),
    "no tensors": Kind(lambda: torch_file({"epoch": 3}), "no tensors by name, only: epoch"),
    "a list": Kind(lambda: torch_file([1, 2]), "holds a list"),
    # refused: not a file of weights, or not a whole one
    "empty": Kind(lambda: b"", "only 0 bytes"),
    "one byte": Kind(lambda: b"\x80", r"only 1 byte\."),
    "55 bytes of a file": Kind(lambda: old_file()[:55], "cannot be read"),
    "half of a zip": Kind(lambda: torch_file(STATE)[:900], "cut off"),
    "half of an old file": Kind(
        lambda: torch_file(STATE, _use_new_zipfile_serialization=False)[:-90], "cannot be read"
    ),
    "half of safetensors": Kind(lambda: save(STATE)[:-8], "it should have"),
    "safetensors, boastful": Kind(
        lambda: safetensors_of({"a": {"dtype": "F32", "shape": [9**9], "data_offsets": [0, 4 * 9**9]}}, b"1234"),
        "it should have 1,5",
    ),
    "safetensors, head beyond the end": Kind(lambda: struct.pack("<Q", 10**9) + b"{" + bytes(20), "header is cut off"),
    "text": Kind(lambda: b"this is a note on the weights", "begins with b'this is a n"),
    "a web page": Kind(lambda: b"<!DOCTYPE html><title>Sign in</title>", "a web page"),
    "Git LFS": Kind(lambda: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "gzip": Kind(lambda: b"\x1f\x8b\x08" + bytes(40), "Unpack it"),
    "photographs": Kind(lambda: zipped({"a/1.png": b"x"}), "zip file without weights"),
    "TorchScript": Kind(torchscript, "TorchScript program"),
    "a whole module": Kind(lambda: torch_file(network()), "Sequential.*hidden code"),
    "a plain pickle": Kind(lambda: pickle.dumps({"fc.weight": [1, 2]}), "plain pickle"),
}
READ = [name for name, kind in ZOO.items() if not kind.outcome]
REFUSED = [name for name, kind in ZOO.items() if kind.outcome]


@pytest.mark.parametrize("name", READ)
def test_files_that_are_read_have_the_networks_weights(name: str) -> None:
    found = fitted(ZOO[name].make())
    expected = STATE
    assert problems(found.state, SHAPES) == []
    assert same({key: found.state[key] for key in SHAPES}, expected)
    assert {values.dtype for values in found.state.values()} == {torch.float32, torch.int64}
    if ZOO[name].note:
        assert re.search(ZOO[name].note, " ".join(found.notes)), found.notes


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "file"])
def test_other_files_are_refused_with_reason_and_next_step(name: str, as_file: bool, tmp_path: Path) -> None:
    content = ZOO[name].make()
    (tmp_path / "mine.pth").write_bytes(content)
    source = tmp_path / "mine.pth" if as_file else content
    with pytest.raises(BadFile) as caught:
        read(source, "mine.pth").strict(SHAPES, "mine.pth", "Choose another.")
    error = caught.value
    assert re.search(ZOO[name].outcome, str(error), re.DOTALL), error
    assert error.wrong.startswith("mine.pth")
    assert error.allowed
    assert error.next_step


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
    before = torch.serialization.get_safe_globals()
    loaded = reading.load(torch_file(training()), "x")
    for name in ("epoch", "best_acc1", "args", "history"):
        assert type(loaded[name]) is reading._Ignored
        assert vars(loaded[name]) == {}
    assert type(loaded["curves"]) is dict
    assert torch.serialization.get_safe_globals() == before


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
