"""Physical removal: removes the channels that the mask has emptied, so that the network becomes
smaller and faster.

First, all channels without influence are found. For each layer that sums over channels, weights of
inputs that are always zero are set to zero, and the contribution of inputs that are constant (a
bias or a BatchNorm value left by an empty filter) is moved into the bias, unless padding changes it
at the border. A channel is unread if no reader has a weight for it, whatever its own values are.
This repeats until nothing changes, since an unread channel needs no inputs either. Then
Torch-Pruning's dependency graph, which knows the layers that must shrink together (additions,
concatenations, depthwise convolutions, BatchNorm, flattening), removes the unread channels. The
same holds for pruned filters and for single weights that happen to empty a whole channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from core.pruning.coupling import Graph, Group, refused
from core.pruning.reach import SUMS, fixed_inputs, silent_inputs
from core.results import ChannelCount, RemovalReport, StayingChannels

TOLERANCE = 1e-4  # of the largest output, or of 1 if outputs are smaller


def physical(network: nn.Module, example: Tensor) -> tuple[nn.Module, RemovalReport]:
    """Return a smaller network with the same outputs, without the channels that cannot change them.

    Classes, the input's own channels and the last channel of a layer always stay; so do channels of
    a grouped convolution
    or a normalisation over several channels, whose results would change: the report names them.

    Args:
        network: with masked weights as zeros, in eval mode, on the example's device; not modified.
        example: (N, channels, H, W), an input of the size for the smaller network.
    Returns:
        the smaller network (eval mode, frozen parameters) and what was taken out.
    Raises:
        CannotRemove: Torch-Pruning cannot trace this architecture, or the smaller network's outputs
        differ.
    Source: Fang et al. 2023, DepGraph (arXiv:2301.12900), through its library; the search for
    channels is our own.
    """
    small = deepcopy(network).eval()
    graph = Graph(small, example)
    while (left := _remove_once(graph, small, example)) is None:
        pass
    staying = tuple(_staying(left, graph.names))
    small.requires_grad_(False)
    difference = _difference(network, small, example)
    pairs = zip(_layers(network).items(), _layers(small).values(), strict=True)
    counts = (
        ChannelCount(name=f"{name}.weight", before=len(old.weight), after=len(new.weight)) for (name, old), new in pairs
    )
    return small, RemovalReport(
        layers=tuple(count for count in counts if count.before != count.after),
        staying=staying,
        largest_difference=difference,
        parameters_before=_parameters(network),
        parameters_after=_parameters(small),
    )


def _remove_once(graph: Graph, network: nn.Module, example: Tensor) -> list[Group] | None:
    """Run one round over all groups.

    Returns the remaining groups if nothing could be removed, else None.
    """
    layers = _layers(network)
    for name, silent in silent_inputs(network, example).items():
        layers[name].weight.data[:, silent] = 0
    for name, values in fixed_inputs(network, example).items():
        _fold(layers[name], values)
    went, seen = False, []
    for group in graph.groups():
        seen.append(group)
        if not group.held and (unread := group.unread).any() and (chosen := _closed(graph, group.root, unread)):
            chosen.silence()
            went |= graph.prune(chosen)
    return None if went else seen


def _fold(layer: Any, values: Tensor) -> None:
    """Move the contribution of inputs that are the same for every image into the bias.

    Args:
        values: (input channels, positions), NaN where the image matters.
    """
    lowest, highest = values.amin(1), values.amax(1)  # NaN if any position is
    even = highest - lowest <= 1e-6 * highest.abs()  # rounding differs between the cores of a processor
    plain = isinstance(layer, nn.Linear) or (
        not any(layer.padding) and (type(layer) in SUMS or set(layer.kernel_size) == {1})
    )
    fixed = even if plain else (lowest == 0) & (highest == 0)
    weights = layer.weight.data[:, fixed].flatten(2).sum(2) if layer.weight.ndim > 2 else layer.weight.data[:, fixed]
    share = weights @ values[fixed].mean(1)
    layer.weight.data[:, fixed] = 0
    if share.any():
        layer.bias = nn.Parameter(share if layer.bias is None else layer.bias.data + share)


def _closed(graph: Graph, root: nn.Module, unread: Tensor) -> Group | None:
    """Return those unread channels whose coupled channels are all unread, if channels of one layer
    are coupled.
    """
    chosen = unread
    while chosen.any():
        whole = graph.group(root, chosen)
        alone = chosen & whole.unread & (not whole.held)
        if torch.equal(alone, chosen):
            return whole
        chosen = alone
    return None


def _staying(groups: list[Group], names: dict[nn.Module, str]) -> Iterator[StayingChannels]:
    for group in groups:
        for module, channels, reason in group.emptied():
            yield StayingChannels(name=f"{names[module]}.weight", channels=channels, reason=reason)


def _difference(network: nn.Module, small: nn.Module, example: Tensor) -> float:
    """Return the largest difference of the outputs. Raises CannotRemove if it is more than
    rounding.
    """
    with torch.no_grad():
        before = network(example)
        try:
            after = small(example)
        except RuntimeError as error:
            raise refused(network, f"the smaller one does not run ({error})") from error
    difference = float((after - before).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(before.abs().max())):
        raise refused(network, f"the smaller one's outputs differ by {difference:.2g}")
    return difference


def _layers(network: nn.Module) -> dict[str, Any]:
    return {name: module for name, module in network.named_modules() if isinstance(module, SUMS)}


def _parameters(network: nn.Module) -> int:
    return sum(values.numel() for values in network.parameters())
