"""State dicts from files: read without executing their content, renamed to a network's names, and
compared with it.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import load_file

from core.base.errors import BadFile
from core.base.text import first_few
from core.models.cards import State

Shapes = Mapping[str, tuple[int, ...]]
# Names under which training scripts store the state dict.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")  # DataParallel, torch.compile, Lightning and others
NAMED = 5  # names listed for each kind of problem; the others are only counted
ALLOWED = "Weights must be a state dict: a .safetensors file, or what torch.save(model.state_dict(), ...) writes."


def read_state(source: Path | bytes, name: str = "") -> State:
    """Read all tensors of a checkpoint, floating-point ones in float32, on the CPU.

    Args:
        source: a file or its content, from safetensors or torch.save: a state dict, alone or under
            "state_dict", with or without "module." before the names. name: its name in messages;
            defaults to that of the file.
    Raises:
        BadFile: the file is missing or damaged, or would run code.
    """
    name = name or (source.name if isinstance(source, Path) else "The file")
    try:
        content = _load(source)
    except pickle.UnpicklingError as error:
        raise BadFile(
            f"{name} holds more than weights ({_reason(error)}), and reading it could run hidden code.",
            ALLOWED,
            "If you trust it, load it yourself in Python and save its state_dict.",
        ) from error
    except (OSError, RuntimeError, SafetensorError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadFile(
            f"{name} cannot be read ({_reason(error)}).", ALLOWED, "Check the file, or save it again."
        ) from error
    return _tensors(content, name)


def _load(source: Path | bytes) -> Any:
    """Load by content, not by name: a safetensors file starts with the length of its header,
    followed by JSON.
    """
    if isinstance(source, bytes):
        return (
            load_bytes(source)
            if source[8:9] == b"{"
            else torch.load(io.BytesIO(source), weights_only=True, map_location="cpu")
        )
    with open(source, "rb") as file:
        head = file.read(9)
    return load_file(source) if head[8:9] == b"{" else torch.load(source, weights_only=True, map_location="cpu")


def _reason(error: Exception) -> str:
    """Return the first line of a long message."""
    match = re.search(r"Unsupported (?:global|class|operand)[^\n.]*(?:\.[^\n .]+)*", str(error))
    return (
        match[0]
        if match
        else (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:160].rstrip(". ")
    )


def _tensors(content: Any, name: str) -> State:
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise BadFile(f"{name} holds a {type(content).__name__}.", ALLOWED, "Save the network's state_dict.")
    tensors = {str(key): values for key, values in content.items() if isinstance(values, torch.Tensor)}
    if not tensors:
        raise BadFile(f"{name} holds no tensors.", ALLOWED, "Save the network's state_dict.")
    return {key: values.float() if values.is_floating_point() else values for key, values in tensors.items()}


def adapted(state: State, shapes: Shapes) -> State:
    """Rename the state dict to the network's names, as far as nothing has to be guessed.

    Prefixes of wrappers are removed; DenseNet's names from before torch 0.4 are converted; heads
    for training only (GoogLeNet, Inception v3) are dropped; counters that files from before torch
    1.0 lack are added.
    """
    for prefix in PREFIXES * 2:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): values for name, values in state.items()}
    old = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)")
    state = {old.sub(r"\1\2", name): values for name, values in state.items()}
    state = {
        name: values for name, values in state.items() if name in shapes or not re.match(r"aux\d\.|AuxLogits\.", name)
    }
    counters = {name: torch.tensor(0) for name in shapes if name.endswith("num_batches_tracked") and name not in state}
    return {**state, **counters} if set(state) & set(shapes) else state


def problems(state: State, shapes: Shapes) -> list[str]:
    """Return sentences on why the state dict does not fit the network; empty if it fits."""
    absent, foreign = [name for name in shapes if name not in state], [name for name in state if name not in shapes]
    wrong = [name for name in shapes if name in state and tuple(state[name].shape) != shapes[name]]
    found = []
    if absent:
        found.append(f"Missing: {some(absent)}.")
    if foreign:
        found.append(f"Not part of the network: {some(foreign)}.")
    if wrong:
        found.append(
            "Of another shape:"
            f" {some(f'{name} {_shape(state[name].shape)} instead of {_shape(shapes[name])}' for name in wrong)}."
        )
    return found


def some(names: Iterable[str]) -> str:
    """Join the first few names, and state how many more there are."""
    return first_few(list(names), NAMED)


def _shape(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def strict(state: State, shapes: Shapes, what: str, next_step: str) -> State:
    """Return the state dict under the network's names, in their order.

    Raises BadFile, which lists everything that does not fit.
    """
    state = adapted(state, shapes)
    if found := problems(state, shapes):
        raise BadFile(
            f"{what}: the weights do not fit. {' '.join(found)}",
            "Names and shapes must be those of the network.",
            next_step,
        )
    return {name: state[name] for name in shapes}
