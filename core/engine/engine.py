"""The engine answers every interactive question of pages, notebooks and the command line: spec in,
result out.

from core import Engine, VariantSpec, PruningSpec, ImageRef, CamSpec
engine = Engine()
variant = VariantSpec(pruning=PruningSpec.one_shot(0.9))
answer = engine.compare(variant, ImageRef(name="7"), CamSpec())
answer.pruned.map, answer.overlap_pruned["soft-iou"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from core.base.device import choose_device, describe
from core.base.errors import BadSpec
from core.base.numbers import MEGABYTE
from core.base.plugins import load
from core.base.progress import Progress, tell
from core.base.settings import Settings, shipped_folder
from core.base.stamps import Stamp, settled
from core.data.batches import Inputs
from core.data.calibration_images import calibration_images
from core.data.datasets import LabelledImages
from core.data.inputs import InputCache
from core.data.load_picture import Pictures
from core.disk.files import Files
from core.engine.compare import agreement, as_batch, compare, first_heatmap
from core.engine.cost import cost, smaller
from core.engine.freshness import Freshness
from core.engine.reference import Pair, against
from core.engine.smaller import save_smaller
from core.evaluation import evaluate as evaluation
from core.models.cards import Card
from core.models.catalogue import Catalogue
from core.models.modules import ModuleFacts
from core.models.own import About, is_file
from core.models.trained_levels import delete_series, last_level
from core.results import (
    Accuracy,
    Agreement,
    CachePart,
    Comparison,
    CostReport,
    Heatmap,
    Mapped,
    MaskReport,
    Picture,
    RemovalReport,
)
from core.saliency.cams import saliency_maps
from core.saliency.capture import own_class, this_class
from core.saliency.second import second_methods
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, VariantSpec
from core.store.accuracy_table import AccuracyTable
from core.store.budgets import Budgets
from core.store.memory import MemoryCache
from core.store.store import ModelStore

T = TypeVar("T")
Question = tuple[VariantSpec, ImageRef, CamSpec]
DEFAULT_MODEL = ModelSpec()
ANSWERS_BYTES = 64 * MEGABYTE


class Engine:
    """Answers questions about networks and images. Thread-safe; an application needs only one.

    Args:
        device: "cpu", "cuda", ...; defaults to that of the settings, else the GPU if there is one.
        folder: where caches and trained networks are written; defaults to that of the settings.
        budgets: memory that caches may use; defaults to Budgets.usual(...).
        precision: in which networks compute; defaults to that of the settings, else float32.
        settings: defaults to Settings.from_environment(). Its plugins are loaded first; what is
            wrong with one, `core.load_plugins` raises.
    """

    def __init__(
        self,
        device: str | None = None,
        folder: Path | str | None = None,
        budgets: Budgets | None = None,
        precision: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings.from_environment()
        load(settings.plugins)
        self.device = choose_device(device or settings.device)
        self.folder = Path(folder or settings.folder)
        shipped = shipped_folder()
        self.catalogue = Catalogue(Files(self.folder, [shipped]))
        self.store = ModelStore(
            self.catalogue,
            self.device,
            budgets or Budgets.usual(self.device, settings),
            lambda model: calibration_images(self._pictures, self.card(model)),
            precision or settings.precision or "float32",
        )
        self._accuracies = AccuracyTable(self.roots, self.store.checksum)
        self._answers = MemoryCache("answers", ANSWERS_BYTES)
        self.store.caches.append(self._answers)
        self._pictures = Pictures(self.folder)
        self._inputs = InputCache(self._pictures, self.device)
        self._freshness = Freshness(self.store, self._pictures, self._inputs, self._accuracies)

    @property
    def device_name(self) -> str:
        return describe(self.device)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders of networks and tables: the writable one and the included one."""
        return self.catalogue.roots

    def card(self, model: ModelSpec) -> Card:
        """Return the card of a network. Raises UnknownName."""
        return self.catalogue.card(model)

    def parts(self) -> tuple[CachePart, ...]:
        """Return memory in use and allowed, tier by tier."""
        return (*self.store.parts(), self._answers.report(), *self._pictures.parts(), self._inputs.kept.report())

    def gallery(self) -> LabelledImages:
        """Return the embedded digits."""
        return self._pictures.digits

    def add_model(self, weights: Path | bytes, about: About, name: str = "") -> ModelSpec:
        """Add your own weights of a known architecture, permanently. Args, Raises: as
        `own.take_in`.
        """
        return self.catalogue.add(weights, about, name)

    def add_module(self, module: nn.Module, facts: ModuleFacts) -> ModelSpec:
        """Add any PyTorch module, for the lifetime of this engine. Raises as `own.from_module`."""
        return self.catalogue.add_module(module, facts)

    def change_model(self, model: ModelSpec, about: About) -> ModelSpec:
        """Give an own network other facts: title, classes, input, target layer.

        Returns the network, which is another one unless only its title changes. Raises as
        `own.change`.
        """
        changed = self.catalogue.change(model.name, about)
        if changed != model:
            self.store.kept.forget(model)
            self.store.forget(model)
        return changed

    def forget(self, model: ModelSpec) -> None:
        """Delete an own network, or a series that was trained on this machine, from disk and
        memory.

        Raises CacheNotWritable; UnknownName: no such own network; Busy while it is being trained.
        """
        if is_file(model.name):
            self.catalogue.remove(model.name)
        else:
            delete_series(self.catalogue, model)
        self.store.kept.forget(model)
        self.store.forget(model)
        self.store.free()

    def stamp(self, variant: VariantSpec, *asked: ImageRef | DataSpec | VariantSpec) -> Stamp:
        """Return the stamp of the current files (core/base/stamps.py), part of the key of every
        cached answer. Raises as questions do.
        """
        return self._freshness.of(variant, *asked)

    def levels(self, model: ModelSpec) -> tuple[tuple[VariantSpec, float], ...]:
        """Return each level of these weights' trained series with its requested sparsity; empty
        without a series.

        A level may not be trained yet: asking for it raises MissingData. `report` counts what was
        removed.
        """
        series = self.catalogue.series_of(model)
        return tuple(
            (VariantSpec(model=model, pruning=pruning), target) for pruning, target in (series.levels if series else ())
        )

    def add_image(self, data: bytes, model: ModelSpec = DEFAULT_MODEL) -> ImageRef:
        """Add an uploaded image, prepared for this network. Raises BadImage."""
        return self._pictures.add(data, self.card(model))

    def forget_image(self, image: ImageRef) -> None:
        """Drop an uploaded image and the answers about it from memory."""
        self._pictures.forget(image)
        self._answers.drop_all(lambda key: isinstance(key, tuple) and f"|{image.source}/{image.name}" in key[0])

    def picture(self, image: ImageRef, model: ModelSpec = DEFAULT_MODEL) -> Picture:
        """Return the image as this network receives it.

        Raises MissingData for an uploaded image that is no longer in memory.
        """
        return self._pictures.get(image, self.card(model))

    def report(self, variant: VariantSpec) -> MaskReport:
        """Return what the pruning removed, counted from the tensors."""
        return self.store.report(variant)

    def keep(self, variant: VariantSpec) -> Path:
        """Write a one-shot variant to disk, from where it is read from now on.

        Raises BadSpec, CacheNotWritable, as `ModelStore.keep`.
        """
        return self.store.keep(variant)

    def cost(self, variant: VariantSpec, measure: bool = False) -> CostReport:
        """Count parameters, zeros, multiply-adds and file sizes, before and after physical removal;
        with `measure`, also time one image.
        """
        return cost(self.store, variant, measure)

    def physical(self, variant: VariantSpec) -> tuple[nn.Module, RemovalReport]:
        """Return a copy of the variant without the channels that pruning emptied.

        Raises CannotRemove (a SparsightError).
        """
        return smaller(self.store, variant)

    def save_smaller(self, variant: VariantSpec, title: str = "") -> ModelSpec:
        """Save the variant, without the channels that pruning emptied, as a network of its own.

        It has the same outputs. Args, Raises: as `save_smaller` of core/engine/smaller.py.
        """
        return save_smaller(self.store, variant, title)

    def heatmap(self, variant: VariantSpec, image: ImageRef, cam: CamSpec) -> Heatmap:
        """Return where the variant looks and what it predicts.

        Raises:
            UnknownName: method, model or layer. BadSpec: target "label" for an image without one.
            MissingData, BadFile: weights or image.
        """
        return self._look(variant, image, cam)[0]

    def compare(
        self,
        variant: VariantSpec,
        image: ImageRef,
        cam: CamSpec,
        reference: VariantSpec | None = None,
        mapping: Mapped = (),
    ) -> Comparison:
        """Compare the variant's heatmap with that of a reference, with every score.

        Args:
            reference: another network, or another amount or level; None for the variant's own dense
                network. With the target class "dense", heatmaps are for the class that it predicts.
            mapping: names of classes, the reference's and the variant's, where equal names do not
                tell which is which.
        Raises:
            BadSpec: the variant lacks the class that the reference predicts, or the other way
                round. As `heatmap` does.
        """

        def ask(stamp: Stamp) -> Comparison:
            pair = Pair.of(self.catalogue, variant, reference, mapping)
            make = partial(self._make_comparison, pair, image, cam, stamp)
            return self._kept(f"comparison{pair.key}", (variant, image, cam), stamp, make)

        return settled(ask, lambda: self.stamp(variant, image, *against(variant, reference)))

    def agreement(
        self,
        variant: VariantSpec,
        image: ImageRef,
        cam: CamSpec,
        reference: VariantSpec | None = None,
        mapping: Mapped = (),
    ) -> Agreement:
        """Measure whether the variant looks at the same places as a reference, by two methods.

        Args, Raises: as `compare`.
        """

        def ask(stamp: Stamp) -> Agreement:
            pair = Pair.of(self.catalogue, variant, reference, mapping)
            theirs, (own, _) = self._two(pair, image, cam)
            return agreement(pair.aligned(theirs, own, self._pictures_of(pair, image)))

        return settled(ask, lambda: self.stamp(variant, image, *against(variant, reference)))

    def images_like(self, image: ImageRef, model: ModelSpec, most: int = 100) -> tuple[ImageRef, ...]:
        """Return up to `most` images, spread evenly over the source of this one; see
        `Pictures.alike`.
        """
        return self._pictures.alike(image, self.card(model), most)

    def follow(
        self,
        variants: tuple[VariantSpec, ...],
        image: ImageRef,
        cam: CamSpec,
        reference: VariantSpec | None = None,
        mapping: Mapped = (),
    ) -> Iterator[Comparison]:
        """Yield the comparison for each variant in turn, for curves that grow on the screen.

        Args: as `compare`.
        """
        for variant in variants:
            yield self.compare(variant, image, cam, reference, mapping)

    def series(self, variant: VariantSpec) -> tuple[VariantSpec, ...]:
        """Return the variants of the same series for curves: every trained level, or the sparsities
        of the card's grid.
        """
        if not variant.pruning.is_one_shot:
            last = last_level(self.catalogue, variant.model)
            levels = (level for level, _ in self.levels(variant.model))
            return tuple(level for level in levels if last is None or (level.pruning.level or 0) <= last) or (variant,)
        amounts = [replace(variant.pruning, sparsity=sparsity) for sparsity in self.card(variant.model).grid]
        return tuple(VariantSpec(model=variant.model, pruning=amount) for amount in amounts)

    def known_accuracy(self, variant: VariantSpec, data: DataSpec) -> Accuracy | None:
        """Return the accuracy from the stored table, else None; never computes it."""
        counts = self._accuracies.get(variant, data)
        if counts is None:
            return None
        return evaluation.accuracy(variant, data, evaluation.Counts(*counts), self.table_remarks(variant.model))

    def table_remarks(self, model: ModelSpec) -> tuple[str, ...]:
        """Return remarks on damage to the stored accuracies of a network; usually none."""
        return self._accuracies.remarks(model)

    def accuracy(self, variant: VariantSpec, data: DataSpec, progress: Progress = tell) -> Accuracy:
        """Return the top-1 accuracy, from the stored table or evaluated now."""
        return self.known_accuracy(variant, data) or self.evaluate_accuracy(variant, data, progress)

    def evaluate_accuracy(self, variant: VariantSpec, data: DataSpec, progress: Progress = tell) -> Accuracy:
        """Evaluate the top-1 accuracy; for photographs also top-5 and among the data set's own
        classes.

        Args:
            progress: called with images done and total after each batch.
        """
        inputs = self.inputs(data, variant.model)
        counts = self.store.use(variant, lambda lent: evaluation.count(lent.network, inputs, progress))
        return evaluation.accuracy(variant, data, counts, self.table_remarks(variant.model))

    def evaluate(
        self,
        variant: VariantSpec,
        data: DataSpec,
        cam: CamSpec,
        columns: Sequence[str] = (),
        progress: Progress = tell,
    ) -> evaluation.Table:
        """Return a table with one row per image of a data set.

        Args:
            cam: of the heatmaps, for the class that the network predicts. columns: keys of COLUMNS
                (core/evaluation/columns.py); defaults to predictions, maps and how well they fit
                the object. progress: called with images done and total after each batch.
        """
        if cam.target != "own":
            raise BadSpec(
                f"Target class '{cam.target}' cannot be evaluated over a data set.", "Only 'own' can, as in the thesis."
            )
        inputs = self.inputs(data, variant.model)
        cam = replace(cam, layer=cam.layer or self.card(variant.model).target_layer)
        names = tuple(columns) or evaluation.heatmap_columns(inputs)
        return self.store.use(
            variant, lambda lent: evaluation.evaluate(lent.network, inputs, names, cam, progress=progress)
        )

    def accuracy_curve(self, variant: VariantSpec, data: DataSpec) -> tuple[tuple[MaskReport, Accuracy], ...]:
        """Return the accuracy over the variant's series, as far as the stored table has it."""
        points = ((self.report(point), self.known_accuracy(point, data)) for point in self.series(variant))
        return tuple((report, accuracy) for report, accuracy in points if accuracy is not None)

    def inputs(self, data: DataSpec, model: ModelSpec = DEFAULT_MODEL) -> Inputs:
        """Return a data set as this network receives it: digits on the device with their stored
        noise, photographs decoded batch by batch.

        Raises BadSpec, UnknownName, MissingData, BadFile.
        """
        return self._inputs.of(data, self.card(model))

    def _kept(self, what: str, question: Question, stamp: Stamp, make: Callable[[], tuple[T, int]]) -> T:
        """Return an answer from memory, or make it and keep it there.

        Args:
            stamp: of the current files. make: returns the answer and its size in bytes.
        """
        variant, image, cam = question
        key = f"{what}/{self.store.precision}/{variant.key}|{image.key}|{cam.key}", stamp
        with self._answers.borrow(key, make, exclusive=False) as answer:
            return answer

    def _look(self, variant: VariantSpec, image: ImageRef, cam: CamSpec) -> tuple[Heatmap, MaskReport]:
        """Return the heatmap and the report of the variant."""
        stamp = self.stamp(variant, image)  # first: this reads a card again whose file was replaced
        cam = replace(cam, layer=cam.layer or self.card(variant.model).target_layer)
        return self._kept("heatmap", (variant, image, cam), stamp, lambda: self._make_heatmap(variant, image, cam))

    def _pictures_of(self, pair: Pair, image: ImageRef) -> tuple[Picture, Picture]:
        """Return the image as the reference and as the variant receives it."""
        own = self.picture(image, pair.variant.model)
        return own if pair.same_card else self.picture(image, pair.reference.model), own

    def _two(self, pair: Pair, image: ImageRef, cam: CamSpec) -> tuple[Heatmap, tuple[Heatmap, MaskReport]]:
        """Return the heatmaps of the reference and of the variant, for the same class unless each
        is for its own.
        """
        if pair.is_usual:
            return self.heatmap(pair.reference, image, cam), self._look(pair.variant, image, cam)
        cam = replace(cam, layer=cam.layer or pair.card.target_layer)
        label = self.picture(image, pair.variant.model).label
        theirs = self.heatmap(pair.reference, image, pair.asked_of_reference(cam, label))
        asked, top = cam, theirs.prediction.top
        if cam.target == "dense":
            asked = replace(cam, target="own" if top is None else pair.needed(top))
        own, report = self._look(pair.variant, image, asked)
        return theirs, (replace(own, cam=cam), report)

    def _make_comparison(self, pair: Pair, image: ImageRef, cam: CamSpec, stamp: Stamp) -> tuple[Comparison, int]:
        theirs, (own, report) = self._two(pair, image, cam)
        pictures = self._pictures_of(pair, image)
        aligned = pair.aligned(theirs, own, pictures)
        answer = compare(pictures[1], aligned, report, pair.own_class(theirs.prediction.top))
        notes = pair.notes(aligned, pictures)
        answer = replace(answer, reference_name=pair.name, mapping=pair.mapping, notes=notes, stamp=stamp)
        # heatmaps are cached separately
        return answer, answer.difference.nbytes + answer.picture.clean.nbytes + answer.picture.seen.nbytes + 8192

    def _make_heatmap(
        self, variant: VariantSpec, image: ImageRef, cam: CamSpec
    ) -> tuple[tuple[Heatmap, MaskReport], int]:
        """Make the heatmap with the report; also return their size in bytes."""
        picture, found = self.picture(image, variant.model), self.card(variant.model)
        choose = self._target(variant, picture, cam)
        seen = found.input(as_batch(picture.seen).to(self.device))
        others = second_methods(cam.method)
        made, report = self.store.use(
            variant,
            lambda lent: (saliency_maps(lent.network, seen, cam.method, cam.layer, choose, others), lent.report),
        )
        answer = first_heatmap((variant, image, cam), made, found)
        return (answer, report), answer.map.nbytes + (1 + len(others)) * answer.saliency.nbytes + 2048

    def _target(self, variant: VariantSpec, picture: Picture, cam: CamSpec) -> Callable[[Tensor], Tensor]:
        """Return how to choose the class of the map from logits (N, classes); the network's own if
        the dense one gives no answer.
        """
        if cam.target == "own" or (cam.target == "dense" and variant == variant.dense):
            return own_class
        wanted = picture.label if cam.target == "label" else cam.target
        if cam.target == "dense":
            wanted = self.heatmap(variant.dense, picture.image, cam).prediction.top
            if wanted is None:  # its outputs overflow
                return own_class
        if wanted is None:
            raise BadSpec(
                "This image has no label.", "The target class 'label' needs one.", "Choose another target class."
            )
        return this_class(int(wanted), len(self.card(variant.model).classes))
