"""How a network is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.specs.shares import not_negative, one_of, whole

OPTIMISERS: dict[str, str] = {
    "sgd": "stochastic gradient descent with momentum",
    "adamw": "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
}
RATES: dict[str, str] = {
    "steps": "each learning rate for its number of epochs, in turn; a single one is constant",
    "cosine": "from the first learning rate down to 0 along half a cosine (Loshchilov and Hutter 2017)",
}
AUGMENTATIONS: dict[str, str] = {
    "horizontal-flip": "half of the images flipped left to right",
    "vertical-flip": "half of the images flipped upside down",
    "rotation-10": "rotated by up to 10 degrees in either direction, corners black",
    "shift-and-scale": "shifted by up to an eighth of the side and scaled by 0.8 to 1.2, edges black",
}
PRECISIONS: dict[str, str] = {
    "float32": "single precision throughout",
    "bfloat16": (
        "forward and backward passes in bfloat16 where PyTorch's autocast allows it; weights, masks and optimiser "
        "state remain float32"
    ),
    "auto": "bfloat16 on a GPU, float32 on the CPU",
}
MOST_BATCH = 1_000_000


def _checked_rate(rate: float, epochs: int) -> tuple[float, int]:
    return not_negative(rate, "learning rate"), whole(epochs, "number of epochs")


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """How a network is trained. The defaults are those of the thesis.

    rates: (learning rate, epochs) in order. noise: upper end of the background noise, drawn anew
    for every batch; 0 for none.
    patience: training stops after this many epochs without a better validation accuracy, 0 for
    never. Better means larger than `better` times the best so far; the best weights are returned
    (Merkle: 10 and 1.01). precision: a key of PRECISIONS.
    """

    rates: tuple[tuple[float, int], ...]
    momentum: float = 0.9
    weight_decay: float = 1e-4
    batch_size: int = 128
    noise: float = 0.2
    optimiser: str = "sgd"
    shape: str = "steps"
    augment: tuple[str, ...] = ()
    patience: int = 0
    better: float = 1.01
    precision: str = "float32"

    def __post_init__(self) -> None:
        one_of(self.optimiser, OPTIMISERS, "optimiser")
        one_of(self.shape, RATES, "shape of learning rates")
        one_of(self.precision, PRECISIONS, "precision")
        object.__setattr__(self, "batch_size", whole(self.batch_size, "batch size", 1, MOST_BATCH))
        object.__setattr__(self, "patience", whole(self.patience, "patience"))
        for name, noun in (
            ("momentum", "momentum"),
            ("weight_decay", "weight decay"),
            ("noise", "noise"),
            ("better", "factor"),
        ):
            object.__setattr__(self, name, not_negative(getattr(self, name), noun))
        for name in self.augment:
            one_of(name, AUGMENTATIONS, "augmentation")
        object.__setattr__(self, "rates", tuple(_checked_rate(*each) for each in self.rates))

    @property
    def epoch_rates(self) -> tuple[float, ...]:
        """The learning rate of each epoch."""
        flat = tuple(rate for rate, epochs in self.rates for _ in range(epochs))
        if self.shape == "steps":
            return flat
        return tuple(flat[0] * (1 + math.cos(math.pi * epoch / len(flat))) / 2 for epoch in range(len(flat)))

    @property
    def key(self) -> str:
        rates = "_".join(f"{rate:g}x{epochs}" for rate, epochs in self.rates)
        stop = f"-stop{self.patience}x{self.better:g}" if self.patience else ""
        augment = f"-{'+'.join(self.augment)}" if self.augment else ""
        precision = "" if self.precision == "float32" else f"-{self.precision}"
        step = f"m{self.momentum:g}-wd{self.weight_decay:g}-b{self.batch_size}"
        return f"{self.optimiser}-{self.shape}-{rates}-{step}{augment}{stop}{precision}"
