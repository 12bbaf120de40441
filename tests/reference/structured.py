"""Slow, obvious twins: which channels of a chain of layers are alive, walked weight by weight."""

from __future__ import annotations

from torch import nn


def alive_channels(network: nn.Module, layers: tuple[str, ...], cells: int) -> list[set[int]]:
    """Alive output channels of each layer of a chain conv, ReLU, ..., flatten, linear; of the last
    one all.

    A channel is alive when it hangs on the image (by a kept weight from a channel that does) and
    when a kept weight of an alive channel of the next layer reads it; what hangs on biases only is
    a fixed number.

    Args:
        layers: names in order; the last is linear and reads `cells` values a channel of the one
            before.
    """
    modules = [network.get_submodule(name) for name in layers]
    sources: list[set[int]] = []
    known = set(range(modules[0].weight.shape[1]))  # the image's own channels
    for module in modules[:-1]:
        known = {out for out in range(module.weight.shape[0]) if any((module.weight[out, k] != 0).any() for k in known)}
        sources.append(known)
    alive = [set(range(modules[-1].weight.shape[0]))]
    for place in range(len(modules) - 2, -1, -1):
        reader, width = modules[place + 1].weight, cells if place == len(modules) - 2 else 1
        alive.insert(
            0,
            {
                channel
                for channel in sources[place]
                if any((reader[out, channel * width : (channel + 1) * width] != 0).any() for out in alive[0])
            },
        )
    return alive
