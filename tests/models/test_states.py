"""State dicts from files: every usual shape of a checkpoint is understood, and none runs code."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some_
from safetensors.torch import save_file
from torch import Tensor, nn

from core.base.errors import BadFile
from core.models.states import NAMED, adapted, problems, read_state, some, strict


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), flat=nn.Flatten(), fc=nn.Linear(16, 2))
    )


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(values.shape) for name, values in module.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


STATE = dict(network().state_dict())
SHAPES = shapes(network())


@pytest.mark.parametrize(
    "content",
    [
        network().state_dict(),
        {"state_dict": STATE, "epoch": 7, "best": 0.5},
        {"model": {f"module.{name}": values for name, values in STATE.items()}},
        {f"module._orig_mod.{name}": values for name, values in STATE.items()},
        {"state_dict": {f"model.{name}": values for name, values in STATE.items()}},
        {name: values for name, values in STATE.items() if not name.endswith("num_batches_tracked")},
        {**STATE, "aux1.conv.weight": torch.zeros(1), "AuxLogits.fc.bias": torch.zeros(1)},
    ],
)
def test_usual_checkpoints_are_understood(tmp_path: Path, content: object) -> None:
    path = tmp_path / "own.pth"
    torch.save(content, path)
    assert same(strict(read_state(path), SHAPES, "own", ""), STATE)


def test_old_files_of_torch_and_safetensors(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(STATE, tmp_path / "new.safetensors")
    for name in ("old.pth", "new.safetensors"):
        assert same(strict(read_state(tmp_path / name), SHAPES, name, ""), STATE)


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    torch.save(
        {name: values.half() if values.is_floating_point() else values for name, values in STATE.items()},
        tmp_path / "half.pth",
    )
    found = read_state(tmp_path / "half.pth")
    assert {values.dtype for values in found.values()} == {torch.float32, torch.int64}
    torch.testing.assert_close(found["fc.weight"], STATE["fc.weight"], atol=1e-3, rtol=1e-3)


def test_densenets_old_names() -> None:
    expected = {
        "features.denseblock1.denselayer2.norm1.weight": (4,),
        "features.denseblock1.denselayer2.conv2.weight": (4,),
    }
    old = {name.replace("norm1", "norm.1").replace("conv2", "conv.2"): torch.zeros(4) for name in expected}
    assert problems(adapted(old, expected), expected) == []


class Opens:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("write", ["torch", "pickle", "old torch"])
def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path, write: str) -> None:
    path, trap = tmp_path / "evil.pth", tmp_path / "written by the pickle"
    content = {"fc.weight": torch.zeros(1), "trap": Opens(trap)}
    if write == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=write == "torch")
    with pytest.raises(BadFile, match=r"evil.pth.*code") as caught:
        read_state(path)
    assert not trap.exists()
    assert "state_dict" in caught.value.next_step
    pickle.loads(pickle.dumps(Opens(trap))).close()  # it is a real trap
    assert trap.exists()


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(network(), tmp_path / "module.pt")
    with pytest.raises(BadFile, match="Sequential"):
        read_state(tmp_path / "module.pt")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 half a zip"])
@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.safetensors"])
def test_damaged_files_are_said(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=name):
        read_state(tmp_path / name)


def test_absent_files_and_files_without_tensors_are_said(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"epoch": 3}, tmp_path / "facts.pt")
    for name, text in (
        ("list.pt", "list"),
        ("facts.pt", "no tensors"),
        ("absent.pt", "No such file"),
        ("x.safetensors", "x.safetensors"),
    ):
        with pytest.raises(BadFile, match=text):
            read_state(tmp_path / name)


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
