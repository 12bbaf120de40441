"""Commands that ask the engine one question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from core.base.numbers import size
from core.base.options import option
from core.base.text import Part
from core.cli.app import COMPUTING, Computing
from core.cli.questions import Against, Data, Image, Network, Pruned
from core.cli.structure import FLAT, Flag
from core.cli.writing import writable, write
from core.specs import CamSpec

PRUNED, NETWORK, IMAGE, AGAINST, DATA = Pruned(), Network(), Image(), Against(), Data()


@dataclass(frozen=True, kw_only=True)
class View:
    """Output options of a heatmap."""

    layers: Flag = option(False, "Also print the weights left in each layer.")
    out: Path | None = option(None, "Write pictures, raw maps and provenance into this zip file.")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Options of a cost."""

    time: Flag = option(False, "Also measure the time of one image, which takes some seconds.")


VIEW, TIMING = View(), Timing()
EVALUATED = "Stopped. The images that are done are kept; the same command goes on from there."


def info(*, common: Annotated[Computing, FLAT] = COMPUTING) -> None:
    """Show device, folders, models, methods and memory."""
    from core.cli.installation import facts
    from core.cli.printing import info_text

    engine = common.engine()
    result = facts(engine)
    memory = [(part.name, part.bytes, part.budget_bytes) for part in engine.parts()]
    _print(common, result, lambda: info_text(result, memory))


def heatmap(
    *,
    network: Annotated[Pruned, FLAT] = PRUNED,
    image: Annotated[Image, FLAT] = IMAGE,
    against: Annotated[Against, FLAT] = AGAINST,
    view: Annotated[View, FLAT] = VIEW,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Compare a pruned network with the dense one or another on one image: answers and scores."""
    from core.cli.printing import comparison_text
    from core.engine.precision import rounding
    from core.figures.export import bundle
    from core.figures.facts import comparison_facts

    engine = common.engine()
    variant = network.variant(engine.catalogue)
    cam = image.cam_spec(engine.card(variant.model).classes)
    reference = against.variant(variant, engine.catalogue)
    with common.output.progress("Making the heatmaps"):
        answer = engine.compare(variant, image.reference(engine, variant.model), cam, reference, against.mapping())
    result = comparison_facts(answer)
    if engine.store.precision != "float32":
        result["notes"].append(rounding(engine, answer.pruned).text)
    if view.out:
        write(view.out, bundle(answer))
        result["written"] = str(view.out)
    title = engine.catalogue.title(variant.model)
    _print(common, result, lambda: comparison_text(answer, title, result["notes"], view.layers))


def keep(*, network: Annotated[Pruned, FLAT] = PRUNED, common: Annotated[Computing, FLAT] = COMPUTING) -> None:
    """Write a pruned network to disk; it is read from there instead of computed."""
    engine = common.engine()
    path = engine.keep(network.variant(engine.catalogue))
    written = path.stat().st_size
    result = {"written": str(path), "bytes": written}
    _print(common, result, lambda: [f"The pruned network takes {size(written)} on disk."])


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
    with common.output.progress("Counting operations"):
        report = engine.cost(variant, timing.time)
    _print(common, cost_facts(report), lambda: cost_text(report, engine.catalogue.title(variant.model)))


def evaluate(
    *,
    network: Annotated[Network, FLAT] = NETWORK,
    data: Annotated[Data, FLAT] = DATA,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Evaluate a network over a data set: accuracy, and how well heatmaps fit the ink or object."""
    from core.cli.printing import accuracy_text
    from core.evaluation.evaluate import FAITHFULNESS, heatmap_columns
    from core.figures.facts import accuracy_facts
    from core.sweeps.evaluation import Evaluation

    data.check_heatmaps()
    output = common.output
    with output.progress("Reading the images", EVALUATED), ExitStack() as held:
        engine, spec = common.engine(), data.spec()
        variant = network.variant(engine.catalogue)
        asked = Evaluation(engine, variant, spec, writable(engine.folder, held))
        accuracy = asked.accuracy(partial(output.advance, "Images classified"))
        result, truth = accuracy_facts(accuracy), ""
        if data.heatmaps:
            cam = CamSpec(method=data.cam or CamSpec().method, layer=data.layer, target="own")
            columns = (*heatmap_columns(engine.inputs(spec, variant.model)), *FAITHFULNESS) if data.faithfulness else ()
            rows = asked.heatmaps(cam, columns, partial(output.advance, "Heatmaps made"))
            result["heatmaps"], truth = rows.summary(), rows.truth
            result["notes"] = list(dict.fromkeys((*accuracy.notes, *rows.notes)))
            if data.out:
                write(data.out, rows.rows.to_csv(index_label="row").encode())
                result["written"] = str(data.out)
    title = engine.catalogue.title(variant.model)
    heatmaps, notes = result.get("heatmaps"), result["notes"]
    _print(common, result, lambda: accuracy_text(accuracy, title, notes, heatmaps, truth))


def _print(common: Computing, result: dict[str, Any], text: Callable[[], Iterable[Part]]) -> None:
    """Print the answer as JSON or text, and the file that was written."""
    if common.json:
        print(json.dumps(result, allow_nan=False))
        return
    written = [f"Written: {result['written']}"] if "written" in result else []
    common.output.say(result, [*text(), *written])
