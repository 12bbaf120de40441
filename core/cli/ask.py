"""Commands that ask the engine one question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from core.base.numbers import size
from core.base.options import option
from core.base.text import Part
from core.cli.app import COMPUTING, Computing
from core.cli.questions import Data, Image, Network, Pruned
from core.cli.structure import FLAT, Flag
from core.cli.writing import write
from core.specs import CamSpec

PRUNED, NETWORK, IMAGE, DATA = Pruned(), Network(), Image(), Data()


@dataclass(frozen=True, kw_only=True)
class View:
    """What a heatmap prints and writes."""

    layers: Flag = option(False, "Also print the weights left in each layer.")
    out: Path | None = option(None, "Write pictures, raw maps and provenance into this zip file.")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What is measured of a cost."""

    time: Flag = option(False, "Also measure the time of one image, which takes some seconds.")


VIEW, TIMING = View(), Timing()


def info(*, common: Annotated[Computing, FLAT] = COMPUTING) -> None:
    """Show device, folders, models, methods and memory."""
    from core.cli.installation import facts
    from core.cli.printing import info_text

    engine = common.engine()
    found = facts(engine)
    memory = [(part.name, part.bytes, part.budget_bytes) for part in engine.parts()]
    _print(common, found, lambda: info_text(found, memory))


def heatmap(
    *,
    network: Annotated[Pruned, FLAT] = PRUNED,
    image: Annotated[Image, FLAT] = IMAGE,
    view: Annotated[View, FLAT] = VIEW,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Compare the dense and the pruned network on one image: predictions and scores."""
    from core.cli.printing import comparison_text
    from core.engine.precision import rounding
    from core.figures.export import bundle
    from core.figures.facts import comparison_facts

    engine = common.engine()
    variant = network.variant(engine.catalogue)
    cam = image.cam_spec(engine.card(variant.model).classes)
    answer = engine.compare(variant, image.reference(engine, variant.model), cam)
    found = comparison_facts(answer)
    if engine.store.precision != "float32":
        found["notes"].append(rounding(engine, answer.pruned).text)
    if view.out:
        write(view.out, bundle(answer))
        found["written"] = str(view.out)
    title = engine.catalogue.title(variant.model)
    _print(common, found, lambda: comparison_text(answer, title, found["notes"], view.layers))


def keep(*, network: Annotated[Pruned, FLAT] = PRUNED, common: Annotated[Computing, FLAT] = COMPUTING) -> None:
    """Write a pruned network to disk; it is read from there instead of computed."""
    engine = common.engine()
    path = engine.keep(network.variant(engine.catalogue))
    written = path.stat().st_size
    found = {"written": str(path), "bytes": written}
    _print(common, found, lambda: [f"The pruned network takes {size(written)} on disk."])


def cost(
    *,
    network: Annotated[Pruned, FLAT] = PRUNED,
    timing: Annotated[Timing, FLAT] = TIMING,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Count what a pruned network costs, with and without the channels that pruning emptied."""
    from core.cli.printing import cost_text
    from core.figures.facts import cost_facts

    engine = common.engine()
    variant = network.variant(engine.catalogue)
    report = engine.cost(variant, timing.time)
    _print(common, cost_facts(report), lambda: cost_text(report, engine.catalogue.title(variant.model)))


def evaluate(
    *,
    network: Annotated[Network, FLAT] = NETWORK,
    data: Annotated[Data, FLAT] = DATA,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Evaluate a network over a data set: accuracy, and how well heatmaps fit ink or object."""
    from core.cli.printing import accuracy_text
    from core.figures.facts import accuracy_facts

    data.check_heatmaps()
    engine, spec = common.engine(), data.spec()
    variant = network.variant(engine.catalogue)
    with common.output.progress():
        accuracy = engine.evaluate_accuracy(variant, spec, partial(common.output.advance, "Counting right answers"))
        found = accuracy_facts(accuracy)
        if data.heatmaps:
            cam = CamSpec(method=data.cam or CamSpec().method, target="own")
            rows = engine.evaluate(variant, spec, cam, progress=partial(common.output.advance, "Making heatmaps"))
            found["heatmaps"] = rows.summary()
            if data.out:
                write(data.out, rows.rows.to_csv(index_label="row").encode())
                found["written"] = str(data.out)
    title = engine.catalogue.title(variant.model)
    _print(common, found, lambda: accuracy_text(accuracy, title, found.get("heatmaps")))


def _print(common: Computing, found: dict[str, Any], text: Callable[[], Iterable[Part]]) -> None:
    """The answer, as JSON or as text, and which file was written."""
    if common.json:
        print(json.dumps(found, allow_nan=False))
        return
    written = [f"Written: {found['written']}"] if "written" in found else []
    common.output.say(found, [*text(), *written])
