"""Files of weights as programs write them, well-formed and damaged, of one small network."""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import struct
import sys
import types
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.models.checkpoints.policy import Fitted, read


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


def claiming(old: bool = False) -> bytes:
    """A tensor of three numbers whose file says that it has two thousand million."""
    content = torch_file({"fc.bias": torch.ones(3)}, _use_new_zipfile_serialization=not old)
    three, more = b"K\x03", b"J" + struct.pack("<i", 2_000_000_000)
    return content.replace(three, more) if old else rewritten(content, lambda part: part.replace(three, more))


def compressed() -> bytes:
    """Forty megabytes of zeros, packed to a thousandth."""
    content = torch_file({"fc.bias": torch.zeros(10_000_000)})
    return rewritten(content, lambda part: part, zipfile.ZIP_DEFLATED)


def rewritten(content: bytes, change: Callable[[bytes], bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file with each of its files changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(target, "w", how) as after:
        for name in before.namelist():
            after.writestr(name, change(before.read(name)))
    return target.getvalue()


def half_number() -> bytes:
    """The beginning of a file before torch 1.6, and a number that claims two gigabytes."""
    return old_file()[:15] + b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"1234"
