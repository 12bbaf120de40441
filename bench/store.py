"""Bench of pruned networks on disk: file size compared with the information it must hold, and the
time to store and to load one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench.measure import BENCHES, line
from core.base.timing import seconds
from core.disk.sizes import file_bytes
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.results import MaskReport
from core.specs import ModelSpec, PruningSpec, VariantSpec

SPARSITIES = (0.5, 0.9, 0.98)


@BENCHES.register(
    "store",
    "Store",
    "VGG-16, random weights, kept on disk at 50, 90 and 98 %: bytes against mask bits and kept values.",
)
def store(engine: Engine, n: int | None, model: str = "vgg16") -> dict[str, Any]:
    """`rows`: of each sparsity the file's bytes, `least_bytes` (one bit a prunable weight, four
    bytes a kept value and any other), `times` (the one over the other), a dense file's bytes,
    seconds to keep it, and to have the network again in another engine. ours_s is of keeping. `n`:
    how many of the sparsities. In a folder of its own that is removed."""
    spec = ModelSpec(name=model, weights=RANDOM, seed=0)
    variants = [VariantSpec(model=spec, pruning=PruningSpec.one_shot(sparsity)) for sparsity in SPARSITIES[:n]]
    with tempfile.TemporaryDirectory() as folder:
        first, second = (Engine(str(engine.device), Path(folder), engine.store.budgets) for _ in range(2))
        rows = [_row(first, second, variant) for variant in variants]
    row = line(
        "store",
        engine.device,
        [found["keep_s"] for found in rows],
        model=model,
        worst=max(found["times"] for found in rows),
    )
    return row | {"rows": rows}


def _row(first: Engine, second: Engine, variant: VariantSpec) -> dict[str, Any]:
    report = first.report(variant)
    with first.store.borrow(variant) as network:
        dense_bytes = file_bytes(network)
    paths: list[Path] = []
    keep_s = seconds(lambda: paths.append(first.store.keep(variant)), first.device)

    def read() -> None:
        with second.store.borrow(variant):
            pass

    read_s = seconds(read, second.device)
    size, least = paths[0].stat().st_size, least_bytes(report)
    return {
        "sparsity": report.sparsity,
        "bytes": size,
        "least_bytes": least,
        "times": round(size / least, 4),
        "dense_bytes": dense_bytes,
        "keep_s": round(keep_s, 3),
        "read_s": round(read_s, 3),
    }


def least_bytes(report: MaskReport) -> int:
    """One bit a weight that may be pruned, four bytes a kept one and each other parameter."""
    return sum(-(-layer.total // 8) for layer in report.layers) + 4 * (report.kept + report.other_parameters)
