"""Writes tables from the registries into a document: python -m docs.tables docs/reference.md"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from bench import BENCHES
from bench.faults import CAMPAIGNS
from core.base.errors import BadFile, UnknownName
from core.base.registry import Entry, Registry
from core.data.datasets import DATASETS
from core.data.gallery import GALLERY, GalleryPhoto
from core.evaluation.columns import COLUMNS, Needs, needs
from core.evaluation.evaluate import FAITHFULNESS
from core.measures import MEASURES
from core.models.cards import Card
from core.models.torchvision_cnns import BY_HAND
from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.saliency import CAMS, CamMethod
from core.saliency.baselines import BASELINES
from core.specs import GRANULARITIES, SCOPES
from core.units.embeddings import SIMILARITIES

T = TypeVar("T")
NEEDED = {  # what a column is computed from
    Needs.ANSWER: "answer",
    Needs.ANSWERS: "answer and the reference's",
    Needs.MAP: "heatmap",
    Needs.PASSES: "heatmap and further passes",
    Needs.TRUTH: "heatmap and marked object",
    Needs.BOXES: "heatmap and marked boxes",
    Needs.INK: "heatmap and digit",
    Needs.MAPS: "heatmap and the reference's",
}
MEASURED = {"overlap": "map and ink", "similarity": "two maps", "map": "one map"}  # what a group of measures takes


def tables() -> dict[str, str]:
    """The tables by the name in their marker, in Markdown, from the registries."""
    cams = [
        (_code(e), e.summary, e.facts["cost"], e.facts["by_class"], _layers(e), e.facts["made_by"], e.source)
        for e in _own(CAMS)
    ]
    measures = [(_code(e), MEASURED[e.facts["group"]], e.summary, e.facts["range"], e.source) for e in _own(MEASURES)]
    baselines = ((_code(e), e.summary, e.source or "ours") for e in _own(BASELINES))
    passes = (COLUMNS[name] for name in FAITHFULNESS)
    measures += [(_code(e), "map and network", e.summary, "0 to 1", e.source) for e in passes]
    columns = ((_code(e), NEEDED[needs(e.name)], e.summary, e.source) for e in _own(COLUMNS))
    return {
        "models": _markdown(
            "model | what it is | weights | source", map(_model_row, filter(_is_general, _own(MODELS)))
        ),
        "data sets": _markdown("data set | what it is | object marked | source", map(_data_row, _own(DATASETS))),
        "photographs": _markdown(
            "photograph | what it shows | label | by, licence, where", map(_photo_row, _own(GALLERY))
        ),
        "criteria": _markdown(
            "criterion | which weights go first | measured on | source",
            ((_code(e), e.summary, e.facts["needs"], e.source) for e in _own(CRITERIA)),
        )
        + "\n\n"
        + _markdown(
            "granularity | what goes together",
            ((f"`{name}`", text) for name, text in GRANULARITIES.items()),
        )
        + "\n\n"
        + _markdown("scope | what it means", ((f"`{name}`", text) for name, text in SCOPES.items())),
        "CAM methods": _markdown("method | what it does | cost | asks for a class | layers | made by | source", cams),
        "columns": _markdown("measure | of | what it says | source", columns),
        "baselines": _markdown("baseline | what it is | source", baselines),
        "similarities": _markdown(
            "judge | what it compares | source", ((_code(e), e.summary, e.source) for e in _own(SIMILARITIES))
        ),
        "measures": _markdown("measure | of | what it says | range | source", measures),
        "benches": _markdown("bench | what is timed or counted", ((_code(e), e.summary) for e in BENCHES.values())),
        "campaigns": _markdown(
            "campaign | harm | trials", ((_code(e), e.summary, f"{e.value.n:,}") for e in CAMPAIGNS.values())
        ),
    }


def _own(registry: Registry[T]) -> list[Entry[T]]:
    """The entries of Sparsight itself: none of a plugin."""
    return [entry for entry in registry.values() if not entry.plugin]


def _layers(method: Entry[CamMethod]) -> str:
    """At which layers a CAM method is sound."""
    why = method.facts["negative"]
    return f"without negative values: elsewhere {why}" if why else "any"


def _is_general(entry: Entry[Card]) -> bool:
    """Whether it is there on every machine: neither somebody's own network nor one that was
    retrained.
    """
    return not {"own", "retrained"} & set(entry.facts)


def _code(entry: Entry) -> str:
    return f"{entry.title} `{entry.name}`"


def _data_row(entry: Entry[Any]) -> tuple[str, ...]:
    return _code(entry), entry.summary, entry.facts["truth"] or "no", entry.source


def _photo_row(entry: Entry[GalleryPhoto]) -> tuple[str, ...]:
    return _code(entry), entry.summary, entry.value.subject or "none", entry.source


def _model_row(entry: Entry[Card]) -> tuple[str, ...]:
    found = entry.value
    sets = [
        f"`{name}`" + (f", {known.bytes / 1e6:,.0f} MB" if known.bytes else "")
        for name, known in found.weights.items()
        if name != BY_HAND
    ]
    trained = "" if found.levels is None else f"; seeds {', '.join(map(str, found.seeds))}, levels 0 to {found.levels}"
    return _code(entry), entry.summary, ", ".join(sets) + trained, entry.source


def _markdown(titles: str, rows: Iterable[tuple[str, ...]]) -> str:
    head = titles.split(" | ")
    cells = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def fill(text: str) -> str:
    """A README with its tables as they are now. A block is `<!-- table: NAME -->`, the table, `<!--
    end -->`, each on its own lines.

    Raises UnknownName for a table that there is not, BadFile for a block without an end and for a
    text without any.
    """
    fresh = tables()
    block = re.compile(r"^<!-- table: (.*?) -->\n(?:(?!<!-- table:).*\n)*?<!-- end -->$", re.MULTILINE)

    def replace(block: re.Match) -> str:
        if block[1] not in fresh:
            raise UnknownName("README table", block[1], fresh)
        return f"<!-- table: {block[1]} -->\n{fresh[block[1]]}\n<!-- end -->"

    filled, blocks = block.subn(replace, text)
    if not blocks or blocks != text.count("<!-- table:"):
        raise BadFile(
            f"Of {text.count('<!-- table:')} table markers {blocks} could be used.",
            "A table stands between a line `<!-- table: NAME -->` and a line `<!-- end -->`.",
            f"Known names: {', '.join(fresh)}.",
        )
    return filled


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")
