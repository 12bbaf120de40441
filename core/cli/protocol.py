"""`python -m core protocol run | show | sensitivity NAME`, built from the registry of protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import App

from core.base.errors import MissingData
from core.cli.app import COMMON, Common, group
from core.cli.console import NOT_KEPT, Output
from core.cli.structure import FLAT
from core.cli.writing import check_writable
from core.protocols.registry import PROTOCOLS, Command, Step

KEPT = "Stopped. Every finished epoch, network and table is kept; the same command goes on from there."


def protocols() -> App:
    """Create the commands of all protocols; each has its own options."""
    app = group("protocol", "Run a paper's experiment, or show its results.")
    run = group("run", "Train, evaluate and tabulate a protocol; a run that was stopped resumes where it stopped.")
    show = group("show", "Show the results of a protocol.")
    sensitivity = group("sensitivity", "Show how far a paper's result depends on choices that it could have made.")
    for name, entry in PROTOCOLS.items():
        protocol, text = entry.value, f"{entry.title} ({entry.source}): {entry.summary[0].lower()}{entry.summary[1:]}"
        names = tuple(filter(None, (name, protocol.alias)))
        run.command(_command(protocol.run, protocol.run_options, writes=True), name=names, help=text)
        show.command(_command(protocol.show, protocol.show_options, writes=False), name=names, help=text)
        if protocol.sensitivity is not None:
            work = _command(protocol.sensitivity, protocol.sensitivity_options, writes=True)
            sensitivity.command(work, name=name, help=text)
    for each in (run, show, sensitivity):
        app.command(each)
    return app


def _command(work: Command, options_type: type, writes: bool) -> Callable[..., None]:
    def command(*, options: Any = options_type(), common: Annotated[Common, FLAT] = COMMON) -> None:  # noqa: B008
        if writes:
            check_writable(common.settings.folder)
        output = common.output
        with output.progress(kept=KEPT if writes else NOT_KEPT):
            engine = common.engine()
            for step in work(engine, options):
                _report(output, engine, step)

    command.__annotations__["options"] = Annotated[options_type, FLAT]
    return command


def _report(output: Output, engine: Any, step: Step) -> None:
    if step.strips is not None:
        _draw(output, engine, step)
    elif step.done is not None and step.total is not None and isinstance(step.text, str):
        output.step(step.facts, step.text, (step.done, step.total), step.lasting)
    else:
        output.say(step.facts, step.text)


def _draw(output: Output, engine: Any, step: Step) -> None:
    from core.figures.series_strips import write_strips

    assert step.strips is not None
    model = step.strips.table.place.model.key
    try:
        files = write_strips(engine, step.strips)
    except MissingData as error:  # tables may be included without their networks
        if not step.strips.optional:
            raise
        output.say({"left_out": model, "why": error.wrong}, f"No strips of {model}: {error.wrong}")
    else:
        output.say(step.facts or {"written": files}, f"Strips of pictures: {', '.join(files)}.")
