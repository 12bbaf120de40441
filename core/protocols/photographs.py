"""Shared parts of the protocols on photographs: options, and decoding with progress."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from core.base.options import option
from core.protocols.registry import Step
from core.specs import whole

if TYPE_CHECKING:
    from core.data.decode import TrainingImages
    from core.data.parts import Images, Loading
    from core.data.photo_inputs import PhotoInputs
    from core.engine.engine import Engine
    from core.specs import ModelSpec

LEAST_PX, MOST_PX = 32, 4096  # side of an input


@dataclass(frozen=True, kw_only=True)
class PhotoOptions:
    """Options of a run on photographs."""

    model: str = option("", "The network: a CNN of torchvision, or efficientnet-lite0.")
    data: str = option("", "A folder or zip file with a folder for each class, or the name of a data set.")
    data_name: str | None = option(None, "Name of the data in the network's name. By default the file's name.")
    held_out: str = option("", "A folder or zip file: photographs with the same file names are not used for training.")
    size: int = option(224, "Side of the network's input, in pixels.")
    epochs: int | None = option(None, "Maximum epochs per level. By default as published.")
    normalise: bool = option(True, "Subtract ImageNet's mean from the input and divide by its deviation.")
    start: str = option("pretrained", "pretrained or random.")
    weights_file: str = option("", "File of the pretrained weights. By default torchvision downloads them.")
    seeds: tuple[int, ...] = option((0,), "Seeds of the training.")

    @property
    def size_px(self) -> int:
        """Return the side of the input. Raises BadSpec."""
        return whole(self.size, "size in pixels", LEAST_PX, MOST_PX)

    def weights(self, architecture: str, engine: Engine) -> Any:
        """Load the pretrained weights; None for training from random ones."""
        from core.training.material import pretrained

        return pretrained(architecture, self.weights_file, engine.folder) if self.start == "pretrained" else None


def decoded(loading: Loading) -> Generator[Step, None, Images]:
    """Yield the number of decoded photographs; return the images."""
    while True:
        try:
            done, total = next(loading)
        except StopIteration as end:
            return end.value
        facts = {"stage": "decoding", "decoded": done, "photographs": total}
        yield Step(facts, f"{done:,} of {total:,} photographs decoded", done, total)


def inputs_of(images: TrainingImages, title: str, model: ModelSpec, engine: Engine) -> PhotoInputs:
    """Return decoded photographs as this network receives them."""
    from PIL import Image

    from core.data.photo_inputs import PhotoInputs
    from core.data.photo_sets import Photo, PhotoSet

    pixels = images.images.permute(0, 2, 3, 1).numpy()
    photos = [
        Photo(str(row), int(label), partial(Image.fromarray, pixels[row]), content=pixels[row].tobytes)
        for row, label in enumerate(images.labels)
    ]
    return PhotoInputs(PhotoSet(title, images.classes, photos), engine.card(model), engine.device)
