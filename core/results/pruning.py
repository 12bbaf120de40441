"""What a pruning removed, and what it saves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.base.brief import brief
from core.specs import VariantSpec

FEWEST_ZEROS = (
    0.01  # share of zero weights from which a network counts as sparse; EfficientNet-lite0 as trained has 0.0013
)


@brief
@dataclass(frozen=True, kw_only=True)
class LayerCount:
    """Weights of one layer, counted from the tensors.

    name: of the weight. kind: "conv" or "linear". kept: weights that the mask keeps and that are
    not zero.
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

        Chosen weights that were zero before do not count.
        """
        return self.total - self.kept - self.already_zero

    @property
    def sparsity(self) -> float:
        return 1.0 - self.kept / self.total


@brief
@dataclass(frozen=True, kw_only=True)
class MaskReport:
    """What a pruning kept and removed, counted from the tensors (in float32, as they are stored).

    A weight counts as kept if the mask keeps it and its value is not zero. Three numbers differ if
    the network had zeros before: the requested sparsity (in the spec), the share that is zero now
    (`sparsity`), and the weights that this pruning set to zero (`removed`).

    Sparsity is over the prunable weights that are not excluded, the compression ratio over all
    parameters. `layers`: layers that pruning may change; `excluded`: layers that the spec excludes.
    `removed_others`: biases and similar parameters removed with a whole filter. `zero_others`:
    other parameters that are zero anyway. `collapsed`: no path of kept weights connects input and
    output. For a trained level, everything that its mask removes counts as removed by its pruning.
    """

    variant: VariantSpec
    layers: tuple[LayerCount, ...]
    other_parameters: int  # biases, excluded layers and everything else that is not prunable
    collapsed: bool
    excluded: tuple[LayerCount, ...] = ()
    removed_others: int = 0
    zero_others: int = 0

    @property
    def kept(self) -> int:
        """Prunable weights that are kept."""
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
        """Whether this pruning changed the network: it set a weight, or the bias of a filter, to
        zero.
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
        """Whether the network had enough zeros before this pruning to count as sparse.

        Ordinary networks have a few by chance.
        """
        return self.sparsity_before >= FEWEST_ZEROS

    @property
    def compression_ratio(self) -> float:
        """All parameters / parameters left; infinite if none is left."""
        return (self.total + self.other_parameters) / self.parameters_left if self.parameters_left else math.inf

    @property
    def parameters_left(self) -> int:
        """Parameters of any kind that are not zero."""
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


@brief
@dataclass(frozen=True, kw_only=True)
class ChannelCount:
    """Output channels of one layer (name: of its weight) before and after removal."""

    name: str
    before: int
    after: int


@brief
@dataclass(frozen=True, kw_only=True)
class StayingChannels:
    """Channels of one layer that pruning emptied but that cannot be removed, with the reason in
    words.
    """

    name: str
    channels: int
    reason: str


@brief
@dataclass(frozen=True, kw_only=True)
class RemovalReport:
    """What physical removal took out. layers: those that became smaller; largest_difference: of the
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


@brief
@dataclass(frozen=True, kw_only=True)
class Latency:
    """Measured time of a network: median and 95th percentile of n passes on a named device, in
    milliseconds.

    low_ms, high_ms: 95 % interval of the median; with five passes 94 %. It is of this run: another
    day, or another load of the machine, is beyond it.
    """

    median_ms: float
    p95_ms: float
    n: int
    device: str
    low_ms: float
    high_ms: float


@brief
@dataclass(frozen=True, kw_only=True)
class CostReport:
    """Cost of one variant. Parameters and zeros are counted from the tensors, multiply-adds of one
    image from the shapes of a pass.

    `zeros` counts all parameters; `macs_left` leaves out multiplications by zero weights: a count,
    not a speed. File sizes are those of the app's own files: every value, or one bit per prunable
    weight and the kept values. `physical_*` describe the network after the channels that pruning
    emptied are removed; None, with the reason in `notes`, if none can be. Latencies are of one
    image, measured alternately in one run; None unless requested.
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
    notes: tuple[str, ...] = ()  # sentences: what zeros save here, which channels stay and why
