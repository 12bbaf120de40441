"""Strips of pictures of a trained series, one row per photograph over the levels, as PNG and
SVG.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.base.errors import CacheNotWritable
from core.data.folders import name_of, read_folder
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.figures import sheets, strips
from core.protocols.registry import Strips
from core.protocols.series.images import METHOD
from core.protocols.series.tables import SeriesTables
from core.specs import CamSpec, DataSpec, ImageRef

STRIPS, SIDE_PX = 5, 128  # photographs in a figure, side of a picture


def write_strips(engine: Engine, wanted: Strips) -> list[str]:
    """Write strips of heatmaps and of visible parts; return the names of the files.

    Raises CacheNotWritable; MissingData if the networks of the series are not on this machine.
    """
    table, home = wanted.table, wanted.home
    files = []
    rows = list(_rows(engine, table, wanted.source))
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
        raise CacheNotWritable(
            why, "Strips are written there as PNG and SVG files.", "Choose another folder."
        ) from error
    return files


def _rows(engine: Engine, table: SeriesTables, source: str) -> Iterator[strips.Strip]:
    """Yield a row of pictures per photograph, over the available levels."""
    model = table.place.model
    # level 0 is the dense network, with which every row starts
    variants = [
        variant for variant, _ in engine.levels(model) if variant.pruning.level and variant.pruning.level in table.facts
    ]
    for image, title in _images(table, source):
        answers = tuple(engine.follow(tuple(variants), image, CamSpec(method=METHOD, target="own")))
        yield strips.Strip(title=title, answers=answers)


def _images(table: SeriesTables, source: str) -> list[tuple[ImageRef, str]]:
    """Return one photograph per class with its title: the one that most levels classify correctly,
    if known.
    """
    if not source:
        return [(ImageRef(source="gallery", name=name), entry.title) for name, entry in list(GALLERY.items())[:STRIPS]]
    data = DataSpec(name=f"folder:{Path(source).absolute()}")
    photos = read_folder(Path(source)).photos
    right: dict[int, int] = {}
    if name_of(data.name) == table.place.data_name and table.count == len(photos):
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
