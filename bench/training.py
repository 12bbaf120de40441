"""Bench of training: one epoch of the three seeds, compared with a plain PyTorch DataLoader loop of
the same training.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bench.measure import BENCHES, alternate, line
from core.base.errors import MissingData
from core.base.timing import seconds
from core.data.datasets import LabelledImages, mnist
from core.engine.engine import Engine
from core.models.small import ThesisCNN, initialise
from core.protocols.lukkien.protocol import LEVEL, LEVELS, PRETRAIN, SEEDS, Plan
from core.specs import TrainSpec
from core.training.stacked import Start, train


@BENCHES.register(
    "protocol", "Protocol", "One epoch of the thesis' training, three seeds, and what the whole protocol takes."
)
def protocol(engine: Engine, n: int | None) -> dict[str, Any]:
    """`ours_s` and `peer_s` are one epoch of three seeds; levels and the whole follow by counting
    epochs, and the recorded seconds of a finished run stand beside them when there is one on this
    machine."""
    name, data = _images(engine)
    recipe = TrainSpec(rates=((0.01, 1),))

    def ours(i: int) -> None:
        states = [dict(initialise(ThesisCNN(), seed).state_dict()) for seed in SEEDS]
        list(train(Start(SEEDS, f"bench-{i}", states), data, recipe, engine.device))

    def loop_over(dataset: Dataset) -> None:
        for seed in SEEDS:
            dataloader_epoch(initialise(ThesisCNN(), seed).to(engine.device), dataset, recipe, engine.device)

    pictures, tensors = PictureDataset(data), TensorDataset(data.images.unsqueeze(1).float() / 255, data.labels)
    times = alternate(ours, lambda i: loop_over(pictures), n or 3, engine.device)
    peer = ("PyTorch DataLoader over a torchvision-style MNIST, one seed after the other", times[1])
    row = line("protocol", engine.device, times[0], peer, images=name, seeds=len(SEEDS))
    # The same, all images decoded beforehand.
    row |= {"peer_tensors_s": round(seconds(lambda: loop_over(tensors), engine.device), 3)}
    epochs, level_epochs = len(PRETRAIN.epoch_rates) + (LEVELS + 1) * len(LEVEL.epoch_rates), len(LEVEL.epoch_rates)
    row |= {"level_s": round(row["ours_s"] * level_epochs, 2), "protocol_s": round(row["ours_s"] * epochs, 1)}
    return row | {"protocol_recorded_s": recorded_seconds(engine)}


class PictureDataset(Dataset):
    """Images one by one through PIL and ToTensor, as torchvision.datasets.MNIST hands them out."""

    def __init__(self, data: LabelledImages) -> None:
        from torchvision.transforms import ToTensor  # imported here: it takes seconds

        self.data, self.transform = data, ToTensor()

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.data.images[row].numpy())), int(self.data.labels[row])


def dataloader_epoch(network: torch.nn.Module, dataset: Dataset, recipe: TrainSpec, device: torch.device) -> None:
    """One epoch as the tutorials write it: DataLoader, noise on the background, SGD."""
    optimiser = torch.optim.SGD(
        network.parameters(), lr=recipe.epoch_rates[0], momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    for images, labels in DataLoader(dataset, batch_size=recipe.batch_size, shuffle=True):
        images, labels = images.to(device), labels.to(device)
        seen = torch.where(images == 0, torch.rand_like(images) * recipe.noise, images)
        optimiser.zero_grad()
        F.cross_entropy(network(seen), labels).backward()
        optimiser.step()


def _images(engine: Engine) -> tuple[str, LabelledImages]:
    try:
        return "60,000 MNIST training images", mnist("train", engine.folder / "data", download=False)
    except MissingData:
        return "embedded digits, 5,000", engine.gallery()


def recorded_seconds(engine: Engine) -> dict[str, float]:
    """Training seconds that finished runs on this machine wrote down, by training set; only runs
    with every level count.
    """
    found = {}
    for weights in ("mnist-60000", "mnist-55000"):
        plan = Plan(weights=weights)
        keys = [f"{plan.variant(SEEDS[0], 0).model.key}/pretrained"]
        keys += [plan.variant(SEEDS[0], level).key for level in range(LEVELS + 1)]
        facts = [engine.store.files.facts(key) for key in keys if engine.store.files.exists(key)]
        if len(facts) == len(keys) and all("seconds" in fact for fact in facts):
            found[weights] = round(sum(fact["seconds"] for fact in facts), 1)
    return found
