"""Less is More as text: departures of a run from the published protocol, and its tables beside the
published ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pandas import DataFrame, isna

from core.base.text import Part, Rows
from core.evaluation.evaluate import overflow_notes
from core.protocols.merkle import protocol as merkle
from core.protocols.merkle.protocol import Plan
from core.protocols.series import tables as series_tables
from core.protocols.series.tables import QUANTITIES, SeriesTables

RUN = "merkle-"  # prefix of the names of its runs
ANSWERS, AGREEMENT = ("accuracy", "top5"), ("agreement", "soft-iou-of-maps", "pearson")
SHOWN = (*ANSWERS, *AGREEMENT)
MAPS = ("map-mean", "map-variance", "non-zero", "l1")
FORMATS = {
    "map-mean": "{:.3f}",
    "map-variance": "{:.4f}",
    "non-zero": "{:.1f}",
    "l1": "{:.2f}",
    "soft-iou-of-maps": "{:.3f}",
    "pearson": "{:.3f}",
}
PUBLISHED_SIZE_PX = 224
FEW = 20  # images that every level classifies correctly; with fewer, their map statistics are not meaningful


def departures(plan: Plan) -> tuple[str, ...]:
    """Return the departures of this plan from the published protocol, one sentence each; empty for
    the protocol itself.
    """
    asked = {
        f"The network is {plan.architecture}; published: vgg16.": plan.architecture != "vgg16",
        f"The photographs are {plan.data}; published: imagenette at full size.": plan.data != "imagenette",
        f"The input has {plan.size_px} pixels a side; published: {PUBLISHED_SIZE_PX}.": (
            plan.size_px != PUBLISHED_SIZE_PX
        ),
        "One ranking over all convolutions (global), the new head left whole; "
        "published: the same share of each convolution.": (plan.scope != "layer"),
        f"Epochs a level, at most: {plan.epochs}; published: 100 for the dense network, 50 after each step.": (
            plan.epochs is not None
        ),
        f"Pruned levels learn with AdamW at {plan.adamw}; published: SGD at 0.001.": plan.adamw is not None,
        "Training begins at random weights; published: ImageNet's.": plan.start != "pretrained",
        "ImageNet's mean and deviation are taken off the input; published: no normalisation.": plan.normalise,
    }
    return tuple(sentence for sentence, departs in asked.items() if departs)


def text(table: SeriesTables) -> tuple[Part, ...]:
    """Return one series beside the published values, for a terminal."""
    place, count = table.place, table.count
    names = [name for name in (*SHOWN, *MAPS) if name in table.quantities()]
    rows = table.levels(names).assign(images=count)
    right = _of_right_images(table)
    maps = rows if right is None else right
    n = int(maps[maps.quantity == MAPS[0]].n.max())
    which = (
        "every level classifies correctly, as published"
        if right is not None
        else f"all; fewer than {FEW} are classified correctly by every level"
    )
    cells = {name: [_cell(row, name) for row in _of(rows, name)] for name in names if name in SHOWN}
    answers = {"accuracy published": _published(rows, "accuracy")} | {
        name: cells[name] for name in ANSWERS if name in cells
    }
    dense = {name: cells[name] for name in AGREEMENT if name in cells}
    below = {name: [_beside(row, name) for row in _of(maps, name)] for name in names if name in MAPS}
    about = (
        f"{place.model.key} on {place.data_name}: {count:,} photographs, Grad-CAM at the target layer's cells.",
        "Compression ratios (CR) are counted from the tensors. Shares have Wilson's 95 % intervals.",
        "Published: VGG-16, 224 pixels, Imagenette.",
    )
    caption = f"The maps themselves, measured | published (n = {n:,} images: {which}; published: 500)."
    return (
        "\n".join(about),
        _grid(table, rows, answers),
        _grid(table, rows, dense, f"Agreement with the dense network, means over {count:,} photographs."),
        _grid(table, rows, below, caption),
        *_unanswered(table),
        *_rounding(table),
    )


def _unanswered(table: SeriesTables) -> list[str]:
    return [f"Level {level}: {note}" for level, count in table.unanswered().items() for note in overflow_notes(count)]


def _rounding(table: SeriesTables) -> list[str]:
    """Return the effect of rounding the values of an included series to float16."""
    before = table.right_before_rounding
    right = (table.images.predicted == table.images.label).groupby(table.images.level).sum()
    counts = ", ".join(f"level {level}: {count} and {right[level]}" for level, count in before.items())
    return [f"Stored values are rounded to float16. Correct answers before and after: {counts}."] if before else []


def _of_right_images(table: SeriesTables) -> DataFrame | None:
    """Return map statistics over the images that every level classifies correctly; None if they are
    too few.
    """
    frame = table.images.assign(right=table.images.predicted == table.images.label)
    if int(frame.groupby("image").right.all().sum()) < FEW:
        return None
    return table.levels(MAPS, images="right")


def _grid(table: SeriesTables, rows: DataFrame, columns: dict[str, list[str]], title: str = "") -> Rows:
    first = rows.drop_duplicates("level").sort_values("level")
    facts = {
        "CR conv": [f"{ratio:.4g}" for ratio in first.conv_ratio],
        "CR all": [f"{ratio:.4g}" for ratio in first.ratio],
        "sparsity": [f"{share:.2%}" for share in first.sparsity],
    }
    titled = {QUANTITIES[name].title if name in QUANTITIES else name: cells for name, cells in columns.items()}
    cells = facts | titled
    return Rows([tuple(cells), *zip(*cells.values(), strict=True)], range(len(cells)), title)


def _of(rows: DataFrame, name: str) -> list[Any]:
    return list(rows[rows.quantity == name].sort_values("level").itertuples())


def _published(rows: DataFrame, name: str) -> list[str]:
    values = [series_tables.published(name, row.target) for row in _of(rows, name)]
    return ["–" if value is None else f"{value:.2%}" for value in values]


def _cell(row: Any, name: str) -> str:
    if row.value is None or isna(row.value):
        return "–"
    if QUANTITIES[name].share:
        return f"{row.value:.1%} [{row.low:.1%}, {row.high:.1%}]"
    left_out = f" (n = {row.n:,})" if QUANTITIES[name].group == "similarity" and row.n < row.images else ""
    return FORMATS[name].format(row.value) + left_out


def _beside(row: Any, name: str) -> str:
    """Return measured and published value: "0.154 | 0.187"."""
    published = series_tables.published(name, row.target)
    return f"{_cell(row, name)} | {'–' if published is None else FORMATS[name].format(published)}"


def facts(tables: Sequence[SeriesTables]) -> dict[str, Any]:
    """Return the tables for machines: every quantity of every level, of all images and of those
    that every level classifies correctly.
    """
    found = []
    for table in tables:
        about = {"model": table.place.model.key, "data": table.place.data_name, "images": table.count}
        right = _of_right_images(table)
        frames = {"levels": table.levels(table.quantities()), "maps_of_images_all_right": right}
        found.append(about | {name: None if frame is None else records(frame) for name, frame in frames.items()})
    return {"published": merkle.PUBLISHED | {"compression_rates": merkle.RATES}, "series": found}


def records(frame: DataFrame) -> list[dict[str, Any]]:
    """Convert rows to plain values; undefined ones are None."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [
        {str(name): getattr(value, "item", lambda value=value: value)() for name, value in row.items()} for row in rows
    ]
