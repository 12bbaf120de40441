"""Any PyTorch module as a network of Sparsight, from a notebook or a plugin: its card, and what is
wrong with one that cannot be used.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from core.base.draws import torch_generator
from core.base.errors import BadSpec
from core.base.text import first_few
from core.models.cards import Card, InputRule, State, Weights
from core.models.class_names import class_names, listed
from core.models.input_checks import check_is_rule, check_rule
from core.models.layers import logits_layer, target_layers, watch
from core.models.module_outputs import check_output, first_line, output_notes, take_logits
from core.models.torchvision_cnns import not_in_place
from core.models.unprunable import note
from core.saliency.capture import Captured, capture, own_class
from core.specs.shares import one_of

WEIGHTS = "own"
NAMED = 6  # keys or layers in a message
IMAGES = ("photos", "digits")
MAPS_NDIM = 4
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

    def __post_init__(self) -> None:
        one_of(self.images, IMAGES, "kind of images")
        object.__setattr__(self, "classes", listed(self.classes))


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
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # a network that draws gets the same name again
        return _taken(module, facts)


def _taken(module: nn.Module, facts: ModuleFacts) -> Taken:
    check_is_rule(facts.input)
    check_rule(facts.input, None)
    _check_kind(module)
    own = _copied(module)
    if facts.output != "":
        own.register_forward_hook(partial(take_logits, facts.output))
    shape = (facts.input.channels, *facts.input.size_px)
    probe = torch.rand(2, *shape, generator=torch_generator("probe of a module"))
    first = check_output(own, facts.input, probe)
    captured = _captured(own, facts, probe)
    state: State = {name: values.detach().clone() for name, values in own.state_dict().items()}
    card = Card(
        build=partial(_deepcopy, own),
        target_layer=facts.target_layer,
        input=facts.input,
        classes=class_names(facts.classes, captured.logits.shape[1]),
        images=facts.images,
        weights={
            WEIGHTS: Weights(summary="those of the module", load=lambda folder, progress: state, origin="the module")
        },
        classifier=f"{logits_layer(watch(own, probe[:1]))}.weight",
    )
    _check_prunable(card)
    notes = (*note(card.unprunable, own), *output_notes(first, captured.logits))
    return Taken(replace(card, notes=notes), own, captured)


def _check_prunable(card: Card) -> None:
    """Check that there is something to prune. Raises BadSpec."""
    if card.prunable:
        return
    others = [f"{name} ({reason})" for name, reason in card.unprunable.items()]
    raise BadSpec(
        f"Nothing in this module can be pruned: {first_few(others, NAMED) or 'it has no weights'}.",
        "Sparsight prunes the weights of convolutions (Conv2d) and linear layers.",
        "Give a network that has such layers, without masks and parametrizations.",
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
    _check_values(module)


def _check_values(module: nn.Module) -> None:
    """Check that all weights are there. Raises BadSpec."""
    for name, values in (*module.named_parameters(), *module.named_buffers()):
        if nn.parameter.is_lazy(values):
            raise BadSpec(
                f"The shape of '{name}' is not known yet.",
                "A lazy layer gets its weights with the first image.",
                "Run one batch through the module first.",
            )
        if values.layout != torch.strided:
            raise BadSpec(f"'{name}' is a sparse tensor.", "Weights are dense tensors.", "Call .to_dense() on it.")
        if values.is_meta:
            raise BadSpec(
                f"'{name}' is on the device meta: it has no values.",
                "A network needs its weights.",
                "Call module.to_empty(device='cpu') and load its weights.",
            )
    for name, values in module.named_parameters():
        if not torch.isfinite(values.detach()).all():
            raise BadSpec(
                f"Values of '{name}' are NaN or infinite.",
                "Such a network gives no answers.",
                "Choose an earlier checkpoint, from before the training diverged.",
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
        own = _deepcopy(_inner(module))
    except Exception as error:  # whatever a part of it says to a copy
        raise BadSpec(
            f"This module cannot be copied ({first_line(error)}).",
            "copy.deepcopy must work on it; locks, open files and results of earlier passes prevent that.",
            "Take them out of the module.",
        ) from error
    for parent in list(own.modules()):
        for name, child in list(parent.named_children()):
            if (inner := _inner(child)) is not child:
                setattr(parent, name, inner)
    return not_in_place(own.cpu().float().eval())


def _deepcopy(module: nn.Module) -> nn.Module:
    """Copy a module. A weight that a hook computes before each pass (mask, weight norm, spectral
    norm) is part of a graph, which PyTorch does not copy: its values are copied.
    """
    held = (values for part in module.modules() for values in vars(part).values())
    computed = {id(values): values.detach().clone() for values in held if isinstance(values, Tensor) and values.grad_fn}
    return copy.deepcopy(module, computed)


def _captured(network: nn.Module, facts: ModuleFacts, probe: Tensor) -> Captured:
    """Return activations and gradients at the target layer. Raises BadSpec, which names layers that
    could be one; UnknownName.
    """
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    linked: list[bool] = []
    hook = network.register_forward_hook(lambda module, inputs, logits: linked.append(logits.requires_grad))
    try:
        for parameter in learned:  # so that logits need a gradient only if they depend on the target layer
            parameter.requires_grad_(False)
        captured = capture(network, facts.target_layer, probe, own_class)
    except BadSpec as error:
        names = [layer.name for layer in target_layers(network, (probe.shape[1], probe.shape[2], probe.shape[3]))]
        if names:
            choose = f"Choose one of {first_few(names[::-1], NAMED)}."
            raise BadSpec(error.wrong, error.allowed, choose) from error
        if any(run.answer.ndim == MAPS_NDIM for run in watch(network, probe)):
            raise
        raise BadSpec(
            "No layer of this module returns a stack of maps.",
            "A heatmap needs a layer that returns (images, channels, height, width).",
            "Use a convolutional network; vision transformers are not supported.",
        ) from error
    except RuntimeError as error:  # of autograd
        raise _no_gradient(facts.target_layer, f" ({first_line(error)})") from error
    finally:
        hook.remove()
        for parameter in learned:
            parameter.requires_grad_()
    if not linked[-1]:
        raise _no_gradient(facts.target_layer)
    return captured


def _no_gradient(layer: str, reason: str = "") -> BadSpec:
    return BadSpec(
        f"No gradient leads from the outputs back to layer '{layer}'{reason}.",
        "Heatmaps need gradients: torch.no_grad, torch.inference_mode, detach and NumPy end them.",
        "Take these out of its forward, or choose a target layer that runs after them.",
    )
