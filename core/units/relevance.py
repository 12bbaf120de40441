"""How much units matter: gradient x activation, and what happens when a unit is taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.base.brief import brief
from core.base.draws import torch_generator
from core.base.registry import Registry
from core.data.batches import Batch
from core.measures import probabilities
from core.saliency.capture import evaluating, find_layer, own_class
from core.units.exemplars import hooked, in_channels_last
from core.units.layers import UnitLayer

MOST_ABLATED = 128  # units of a layer
Fill = Callable[[Tensor], Tensor]  # the maps of a unit, (n, h, w) -> what replaces them

ABLATIONS: Registry[Fill] = Registry("ablation")
ABLATIONS.register("zero", "Zero", "The unit's map is 0 everywhere.")(torch.zeros_like)
ABLATIONS.register("mean", "Mean", "The unit's map is its mean over the images of the batch.")(
    lambda maps: maps.mean(dim=0, keepdim=True).expand_as(maps)
)


def relevance(
    network: nn.Module, batches: Iterable[Batch], layers: Sequence[UnitLayer]
) -> tuple[dict[str, Tensor], int]:
    """Return the relevance of every unit for the class that the network predicts, and the number of
    images n.

    It is the mean over images of |sum over the map's cells of gradient x activation|, where the
    gradient is that of the predicted class' logit. Images without a finite answer are left out.

    Source: first order of the change of the logit if the unit is set to 0; Molchanov et al. 2017.
    """
    sums: dict[str, Tensor] = {}
    maps: dict[str, Tensor] = {}
    images = 0
    dtype = next(network.parameters()).dtype

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object, answer: Tensor) -> None:
            maps[name] = answer

        return hook

    with evaluating(network), hooked(network, {layer.read: keep(layer.name) for layer in layers}):
        for batch in batches:
            with torch.inference_mode(False), torch.enable_grad():
                logits = network(in_channels_last(batch.images.to(dtype)).requires_grad_())
                own = own_class(logits.detach())
                usable = own >= 0
                score = logits.gather(1, own.clamp(min=0)[:, None])[:, 0][usable].sum()
                gradients = torch.autograd.grad(score, list(maps.values()), allow_unused=True)
            for (name, answer), gradient in zip(maps.items(), gradients, strict=True):
                product = torch.zeros_like(answer) if gradient is None else answer.detach() * gradient
                found = product[usable].sum(dim=(2, 3)).abs().sum(0).double().cpu()
                sums[name] = sums.get(name, torch.zeros_like(found)) + found
            images += int(usable.sum())
    return {name: (found / max(1, images)).float() for name, found in sums.items()}, images


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Ablated:
    """The effect of taking single units away.

    units: (k,) of the layer. drop: (k,) mean fall of the predicted class' probability. changed:
    (k,) share of images whose predicted class changes. images: n of both.
    """

    units: Tensor
    drop: Tensor
    changed: Tensor
    images: int


def chosen_units(layer: UnitLayer, seed: int, most: int = MOST_ABLATED) -> Tensor:
    """Return all units of a layer, or a seeded choice of them, ascending."""
    if layer.units <= most:
        return torch.arange(layer.units)
    drawn = torch.randperm(layer.units, generator=torch_generator("ablated-units", seed, layer.name))
    return drawn[:most].sort().values


def ablate(network: nn.Module, batches: Iterable[Batch], layer: UnitLayer, units: Tensor, how: str = "zero") -> Ablated:
    """Take each unit away by itself, over all images.

    The part of the network before the layer runs once a batch.

    Args:
        units: (k,) of the layer. how: a key of ABLATIONS.
    """
    fill, dtype = ABLATIONS[how].value, next(network.parameters()).dtype
    drops, changes, images = torch.zeros(len(units), dtype=torch.float64), torch.zeros(len(units)), 0
    with evaluating(network), torch.no_grad():
        for batch in batches:
            inputs = in_channels_last(batch.images.to(dtype))
            with remembered(network, layer.read, inputs) as (logits, maps, again):
                own = own_class(logits)
                usable, before = own >= 0, probabilities(logits)
                own = own.clamp(min=0)
                for place, unit in enumerate(units.tolist()):
                    changed = maps.clone()
                    changed[:, unit] = fill(maps[:, unit])
                    after = again(changed)
                    fall = (before - probabilities(after)).gather(1, own[:, None])[:, 0]
                    drops[place] += fall[usable].sum().double().cpu()
                    changes[place] += (own_class(after) != own)[usable].sum().cpu()
                images += int(usable.sum())
    return Ablated(units=units, drop=(drops / max(1, images)).float(), changed=changes / max(1, images), images=images)


@contextmanager
def remembered(
    network: nn.Module, layer: str, inputs: Tensor
) -> Iterator[tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]]:
    """Run a network once, and yield its logits, the layer's output, and a function that continues
    from another output of the layer.

    To continue, the network runs again, but what every module returned before the layer ran is
    returned again without computing it. A module that stands at several places is computed.
    """
    finished: dict[nn.Module, list[object]] = {}
    target, before = find_layer(network, layer), True
    outputs: list[Tensor] = []
    places = Counter(module for _, module in network.named_modules(remove_duplicate=False))

    def keep(module: nn.Module, given: object, answer: object) -> None:
        nonlocal before
        if module is target:
            before = False
            outputs.append(answer.clone() if isinstance(answer, Tensor) else torch.empty(0))
        elif before and places[module] == 1:
            finished.setdefault(module, []).append(answer)

    handles = [module.register_forward_hook(keep) for module in network.modules() if module is not network]
    try:
        logits = network(inputs)
    finally:
        for handle in handles:
            handle.remove()

    def again(maps: Tensor) -> Tensor:
        for module, answers in finished.items():
            module.forward = _repeating(answers, module.forward)
        target.forward = lambda *given, **named: maps
        try:
            return network(inputs)
        finally:
            for module in (*finished, target):
                del module.__dict__["forward"]  # the method of its class is there again

    yield logits, outputs[0], again


def _repeating(answers: Sequence[object], forward: Callable[..., object]) -> Callable[..., object]:
    """Return a function that returns these answers one by one, and then computes new ones."""
    left = list(answers)
    return lambda *given, **named: left.pop(0) if left else forward(*given, **named)
