"""Benches: `python -m bench NAME` measures Sparsight and, in the same run, a common alternative.

Each prints one JSON object: bench, device, threads, n, ours_s (median), ours_p95_s, peer, peer_s
(median), ratio (peer_s / ours_s), and further counts. Benches assert nothing.
"""

from bench import (
    agreement,
    breaks,
    browser,
    curves,
    engine,
    faithfulness,
    heatmap,
    intervals,
    mask,
    memory,
    natural,
    pruning,
    report,
    resume,
    store,
    study,
    study_intervals,
    sweep_processes,
    sweeps,
    train,
    training,
    units,
    vgg,
)
from bench.measure import BENCHES

__all__ = [
    "BENCHES",
    "agreement",
    "breaks",
    "browser",
    "curves",
    "engine",
    "faithfulness",
    "heatmap",
    "intervals",
    "mask",
    "memory",
    "natural",
    "pruning",
    "report",
    "resume",
    "store",
    "study",
    "study_intervals",
    "sweep_processes",
    "sweeps",
    "train",
    "training",
    "units",
    "vgg",
]
