"""On which images the thesis is evaluated, and its tables."""

from __future__ import annotations

from dataclasses import replace

from core.engine.engine import Engine
from core.protocols.lukkien.analysis import analyse
from core.protocols.lukkien.images import Study
from core.protocols.lukkien.tables import StudyTables, study_folder, write_study
from core.specs import DataSpec

NOISE, NOISE_SEED = 0.2, 0  # the evaluation noise is stored by its seed: row i always belongs to image i


def evaluation_data(weights: str) -> DataSpec:
    """Return the evaluation data: MNIST's test set as published, or the embedded digits for
    networks not trained on them.
    """
    name = "mnist-test" if weights == "mnist-60000" else "digits"
    return DataSpec(name=name, noise=NOISE, noise_seed=NOISE_SEED)


def write_tables(study: Study, engine: Engine) -> StudyTables:
    """Analyse the evaluation and write the tables where pages and `protocol show` find them."""
    tables = analyse(study, engine)
    facts = tables.facts | {"noise": study.data.noise, "noise_seed": study.data.noise_seed}
    tables = replace(tables, facts=facts)
    write_study(study_folder(engine.folder, study.plan.weights, study.data.key), tables)
    return tables
