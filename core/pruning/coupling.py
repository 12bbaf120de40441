"""Coupled channels: Torch-Pruning's dependency graph and the queries of this project."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from core.base.errors import SparsightError
from core.pruning.reach import BATCH_NORMS, SUMS

# Layers with parameters that treat channels separately.
PER_CHANNEL = (BATCH_NORMS, nn.modules.instancenorm._InstanceNorm, nn.PReLU)
JOINED = "they are added to, or multiplied with, channels that are not empty"
LAST = "a layer keeps at least one channel"
CONSTANT = "their output is a constant, which the next layer's padding changes at the border"
ACROSS = (nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm)


class CannotRemove(SparsightError):
    """The channels of a network cannot be removed."""


def refused(network: nn.Module, why: str) -> CannotRemove:
    return CannotRemove(
        f"Channels of {type(network).__name__} cannot be removed: {why}.",
        "Torch-Pruning must be able to trace the network's coupled layers.",
        "Its zeros stay in place; everything else still works.",
    )


@dataclass(frozen=True)
class Part:
    """One layer of a coupled group: maps its channels to channels of the group's first layer."""

    module: Any
    reads: bool  # the group's channels are its inputs; else its outputs
    own: Tensor  # (n,) indices in this layer
    root: Tensor  # (n,) indices in the first layer

    @property
    def fits(self) -> bool:
        """Return whether this layer has these channels."""
        if not isinstance(self.module, SUMS):
            return True
        groups = getattr(self.module, "groups", 1) if self.reads else 1
        return int(self.own.max()) < self.module.weight.shape[int(self.reads)] * groups


@dataclass(frozen=True)
class Group:
    """Channels that can only be removed together. held: why none of them may be removed, or "";
    items: those of Torch-Pruning.
    """

    root: Any
    parts: list[Part]
    held: str
    items: Any

    @property
    def unread(self) -> Tensor:
        """(channels of the first layer,) bool: no layer that sums over channels has a weight for
        it.
        """
        read = torch.zeros(len(self.root.weight), dtype=torch.bool)
        readers = [part for part in self.parts if part.reads]
        for part in readers:
            if getattr(part.module, "groups", 1) == 1:
                used = (part.module.weight != 0).any(0).reshape(part.module.weight.shape[1], -1).any(1).cpu()
                read[part.root[used[part.own]]] = True
            else:  # held anyway
                read[part.root] = True
        return ~read & bool(readers)  # channels without a reader are the network's output

    def silence(self) -> None:
        """Set the weights that compute these channels to zero: their own inputs may then become
        unread.
        """
        for part in self.parts:
            if not part.reads and isinstance(part.module, (*SUMS, BATCH_NORMS)):
                for values in (part.module.weight, part.module.bias):
                    if values is not None:
                        values.data[part.own] = 0

    def emptied(self) -> Iterator[tuple[nn.Module, int, str]]:
        """Yield layer, number and reason of the channels that have no weights left but cannot be
        removed.
        """
        makers = [part for part in self.parts if not part.reads and isinstance(part.module, SUMS)]
        made, unread = torch.zeros(len(self.root.weight), dtype=torch.bool), self.unread
        for part in makers:
            made[part.root[~_empty_rows(part)]] = True
        for part in makers:
            empty = part.root[_empty_rows(part)]
            joined, last = made[empty], unread[empty]
            for channels, reason in ((joined, JOINED), (last & ~joined, LAST), (~joined & ~last, CONSTANT)):
                if channels.any():
                    yield part.module, int(channels.sum()), self.held or reason


def _empty_rows(part: Part) -> Tensor:
    return (part.module.weight == 0).flatten(1).all(1).cpu()[part.own]


class Graph:
    """Torch-Pruning's dependency graph of one network, traced once."""

    def __init__(self, network: nn.Module, example: Tensor) -> None:
        network.requires_grad_(True)  # it traces by autograd
        try:
            with torch.enable_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._graph = torch_pruning.DependencyGraph().build_dependency(
                    network, example[:1], forward_fn=lambda module, images: module(images), verbose=False
                )
        except Exception as error:  # any error of the external tracer
            raise refused(network, f"Torch-Pruning cannot trace it ({type(error).__name__}: {error})") from error
        self._network = network
        self.names = {module: name for name, module in network.named_modules()}

    def groups(self) -> Iterator[Group]:
        """Yield every group with all its channels, starting near the output."""
        for items in self._graph.get_all_groups():
            yield self._checked(items)

    def group(self, root: nn.Module, channels: Tensor) -> Group:
        """Return the group that must be removed with these channels (bool) of a layer."""
        chosen = channels.nonzero().flatten().tolist()
        return self._checked(
            self._graph.get_pruning_group(root, self._graph.get_pruner_of_module(root).prune_out_channels, chosen)
        )

    def prune(self, group: Group) -> bool:
        """Remove the channels, except the first if some layer would have none left.

        Returns whether any was removed.
        """
        chosen = group.parts[0].own.tolist()
        while chosen and not self._graph.check_pruning_group(group.items):
            chosen = chosen[1:]
            left = torch.zeros(len(group.root.weight), dtype=torch.bool)
            left[chosen] = True
            group = self.group(group.root, left) if chosen else group
        if chosen:
            group.items.prune(record_history=False)
        return bool(chosen)

    def _checked(self, items: Any) -> Group:
        parts = list(self._parts(items))
        if not all(part.fits for part in parts):
            raise refused(self._network, "Torch-Pruning couples layers whose channels do not match")
        return Group(items[0].dep.target.module, parts, self._held(items), items)

    def _parts(self, items: Any) -> Iterator[Part]:
        for item in items:
            if isinstance(item.dep.target.module, SUMS + PER_CHANNEL):
                yield Part(
                    item.dep.target.module, self._reads(item), torch.tensor(item.idxs), torch.tensor(item.root_idxs)
                )

    def _reads(self, item: Any) -> bool:
        module = item.dep.target.module
        pruner = self._graph.get_pruner_of_module(module)
        return pruner.prune_in_channels != pruner.prune_out_channels and item.dep.handler == pruner.prune_in_channels

    def _held(self, items: Any) -> str:
        for item in items:
            module = item.dep.target.module
            if isinstance(module, torch_pruning.ops._OutputOp) or not (item.dep.target.outputs or self._reads(item)):
                return "they are the network's output"
            if isinstance(module, SUMS) and 1 < getattr(module, "groups", 1) < len(module.weight):
                return "they belong to a grouped convolution, whose groups must stay of equal size"
            own_values = isinstance(module, nn.Parameter) or next(module.parameters(recurse=False), None) is not None
            if isinstance(module, ACROSS) or (own_values and not isinstance(module, SUMS + PER_CHANNEL)):
                return f"a layer over several channels ({type(module).__name__}) would give different results"
        return ""
