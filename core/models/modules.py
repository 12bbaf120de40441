"""Any PyTorch module as a network of Sparsight, from a notebook or a plugin: its card, and what is
wrong with one that cannot be used.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from core.base.draws import torch_generator
from core.base.errors import BadSpec
from core.base.text import first_few
from core.models.cards import Card, InputRule, State, Weights
from core.models.class_names import class_names
from core.models.input_checks import check_rule
from core.models.layers import logits_layer, target_layers, watch
from core.models.torchvision_cnns import not_in_place
from core.models.unprunable import note
from core.saliency.capture import Captured, capture, own_class

WEIGHTS = "own"
NAMED = 6  # keys or layers in a message
QUANTISED = ("torch.ao.nn.quantized", "torch.nn.quantized", "torch.ao.nn.intrinsic.quantized")


@dataclass(frozen=True, kw_only=True)
class ModuleFacts:
    """Facts about a module: its target layer, its input rule, its classes (numbered if empty) and
    the kind of its images.

    output: where the logits are in what it returns: a key or attribute ("logits"), or an index (0);
    "" for a module that returns a plain tensor.
    """

    target_layer: str
    input: InputRule
    classes: tuple[str, ...] = ()
    images: str = "photos"
    title: str = "Own module"
    output: str | int = ""


@dataclass(frozen=True, eq=False)
class Taken:
    """A module that was taken in. network: the copy that is used. captured: its answers to a fixed
    image.
    """

    card: Card
    network: nn.Module
    captured: Captured


def card_of(module: nn.Module, facts: ModuleFacts) -> Card:
    """Return the card of a module with the weights that it has now, for `MODELS.register` in a
    plugin. Raises as `take_module`.
    """
    return take_module(module, facts).card


def take_module(module: nn.Module, facts: ModuleFacts) -> Taken:
    """Copy a module and make its card. The module itself is not changed.

    Layers of a module inside DataParallel, DistributedDataParallel or torch.compile have the names
    of the module itself.

    Raises:
        UnknownName: no such layer. BadSpec: the module cannot be used, or the facts do not fit it;
        the message says which and what to do.
    """
    check_rule(facts.input, None)
    _check_kind(module)
    own = _copied(module)
    if facts.output != "":
        own.register_forward_hook(partial(_logits, facts.output))
    shape = (facts.input.channels, *facts.input.size_px)
    probe = torch.rand(2, *shape, generator=torch_generator("probe of a module"))
    _check_output(own, facts, probe)
    captured = _captured(own, facts, probe)
    state: State = {name: values.detach().clone() for name, values in own.state_dict().items()}
    card = Card(
        build=partial(copy.deepcopy, own),
        target_layer=facts.target_layer,
        input=facts.input,
        classes=class_names(facts.classes, captured.logits.shape[1]),
        images=facts.images,
        weights={
            WEIGHTS: Weights(summary="those of the module", load=lambda folder, progress: state, origin="the module")
        },
        classifier=f"{logits_layer(watch(own, probe[:1]))}.weight",
    )
    notes = (*note(card.unprunable, own), *_probability_note(captured.logits))
    return Taken(replace(card, notes=notes), own, captured)


def _probability_note(outputs: Tensor) -> tuple[str, ...]:
    """Remark on outputs that are probabilities already: heatmaps are made of logits."""
    sums = outputs.sum(1)
    if outputs.min() < 0 or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        return ()
    return (
        "Its outputs look like probabilities: none is negative, and they sum to 1. Sparsight takes them for logits,"
        " which changes heatmaps and flattens the probabilities that it shows: return the logits instead.",
    )


def _check_kind(module: nn.Module) -> None:
    """Check that this is a module whose layers can be watched. Raises BadSpec."""
    if not isinstance(module, nn.Module):
        what = f"the class {module.__name__}" if isinstance(module, type) else f"a {type(module).__name__}"
        raise BadSpec(f"This is {what}, not a module.", "A network is a torch.nn.Module.", "Give the network itself.")
    module = _inner(module)
    if isinstance(module, torch.jit.ScriptModule):
        raise BadSpec(
            "This module is compiled TorchScript.",
            "Its layers cannot be cut out of it for a heatmap.",
            "Give the module that was scripted or traced, with its weights.",
        )
    for name, part in module.named_modules():
        if type(part).__module__.startswith(QUANTISED):
            raise BadSpec(
                f"Layer '{name}' is quantised.",
                "Heatmaps need gradients, which quantised layers do not have.",
                "Give the network of floats that was quantised.",
            )
    for name, values in (*module.named_parameters(), *module.named_buffers()):
        if nn.parameter.is_lazy(values):
            raise BadSpec(
                f"The shape of '{name}' is not known yet.",
                "A lazy layer gets its weights with the first image.",
                "Run one batch through the module first.",
            )
        if values.is_meta:
            raise BadSpec(
                f"'{name}' is on the device meta: it has no values.",
                "A network needs its weights.",
                "Call module.to_empty(device='cpu') and load its weights.",
            )


def _inner(module: nn.Module) -> nn.Module:
    """Return the module inside wrappers that run it elsewhere or compiled."""
    while True:
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            module = module.module
        elif type(module).__name__ == "OptimizedModule" and isinstance(getattr(module, "_orig_mod", None), nn.Module):
            module = module._orig_mod  # type: ignore[assignment]
        else:
            return module


def _copied(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, on the CPU, in float32, without wrappers and in-place
    activations. Raises BadSpec.
    """
    try:
        own = copy.deepcopy(_inner(module))
    except Exception as error:  # whatever a part of it says to a copy
        raise BadSpec(
            f"This module cannot be copied ({_first_line(error)}).",
            "copy.deepcopy must work on it; masks of torch.nn.utils.prune prevent that, for example.",
            "Call prune.remove on its layers first, or remove_weight_norm; take locks and open files out of it.",
        ) from error
    for parent in list(own.modules()):
        for name, child in list(parent.named_children()):
            if (inner := _inner(child)) is not child:
                setattr(parent, name, inner)
    return not_in_place(own.cpu().float().eval())


def _check_output(network: nn.Module, facts: ModuleFacts, probe: Tensor) -> None:
    """Check with one pass that the network takes images and returns logits. Raises BadSpec."""
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
        height, width = facts.input.size_px
        raise BadSpec(
            f"The module does not accept images of {facts.input.channels} x {height} x {width} "
            f"({type(error).__name__}: {_first_line(error)}).",
            "It gets a batch (images, channels, height, width), as `input` says.",
            "Correct the size or the channels of `input`, or wrap it in a module that takes images.",
        ) from error
    if not isinstance(output, Tensor):
        raise BadSpec(
            f"The module returns {described(output)}.",
            "Sparsight needs the logits, (images, classes).",
            f"Say where they are: ModuleFacts(..., output={_example(output)}).",
        )
    if output.ndim != 2 or len(output) != len(probe) or not output.is_floating_point():
        raise BadSpec(
            f"The module returns {described(output)} for {len(probe)} images.",
            "Sparsight needs logits of shape (images, classes), in floats.",
            "Wrap it in a module whose forward returns them.",
        )


def _needed(network: nn.Module) -> list[str]:
    """Return the arguments that the forward of a network cannot do without."""
    parameters = inspect.signature(network.forward).parameters.values()
    several = [each.name for each in parameters if each.kind is each.VAR_POSITIONAL]
    needed = [each.name for each in parameters if each.default is each.empty and each.kind in NEEDED_KINDS]
    return needed or several[:1] or [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD][:1]


NEEDED_KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


def _captured(network: nn.Module, facts: ModuleFacts, probe: Tensor) -> Captured:
    """Return activations and gradients at the target layer. Raises BadSpec, which names layers that
    could be one; UnknownName.
    """
    try:
        return capture(network, facts.target_layer, probe, own_class)
    except BadSpec as error:
        names = [layer.name for layer in target_layers(network, (probe.shape[1], probe.shape[2], probe.shape[3]))]
        if names:
            choose = f"Choose one of {first_few(names[::-1], NAMED)}."
            raise BadSpec(error.wrong, error.allowed, choose) from error
        raise BadSpec(
            "No layer of this module returns a stack of maps.",
            "A heatmap needs a layer that returns (images, channels, height, width).",
            "Use a convolutional network; vision transformers are not supported.",
        ) from error


def _logits(where: str | int, network: nn.Module, inputs: object, output: Any) -> Tensor:
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


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:160]
