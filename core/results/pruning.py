"""What a pruning removed, and what that is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.specs import VariantSpec

FEWEST_ZEROS = (
    0.01  # share of the weights from which on a network is called sparse; EfficientNet-lite0 as trained has 0.0013
)


@dataclass(frozen=True, kw_only=True)
class LayerCount:
    """Weights of one layer, counted from the tensors.

    name: of the weight. kind: "conv" or "linear". kept: weights that are left: the mask keeps them
    and they are not zero.
    already_zero: weights that are zero although this pruning did not remove them.
    """

    name: str
    kept: int
    total: int
    kind: str = "conv"
    already_zero: int = 0

    @property
    def removed(self) -> int:
        """Weights that this pruning set to zero.

        Weights that it chose but that were zero before do not count.
        """
        return self.total - self.kept - self.already_zero

    @property
    def sparsity(self) -> float:
        return 1.0 - self.kept / self.total


@dataclass(frozen=True, kw_only=True)
class MaskReport:
    """What is left of a network and what a pruning removed, counted from the tensors (in float32,
    as they are stored).

    A weight is left (`kept`) if the mask keeps it and its value is not zero. Three numbers differ
    where the network had zeros before: what was asked for (in the spec), what is zero now
    (`sparsity`), and what this pruning set to zero (`removed`).

    Sparsity is over the prunable weights that are not excluded, the compression ratio over all
    parameters. `layers`: what pruning may touch; `excluded`: layers that the spec leaves alone.
    `removed_others`: biases and the like that go with a whole filter. `zero_others`: other
    parameters that are zero anyway. `collapsed`: no path of weights that are left joins input and
    output. Of a trained level, whatever its mask removes counts as removed by its pruning.
    """

    variant: VariantSpec
    layers: tuple[LayerCount, ...]
    other_parameters: int  # biases, excluded layers, and all else that is no candidate
    collapsed: bool
    excluded: tuple[LayerCount, ...] = ()
    removed_others: int = 0
    zero_others: int = 0

    @property
    def kept(self) -> int:
        """Prunable weights that are left."""
        return sum(layer.kept for layer in self.layers)

    @property
    def total(self) -> int:
        return sum(layer.total for layer in self.layers)

    @property
    def removed(self) -> int:
        """Prunable weights that this pruning set to zero."""
        return sum(layer.removed for layer in self.layers)

    @property
    def removed_anything(self) -> bool:
        """Whether this pruning changed the network: it set a weight, or a bias that goes with a
        filter, to zero.
        """
        return bool(self.removed or self.removed_others)

    @property
    def already_zero(self) -> int:
        """Prunable weights that are zero although this pruning did not remove them."""
        return sum(layer.already_zero for layer in self.layers)

    @property
    def density(self) -> float:
        return self.kept / self.total

    @property
    def sparsity(self) -> float:
        """Share of the prunable weights that is zero."""
        return 1.0 - self.density

    @property
    def sparsity_before(self) -> float:
        """Share of the prunable weights that is zero without this pruning."""
        return self.already_zero / self.total

    @property
    def was_sparse(self) -> bool:
        """Whether the network had enough zeros before this pruning to be called sparse.

        Ordinary networks have a few by chance.
        """
        return self.sparsity_before >= FEWEST_ZEROS

    @property
    def compression_ratio(self) -> float:
        """All parameters / parameters left; infinite when none is."""
        return (self.total + self.other_parameters) / self.parameters_left if self.parameters_left else math.inf

    @property
    def parameters_left(self) -> int:
        """Parameters of any sort that are not zero."""
        return self.kept + self.other_parameters - self.removed_others - self.zero_others

    @property
    def conv_compression_ratio(self) -> float | None:
        """Weights of all convolutions / those left ("compression rate" in Merkle et al.); None
        without convolutions.
        """
        convs = [layer for layer in (*self.layers, *self.excluded) if layer.kind == "conv"]
        left = sum(layer.kept for layer in convs)
        if not convs:
            return None
        return sum(layer.total for layer in convs) / left if left else math.inf


@dataclass(frozen=True, kw_only=True)
class ChannelCount:
    """Output channels of one layer (name: of its weight) before and after removal."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class StayingChannels:
    """Channels of one layer that pruning emptied and that stay all the same, and why, in plain
    words.
    """

    name: str
    channels: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class RemovalReport:
    """What physical removal took out. layers: those that got smaller; difference: largest of the
    outputs on the example.
    """

    layers: tuple[ChannelCount, ...]
    staying: tuple[StayingChannels, ...]
    parameters_before: int
    parameters_after: int
    largest_difference: float

    @property
    def removed_channels(self) -> int:
        return sum(layer.before - layer.after for layer in self.layers)


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Measured time of one image through a network: median and 95th percentile in milliseconds of n
    passes on a named device.
    """

    median_ms: float
    p95_ms: float
    n: int
    device: str


@dataclass(frozen=True, kw_only=True)
class CostReport:
    """What one variant costs. Parameters and zeros are counted from the tensors, multiply-adds of
    one image from the shapes of a pass.

    `zeros` are of all parameters; `macs_left` leaves out multiplications by zero weights: a count,
    not a speed. File sizes are those of the app's own files: every value, or one bit a prunable
    weight and the values kept. `physical_*` are after the channels that pruning emptied were really
    taken out; None, with the reason in `notes`, where nothing could be. Latencies are of one image,
    measured in turn in one run; None when not asked for.
    """

    variant: VariantSpec
    parameters: int
    zeros: int
    macs: int
    macs_left: int
    dense_file_bytes: int
    sparse_file_bytes: int
    dense_latency: Latency | None = None
    latency: Latency | None = None  # with the zeros in place
    physical_parameters: int | None = None
    physical_zeros: int | None = None
    physical_macs: int | None = None
    physical_macs_left: int | None = None
    physical_file_bytes: int | None = None
    physical_latency: Latency | None = None
    removed_channels: int = 0
    largest_difference: float | None = None  # of the logits, masked against physical
    notes: tuple[str, ...] = ()  # plain sentences: what zeros are worth here, which channels stay and why
