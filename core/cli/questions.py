"""Options that become specs: network, pruning, image or data set, heatmap."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from cyclopts import Group, Parameter

from core.base.errors import BadImage, BadSpec, UnknownName
from core.base.options import option
from core.cli.errors import only_one
from core.cli.structure import Flag
from core.cli.target import class_index
from core.specs import (
    SCOPES,
    TARGETS,
    CamSpec,
    DataSpec,
    ImageRef,
    ModelSpec,
    PruningSpec,
    Schedule,
    VariantSpec,
    exact_share,
    n_of_m,
)

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.models.catalogue import Catalogue

HOW_TO_PRUNE = ("scope", "granularity", "exclude", "repair", "criterion")
AMOUNT = Parameter(group=Group("Amount (one of these)", validator=only_one))
IMAGE = Parameter(group=Group("Image (one of these)", validator=only_one))


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network and its pruning."""

    usual: ClassVar[float | None] = None  # sparsity when no amount is given; None: the dense network

    model: str = option("thesis-cnn", "A network; `info` lists them.")
    weights: str | None = option(None, "Its weights. By default its first set; for thesis-cnn mnist-55000.")
    seed: int | None = option(None, "Seed of its training. By default its first one; for thesis-cnn 333.")
    sparsity: Annotated[float | None, AMOUNT] = option(
        None, "Prune this share of the weights one-shot, 0 to 1. By default none, the dense network."
    )
    level: Annotated[int | None, AMOUNT] = option(None, "A level of the trained series, 0 to 25 for thesis-cnn.")
    scope: str = option("global", "global or layer.")
    granularity: str = option("weight", "weight, kernel, channel, filter, or a pattern such as 2:4.")
    exclude: tuple[str, ...] = option((), "Weights that are not pruned, such as fc.weight. By default none.")
    repair: str = option("none", "none, or batch-norm: measure BatchNorm statistics again on a few images.")
    criterion: str = option("magnitude", "magnitude, random or another criterion; `info` lists them.")

    def variant(self, catalogue: Catalogue) -> VariantSpec:
        """Return the network with its pruning. Raises UnknownName, BadSpec."""
        model = self._model(catalogue)
        if self.level is not None:
            self._check_unpruned("The networks of a trained series are stored as their run pruned them.")
            series = catalogue.series_of(model)
            schedule: Schedule = series.schedule if series else "iterative-reset"
            return VariantSpec(model=model, pruning=PruningSpec.at_level(self.level, schedule))
        pattern = n_of_m(self.granularity)
        if pattern and self.sparsity is not None:
            raise BadSpec(
                f"{self.granularity} and --sparsity cannot be used together.",
                "An N:M pattern determines the sparsity.",
                "Leave one out.",
            )
        sparsity = self.usual if self.sparsity is None else self.sparsity
        if sparsity is None and pattern is None:
            self._check_unpruned("Without --sparsity, the network is dense.")
            return VariantSpec(model=model)
        more: dict[str, Any] = {
            "granularity": self.granularity,
            "excluded": self.exclude,
            "repair": self.repair,
        }
        return VariantSpec(model=model, pruning=PruningSpec.one_shot(sparsity, self.scope, self.criterion, **more))

    def _model(self, catalogue: Catalogue) -> ModelSpec:
        from core.models.cards import RANDOM

        usual = catalogue.default_model(self.model)
        weights = usual.weights if self.weights is None else self.weights
        for noun, name, names in (
            ("scope", self.scope, SCOPES),
            ("set of weights", weights, [*catalogue.card(usual).weights, RANDOM]),
        ):
            if name not in names:
                raise UnknownName(noun, name, names)
        model = ModelSpec(name=self.model, weights=weights, seed=usual.seed if self.seed is None else self.seed)
        series = catalogue.series_of(model)
        if self.seed is None and series and model.seed not in series.seeds:  # another run than the default one
            model = replace(model, seed=series.seeds[0])
        return model

    def _check_unpruned(self, why: str) -> None:
        """Raise BadSpec for pruning options without effect."""
        usual = {field.name: field.default for field in fields(self)}
        if given := [f"--{name}" for name in HOW_TO_PRUNE if getattr(self, name) != usual[name]]:
            raise BadSpec(
                f"{', '.join(given)} would have no effect here.", why, "Add --sparsity, or remove these options."
            )


@dataclass(frozen=True, kw_only=True)
class Pruned(Network):
    """A network that is pruned by default."""

    usual: ClassVar[float | None] = 0.9

    sparsity: Annotated[float | None, AMOUNT] = option(
        None, "Prune this share of the weights one-shot, 0 to 1. By default 0.9."
    )


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image and its heatmap."""

    cam: str = option("grad-cam", "A CAM method; `info` lists them.")
    digit: Annotated[str | None, IMAGE] = option(
        None, "A row of the embedded digits, 0 to 4999. By default 0; for other networks the photograph cat."
    )
    photo: Annotated[str | None, IMAGE] = option(
        None, "An included photograph (`info` lists them), or a row of a data set: oxford-pets/12."
    )
    image: Annotated[Path | None, IMAGE] = option(None, "Your own image file.")
    layer: str = option("", "Target layer, such as layer4.1.relu2. By default the network's usual one.")
    target: str = option("dense", "Target class: dense, own, label, or a class by its name or index.")
    noise: float | None = option(None, "Upper end of the background noise. By default 0.2 for digits, else 0.")

    def reference(self, engine: Engine, model: ModelSpec) -> ImageRef:
        """Return the image. Raises BadImage."""
        from core.data.gallery import GALLERY

        noise: dict[str, Any] = {} if self.noise is None else {"noise": exact_share(self.noise, "noise")}
        photo = "cat" if engine.card(model).images == "photos" and self.digit is None else None
        photo = photo if self.photo is None else self.photo
        if self.image is None and photo is not None:
            source, _, name = photo.rpartition("/")
            if not source and name not in GALLERY:
                raise UnknownName("photograph", name, GALLERY)
            return ImageRef(source=source or "gallery", name=name, **noise)
        if self.image is None:
            return ImageRef(name="0" if self.digit is None else self.digit, **noise)
        try:
            data = self.image.read_bytes()
        except OSError as error:
            raise BadImage(
                f"{self.image} cannot be read ({error.strerror}).",
                "It must be the path of an image file.",
                "Check the path.",
            ) from error
        return replace(engine.add_image(data, model), **noise)

    def cam_spec(self, classes: tuple[str, ...]) -> CamSpec:
        """Return the spec for a network with these classes. Raises BadSpec."""
        target = self.target if self.target in TARGETS else class_index(self.target, classes)
        return CamSpec(method=self.cam, layer=self.layer, target=target)


@dataclass(frozen=True, kw_only=True)
class Against:
    """What a network is compared with."""

    reference: str = option(
        "dense",
        "Compare with another network: seed.334, level.3, sparsity.30, model.NAME/WEIGHTS/SEED, or a network and an "
        "amount: seed.334,level.3.",
    )
    map: tuple[str, ...] = option(
        (), "A class of the reference and the same one here, where names differ: --map fish=tench."
    )

    def variant(self, variant: VariantSpec, catalogue: Catalogue) -> VariantSpec | None:
        """Return the reference; None for the dense network. Raises BadSpec, UnknownName."""
        from core.engine.reference_text import read_reference

        return read_reference(self.reference, variant, catalogue)

    def mapping(self) -> tuple[tuple[str, str], ...]:
        """Return pairs of classes, the reference's and the network's. Raises BadSpec."""
        pairs = [text.partition("=") for text in self.map]
        for theirs, sign, own in pairs:
            if not (theirs and sign and own):
                raise BadSpec(
                    f"'--map {theirs}{sign}{own}' maps no class.",
                    "It is a class of the reference, an equals sign, and a class of the network.",
                    "Write --map fish=tench.",
                )
        return tuple((theirs, own) for theirs, _, own in pairs)


@dataclass(frozen=True, kw_only=True)
class Data:
    """A data set and its evaluation."""

    data: str = option("digits", "A data set, or the path of a folder or zip file.")
    noise: float = option(0.0, "Upper end of the background noise of digits.")
    heatmaps: Flag = option(False, "Also compute how well heatmaps fit the ink or object, which takes longer.")
    cam: str | None = option(None, "A CAM method, with --heatmaps; `info` lists them. By default grad-cam.")
    layer: str = option("", "Target layer, with --heatmaps. By default the network's usual one.")
    faithfulness: Flag = option(
        False, "Also compute deletion, insertion, average drop and increase, with --heatmaps: some 45 passes an image."
    )
    out: Path | None = option(None, "Write one row per image into this CSV file, with --heatmaps.")

    def spec(self) -> DataSpec:
        """Return the spec; an existing path of a folder or zip file is used as such."""
        from core.data.datasets import data_name

        return DataSpec(name=data_name(self.data), noise=self.noise)

    def check_heatmaps(self) -> None:
        """Raise BadSpec for heatmap options without --heatmaps."""
        given = [
            name
            for name, value in (
                ("--out", self.out),
                ("--cam", self.cam),
                ("--layer", self.layer),
                ("--faithfulness", self.faithfulness),
            )
            if value
        ]
        if given and not self.heatmaps:
            raise BadSpec(
                f"{' and '.join(given)} without --heatmaps would have no effect.",
                "Without it, only accuracy is evaluated.",
                "Add --heatmaps.",
            )
