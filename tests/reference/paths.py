"""A slow, obvious definition of collapse: a graph of values, one node for each channel and place,
and a search through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from torch import Tensor

Node = tuple[object, ...]  # (name of the value, channel, row, column)


class Graph:
    """Edges from what is heard to who hears it; an image arrives where the search gets."""

    def __init__(self) -> None:
        self.heard_by: dict[Node, set[Node]] = {}
        self.sizes: dict[str, tuple[int, int, int]] = {}

    def join(self, source: Node, target: Node) -> None:
        self.heard_by.setdefault(source, set()).add(target)

    def image(self, name: str, size: tuple[int, int, int]) -> None:
        self.sizes[name] = size

    def places(self, name: str) -> Iterator[tuple[int, ...]]:
        return product(*map(range, self.sizes[name]))

    def conv(self, source: str, target: str, mask: Tensor, padding: int = 0, groups: int = 1) -> None:
        """mask (O, I, kh, kw); stride 1."""
        _, height, width = self.sizes[source]
        outputs, inputs, kh, kw = mask.shape
        self.sizes[target] = (outputs, height + 2 * padding - kh + 1, width + 2 * padding - kw + 1)
        for output, row, column in self.places(target):
            for i, y, x in product(range(inputs), range(kh), range(kw)):
                at = (output // (outputs // groups) * inputs + i, row + y - padding, column + x - padding)
                if mask[output, i, y, x] and 0 <= at[1] < height and 0 <= at[2] < width:
                    self.join((source, *at), (target, output, row, column))

    def same(self, sources: tuple[str, ...], target: str) -> None:
        """A sum, a product or an activation: each value hears the value at its place."""
        self.sizes[target] = self.sizes[sources[0]]
        for source in sources:
            for channel, row, column in self.places(target):
                _, height, width = self.sizes[source]
                self.join((source, channel, row % height, column % width), (target, channel, row, column))

    def beside(self, sources: tuple[str, ...], target: str) -> None:
        """Concatenation of channels."""
        self.sizes[target] = (sum(self.sizes[source][0] for source in sources), *self.sizes[sources[0]][1:])
        before = 0
        for source in sources:
            for channel, row, column in self.places(source):
                self.join((source, channel, row, column), (target, before + channel, row, column))
            before += self.sizes[source][0]

    def pooled(self, source: str, target: str) -> None:
        """One value a channel, from all its places."""
        self.sizes[target] = (self.sizes[source][0], 1, 1)
        for channel, row, column in self.places(source):
            self.join((source, channel, row, column), (target, channel, 0, 0))

    def over_channels(self, source: str, target: str) -> None:
        """A layer norm: at each place every channel hears every channel."""
        self.sizes[target] = self.sizes[source]
        for channel, row, column in self.places(source):
            for other in range(self.sizes[source][0]):
                self.join((source, channel, row, column), (target, other, row, column))

    def linear(self, source: str, target: str, mask: Tensor) -> None:
        """mask (O, I) over values that are one place each."""
        self.sizes[target] = (mask.shape[0], 1, 1)
        for output, channel in product(*map(range, mask.shape)):
            if mask[output, channel]:
                self.join((source, channel, 0, 0), (target, output, 0, 0))

    def arrives(self, source: str, target: str) -> bool:
        """Whether something of the source gets to the target."""
        open_nodes: list[Node] = [(source, *at) for at in self.places(source)]
        seen = set(open_nodes)
        while open_nodes:
            node = open_nodes.pop()
            if node[0] == target:
                return True
            fresh = self.heard_by.get(node, set()) - seen
            seen |= fresh
            open_nodes += fresh
        return False
