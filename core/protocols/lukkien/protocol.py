"""Lukkien: unstructured pruning and the quality of heatmaps on MNIST. Iterative magnitude pruning
with weight reset.

Our readings of what the thesis does not specify: Kaiming normal weights and PyTorch's default
biases; continuous noise; the target layer is the last convolution before its ReLU.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.base.device import describe
from core.base.errors import BadSpec
from core.data.datasets import LabelledImages, training_images
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse
from core.models.small import ThesisCNN, initialise
from core.models.zoo import MODELS
from core.pruning.mask import Mask, full_mask
from core.specs import CamSpec, ModelSpec, PruningSpec, TrainSpec, VariantSpec, whole
from core.specs.shares import seed_of
from core.training.loop import EpochDone
from core.training.schedules import next_level_mask
from core.training.stacked import Start, train

SEEDS = (333, 334, 335)
LEVELS = 25
# Before the ReLU: only there are mean and standard deviation of the maps near the published ones.
CAM = CamSpec(method="grad-cam++", layer="conv2", target="own")
SHARE = 0.2
PRETRAIN = TrainSpec(rates=((0.01, 8), (0.001, 2)))
LEVEL = TrainSpec(rates=((0.01, 5), (0.001, 3), (0.0001, 2)))
# Lukkien, weights left at levels 0..25 (derived from OpenLTH's rule)
WEIGHTS_LEFT = (
    2324, 1858, 1485, 1187, 948, 757, 604, 482, 384, 306, 243, 193, 153, 121, 95, 75, 59, 46, 35, 27, 20, 15, 11, 7,
    4, 2,
)  # fmt: skip
# Published values (Lukkien; heatmap mean and standard deviation at levels 0 and 10, the correlation
# over all 26 levels)
PUBLISHED = {
    "train_images": 60_000,
    "test_images": 10_000,
    "accuracy_clean_level_0": 0.9817,
    "accuracy_noisy_level_0": 0.9818,
    "highest_soft_iou": 0.21,
    "highest_soft_iou_where": "after the first six levels",
    "map_mean": {0: 0.179, 10: 0.236},
    "map_std": {0: 0.218, 10: 0.252},
    "pearson": 0.960,
    "df_printed": 25,
    "claim": "up to 98 % sparsity without loss",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run. weights: "mnist-60000" as in the thesis, or "mnist-55000" without the embedded
    digits.
    """

    weights: str = "mnist-60000"
    seeds: tuple[int, ...] = SEEDS
    levels: int = LEVELS
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise BadSpec(
                f"Seeds {list(self.seeds)} are invalid.",
                "There must be at least one seed, and each only once.",
                "Change the list.",
            )
        for seed in self.seeds:
            seed_of(seed)
        whole(self.levels, "last level", most=LEVELS)

    def variant(self, seed: int, level: int) -> VariantSpec:
        return VariantSpec(
            model=ModelSpec(name="thesis-cnn", weights=self.weights, seed=seed), pruning=PruningSpec.at_level(level)
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a run. run: "pretrain" or "level-07"; found: whether it was already on disk;
    losses: of each seed.
    """

    run: str
    runs_done: int
    runs: int
    epoch: int
    epochs: int
    losses: tuple[float, ...]
    seconds: float
    found: bool = False


@dataclass(frozen=True, eq=False)
class _Trained:
    """Networks of one run, one per seed."""

    states: list[dict[str, Tensor]]
    masks: list[Mask]


def run(plan: Plan, files: Files, data: LabelledImages | None = None) -> Iterator[Progress]:
    """Train the whole series and store each level when it is done; stored levels are not trained
    again.

    A killed run loses at most the current level. Seeds train side by side; each sees the same
    images and noise, regardless of the others.

    Args:
        plan: what to run. files: where networks are stored. data: training images, for tests;
            defaults to MNIST.

    Raises:
        MissingData: MNIST is missing and cannot be downloaded. CacheNotWritable: read-only or full
        disk.
    """
    data = data if data is not None else training_images(plan.weights, files.write_root / "data")
    pretrained = yield from _ensure(plan, files, data, -1, _initial(plan))
    before = pretrained
    for level in range(plan.levels + 1):
        start = _Trained(pretrained.states, _level_masks(before, level))
        before = yield from _ensure(plan, files, data, level, start)


def _initial(plan: Plan) -> _Trained:
    states = [dict(initialise(ThesisCNN(), seed).state_dict()) for seed in plan.seeds]
    return _Trained(states, [full_mask(state, MODELS["thesis-cnn"].value.prunable) for state in states])


def _level_masks(before: _Trained, level: int) -> list[Mask]:
    if level == 0:
        return before.masks
    return [next_level_mask(state, mask, SHARE) for state, mask in zip(before.states, before.masks, strict=True)]


def _ensure(
    plan: Plan, files: Files, data: LabelledImages, level: int, start: _Trained
) -> Generator[Progress, None, _Trained]:
    """Return the networks of one run (level -1: pretraining), from disk if all seeds are stored,
    else trained and stored.
    """
    name, recipe = ("pretrain", PRETRAIN) if level < 0 else (f"level-{level:02d}", LEVEL)
    keys = [_key(plan, seed, level) for seed in plan.seeds]
    began = time.perf_counter()

    def progress(done: EpochDone | None) -> Progress:
        epoch, losses = (done.epoch, done.losses) if done else (len(recipe.epoch_rates), ())
        finished = level + 1 + (epoch == len(recipe.epoch_rates))
        return Progress(
            run=name,
            runs_done=finished,
            runs=plan.levels + 2,
            epoch=epoch,
            epochs=len(recipe.epoch_rates),
            losses=losses,
            seconds=time.perf_counter() - began,
            found=done is None,
        )

    if all(files.exists(key) for key in keys):
        loaded = [unpack_sparse(files.load(key)[0]) for key in keys]
        yield progress(None)
        return _Trained([dict(weights) for weights, _ in loaded], [dict(mask) for _, mask in loaded])
    states: list[dict[str, Tensor]] = []
    for step in train(Start(plan.seeds, name, start.states, list(start.masks)), data, recipe, plan.device):
        if isinstance(step, EpochDone):
            yield progress(step)
        else:
            states = step
    facts = {
        "train_images": len(data),
        "seeds_together": list(plan.seeds),
        "device": describe(plan.device),
        "run": name,
        "seconds": round(time.perf_counter() - began, 2),
    }
    for seed, key, state, mask in zip(plan.seeds, keys, states, start.masks, strict=True):
        files.save(
            key,
            pack_sparse(state, mask),
            facts | {"seed": seed, "weights_left": sum(int(kept.sum()) for kept in mask.values())},
        )
    return _Trained(states, start.masks)


def _key(plan: Plan, seed: int, level: int) -> str:
    variant = plan.variant(seed, max(level, 0))
    return variant.key if level >= 0 else f"{variant.model.key}/pretrained"


def line(progress: Progress) -> str:
    """Return the progress as one line of text."""
    if progress.found:
        return f"{progress.run}: already stored ({progress.runs_done} of {progress.runs} runs done)"
    losses = " ".join(f"{loss:.4f}" for loss in progress.losses)
    return (
        f"{progress.run}: epoch {progress.epoch} of {progress.epochs}, loss {losses}, {progress.seconds:.1f} s"
        f" ({progress.runs_done} of {progress.runs} runs done)"
    )
