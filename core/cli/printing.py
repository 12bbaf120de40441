"""Text of answers in a terminal: sentences, aligned tables, names, units and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from core.base.numbers import UNDEFINED, counted, percent, score, size
from core.base.text import Part, Rows
from core.data.datasets import DATASETS, is_photos
from core.evaluation.columns import AGAINST_TRUTH, COLUMNS, needs
from core.figures.names import names
from core.figures.networks import model_text, pruning_text
from core.figures.wording import NO_MARKS, NOTHING_MARKED, class_name, headline, of_truth, plain, undefined
from core.measures import MEASURES
from core.results import Accuracy, Comparison, CostReport, Heatmap, Latency, MaskReport, Scores
from core.saliency import CAMS
from core.specs import DataSpec, ImageRef, VariantSpec

TOP = 5  # predictions that are shown
LONGEST_NAME = 30  # characters of a class name in a table
MORE = "--layers prints the weights left in each layer, --json every number for machines."


def comparison_text(answer: Comparison, title: str, notes: Sequence[str], layers: bool) -> list[Part]:
    """Return the comparison of one image: the main finding, the predictions by name, the scores
    with their meaning.
    """
    by_itself = (answer.statistics_reference, answer.statistics_pruned)
    covers = f"How well each map covers {of_truth('the ink', answer.picture.truth_kind)}"
    return [
        plain(headline(answer)),
        Rows(_question(answer, title)),
        Rows(_predictions(answer), (0, 1, 3), "Predictions, most probable first"),
        Rows(_agreement(answer), (1,), "How far the two maps agree"),
        NOTHING_MARKED if answer.picture.truth is None else Rows(_coverage(answer), (1, 2, 3), covers),
        Rows(_pairs(answer, "ink", *by_itself), (1, 2), "Each map by itself"),
        *([layers_text(answer.mask)] if layers else []),
        *([notes_text(notes)] if notes else []),
        *([] if layers else [MORE]),
    ]


def _question(answer: Comparison, title: str) -> list[tuple[str, str]]:
    side, mask, picture = answer.pruned, answer.mask, answer.picture
    label = "" if picture.label is None else f", labelled {class_name(side, picture.label)}"
    noise = f", background noise up to {side.image.noise:g}" if side.image.noise else ""
    target = {"dense": f", {names(answer).answer}", "own": ", each network's own answer", "label": ", the label"}
    return [
        *_network(title, side.variant),
        *([] if answer.with_dense else [("compared with", answer.reference_name)]),
        ("weights left", kept_text(mask)),
        ("image", f"{picture.title or _image(side.image)}{label}{noise}"),
        (
            "heatmap",
            (
                f"{CAMS[side.cam.method].title} at layer {side.cam.layer}, for"
                f" {_targets(answer)}{target.get(str(side.cam.target), '')}"
            ),
        ),
    ]


def _image(image: ImageRef) -> str:
    return (
        f"{DATASETS[image.source].title}, row {image.name}"
        if image.source in DATASETS
        else f"an image of your own ({image.name})"
    )


def _targets(answer: Comparison) -> str:
    sides = (side for side in (answer.reference, answer.pruned) if side.target_class is not None)
    names = dict.fromkeys(f"'{class_name(side, side.target_class)}'" for side in sides)
    if not names:
        return "no class"
    return f"class{'es' if len(names) > 1 else ''} {' and '.join(names)}"


def _predictions(answer: Comparison) -> list[tuple[str, ...]]:
    columns, called = [_best(side) for side in (answer.reference, answer.pruned)], names(answer)
    pairs = zip_longest(*columns, fillvalue=("", ""))
    rows = [(str(place), *dense, *pruned) for place, (dense, pruned) in enumerate(pairs, 1)]
    return [("", "", called.reference, "", called.own), *rows]


def _best(side: Heatmap) -> list[tuple[str, str]]:
    rows = [(percent(share), class_name(side, index)[:LONGEST_NAME]) for index, share in side.prediction.best(TOP)]
    return rows or [("", "no answer")]


def _agreement(answer: Comparison) -> list[tuple[str, ...]]:
    return [
        (MEASURES[name].title, score(value), MEASURES[name].summary if value is not None else undefined(answer))
        for name, value in answer.similarity.values.items()
    ]


def _coverage(answer: Comparison) -> list[tuple[str, ...]]:
    scores = (answer.overlap_reference, answer.overlap_pruned, answer.overlap_blob)
    rows = _pairs(answer, answer.picture.truth_kind, *scores)
    empty = all(UNDEFINED in row[1:3] for row in rows[1:])
    return [*rows, ("", "", "", "", undefined(answer))] if empty else rows


def _pairs(
    answer: Comparison, kind: str, dense: Scores, pruned: Scores, blob: Scores | None = None
) -> list[tuple[str, ...]]:
    """Return a row for each score of two maps, with its meaning; that of the centre blob beside."""
    rows = [
        (
            of_truth(MEASURES[name].title, kind),
            score(value),
            score(pruned[name]),
            *((score(blob[name]),) if blob else ()),
            of_truth(MEASURES[name].summary, kind),
        )
        for name, value in dense.values.items()
    ]
    called = names(answer)
    return [("", called.reference, called.own, *(("centre blob",) if blob else ()), ""), *rows]


def kept_text(mask: MaskReport) -> str:
    """Return the number of weights left, and the compression."""
    left = f"{mask.kept:,} of {mask.total:,} prunable weights ({percent(mask.sparsity)} sparse)"
    before = f"; {mask.already_zero:,} were zero before, {mask.removed:,} were removed" if mask.already_zero else ""
    return f"{left}{before}; compression ratio {mask.compression_ratio:.3g} of all parameters"


def layers_text(mask: MaskReport) -> Rows:
    """Return the weights left in every layer."""
    rows = [(layer.name, f"{layer.kept:,}", f"{layer.total:,}", percent(layer.sparsity), "") for layer in mask.layers]
    alone = [
        (layer.name, f"{layer.kept:,}", f"{layer.total:,}", percent(layer.sparsity), "left alone")
        for layer in mask.excluded
    ]
    return Rows([("layer", "left", "of", "sparsity", ""), *rows, *alone], (1, 2, 3), "Weights left in each layer")


def notes_text(notes: Sequence[str]) -> str:
    """Return the sentences, one per line."""
    return "\n".join(["Notes", *(f"  {note}" for note in notes)])


def cost_text(report: CostReport, title: str) -> list[Part]:
    """Return the cost of a pruned network, with zeros in place and with emptied channels
    removed.
    """
    rows = [
        ("", "zeros in place", "empty channels removed", ""),
        ("Parameters", _count(report.parameters), _count(report.physical_parameters), ""),
        ("of these, zero", _count(report.zeros), _count(report.physical_zeros), ""),
        ("Multiply-adds per image", _count(report.macs), _count(report.physical_macs), ""),
        (
            "of these, with non-zero weights",
            _count(report.macs_left),
            _count(report.physical_macs_left),
            "a count, not a speed",
        ),
        ("File size, all values", size(report.dense_file_bytes), _size(report.physical_file_bytes), ""),
        (
            "File size, kept values and mask",
            size(report.sparse_file_bytes),
            UNDEFINED,
            "one bit per weight, and the kept values",
        ),
    ]
    parts: list[Part] = [Rows(_network(title, report.variant)), Rows(rows, (1, 2))]
    if report.physical_parameters is not None:
        taken = counted(report.removed_channels, "channel")
        parts.append(
            f"{taken} removed; the network's outputs (logits) change by at most {report.largest_difference:.1e}."
        )
    times = {
        "dense": report.dense_latency,
        "zeros in place": report.latency,
        "empty channels removed": report.physical_latency,
    }
    timed = [(name, *_time(latency)) for name, latency in times.items() if latency is not None]
    if report.latency is not None:
        passes = f"median and 95th percentile, {report.latency.n} passes"
        title = f"Inference time per image on {report.latency.device} ({passes})"
        parts.append(Rows(timed, (1, 2), title))
    return [*parts, *([notes_text(report.notes)] if report.notes else [])]


def _count(count: int | None) -> str:
    return UNDEFINED if count is None else f"{count:,}"


def _size(count: int | None) -> str:
    return UNDEFINED if count is None else size(count)


def _time(latency: Latency) -> tuple[str, str]:
    return f"{latency.median_ms:.2f} ms", f"{latency.p95_ms:.2f} ms"


def _network(title: str, variant: VariantSpec) -> list[tuple[str, str]]:
    return [("network", model_text(title, variant.model)), ("pruning", pruning_text(variant.pruning))]


def accuracy_text(
    accuracy: Accuracy,
    title: str,
    notes: Sequence[str],
    heatmaps: Mapping[str, Mapping[str, Any]] | None,
    truth: str = "",
) -> list[Part]:
    """Return the accuracy with its counts; for heatmaps, the mean of each column over n images, and
    for overlaps the number of empty maps. truth: how the object is marked.
    """
    shares = [
        (
            "accuracy",
            percent(accuracy.fraction),
            f"{accuracy.correct:,} of {accuracy.total:,}; 95 % interval {_interval(accuracy)}",
        )
    ]
    if accuracy.top5 is not None:
        shares.append(
            ("top-5 accuracy", percent(accuracy.top5 / accuracy.total), f"{accuracy.top5:,} of {accuracy.total:,}")
        )
    if accuracy.among is not None:
        few = f"restricted to the {accuracy.among_classes} classes of the data set"
        shares.append(
            (
                "among its classes",
                percent(accuracy.among / accuracy.total),
                f"{accuracy.among:,} of {accuracy.total:,}; {few}",
            )
        )
    parts: list[Part] = [
        Rows([*_network(title, accuracy.variant), ("images", _data(accuracy.data))]),
        Rows(shares, (1,)),
    ]
    if heatmaps is not None:
        maps = heatmaps["maps"]
        counts = (
            f"{maps['usable']:,} usable, {maps['empty']:,} empty (they score 0), {maps['invalid']:,} invalid (left out)"
        )
        parts.append(Rows(_means(heatmaps, truth), (1, 2, 3, 4), f"Heatmaps: {counts}; means over n images"))
    return [*parts, *([notes_text(notes)] if notes else [])]


def _interval(accuracy: Accuracy) -> str:
    return f"{percent(accuracy.low)} to {percent(accuracy.high)}"


def _data(data: DataSpec) -> str:
    title = DATASETS[data.name].title if data.name in DATASETS else data.name
    if data.noise:
        return f"{title}, background noise up to {data.noise:g}"
    return title if is_photos(data.name) else f"{title}, without noise"


def _means(heatmaps: Mapping[str, Mapping[str, Any]], truth: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "mean", "n", "empty", "mean without", "")]
    for name, found in heatmaps.items():
        if name == "maps":
            continue
        title, meaning = _column(name, truth)
        beside = ("", "")
        if "empty-maps" in found:
            beside = (f"{found['empty-maps']:,}", score(found["mean-without-empty-maps"], 3))
        rows.append((title, score(found["mean"], 3), f"{found['n']:,}", *beside, meaning))
    return rows


def _column(name: str, truth: str) -> tuple[str, str]:
    """Return title and meaning of a column of results; why it is empty if no object is marked."""
    if name not in COLUMNS:
        return name, ""
    entry = COLUMNS[name]
    meaning = NO_MARKS if not truth and needs(name) in AGAINST_TRUTH else of_truth(entry.summary, truth)
    return of_truth(entry.title, truth), meaning


def info_text(info: Mapping[str, Any], memory: Sequence[tuple[str, int, int]]) -> list[Part]:
    """Return the installation, one table per registry. memory: name, bytes in use and bytes allowed
    of each part.
    """
    parts: list[Part] = [Rows([("device", info["device"]), ("folder", info["folder"]), *info["versions"].items()])]
    for title, rows in info.items():
        if isinstance(rows, Mapping) and title not in ("versions", "memory"):
            parts.append(Rows(list(rows.items()), (), f"{title[0].upper()}{title[1:]}"))
    used = [(name, size(in_use), f"of {size(allowed)}") for name, in_use, allowed in memory]
    return [*parts, Rows(used, (1,), "Memory in use")]
