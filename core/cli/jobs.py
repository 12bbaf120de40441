"""`python -m core retrain` and `python -m core jobs`: jobs on the command line, shared with the
pages.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from core.base.errors import BadSpec, UnknownName
from core.base.numbers import counted, duration, size
from core.base.options import option
from core.base.progress import tell
from core.base.text import Part, Rows
from core.cli.app import COMMON, Common
from core.cli.console import Output
from core.cli.errors import only_one
from core.cli.structure import FLAT, Flag
from core.cli.writing import check_writable
from core.jobs.jobs import STATES, Facts, Job, Jobs
from core.training.task import RetrainTask

NAMED = 3  # unreadable photographs listed by name; others are only counted
ROUNDING_S = 0.01  # of the time stamp of a line
LOOK_S = 0.5  # polling interval of a watched job
ENDED = ("stopped", "done", "failed", "died")
START = Parameter(group=Group("Start (one of these)", validator=only_one))


@dataclass(frozen=True, kw_only=True)
class Start:
    """How to start a retraining run."""

    estimate: Annotated[Flag, START] = option(False, "Only measure a few steps and print the estimated cost.")
    detach: Annotated[Flag, START] = option(False, "Start the run and return; `jobs` shows its progress.")


NOW = Start()


def retrain(
    *,
    task: Annotated[RetrainTask, FLAT],
    start: Annotated[Start, FLAT] = NOW,
    common: Annotated[Common, FLAT] = COMMON,
) -> int | None:
    """Prune and retrain a network, level by level, as a job.

    Ctrl-C stops it and keeps the best network so far.
    """
    from core.training import retrain as retraining

    settings, output = common.settings, common.output
    check_writable(settings.folder)
    arguments = task.job_arguments(settings.folder, settings.device or "")
    retraining.check(arguments)
    if start.estimate:
        with output.progress("Measuring training steps"):
            cost = retraining.estimate(arguments, progress=partial(output.advance, "Measuring training steps"))
        output.say(
            vars(cost) | {"seconds_per_epoch": cost.epoch_seconds, "warnings": list(cost.warnings)}, estimate_text(cost)
        )
        return None
    found = Jobs(settings.folder)
    job = found.start("retrain", arguments, task.title)
    facts = {"id": job.id, "title": job.title, "state": job.state}
    output.say(facts, f"{job.title}\n{job.id}  {STATES[job.state]}")
    return None if start.detach else _watch(output, found, job)


def _watch(output: Output, found: Jobs, job: Job) -> int:
    """Prints steps as they arrive. Returns the exit status."""
    with output.progress(kept=f"The run still stops by itself; go on with `python -m core jobs resume {job.id}`."):
        try:
            _show_steps(output, found, job)
        except KeyboardInterrupt:
            facts = {"id": job.id, "state": "stopping"}
            output.say(facts, "Stopping; the best network so far is kept ...")
            found.stop(job.id)
            _show_steps(output, found, job)
    ended = found.get(job.id)
    facts = {"id": job.id, "state": ended.state, "error": ended.error}
    output.say(facts, f"{STATES[ended.state]}. {ended.error}".strip())
    if ended.state == "stopped" and not output.as_json:
        print(f"Resume it with: python -m core jobs resume {job.id}")
    return {"done": 0, "stopped": 130}.get(ended.state, 1)


def _show_steps(output: Output, found: Jobs, job: Job) -> None:
    for line in follow(found, job.id):
        if "decoded" in line:
            output.step(line, text_of(line), (line["decoded"], line["photographs"]))
        elif "levels" in line and "level" in line:
            trained = line["epoch"] / line["epochs"] if line["stage"] == "epoch" else 1
            part = (line["level"] + trained, line["levels"] + 1)
            output.step(line, text_of(line), part, lasting=line["stage"] == "level")
        else:
            output.say(line, text_of(line))


def estimate_text(cost: Any) -> str:
    """Describes the cost of a run."""
    step = f"a step of {counted(cost.batch, 'photograph')} takes {cost.step_ms:,.0f} ms"
    lines = (
        f"Estimated maximum time: {duration(cost.seconds)} ({counted(cost.epochs, 'epoch')} of"
        f" {counted(cost.images, 'photograph')}, {duration(cost.epoch_seconds)} per epoch).",
        f"Measured on {cost.device}: {step} (median of {cost.n} steps), plus 10 % for validation and saving.",
        f"On disk: about {size(cost.bytes)}.",
        *(f"Warning: {warning}" for warning in cost.warnings),
    )
    return "\n".join(lines)


def follow(jobs: Jobs, name: str) -> Iterator[Facts]:
    """Yields the steps of a job until it ends, without those of earlier runs."""
    begun, shown = jobs.get(name).begun, 0
    while True:
        state = jobs.get(name).state  # read before the lines, so that none is missed
        lines = jobs.progress(name)
        yield from (line for line in lines[shown:] if line.get("at", begun) >= begun - ROUNDING_S)
        shown = len(lines)
        if within := jobs.get(name).within:
            tell(within["done"], within["total"])
        if state in ENDED:
            return
        time.sleep(LOOK_S)


def text_of(line: Facts) -> str:
    """Describes a step."""
    stage = line.get("stage")
    if stage == "decoding":
        done = f"{line['decoded']:,} of " if "decoded" in line else ""
        return f"decoding {done}{line['photographs']:,} photographs"
    if stage == "training":
        named = " ".join(line["skipped"][:NAMED])
        left_out = f"; {line['skipped_images']} could not be read: {named}" if line.get("skipped_images") else ""
        found = "".join(f"\nWarning: {warning}" for warning in line.get("warnings", ()))
        return f"training on {line['train']:,}, validating on {line['validation']:,}{left_out}{found}"
    if stage == "network":
        last = f": {line['network']}" if "network" in line else ""
        return f"{line['done']:,} of {counted(line['networks'], 'network')}{last}"
    place = f"level {line.get('level')} of {line.get('levels')}"
    if stage == "epoch":
        right = f"{line['correct']:,} of {line['total']:,} correct ({line['correct'] / line['total']:.1%})"
        return (
            f"{place}, epoch {line['epoch']} of {line['epochs']}: loss {line['loss']:.4f}, {right},"
            f" {line['seconds']:.1f} s"
        )
    if line.get("found"):
        return f"{place}: already trained"
    if stage == "level":
        return f"{place}: kept, epoch {line['best_epoch']}, {line['best_correct']:,} of {line['total']:,} correct"
    return json.dumps(line)


def jobs(
    action: Literal["list", "show", "pause", "resume", "stop", "delete"] = "list",
    job: Annotated[str | None, Parameter(help="The id of a job, or a unique prefix of it.")] = None,
    /,
    *,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """List, show, pause, resume, stop or delete jobs.

    Args:
        action: list, show, pause, resume, stop or delete.
    """
    found, output = Jobs(common.settings.folder), common.output
    if action == "list":
        _list(found, output)
        return
    if action == "delete" and job in found.damaged():
        found.delete(job)
        _deleted(output, job)
        return
    chosen = named(found, job)
    if action == "show":
        log = found.log(chosen.id) if chosen.state in ("failed", "died") else ""
        output.say(facts_of(chosen) | {"log": log}, _describe(chosen, found.progress(chosen.id), log))
        return
    act(found, chosen, action)
    if action == "delete":
        _deleted(output, chosen.id)
    else:
        chosen = found.get(chosen.id)
        output.say(facts_of(chosen), f"{chosen.id}  {chosen.state}")


def _list(found: Jobs, output: Output) -> None:
    rows, damaged = found.all(), found.damaged()
    for job in rows:
        last = text_of(job.last) if job.last else "no step yet"
        output.say(facts_of(job), f"{job.id}  {job.state:8}  {job.title}; {last}")
    for name, error in damaged.items():
        output.say({"id": name, "state": "damaged", "error": str(error)}, f"{name}  damaged   {error}")
    if not rows and not damaged and not output.as_json:
        print("No jobs yet.")


def _deleted(output: Output, name: str) -> None:
    output.say({"id": name, "deleted": True}, f"{name}  deleted; its networks are kept")


def _describe(job: Job, lines: Sequence[Facts], log: str) -> list[Part]:
    """Describes a job: its steps, then its title and state."""
    begun = datetime.fromtimestamp(job.begun).astimezone()
    about = [
        ("job", job.id),
        ("title", job.title),
        ("state", STATES[job.state]),
        ("started", f"{begun:%Y-%m-%d %H:%M %Z}"),
    ]
    about += [("error", job.error)] if job.error else []
    steps = ["\n".join(map(text_of, lines))] if lines else []
    return [*steps, Rows(about), *([f"End of the log:\n{log.rstrip()}"] if log else [])]


def act(jobs: Jobs, job: Job, action: str) -> None:
    """Applies an action to a job. Resume continues a paused job and restarts an ended one.

    Raises BadSpec.
    """
    if action in ("pause", "stop") and job.state in ENDED:
        verb = {"pause": "paused", "stop": "stopped"}[action]
        next_step = "Run `python -m core jobs` to see which jobs run."
        raise BadSpec(f"{job.id} is not running: it is {job.state}.", f"Only a running job can be {verb}.", next_step)
    if action == "resume" and job.state in ("pausing", "paused"):
        jobs.unpause(job.id)
    else:
        getattr(jobs, action)(job.id)


def named(jobs: Jobs, beginning: str | None) -> Job:
    """Returns the job whose id starts with `beginning`. Raises BadSpec, UnknownName, BadFile."""
    if not beginning:
        allowed = "Name a job by its id or a unique prefix of it."
        raise BadSpec("No job was named.", allowed, "Run `python -m core jobs` to see the ids.")
    found = [job for job in jobs.all() if job.id.startswith(beginning)]
    if len(found) > 1 and all(job.id != beginning for job in found):
        raise BadSpec(
            f"{len(found)} jobs start with '{beginning}'.",
            "An id may be shortened to any unique prefix.",
            "Use a longer prefix.",
        )
    if not found and beginning in (damaged := jobs.damaged()):
        raise damaged[beginning]
    if not found:
        raise UnknownName("job", beginning, [job.id for job in jobs.all()])
    return next((job for job in found if job.id == beginning), found[0])


def facts_of(job: Job) -> Facts:
    """Returns a job as plain facts."""
    return {name: getattr(job, name) for name in ("id", "kind", "title", "state", "begun", "steps", "last", "error")}
