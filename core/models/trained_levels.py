"""The levels of a trained series that are on disk."""

from __future__ import annotations

from core.disk.lock import locked
from core.models.catalogue import Catalogue
from core.models.description import FILE, drop_seed, lock_path
from core.results import TrainedLevel
from core.specs import ModelSpec, VariantSpec


def last_level(catalogue: Catalogue, model: ModelSpec) -> int | None:
    """Return the last trained level of a series, or None. Raises UnknownName."""
    levels = [variant.pruning.level for variant, _ in _on_disk(catalogue, model)]
    return max((level for level in levels if level is not None), default=None)


def trained_levels(catalogue: Catalogue, model: ModelSpec) -> tuple[TrainedLevel, ...]:
    """Return the trained levels of a series, from level 0 on, as described by their files.

    Raises BadFile, UnknownName.
    """
    return tuple(_level(catalogue, variant, target) for variant, target in _on_disk(catalogue, model))


def delete_series(catalogue: Catalogue, model: ModelSpec) -> None:
    """Delete a trained series from disk; an included one stays.

    Raises CacheNotWritable, Busy while it is being trained.
    """
    files = catalogue.files
    with locked(lock_path(files.write_root, model), model.key):
        for key in files.keys(f"{model.key}/"):  # also files of unfinished levels
            files.delete(key)
        if (files.write_root / model.name / FILE).is_file():
            drop_seed(files.write_root, model.name, model.weights, model.seed)
    catalogue.refresh()


def _on_disk(catalogue: Catalogue, model: ModelSpec) -> list[tuple[VariantSpec, float]]:
    series = catalogue.series_of(model)
    levels = [(VariantSpec(model=model, pruning=p), target) for p, target in (series.levels if series else ())]
    return [(variant, target) for variant, target in levels if catalogue.files.exists(variant.key)]


def _level(catalogue: Catalogue, variant: VariantSpec, target: float) -> TrainedLevel:
    files = catalogue.files
    outcome = files.facts(variant.key).get("outcome") or {}
    epochs = outcome.get("history") or [{}]
    return TrainedLevel(
        variant=variant,
        target=target,
        bytes=files.bytes(variant.key),
        own=(files.write_root / f"{variant.key}.safetensors").is_file(),
        epoch=outcome.get("best_epoch"),
        correct=outcome.get("best_correct"),
        total=epochs[0].get("total"),
    )
