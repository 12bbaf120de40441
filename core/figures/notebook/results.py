"""Make views of results, with the words, colours and number formats of the app."""

from __future__ import annotations

from numpy.typing import NDArray

from core.base.numbers import UNDEFINED, percent, probability, score, size
from core.base.text import Rows
from core.data.datasets import DATASETS
from core.evaluation.columns import AGAINST_TRUTH, COLUMNS, needs
from core.evaluation.evaluate import Table
from core.figures import maps
from core.figures.export import OPACITY, four_pictures
from core.figures.facts import overflows
from core.figures.names import names, network
from core.figures.notebook.view import Panel, View, name_text
from core.figures.scores import first_scores
from core.figures.strips import Sheet, Tile, tiles
from core.figures.wording import (
    NO_MARKS,
    NOTHING_MARKED,
    accuracy_text,
    at_sparsity,
    class_name,
    headline,
    of_truth,
    says,
    unsound,
)
from core.results import (
    MAP_STATES,
    Accuracy,
    Agreement,
    Comparison,
    CostReport,
    Heatmap,
    Latency,
    MaskReport,
    Picture,
)
from core.saliency import CAMS
from core.specs import DataSpec

TILE_PX = 140


def comparison(answer: Comparison, opacity: float = OPACITY) -> View:
    """Return Explore's first screen: the headline, four pictures and the scores."""
    return View(
        headline=headline(answer, name_text),
        panels=(_four(answer, opacity),),
        scores=first_scores(answer),
        notes=_notes(answer),
    )


def heatmap(side: Heatmap) -> View:
    """Return a network's heatmap and its prediction."""
    target = f"class {name_text(class_name(side, side.target_class))}" if side.target_class is not None else "no class"
    pruned = "dense" if side.variant.pruning.is_dense else "pruned"
    panel = Panel(
        title=pruned.title(),
        url=maps.data_url(maps.jpeg(maps.overlay(side, side.map, opacity=1.0))),
        alt=f"Heatmap of the {pruned} network",
        bar=_bar("magma"),
        under=_evidence(side),
    )
    where = f"{CAMS[side.cam.method].title} at {name_text(side.cam.layer)}, for {target}"
    sentence = f"The {pruned} network predicts {says(side, name_text)}. {where}."
    return View(headline=sentence, panels=((panel,),), notes=() if side.usable else (MAP_STATES[side.state],))


def picture(image: Picture) -> View:
    """Return the image as the network receives it and, if it has noise, also without."""
    title = image.title or ("A digit" if image.truth_kind == "ink" else "An image")
    label = f", label **{image.label}**" if image.label is not None and image.truth_kind == "ink" else ""
    seen = Panel(title=_input(image), url=_photo_url(image.seen), alt=f"The input{_of(image)}", lines=_credit(image))
    clean = Panel(title="Input, without noise", url=_photo_url(image.clean), alt=f"The input{_of(image)} without noise")
    panels = (seen, clean) if image.image.noise else (seen,)
    return View(headline=f"**{name_text(title)}**{label}", panels=(panels,), notes=image.notes)


def sheet(rows: Sheet) -> View:
    """Return rows of pictures, one per strip."""
    return View(
        titles=tuple(f"**{name_text(strip.title)}**" for strip in rows.strips),
        panels=tuple(tuple(map(tile_panel, tiles(strip, rows.look))) for strip in rows.strips),
        notes=(rows.caption,),
    )


def agreement(found: Agreement) -> View:
    """Return the agreement by two methods for one image."""
    first, second = CAMS[found.method].title, CAMS[found.second_method].title
    values = f"{first} agrees by **{_value(found.value)}**, {second} by **{_value(found.second_value)}**"
    return View(headline=f"{values}: {found.verdict.value}.")


def accuracy(found: Accuracy) -> View:
    """Return correct answers with counts and interval."""
    rows = [("", "right", "of", "share"), ("top 1", *_share(found.correct, found.total))]
    if found.top5 is not None:
        rows.append(("top 5", *_share(found.top5, found.total)))
    if found.among is not None:
        rows.append((f"among the {found.among_classes} classes of the data set", *_share(found.among, found.total)))
    tables = (Rows(rows, (1, 2, 3)),) if len(rows) > 2 else ()
    sentence = f"Accuracy on {_data(found.data)}: **{accuracy_text(found).replace(' (', '** (', 1)}"
    return View(headline=sentence, tables=tables, notes=found.notes)


def mask(report: MaskReport) -> View:
    """Return what is left of the network, in total and in each layer."""
    kept = f"**{report.kept:,} of {report.total:,} prunable weights** are left"
    rows = [
        (name_text(layer.name), f"{layer.kept:,}", f"{layer.total:,}", percent(layer.sparsity))
        for layer in report.layers
    ]
    notes = ("**Collapsed network.** No path of kept weights connects input and output.",) if report.collapsed else ()
    return View(
        headline=f"{at_sparsity(report)}, {kept}.",
        tables=(Rows([("layer", "left", "of", "sparsity"), *rows], (1, 2, 3)),),
        notes=notes,
    )


def cost(report: CostReport) -> View:
    """Return the network's cost, with its zeros in place and after removal of emptied channels."""
    small, gone = report.physical_parameters, report.physical_zeros
    left = None if small is None or gone is None else small - gone
    rows = [
        ("", "zeros in place", "empty channels removed"),
        ("Parameters", _count(report.parameters), _count(small)),
        ("Non-zero parameters", _count(report.parameters - report.zeros), _count(left)),
        ("Multiply-adds per image", _count(report.macs), _count(report.physical_macs)),
        ("Multiply-adds per image without zeros", _count(report.macs_left), _count(report.physical_macs_left)),
        ("File size, all values", size(report.dense_file_bytes), _size(report.physical_file_bytes)),
        ("File size, kept values and mask", size(report.sparse_file_bytes), UNDEFINED),
        ("Inference time per image", _time(report.latency), _time(report.physical_latency)),
    ]
    sentence = f"**{report.parameters - report.zeros:,} of {report.parameters:,} parameters** are not zero."
    return View(headline=sentence, tables=(Rows(rows, (1, 2)),), notes=report.notes)


def table(found: Table) -> View:
    """Return means over a data set; overlaps with the number of empty maps and the mean without
    them.
    """
    rows = found.rows
    body = [_mean(name, found) for name in rows if name in COLUMNS and name != "predicted"]
    head = ("", "mean", "n", "empty maps", "mean without them")
    scored = any(name in COLUMNS and needs(name) in AGAINST_TRUTH for name in rows)
    unmarked = () if found.truth or not scored else (NO_MARKS,)
    return View(
        headline=f"**{len(rows):,} images**, one row each in .rows; means over the images where a value is defined",
        tables=(Rows([head, *body], (1, 2, 3, 4)),),
        notes=(*found.notes, *unmarked),
    )


def _mean(name: str, found: Table) -> tuple[str, ...]:
    rows = found.rows
    values, title = rows[name].dropna(), of_truth(COLUMNS[name].title, found.truth)
    if values.dtype == bool:
        return title, percent(float(values.mean())) if len(values) else UNDEFINED, f"{len(values):,}", "", ""
    mean = score(float(values.mean()), 3) if len(values) else UNDEFINED
    if "empty" not in rows or name.startswith("map-"):
        return title, mean, f"{len(values):,}", "", ""
    some = rows.loc[~rows["empty"], name].dropna()
    without = score(float(some.mean()), 3) if len(some) else UNDEFINED
    return title, mean, f"{len(values):,}", f"{len(values) - len(some):,}", without


def _four(answer: Comparison, opacity: float) -> tuple[Panel, ...]:
    found, image, called = answer.agreement, answer.picture, names(answer)
    at = f"at {answer.mask.sparsity:.4%} sparsity"
    encode = maps.png if image.clean.ndim == 2 else maps.jpeg  # PNG for sharp pixels of digits, JPEG for photographs
    first, *others = four_pictures(answer, opacity).values()
    dense, pruned, difference = (maps.data_url(maps.jpeg(each)) for each in others)
    return (
        Panel(
            title=_input(image),
            url=maps.data_url(encode(first)),
            alt=f"The input{_of(image)} {at}",
            lines=(_label(answer), *_credit(image)),
        ),
        _side(
            name_text(called.titles[0]),
            dense,
            f"Heatmap of {name_text(answer.reference_name)}, beside the one {at}",
            answer.reference,
            "says",
        ),
        _side(
            called.titles[1],
            pruned,
            f"Heatmap of {network(answer, answer.pruned)} {at}",
            answer.pruned,
            "now says" if answer.flipped and answer.with_dense else "says",
        ),
        Panel(
            title=called.difference,
            url=difference,
            alt=f"Difference of the two heatmaps {at}",
            lines=(
                f"agreement **{score(found.value)}**, {score(found.second_value)} by {CAMS[found.second_method].title}",
            ),
            bar=_bar("signed"),
            under=" ↔ ".join(called.stronger),
        ),
    )


def _side(title: str, url: str, alt: str, side: Heatmap, verb: str) -> Panel:
    top, sure = side.prediction.top, side.prediction.confidence
    line = "**no answer**: its outputs overflow"
    if sure is not None:
        line = f"{verb} **{name_text(class_name(side, top))}**, {probability(sure)}"
    return Panel(title=title, url=url, alt=alt, lines=(line,), bar=_bar("magma"), under=_evidence(side))


def _evidence(side: Heatmap) -> str:
    return "0 to 1, evidence" if side.usable else f"the map is {side.state}"


def _label(answer: Comparison) -> str:
    image = answer.picture
    if image.label is not None:
        return f"label **{name_text(class_name(answer.pruned, image.label))}**"
    if image.image.source == "own":
        return "your own image"
    return f"**{name_text(image.title)}**, no label" if image.title else "no label"


def _notes(answer: Comparison) -> tuple[str, ...]:
    sides = (answer.reference, answer.pruned)
    states = dict.fromkeys(MAP_STATES[side.state] for side in sides if not side.usable)
    return (
        *filter(None, [unsound(answer)]),
        *overflows(answer),
        *states,
        *answer.notes,
        *answer.picture.notes,
        *([] if answer.picture.truth_kind else [NOTHING_MARKED]),
    )


def _input(image: Picture) -> str:
    return "Input" + (", with noise" if image.image.noise else "")


def _of(image: Picture) -> str:
    return f", {name_text(image.title)}," if image.title else ""


def _credit(image: Picture) -> tuple[str, ...]:
    return (name_text(image.credit),) if image.credit else ()


def _photo_url(values: NDArray) -> str:
    encode = maps.png if values.ndim == 2 else maps.jpeg
    return maps.data_url(encode(maps.plain(values)))


def _bar(colours: str) -> tuple[str, str]:
    alts = {
        "magma": "Colour bar from black, 0, to pale yellow, 1",
        "signed": "Colour bar from purple, -1, over black, 0, to orange, 1",
    }
    return maps.data_url(maps.png(maps.colour_bar(colours, 128, 8))), alts[colours]


def tile_panel(tile: Tile) -> Panel:
    """Return one picture of a row."""
    return Panel(
        title=name_text(tile.title),
        url=maps.data_url(maps.jpeg(tile.picture)),
        alt=name_text(tile.alt),
        lines=tuple(map(name_text, filter(None, tile.lines))),
        width_px=TILE_PX,
    )


def _value(value: float | None) -> str:
    return UNDEFINED if value is None else score(value)


def _data(data: DataSpec) -> str:
    title = DATASETS[data.name].title if data.name in DATASETS else name_text(data.name)
    return f"{title}, noise up to {data.noise:g}" if data.noise else title


def _share(count: int, total: int) -> tuple[str, str, str]:
    return f"{count:,}", f"{total:,}", percent(count / total)


def _count(count: int | None) -> str:
    return UNDEFINED if count is None else f"{count:,}"


def _size(count: int | None) -> str:
    return UNDEFINED if count is None else size(count)


def _time(latency: Latency | None) -> str:
    return UNDEFINED if latency is None else f"{latency.median_ms:.3g} ms (p95 {latency.p95_ms:.3g})"
