"""Sweeps that fill the accuracy tables of the pages."""

from __future__ import annotations

from collections.abc import Iterator

from core.base.progress import silent, tell
from core.engine.engine import Engine
from core.models.zoo import TABLE_SPARSITIES
from core.specs import SCOPES, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.store.accuracy_table import write_counts

TABLE_CRITERIA = ("magnitude", "random")
DIGITS = (DataSpec(), DataSpec(noise=0.2))  # clean, and with the thesis' background noise


def table_prunings(levels: int) -> list[PruningSpec]:
    """Return the prunings in the accuracy table of a trained series: dense, every level, and every
    kind of one-shot pruning at 60 sparsities.
    """
    trained = [PruningSpec(), *(PruningSpec.at_level(level) for level in range(levels + 1))]
    ways = [(scope, criterion) for scope in SCOPES for criterion in TABLE_CRITERIA]
    return trained + [PruningSpec.one_shot(sparsity, *way) for way in ways for sparsity in TABLE_SPARSITIES]


def store_accuracies(engine: Engine, models: list[ModelSpec], levels: int) -> Iterator[tuple[int, int]]:
    """Evaluate every variant of the table on the embedded digits and write <model key>/accuracy.csv
    into the engine's folder.

    Models with a complete table are skipped.

    Yields:
        (models done, models) after each model.
    """
    for done, model in enumerate(models, start=1):
        variants = [VariantSpec(model=model, pruning=pruning) for pruning in table_prunings(levels)]
        rows = []
        for number, variant in enumerate(variants):
            rows += [engine.accuracy(variant, data, silent) for data in DIGITS]
            tell(number + 1, len(variants))
        write_counts(
            engine.folder / model.key / "accuracy.csv",
            (
                (row.variant.pruning.key, row.data.key, row.correct, row.total, engine.store.checksum(row.variant))
                for row in rows
            ),
        )
        yield done, len(models)
