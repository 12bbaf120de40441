"""The whole protocol from training to tables, resumable at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.batches import Inputs
from core.protocols.lukkien.analysis import analyse
from core.protocols.lukkien.images import SERIES, Study, evaluate_study
from core.protocols.lukkien.tables import StudyTables, study_folder, write_study
from core.specs import DataSpec
from core.store.store import ModelStore

NOISE, NOISE_SEED = 0.2, 0  # the evaluation noise is stored by its seed: row i always belongs to image i


def evaluation_data(weights: str) -> DataSpec:
    """Return the evaluation data: MNIST's test set as published, or the embedded digits for
    networks not trained on them.
    """
    name = "mnist-test" if weights == "mnist-60000" else "digits"
    return DataSpec(name=name, noise=NOISE, noise_seed=NOISE_SEED)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Progress of the evaluation: networks done and in total, over all series."""

    series: str
    done: int
    networks: int
    found: bool


def evaluate(study: Study, store: ModelStore, inputs: Inputs) -> Iterator[Evaluated]:
    """Evaluate the series and its controls. Raises as `evaluate_study` does."""
    networks, done = sum(len(study.cells(series)) for series in SERIES), 0
    for series in SERIES:
        for _, found in evaluate_study(study, store, inputs, series):
            done += 1
            yield Evaluated(series=series, done=done, networks=networks, found=found)


def write_tables(study: Study, root: Path) -> StudyTables:
    """Analyse the evaluation and write the tables where pages and `protocol show` find them."""
    tables = analyse(study)
    facts = tables.facts | {"noise": study.data.noise, "noise_seed": study.data.noise_seed}
    tables = replace(tables, facts=facts)
    write_study(study_folder(root, study.plan.weights, study.data.key), tables)
    return tables
