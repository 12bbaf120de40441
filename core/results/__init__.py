"""Results: frozen answers on the CPU, each with the spec it answers. Undefined values are None,
never NaN.

Arrays are read-only numpy float32; H, W are pixels of the network's input, h, w cells of the target
layer.
"""

from core.results.agreement import ELSEWHERE_BELOW, SAME_FROM, Agreement, Agreements, Verdict, summarise
from core.results.arrays import Array, frozen_array
from core.results.data import Accuracy
from core.results.heatmaps import (
    DENSE_NAME,
    MAP_STATES,
    OVERFLOW_ADVICE,
    Comparison,
    Heatmap,
    Mapped,
    Prediction,
    Scores,
)
from core.results.images import TRUTHS, Picture
from core.results.memory import CachePart
from core.results.pruning import (
    ChannelCount,
    CostReport,
    Latency,
    LayerCount,
    MaskReport,
    RemovalReport,
    StayingChannels,
)
from core.results.training import TrainedLevel

__all__ = [
    "DENSE_NAME",
    "ELSEWHERE_BELOW",
    "MAP_STATES",
    "OVERFLOW_ADVICE",
    "SAME_FROM",
    "TRUTHS",
    "Accuracy",
    "Agreement",
    "Agreements",
    "Array",
    "CachePart",
    "ChannelCount",
    "Comparison",
    "CostReport",
    "Heatmap",
    "Latency",
    "LayerCount",
    "Mapped",
    "MaskReport",
    "Picture",
    "Prediction",
    "RemovalReport",
    "Scores",
    "StayingChannels",
    "TrainedLevel",
    "Verdict",
    "frozen_array",
    "summarise",
]
