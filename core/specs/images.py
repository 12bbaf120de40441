"""Specs of an image, a data set and a heatmap."""

from __future__ import annotations

from dataclasses import dataclass

from core.specs.shares import exact_share, one_of, seed_of, whole

DIGIT_NOISE = 0.2  # upper end of the thesis' background noise
AS_USUAL = -1.0  # stands for the default noise of the source


@dataclass(frozen=True, kw_only=True)
class ImageRef:
    """One image as a network receives it: its source and the background noise added to it.

    source "digits": `name` is the row of the embedded digits; "own": the first 16 hex digits of the
    file's sha256; "gallery": the name of an included photograph; otherwise the name of a data set
    of photographs, with the row in it as `name`.
    noise: upper end of the uniform background noise, 0 for none. Defaults to that of the thesis for
    digits and to none for photographs.
    """

    source: str = "digits"
    name: str = "0"
    noise: float = AS_USUAL
    noise_seed: int = 0

    def __post_init__(self) -> None:
        if self.noise == AS_USUAL:
            object.__setattr__(self, "noise", DIGIT_NOISE if self.source in ("digits", "own") else 0.0)
        object.__setattr__(self, "noise_seed", seed_of(self.noise_seed, "noise seed"))
        object.__setattr__(self, "name", str(self.name))  # a row is often given as a number
        object.__setattr__(self, "noise", exact_share(self.noise, "noise"))

    @property
    def key(self) -> str:
        return f"{self.source}/{self.name}" + (f"+noise-{self.noise:g}-s{self.noise_seed}" if self.noise else "")


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """A labelled data set to evaluate on, with or without background noise."""

    name: str = "digits"
    noise: float = 0.0
    noise_seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise", exact_share(self.noise, "noise"))
        object.__setattr__(self, "noise_seed", seed_of(self.noise_seed, "noise seed"))

    @property
    def key(self) -> str:
        return self.name + (f"+noise-{self.noise:g}-s{self.noise_seed}" if self.noise else "")


# Class indices in tensors and tables that stand for no prediction: the photograph cannot be read,
# or the outputs of the network are not finite. The second never equals a label: a label of -1 is a
# class that the network does not know. The third stands for an answer of another network that is no
# class of this one.
UNREADABLE, NO_ANSWER, NO_SUCH_CLASS = -1, -2, -3
TARGETS: dict[str, str] = {
    "dense": "the class that the dense network predicts",
    "own": "the class that each network predicts itself",
    "label": "the true class",
}


@dataclass(frozen=True, kw_only=True)
class CamSpec:
    """How a heatmap is made: method, target layer ("" for the default of the model card) and target
    class (a mode or a class index).
    """

    method: str = "grad-cam"
    layer: str = ""
    target: str | int = "dense"

    def __post_init__(self) -> None:
        if isinstance(self.target, str):
            one_of(self.target, TARGETS, "target class")
        else:
            object.__setattr__(self, "target", whole(self.target, "target class"))

    @property
    def key(self) -> str:
        return f"{self.method}@{self.layer or 'default'}>{self.target}"
