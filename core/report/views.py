"""The report of a view of Explore: both heatmaps, the answers, the scores, and what becomes of the
image as weights go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pandas import DataFrame

from core.base.numbers import UNDEFINED, percent, score
from core.base.progress import Progress, tell
from core.base.text import Rows
from core.data.datasets import DATASETS
from core.data.folders import PREFIX, name_of
from core.engine.amounts import thinned
from core.engine.engine import Engine
from core.figures.export import OPACITY, code_for
from core.figures.facts import versions
from core.figures.names import names
from core.figures.networks import model_text, pruning_text
from core.figures.notebook import results
from core.figures.plots.base import followed, kept_weights, probabilities
from core.figures.wording import class_name, headline, of_truth, undefined
from core.measures import MEASURES
from core.report.document import Block, Code, Drawn, Heading, Pictures, Report, Table, Text
from core.report.made_from import versions_text
from core.report.words import LONGEST, literal
from core.results import Comparison, Heatmap
from core.saliency import CAMS
from core.specs import TARGETS

CURVE_HEAD = ("sparsity", "agreement of the heatmaps", "probability", "answer")


def of_view(
    engine: Engine,
    answer: Comparison,
    opacity: float = OPACITY,
    link: str = "",
    progress: Progress = tell,
) -> Report:
    """Return the report of one comparison.

    Args:
        opacity: of the heatmaps over the image. link: the address of the view, for the command that
            makes the report again. progress: called with sparsities done, and of how many.
    Raises:
        as `Engine.compare`.
    """
    variant = answer.pruned.variant
    title = (
        f"{image_title(answer)}: {engine.catalogue.title(variant.model)} at {percent(answer.mask.sparsity)} sparsity"
    )
    return Report(
        title=title,
        lead=headline(answer, literal),
        blocks=(
            *_pictures(answer, opacity),
            Heading(text="Scores"),
            *_scores(answer),
            Heading(text="Predictions"),
            *_predictions(engine, answer),
            Heading(text="Over all sparsities"),
            *_curve(engine, answer, progress),
            Heading(text="What is left"),
            _left(answer),
            Heading(text="The same view in a notebook"),
            Code(text=code_for(*answer.question, opacity, answer.reference.variant, answer.mapping)),
        ),
        made_from=_made_from(engine, answer),
        again=f"python -m core report '{link}' --out report.html" if link else "",
    )


def image_title(answer: Comparison) -> str:
    """Return what people read for the image: its title, or what it is and where it stands."""
    picture, image = answer.picture, answer.pruned.image
    if picture.title:
        return picture.title
    if image.source == "own":
        return "An image of your own"
    if picture.truth_kind == "ink":
        return f"A {picture.label}, row {image.name} of the embedded digits"
    source = DATASETS[image.source].title if image.source in DATASETS else name_of(image.source).removeprefix(PREFIX)
    return f"Photograph {int(image.name) + 1:,} of {source}"


def _pictures(answer: Comparison, opacity: float) -> Iterator[Block]:
    view = results.comparison(answer, opacity)
    for row in view.panels:
        yield Pictures(panels=row)
    side = answer.pruned
    target = TARGETS.get(str(side.cam.target), "a chosen class")
    yield Text(
        text=f"{literal(CAMS[side.cam.method].title)} at layer {literal(side.cam.layer)}, for {literal(target)}."
        " Each heatmap is scaled by its own maximum.",
        small=True,
    )
    for note in view.notes:
        yield Text(text=note, small=True)


def _scores(answer: Comparison) -> Iterator[Block]:
    """Yield every score with what it measures, the most telling ones first."""
    kind, called = answer.picture.truth_kind, names(answer)
    alike = [("similarity", name, None, value) for name, value in answer.similarity.values.items()]
    over = [
        ("overlap with the object", name, value, answer.overlap_pruned[name])
        for name, value in answer.overlap_reference.values.items()
    ]
    alone = [
        ("each map by itself", name, value, answer.statistics_pruned[name])
        for name, value in answer.statistics_reference.values.items()
    ]
    rows = [
        (
            what,
            of_truth(MEASURES[name].title, kind),
            "" if what == "similarity" else score(theirs, 3),
            score(own, 3),
            of_truth(MEASURES[name].summary, kind),
        )
        for what, name, theirs, own in (*alike, *over, *alone)
    ]
    if any(own is None for _, _, _, own in over):
        yield Text(text=literal(undefined(answer), LONGEST), small=True)
    head = ("of", "score", called.reference, called.own, "what it measures")
    yield Table(rows=Rows([head, *rows], (2, 3), "Scores of this image (n = 1)"), name="scores")


def _predictions(engine: Engine, answer: Comparison) -> Iterator[Block]:
    sides = (answer.reference, answer.pruned)
    columns = [
        [(class_name(side, index), percent(share)) for index, share in side.prediction.best(5)] for side in sides
    ]
    longest = max(map(len, columns))
    padded = [column + [("no answer" if not column and not place else "", "") for place in range(len(column), longest)]
              for column in columns]  # fmt: skip
    yield Drawn(
        figure=probabilities(answer, engine.card(answer.pruned.variant.model).classes),
        alt=f"Softmax probabilities of both networks. {'; '.join(_first(answer, side) for side in sides)}.",
    )
    called = names(answer)
    head = ("rank", called.reference, "probability", called.own, "probability of it")
    body = [(str(place), *one, *other) for place, (one, other) in enumerate(zip(*padded, strict=True), 1)]
    yield Table(rows=Rows([head, *body], (0, 2, 4), "Predictions, most probable first (n = 1)"), name="predictions")


def _first(answer: Comparison, side: Heatmap) -> str:
    called = names(answer)
    name = called.reference if side is answer.reference else called.own
    sure = side.prediction.confidence
    return f"{name}: {class_name(side, side.prediction.top)}" + ("" if sure is None else f", {percent(sure)}")


def _curve(engine: Engine, answer: Comparison, progress: Progress) -> Iterator[Block]:
    """Yield the same image at every sparsity of the network's curve."""
    variant, image, cam = answer.question
    points = thinned(engine.series(variant))
    found = []
    for point in points:
        found.append(engine.compare(point, image, cam, *answer.against))
        progress(len(found), len(points))
    rows = [_point(each, answer.reference_class) for each in found]
    last = found[-1]
    yield Drawn(
        figure=followed(found, answer.mask.sparsity),
        alt="Agreement of the heatmaps, and probability of the answer before pruning, by sparsity:"
        f" {score(found[0].similarity['pearson'])} at {percent(found[0].mask.sparsity)},"
        f" {score(last.similarity['pearson'])} at {percent(last.mask.sparsity)}.",
    )
    shown = [(percent(one), score(two, 3), score(three, 3), four) for one, two, three, four in rows]
    title = "This image at each sparsity (n = 1)"
    whole = DataFrame(rows, columns=[*CURVE_HEAD])
    yield Table(rows=Rows([CURVE_HEAD, *shown], (0, 1, 2), title), name="curve", whole=whole)


def _point(answer: Comparison, index: int | None) -> tuple[float, float | None, float | None, str]:
    own = answer.pruned
    return (
        answer.mask.sparsity,
        answer.similarity["pearson"],
        own.prediction.of(index),
        class_name(own, own.prediction.top),
    )


def _left(answer: Comparison) -> Block:
    mask = answer.mask
    alone: Sequence[str] = [
        f"{layer.name.removesuffix('.weight')} {percent(1 - layer.sparsity)}" for layer in mask.layers
    ]
    few = ", ".join(alone[:8]) + (" and so on" if len(alone) > 8 else "")
    return Drawn(figure=kept_weights(mask), alt=f"Share of the weights that is kept, layer by layer: {few}.")


def _source(answer: Comparison) -> str:
    source = answer.pruned.image.source
    known = DATASETS[source].source if source in DATASETS else UNDEFINED
    return answer.picture.credit or known


def _made_from(engine: Engine, answer: Comparison) -> dict[str, str]:
    variant, _, cam = answer.question
    reference = answer.reference.variant
    return {
        "Network": model_text(engine.catalogue.title(variant.model), variant.model),
        "Pruning": pruning_text(variant.pruning),
        "Checksum of the network": engine.store.checksum(variant),
        "Compared with": answer.reference_name,
        "Checksum of the reference": engine.store.checksum(reference),
        "Image": f"{image_title(answer)} ({answer.pruned.image.key}), n = 1",
        "Source of the image": _source(answer),
        "Heatmap": cam.key,
        "Computed on": engine.device_name,
        "Computed with": versions_text([versions()]),
    }
