"""Results as plain facts (JSON) and as text, for the command line."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from core.data.datasets import DATASETS
from core.data.gallery import GALLERY, GalleryPhoto
from core.errors import BadFile, UnknownName
from core.measures import MEASURES
from core.models.torchvision_cnns import BY_HAND
from core.models.zoo import MODELS, Card, card
from core.pruning import CRITERIA
from core.registry import Entry
from core.results import OVERFLOW_ADVICE, Accuracy, Comparison, CostReport, Heatmap, Latency, MaskReport, Scores
from core.saliency import CAMS, CamMethod
from core.specs import GRANULARITIES, SCOPES
from core.wording import class_name, headline, plain, unsound

if TYPE_CHECKING:
    from core.engine import Engine

MEASURED = {"overlap": "map and ink", "similarity": "two maps", "map": "one map"}  # what a group of measures takes
LIBRARIES = ("torch", "torchvision", "grad-cam", "numpy", "safetensors")


def versions() -> dict[str, str]:
    """What a result was computed with."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def facts(engine: Engine) -> dict[str, Any]:
    """The installation: device, folder, registries, memory."""
    return {
        "device": engine.device_name,
        "folder": str(engine.folder),
        "versions": versions(),
        "models": {name: entry.summary for name, entry in MODELS.items()},
        "data sets": {name: entry.summary for name, entry in DATASETS.items()},
        "photographs": {name: entry.summary for name, entry in GALLERY.items()},
        "criteria": {name: entry.summary for name, entry in CRITERIA.items()},
        "CAM methods": {name: f"{entry.summary} ({entry.facts['cost']})" for name, entry in CAMS.items()},
        "measures": {name: entry.summary for name, entry in MEASURES.items()},
        "memory": {part.name: f"{part.bytes:,} of {part.budget_bytes:,} bytes" for part in engine.parts()},
    }


def mask_facts(report: MaskReport) -> dict[str, Any]:
    """Counts, and what follows from them."""
    return {
        "kept": report.kept,
        "prunable": report.total,
        "removed": report.removed,
        "already_zero": report.already_zero,
        "sparsity": report.sparsity,
        "density": report.density,
        "parameters_left": report.parameters_left,
        "compression_ratio": _finite(report.compression_ratio),
        "collapsed": report.collapsed,
        "layers": {layer.name: {"kept": layer.kept, "total": layer.total, "already_zero": layer.already_zero} for layer in report.layers},
    }


def heatmap_facts(side: Heatmap) -> dict[str, Any]:
    """Prediction, and what the map is of."""
    return {
        "predicted": side.prediction.top,
        "top": [
            {"class": index, "name": class_name(side, index), "probability": _finite(share)} for index, share in side.prediction.best()
        ],
        "probabilities": [_finite(round(float(p), 6)) for p in side.prediction.probabilities],
        "target_class": side.target_class,
        "state": side.state,
    }


def comparison_facts(answer: Comparison) -> dict[str, Any]:
    """All numbers of one comparison. Undefined scores are null."""
    pruned = answer.pruned
    return {
        "headline": plain(headline(answer)),
        "variant": pruned.variant.key,
        "image": pruned.image.key,
        "label": answer.picture.label,
        "cam": pruned.cam.key,
        "mask": mask_facts(answer.mask),
        "dense": heatmap_facts(answer.dense) | {"overlap": _values(answer.overlap_dense), "map": _values(answer.statistics_dense)},
        "pruned": heatmap_facts(pruned) | {"overlap": _values(answer.overlap_pruned), "map": _values(answer.statistics_pruned)},
        "similarity": _values(answer.similarity),
        "agreement": vars(answer.agreement) | {"verdict": answer.agreement.verdict.name.lower()},
        "notes": [*filter(None, [plain(unsound(answer))]), *card(pruned.variant.model).notes, *answer.picture.notes, *overflows(answer)],
    }


def overflows(answer: Comparison) -> list[str]:
    """Which networks give no answer, and what to do."""
    sides = {"dense": answer.dense, "pruned": answer.pruned}
    return [
        f"The {name} network's outputs overflow, so it gives no answer and has no heatmap. {OVERFLOW_ADVICE}"
        for name, side in sides.items()
        if not side.prediction.answered
    ]


def accuracy_facts(found: Accuracy) -> dict[str, Any]:
    """Right answers, with counts; what is unknown is null. unanswered: images for which the network's outputs are not finite."""
    return {
        "variant": found.variant.key,
        "data": found.data.key,
        "correct": found.correct,
        "total": found.total,
        "accuracy": found.fraction,
        "interval": [found.low, found.high],
        "top5": found.top5,
        "among": found.among,
        "among_classes": found.among_classes,
        "unanswered": found.unanswered,
        "notes": list(found.notes),
    }


def cost_facts(report: CostReport) -> dict[str, Any]:
    """Numbers with the zeros in place, and after emptied channels were taken out; what is None was not to be had or not asked for."""
    masked = {
        "parameters": report.parameters, "zeros": report.zeros, "multiply_adds": report.macs, "multiply_adds_left": report.macs_left,
        "dense_file_bytes": report.dense_file_bytes, "sparse_file_bytes": report.sparse_file_bytes, "time": _time(report.latency),
    }  # fmt: skip
    smaller = {
        "parameters": report.physical_parameters, "zeros": report.physical_zeros, "multiply_adds": report.physical_macs,
        "multiply_adds_left": report.physical_macs_left, "file_bytes": report.physical_file_bytes,
        "removed_channels": report.removed_channels, "largest_difference": report.largest_difference,
        "time": _time(report.physical_latency),
    }  # fmt: skip
    return {"network": report.variant.key, "dense time": _time(report.dense_latency), "zeros in place": masked,
            "channels taken out": smaller, "notes": list(report.notes)}  # fmt: skip


def _time(latency: Latency | None) -> dict[str, Any] | None:
    if latency is None:
        return None
    return {"median_ms": latency.median_ms, "p95_ms": latency.p95_ms, "n": latency.n, "device": latency.device}


def _values(scores: Scores) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in scores.values.items()}


def _finite(value: float | None) -> float | None:
    """None for what JSON cannot say: NaN and infinity, as an overflowing network answers."""
    return value if value is not None and math.isfinite(value) else None


def readme_tables() -> dict[str, str]:
    """The README's tables by the name in their marker, in Markdown, from the registries."""
    from core.bench import BENCHES  # most answers do without

    cams = [(_code(e), e.summary, e.facts["cost"], e.facts["by_class"], _layers(e), e.facts["made_by"], e.source) for e in CAMS.values()]
    measures = [(_code(e), MEASURED[e.facts["group"]], e.summary, e.facts["range"], e.source) for e in MEASURES.values()]
    return {
        "models": _markdown("model | what it is | weights | source", map(_model_row, filter(_is_general, MODELS.values()))),
        "data sets": _markdown("data set | what it is | object marked | source", map(_data_row, DATASETS.values())),
        "photographs": _markdown("photograph | what it shows | label | by, licence, where", map(_photo_row, GALLERY.values())),
        "criteria": _markdown(
            "criterion | which weights go first | measured on | source",
            ((_code(e), e.summary, e.facts["needs"], e.source) for e in CRITERIA.values()),
        )
        + "\n\n"
        + _markdown("granularity | what goes together", ((f"`{name}`", _after_colon(text)) for name, text in GRANULARITIES.items()))
        + "\n\n"
        + _markdown("scope | what it means", ((f"`{name}`", _after_colon(text)) for name, text in SCOPES.items())),
        "CAM methods": _markdown("method | what it does | cost | asks for a class | layers | made by | source", cams),
        "measures": _markdown("measure | of | what it says | range | source", measures),
        "benches": _markdown("bench | what is timed or counted", ((_code(e), e.summary) for e in BENCHES.values())),
    }


def _layers(method: Entry[CamMethod]) -> str:
    """At which layers a CAM method is sound."""
    why = method.facts["negative"]
    return f"without negative values: elsewhere {why}" if why else "any"


def _is_general(entry: Entry[Card]) -> bool:
    """Whether it is there on every machine: neither somebody's own network nor one that was retrained."""
    return not {"own", "retrained"} & set(entry.facts)


def _after_colon(text: str) -> str:
    return text.split(": ", 1)[1]


def _code(entry: Entry) -> str:
    return f"{entry.title} `{entry.name}`"


def _data_row(entry: Entry[Any]) -> tuple[str, ...]:
    return _code(entry), entry.summary, entry.facts["truth"] or "no", entry.source


def _photo_row(entry: Entry[GalleryPhoto]) -> tuple[str, ...]:
    return _code(entry), entry.summary, entry.value.subject or "none", entry.source


def _model_row(entry: Entry[Card]) -> tuple[str, ...]:
    found = entry.value
    sets = [
        f"`{name}`" + (f", {known.bytes / 1e6:,.0f} MB" if known.bytes else "") for name, known in found.weights.items() if name != BY_HAND
    ]
    trained = "" if found.levels is None else f"; seeds {', '.join(map(str, found.seeds))}, levels 0 to {found.levels}"
    return _code(entry), entry.summary, ", ".join(sets) + trained, entry.source


def _markdown(titles: str, rows: Iterable[tuple[str, ...]]) -> str:
    head = titles.split(" | ")
    cells = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def fill_tables(text: str) -> str:
    """A README with its tables as they are now. A block is `<!-- table: NAME -->`, the table, `<!-- end -->`, each on its own lines.

    Raises UnknownName for a table that there is not, BadFile for a block without an end and for a text without any.
    """
    tables = readme_tables()
    block = re.compile(r"^<!-- table: (.*?) -->\n(?:(?!<!-- table:).*\n)*?<!-- end -->$", re.MULTILINE)

    def fresh(found: re.Match) -> str:
        if found[1] not in tables:
            raise UnknownName("README table", found[1], tables)
        return f"<!-- table: {found[1]} -->\n{tables[found[1]]}\n<!-- end -->"

    filled, blocks = block.subn(fresh, text)
    if not blocks or blocks != text.count("<!-- table:"):
        raise BadFile(
            f"Of {text.count('<!-- table:')} table markers {blocks} could be used.",
            "A table stands between a line `<!-- table: NAME -->` and a line `<!-- end -->`.",
            f"Known names: {', '.join(tables)}.",
        )
    return filled
