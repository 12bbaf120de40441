"""What a module of somebody's own returns: the logits in it, and remarks on them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.base.text import first_few
from core.models.cards import InputRule
from core.saliency.capture import overflowing

NAMED = 6  # keys in a message
CHANCE = (
    "It answers differently when asked twice, as with dropout that is always active: differences between its"
    " networks are partly chance. Make its forward repeatable, such as F.dropout(..., training=self.training)."
)
NEEDED_KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


def check_output(network: nn.Module, rule: InputRule, probe: Tensor) -> Tensor:
    """Check with one pass that the network takes images and returns logits (images, classes), and
    return them. Raises BadSpec.
    """
    needed = _needed(network)
    if len(needed) != 1:
        raise BadSpec(
            f"Its forward takes {', '.join(needed) or 'nothing'}.",
            "A network gets one batch of images, and nothing else.",
            "Wrap it in a module whose forward(images) fills in the rest.",
        )
    try:
        with torch.no_grad():
            output = network(probe)
    except BadSpec:
        raise
    except Exception as error:  # whatever its code says
        height, width = rule.size_px
        raise BadSpec(
            f"The module does not accept images of {rule.channels} x {height} x {width} "
            f"({type(error).__name__}: {first_line(error)}).",
            "It gets a batch (images, channels, height, width), as `input` says.",
            "Correct the size or the channels of `input`, or wrap it in a module that takes images. It is run in"
            " float32: a forward that converts to another precision must convert back.",
        ) from error
    if not isinstance(output, Tensor):
        raise BadSpec(
            f"The module returns {described(output)}.",
            "Sparsight needs the logits, (images, classes).",
            f"Say where they are: ModuleFacts(..., output={_example(output)}).",
        )
    if output.ndim != 2 or len(output) != len(probe) or not output.shape[1] or not output.is_floating_point():
        raise BadSpec(
            f"The module returns {described(output)} for {len(probe)} images.",
            "Sparsight needs logits of shape (images, classes), in floats.",
            "Wrap it in a module whose forward returns them.",
        )
    return output


def _needed(network: nn.Module) -> list[str]:
    """Return the arguments that the forward of a network cannot do without."""
    parameters = inspect.signature(network.forward).parameters.values()
    several = [each.name for each in parameters if each.kind is each.VAR_POSITIONAL]
    needed = [each.name for each in parameters if each.default is each.empty and each.kind in NEEDED_KINDS]
    return needed or several[:1] or [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD][:1]


def take_logits(where: str | int, network: nn.Module, inputs: object, output: Any) -> Tensor:
    """Take the logits out of what a network returns; a forward hook."""
    try:
        keyed = isinstance(where, int) or isinstance(output, Mapping)
        found = output[where] if keyed else getattr(output, str(where))
    except (KeyError, IndexError, AttributeError, TypeError) as error:
        raise BadSpec(
            f"The module returns {described(output)}, where there is no {where!r}.",
            "`output` is a key, an attribute or an index.",
            "Give the module without `output`." if isinstance(output, Tensor) else f"Use output={_example(output)}.",
        ) from error
    if not isinstance(found, Tensor):
        raise BadSpec(
            f"At {where!r} the module returns {described(found)}, not logits.",
            "`output` names one tensor, (images, classes).",
            "Wrap it in a module whose forward returns the logits.",
        )
    return found


def described(output: object) -> str:
    """Describe what a network returns: "a dictionary with logits (2, 10) and features (2, 64)"."""
    if isinstance(output, Tensor):
        return f"a tensor {tuple(output.shape)}"
    parts = _parts(output)
    shapes = [f"{name} {tuple(part.shape)}" if isinstance(part, Tensor) else str(name) for name, part in parts]
    kind = "a dictionary" if type(output) is dict else f"a {type(output).__name__}"
    return f"{kind} with {first_few(shapes, NAMED)}" if parts else kind


def _parts(output: object) -> list[tuple[str | int, object]]:
    """Return the named or numbered parts of an output."""
    if isinstance(output, Mapping):
        return [(name, part) for name, part in output.items()]
    if isinstance(output, tuple | list):
        return list(enumerate(output))
    return [(name, part) for name, part in getattr(output, "__dict__", {}).items() if not name.startswith("_")]


def _example(output: object) -> str:
    """Return the probable place of the logits, as it is written in Python."""
    parts = _parts(output)
    flat = [name for name, part in parts if isinstance(part, Tensor) and part.ndim == 2]
    likely = next((name for name, _ in parts if name in ("logits", "out", "output")), None)
    return repr(likely or (flat or [name for name, _ in parts] or ["logits"])[0])


def output_notes(first: Tensor, second: Tensor) -> tuple[str, ...]:
    """Remark on outputs (images, classes) of two passes of the same images: they are not finite,
    differ, or are probabilities.
    """
    if overflowing(first).any():
        return ("Its outputs for random noise are NaN or infinite: such an image has neither prediction nor heatmap.",)
    return (*_chance_note(first, second), *_probability_note(first))


def _chance_note(first: Tensor, second: Tensor) -> tuple[str, ...]:
    if torch.allclose(first, second, rtol=1e-3, atol=1e-4 * float(first.abs().max())):
        return ()
    return (CHANCE,)


def _probability_note(outputs: Tensor) -> tuple[str, ...]:
    """Remark on outputs that are probabilities already: heatmaps are made of logits."""
    sums = outputs.sum(1)
    if outputs.min() < 0 or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        return ()
    return (
        "Its outputs look like probabilities: none is negative, and they sum to 1. Sparsight takes them for logits,"
        " which changes heatmaps and flattens the probabilities that it shows: return the logits instead.",
    )


def first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:160]
