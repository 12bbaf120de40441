"""A small series of squeezenet1_1 written as a run would write it, without training: weights drawn
from a seed.
"""

from __future__ import annotations

from pathlib import Path

import torch

from core.disk.files import Files
from core.disk.sparse import pack_sparse
from core.models import description
from core.models.description import Description, Run
from core.pruning.mask import full_mask
from core.specs import ModelSpec, PruningSpec, VariantSpec

MODEL = ModelSpec(name="squeezenet1_1@small", weights="merkle-layer", seed=0)
DENSE, LEVEL = (VariantSpec(model=MODEL, pruning=PruningSpec.at_level(level, "retrained")) for level in (0, 1))


def write_series(folder: Path, classes: tuple[str, ...], seed: int, layer: str = "features.12") -> None:
    """The card, the dense network, and a level with the smaller half of all weights gone."""
    write_card(folder, classes, layer)
    for level in (DENSE, LEVEL):
        write_level(folder, level, seed)


def write_card(folder: Path, classes: tuple[str, ...], layer: str = "features.12") -> None:
    run = Run(summary="drawn for a test", targets=(0.0, 0.5), seeds=(0,))
    card = Description(
        architecture="squeezenet1_1",
        data="small",
        classes=classes,
        size_px=64,
        target_layer=layer,
        classifier="classifier.1.weight",
        runs={MODEL.weights: run},
    )
    description.write(folder, card)


def write_level(folder: Path, variant: VariantSpec, seed: int) -> Path:
    """One network of the series; returns its file."""
    card = description.read(folder / MODEL.name / description.FILE).card()
    torch.manual_seed(seed)
    state = card.build().state_dict()
    mask = full_mask(state, card.prunable)
    if variant != DENSE:
        mask = {name: state[name].abs() > state[name].abs().median() for name in mask}
    weights = {name: values * mask[name] if name in mask else values for name, values in state.items()}
    return Files(folder).save(variant.key, pack_sparse(weights, mask), {"seed": seed})
