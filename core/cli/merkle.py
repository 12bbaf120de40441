"""`python -m core protocol run | show merkle`: Less is More from photographs to tables and strips
of pictures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.base.errors import BadSpec, MissingData, SparsightError, UnknownName
from core.cli.questions import image_size, say, say_decoded, words_of
from core.specs import SCOPES

Arguments = argparse.Namespace
IMAGENETTE = "imagenette"
STRIPS, SIDE_PX = 5, 128  # photographs in a figure, side of a picture


def add_run(parser: argparse.ArgumentParser) -> None:
    """The words that only this protocol has; network, data, size and epochs are asked for as in
    vonrad.
    """
    add = words_of(parser, "merkle")
    add("--scope", default="layer", help="layer (as published, default) or global")
    add(
        "--adamw",
        type=float,
        metavar="RATE",
        help="pruned levels learn with AdamW at this rate (default: SGD at 0.001)",
    )
    add(
        "--evaluate-on",
        default="",
        metavar="PATH",
        help="photographs to evaluate on (default: those of --leave-out, else the test part)",
    )


def add_show(parser: argparse.ArgumentParser) -> None:
    """The words for showing results."""
    add = words_of(parser, "merkle")
    add("--strips", type=Path, metavar="FOLDER", help="write heatmap and visible-parts strips here, as PNG and SVG")
    add("--photos", metavar="PATH", help="of the strips: a folder or zip file (default: photographs that come along)")


def run(arguments: Arguments) -> None:
    """Trains, evaluates and tabulates; everything that is already there is found and not done
    again.
    """
    from core.data.decode import finished
    from core.engine.engine import Engine
    from core.protocols.merkle import protocol as merkle
    from core.protocols.merkle import summary as merkle_summary
    from core.training.material import load, photographs, pretrained
    from core.training.place import Place

    engine = Engine(arguments.device, arguments.folder)
    plans = [_plan(arguments, seed) for seed in arguments.seeds or [0]]
    plans[0].spec((plans[0].backbone.classifier,))  # what cannot be is said before anything is read
    for sentence in merkle_summary.departures(plans[0]) or ("As published.",):
        say(arguments, {"departure": sentence}, sentence)
    data = _data(arguments, engine.folder)
    photos, left_out = photographs(
        {"photographs": data, "held_out": arguments.leave_out or "", "folder": engine.folder}
    )
    say(arguments, {"photographs": len(photos), "left_out": len(left_out)}, f"Decoding {len(photos):,} photographs.")
    images = finished(load(photos, plans[0].backbone.rule, engine.folder, left_out), say_decoded(arguments))
    sizes = {name: len(getattr(images, name)) for name in ("train", "validation", "test")}
    say(arguments, sizes, ", ".join(f"{count:,} {name}" for name, count in sizes.items()))
    weights = (
        pretrained(plans[0].architecture, arguments.weights_file, engine.folder)
        if plans[0].start == "pretrained"
        else None
    )
    tables = []
    for plan in plans:
        for step in merkle.run(plan, images, weights, Place(engine.store.files, engine.device)):
            say(arguments, *_told(plan, step))
        engine.catalogue.refresh()
        tables.append(_evaluated(arguments, engine, plan, images))
    _print(arguments, tables)
    source = arguments.evaluate_on or arguments.leave_out or data
    for table in tables:
        home = engine.folder / "merkle" / table.place.model.key
        say(arguments, {"strips": str(home)}, f"Strips of pictures: {', '.join(_strips(engine, table, source, home))}.")


def show(arguments: Arguments) -> None:
    """Prints the tables of every series of this protocol that was run here or came along."""
    from core.engine.engine import Engine
    from core.protocols.merkle.summary import RUN
    from core.protocols.series import images as series_images
    from core.protocols.series import tables as series_tables

    if arguments.photos and not arguments.strips:
        raise BadSpec(
            "--photos would change nothing without --strips.",
            "It names the photographs of the strips.",
            "Add --strips FOLDER.",
        )
    engine = Engine(arguments.device, arguments.folder)
    places = [place for place in series_images.found(engine.roots) if place.model.weights.startswith(RUN)]
    if arguments.model and arguments.model not in (names := {place.model.name for place in places}):
        raise UnknownName("model with results", arguments.model, names)
    chosen = [place for place in places if arguments.model in (None, place.model.name)]
    if not chosen:
        raise MissingData(
            "There are no results of Less is More.",
            "A run writes them into the cache folder.",
            "Run `python -m core protocol run merkle --help`.",
        )
    tables = [series_tables.load(engine.catalogue, place) for place in chosen]
    _print(arguments, tables)
    for table in tables if arguments.strips else ():
        model = table.place.model.key
        try:
            files = _strips(engine, table, arguments.photos or "", arguments.strips / model)
        except MissingData as error:  # tables come along without their networks too
            say(arguments, {"left_out": model, "why": error.wrong}, f"No strips of {model}: {error.wrong}")
        else:
            say(arguments, {"written": files}, "\n".join(files))


def _evaluated(arguments: Arguments, engine: Any, plan: Any, images: Any) -> Any:
    from core.data.photo_inputs import PhotoInputs
    from core.protocols.series import images as series_images
    from core.protocols.series import tables as series_tables
    from core.specs import DataSpec, ModelSpec

    model, other = (
        ModelSpec(name=f"{plan.architecture}@{plan.data}", weights=plan.run, seed=plan.seed),
        arguments.evaluate_on,
    )
    inputs, name = None, f"{plan.data}-test"
    for path in filter(None, (other, arguments.leave_out)):
        data = DataSpec(name=f"folder:{path}")
        try:
            inputs, name = engine.inputs(data, model), series_images.name_of(data)
            break
        except SparsightError:
            if path == other:
                raise
    if inputs is None or not len(inputs.own_classes):
        inputs = PhotoInputs(_photo_set(images.test, name), engine.card(model), engine.device)
    place = series_images.Place(model=model, data_name=name)
    for step in series_images.evaluate_series(place, engine.store, inputs):
        facts = {"run": "evaluate", "model": model.key, "data": name} | vars(step)
        say(arguments, facts, f"{model.key} on {name}: level {step.level} of {step.levels} {step.state}")
    return series_tables.load(engine.catalogue, place)


def _photo_set(images: Any, title: str) -> Any:
    """Decoded images as a data set of photographs."""
    from functools import partial

    from PIL import Image

    from core.data.photo_sets import Photo, PhotoSet

    pixels = images.images.permute(0, 2, 3, 1).numpy()
    photos = [
        Photo(str(row), int(label), partial(Image.fromarray, pixels[row])) for row, label in enumerate(images.labels)
    ]
    return PhotoSet(title, images.classes, photos)


def _strips(engine: Any, table: Any, source: str, home: Path) -> list[str]:
    """Writes the two figures; names of the files. source: folder or zip file of photographs, "" for
    those that come along.
    """
    from core.base.errors import CacheNotWritable
    from core.figures import sheets, strips

    files = []
    rows = list(_rows(engine, table, source))
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name, shown in (("heatmaps", "overlay"), ("visible", "visible")):
            look = strips.Look(show=shown, side_px=SIDE_PX)
            made = [sheets.Row(title=strip.title, tiles=strips.tiles(strip, look)) for strip in rows]
            caption = f"{table.place.model.key}, Grad-CAM of each network's own class: {strips.SHOWS[shown]}"
            (home / f"{name}.png").write_bytes(sheets.png(made, caption))
            (home / f"{name}.svg").write_text(sheets.svg(made, caption), encoding="utf-8")
            files += [str(home / f"{name}.{end}") for end in ("png", "svg")]
    except OSError as error:
        why = f"{home} cannot be written ({error.strerror})."
        raise CacheNotWritable(why, "The strips are written as PNG and SVG files.", "Choose another folder.") from error
    return files


def _rows(engine: Any, table: Any, source: str) -> Iterator[Any]:
    """A row of pictures a photograph, over the levels that are there."""
    from core.figures import strips
    from core.protocols.series.images import METHOD
    from core.specs import CamSpec

    model = table.place.model
    known = table.facts["levels"]  # level 0 is the dense network, which every row begins with
    there = [
        variant for variant, _ in engine.levels(model) if variant.pruning.level and str(variant.pruning.level) in known
    ]
    for image, title in _images(engine, table, source):
        answers = tuple(engine.follow(tuple(there), image, CamSpec(method=METHOD, target="own")))
        yield strips.Strip(title=title, answers=answers)


def _images(engine: Any, table: Any, source: str) -> list[tuple[Any, str]]:
    """One photograph a class, the one that most levels classify right where that is known, and its
    title.
    """
    from core.data.folders import read_folder
    from core.data.gallery import GALLERY
    from core.protocols.series.images import name_of
    from core.specs import DataSpec, ImageRef

    if not source:
        return [(ImageRef(source="gallery", name=name), entry.title) for name, entry in list(GALLERY.items())[:STRIPS]]
    data = DataSpec(name=f"folder:{Path(source).absolute()}")
    photos = read_folder(Path(source)).photos
    right: dict[int, int] = {}
    if name_of(data) == table.place.data_name and table.facts["count"] == len(photos):
        right = (table.images.predicted == table.images.label).groupby(table.images.image).sum().to_dict()
    best: dict[int, int] = {}
    unseen = any("val" in Path(photo.name).parts[:-2] for photo in photos)  # a set of train/ and val/
    for row, photo in enumerate(photos):
        if unseen and "val" not in Path(photo.name).parts[:-2]:
            continue
        if photo.label not in best or right.get(row, 0) > right.get(best[photo.label], 0):
            best[photo.label] = row
    rows = sorted(best.values())[:: max(1, len(best) // STRIPS)][:STRIPS]
    return [(ImageRef(source=data.name, name=str(row)), photos[row].name) for row in rows]


def _print(arguments: Arguments, tables: list[Any]) -> None:
    from core.protocols.merkle import summary as merkle_summary

    if arguments.json:
        print(json.dumps(merkle_summary.facts(tables), allow_nan=False))
    else:
        print("\n\n".join(merkle_summary.text(table) for table in tables))


def _plan(arguments: Arguments, seed: int) -> Any:
    from core.models.head import data_name
    from core.protocols.merkle.protocol import Plan

    if arguments.scope not in SCOPES:
        raise UnknownName("scope", arguments.scope, SCOPES)
    source = arguments.data or IMAGENETTE
    return Plan(
        architecture=arguments.model or "vgg16",
        data=data_name(arguments.set_name or source),
        size_px=image_size(arguments.size),
        scope=arguments.scope,
        seed=seed,
        epochs=arguments.epochs_limit,
        start=arguments.start,
        normalise=bool(arguments.normalise),
        adamw=arguments.adamw,
    )


def _data(arguments: Arguments, folder: Path) -> str:
    """The folder or zip file of photographs; Imagenette is downloaded where it is asked for by
    name.
    """
    from core.data.downloads import imagenette_whole

    source = arguments.data or IMAGENETTE
    return str(imagenette_whole(folder / "data")) if source == IMAGENETTE else source


def _told(plan: Any, step: Any) -> tuple[dict[str, Any], str]:
    """A step as facts and in words."""
    facts = {"run": plan.run, "seed": plan.seed, "level": step.level, "levels": step.levels, "found": step.found}
    where = f"{plan.run}, seed {plan.seed}, level {step.level} of {step.levels}"
    if epoch := step.epoch:
        return facts | vars(epoch), f"{where}: {epoch.text}"
    return facts, f"{where}: {'found' if step.found else 'done'}"
