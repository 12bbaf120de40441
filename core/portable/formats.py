"""Programs of an exported network, each checked after it is written: torch.export and ONNX."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.base.registry import Registry

TOLERANCE = 1e-5  # of the largest output, or of 1 if outputs are smaller
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # the last one checks the file
Run = Callable[[Tensor], Tensor]
_one_at_a_time = threading.Lock()  # torch's tracer keeps its state in the process


class Unusable(Exception):
    """A format does not work for a network, with the reason."""


@dataclass(frozen=True)
class Format:
    """A program format. write: a network as a file, for any number of images or for one. read: the
    file as a function. needs: packages.
    """

    file: str
    write: Callable[[nn.Module, Tensor, Path, bool], None]
    read: Callable[[Path], Run]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """Outcome of a check. difference: the largest of all outputs. any_batch: the file takes any
    number of images at once, not only one.
    """

    difference: float
    any_batch: bool = True


def write_checked(network: nn.Module, images: Tensor, kind: Format, folder: Path) -> Check:
    """Write a network in one format, read it again and compare its outputs.

    Args:
        network: on the CPU, in eval mode. images: (N, C, H, W), N at least 2, to compare with.
    Raises:
        Unusable: a package is missing, the format does not work for this network, or its outputs
        differ; no file is left.
    """
    missing = [name for name in kind.needs if find_spec(name) is None]
    if missing:
        raise Unusable(f"{', '.join(missing)} missing: pip install -r requirements-export.txt")
    path, reason = folder / kind.file, ""
    for any_batch in (True, False):
        try:
            with _one_at_a_time, _quiet():
                kind.write(network, images, path, any_batch)
                difference = compared(network, kind.read(path), images, any_batch)
            return Check(difference, any_batch)
        except Unusable as error:
            reason = reason or str(error)
        except Exception as error:  # exporters raise anything
            first = next(iter(str(error).strip().splitlines()), "")
            reason = reason or f"{type(error).__name__}: {first[:200]}"
        path.unlink(missing_ok=True)
    raise Unusable(reason)


def compared(network: nn.Module, other: Run, images: Tensor, any_batch: bool = True) -> float:
    """Return the largest difference of the outputs. Raises Unusable if it is more than
    TOLERANCE.
    """
    largest = 0.0
    with torch.no_grad():
        for part in [images, images[:1]] if any_batch else images.split(1):
            expected, found = network(part), other(part)
            difference = float((found - expected).abs().max())
            if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):
                raise Unusable(f"its outputs differ by {difference:.2g}")
            largest = max(largest, difference)
    return largest


def _write_pt2(network: nn.Module, images: Tensor, path: Path, any_batch: bool) -> None:
    shapes = ({0: torch.export.Dim("images", min=1)},) if any_batch else None
    program = torch.export.export(network, (images if any_batch else images[:1],), dynamic_shapes=shapes)
    torch.export.save(program, path)


def _read_pt2(path: Path) -> Run:
    return torch.export.load(path).module()


def _write_onnx(network: nn.Module, images: Tensor, path: Path, any_batch: bool) -> None:
    program: Any = torch.onnx.export(
        network,
        (images if any_batch else images[:1],),
        dynamo=True,
        dynamic_shapes=({0: "images"},) if any_batch else None,
        input_names=["images"],
        output_names=["logits"],
        verbose=False,
    )
    program.save(path, external_data=False)


def _read_onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


@contextmanager
def _quiet() -> Any:
    """Silence the exporters' warnings about their own parts; errors are reported."""
    noisy = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in noisy]
    try:
        for logger in noisy:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(noisy, levels, strict=True):
            logger.setLevel(level)


FORMATS: Registry[Format] = Registry("format")
FORMATS.register("pt2", "torch.export", "A program of torch.export, for torch.export.load.", "PyTorch")(
    Format("network.pt2", _write_pt2, _read_pt2)
)
FORMATS.register("onnx", "ONNX", "For ONNX Runtime and other engines; needs requirements-export.txt.", "ONNX")(
    Format("network.onnx", _write_onnx, _read_onnx, ONNX_PACKAGES)
)
