"""`python -m core decide`: which of several networks to ship, on these images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from core.base.options import option
from core.base.text import Part, Rows
from core.cli.app import COMPUTING, Computing
from core.cli.questions import Network
from core.cli.structure import FLAT
from core.cli.writing import writable, write
from core.specs import CamSpec, DataSpec, VariantSpec
from core.specs.shares import one_of

if TYPE_CHECKING:
    from core.models.catalogue import Catalogue
    from core.sweeps.decision import Recommendation

KEPT = "Stopped. The images that are done are kept; the same command goes on from there."
COST = "latency, latency-16 (16 images at once), size, size-kept (compressed: kept values and mask), multiply-adds, or "


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The candidates, and the network that they are compared with."""

    model: str = option("thesis-cnn", "The network that is pruned; `info` lists them.")
    weights: str | None = option(None, "Its weights. By default its first set.")
    seed: int | None = option(None, "Seed of its training. By default its first one.")
    sparsity: tuple[float, ...] = option((), "Candidates: it is pruned one-shot by these shares, such as 0.2 0.4.")
    level: tuple[int, ...] = option((), "Candidates: these levels of its trained series.")
    candidates: tuple[str, ...] = option(
        (),
        "More candidates: model.NAME (your own ones too), seed.334, level.3, sparsity.50, or a network and an amount: "
        "model.NAME,level.3; sparsity.50,way.filter-global-magnitude.",
    )
    reference: str = option("dense", "What they are compared with, in the same form.")
    scope: str = option("global", "Of the pruning: global or layer.")
    granularity: str = option("weight", "Of the pruning: weight, kernel, channel, filter, or a pattern such as 2:4.")
    exclude: tuple[str, ...] = option((), "Weights that are not pruned, such as fc.weight. By default none.")
    repair: str = option("none", "none, or batch-norm: measure BatchNorm statistics again on a few images.")
    criterion: str = option("magnitude", "magnitude, random or another criterion; `info` lists them.")

    def variants(self, catalogue: Catalogue) -> tuple[VariantSpec, tuple[VariantSpec, ...]]:
        """Return the reference and the candidates. Raises UnknownName, BadSpec."""
        from core.engine.reference_text import read_reference

        network: dict[str, Any] = {"model": self.model, "weights": self.weights, "seed": self.seed}
        way: dict[str, Any] = {
            name: getattr(self, name) for name in ("scope", "granularity", "exclude", "repair", "criterion")
        }
        base = Network(**network).variant(catalogue)
        pruned = [Network(**network, sparsity=share, **way).variant(catalogue) for share in self.sparsity]
        if not self.sparsity and ":" in self.granularity:
            pruned = [Network(**network, **way).variant(catalogue)]
        levels = [Network(**network, level=level).variant(catalogue) for level in self.level]
        like = pruned[0] if pruned else base  # a text's sparsity is of the same way of pruning
        named = [read_reference(text, like, catalogue) or base for text in self.candidates]
        reference = read_reference(self.reference, like, catalogue) or base
        return reference, (*pruned, *levels, *named)


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images, and the heatmaps that are made of them."""

    data: str = option("digits", "A data set, or the path of a folder or zip file.")
    noise: float = option(0.0, "Upper end of the background noise of digits.")
    images: int | None = option(None, "Only so many images, from every class in proportion. By default all.")
    cam: str = option("grad-cam", "A CAM method; `info` lists them.")
    layer: str = option("", "Target layer. By default each network's usual one.")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a network may lose, and what it should save. Fix it before you look at results."""

    limit_accuracy: float = option(
        0.02, "By how much accuracy may be lower; without labels, the share of answers that may change."
    )
    limit_changed: float | None = option(None, "Share of images whose answer may change. By default any.")
    limit_broken: float | None = option(None, "Share of images whose explanation may break. By default any.")
    threshold: float = option(0.5, "An explanation with a similarity below it is broken.")
    cost: str = option("size-kept", f"What should be least: {COST}multiply-adds-left (without zeros).")
    out: Path | None = option(None, "Write the table into this CSV file.")
    report: Path | None = option(None, "Write the decision as a report, one HTML file that opens offline.")


NETWORKS, IMAGES, BOUNDS = Networks(), Images(), Bounds()


def decide(
    *,
    networks: Annotated[Networks, FLAT] = NETWORKS,
    images: Annotated[Images, FLAT] = IMAGES,
    bounds: Annotated[Bounds, FLAT] = BOUNDS,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Recommend which of several networks to ship: the cheapest within limits, on your images."""
    from core.data.datasets import data_name
    from core.figures.candidates import decision_frame, decision_sentences, remarks
    from core.sweeps.candidates import Decision, measure_candidates
    from core.sweeps.decision import COSTS, Limits
    from core.sweeps.decision import decide as recommend

    limits = Limits(
        accuracy=bounds.limit_accuracy,
        changed=bounds.limit_changed,
        broken=bounds.limit_broken,
        threshold=bounds.threshold,
    )
    one_of(bounds.cost, COSTS, "cost")  # before an hour of work, not after
    output = common.output
    with output.progress("Reading the images", KEPT), ExitStack() as held:
        engine = common.engine()
        reference, candidates = networks.variants(engine.catalogue)
        asked = Decision(
            candidates=candidates,
            reference=reference,
            data=DataSpec(name=data_name(images.data), noise=images.noise),
            images=images.images,
            cam=CamSpec(method=images.cam, layer=images.layer),
        )

        def progress(done: int, total: int) -> None:
            output.advance("Answers and heatmaps" if done < total else "Counting and timing", done, total)

        measured = measure_candidates(engine, asked, writable(engine.folder, held), progress)
    found = recommend(measured, limits, bounds.cost)
    frame, sentences = decision_frame(measured, found), (*decision_sentences(measured, found), *remarks(measured))
    if bounds.out:
        write(bounds.out, frame.to_csv(index=False).encode())
    if bounds.report:
        from core.report import of_decision, to_html

        write(bounds.report, to_html(of_decision(measured, limits, bounds.cost)).encode())
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    facts = {"networks": rows, "sentences": list(sentences), "export": _export(found)}
    written = [path for path in (bounds.out, bounds.report) if path]
    facts |= {"written": list(map(str, written))} if written else {}
    output.say(facts, _text(found, sentences, written))


def _export(found: Recommendation) -> str:
    from core.figures.candidates import export_command

    best = found.best
    return "" if best is None or not found.saves else export_command(best.network.variant, best.network.cost.is_smaller)


def _text(found: Recommendation, sentences: tuple[str, ...], written: Sequence[Path]) -> list[Part]:
    from core.figures.candidates import decision_cells
    from core.figures.wording import plain

    table = decision_cells(found)
    rows = [list(table), *map(list, zip(*table.values(), strict=True))]
    parts: list[Part] = [Rows(rows, tuple(range(2, len(table)))), *map(plain, sentences)]
    if command := _export(found):
        parts.append(f"Export it: {command}")
    return [*parts, *(f"Written: {path}" for path in written)]
