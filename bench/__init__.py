"""Benches: `python -m bench NAME` measures Sparsight and, in the same run, what a person would
otherwise use.

Each prints one JSON object: bench, device, threads, n, ours_s (median), ours_p95_s, peer, peer_s
(median), ratio (peer_s / ours_s), and what else it counts. Nothing here asserts.
"""

from bench import (
    agreement,
    browser,
    engine,
    heatmap,
    intervals,
    mask,
    memory,
    natural,
    pruning,
    resume,
    store,
    train,
    training,
    vgg,
)
from bench.measure import BENCHES

__all__ = [
    "BENCHES",
    "agreement",
    "browser",
    "engine",
    "heatmap",
    "intervals",
    "mask",
    "memory",
    "natural",
    "pruning",
    "resume",
    "store",
    "train",
    "training",
    "vgg",
]
