"""`python -m core retrain` and `python -m core jobs`: long work from the command line, the same
jobs that the pages see.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.base.errors import BadSpec, UnknownName
from core.base.text import counted, duration, grid, size, wrapped
from core.cli import training_options
from core.cli.questions import say
from core.jobs.jobs import STATES, Facts, Job, Jobs

Arguments = argparse.Namespace
NAMED = 3  # photographs that could not be read, in words; the others are only counted
ROUNDING_S = 0.01  # of the time that a line carries
LOOK_S = 0.5  # how often a job that is watched is looked at
ENDED = ("stopped", "done", "failed", "died")
ACTIONS = ("list", "show", "pause", "resume", "stop", "delete")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """The words for looking after long work."""
    parser.add_argument("action", nargs="?", default="list", choices=ACTIONS, help="default: list")
    parser.add_argument("job", nargs="?", help="its id, or the beginning of it")


def retrain(arguments: Arguments, folder: Path) -> int | None:
    """Begins a job, or finds the one of the same words, and shows it until it ends; Ctrl-C stops it
    and keeps the best so far.
    """
    from core.training import retrain as retraining

    asked = training_options.task_of(arguments).job_arguments(folder, arguments.device or "")
    retraining.check(asked)
    if arguments.estimate:
        cost = retraining.estimate(asked)
        say(arguments, vars(cost) | {"seconds_per_epoch": cost.epoch_seconds}, estimate_text(cost))
        return None
    jobs, spec = Jobs(folder), asked["spec"]
    job = jobs.start("retrain", asked, f"{spec['model']}, {spec['name']}, seed {spec['seed']}")
    say(
        arguments, {"id": job.id, "title": job.title, "state": job.state}, f"{job.title}\n{job.id}  {STATES[job.state]}"
    )
    if arguments.detach:
        return None
    return _watched(arguments, jobs, job)


def _watched(arguments: Arguments, jobs: Jobs, job: Job) -> int:
    """Shows steps as they come. Returns the exit status."""
    try:
        for line in follow(jobs, job.id):
            say(arguments, line, text_of(line))
    except KeyboardInterrupt:
        say(arguments, {"id": job.id, "state": "stopping"}, "Stopping; the best network so far is kept ...")
        jobs.stop(job.id)
        for line in follow(jobs, job.id):
            say(arguments, line, text_of(line))
    ended = jobs.get(job.id)
    say(
        arguments,
        {"id": job.id, "state": ended.state, "error": ended.error},
        f"{STATES[ended.state]}. {ended.error}".strip(),
    )
    if ended.state == "stopped" and not arguments.json:
        print(f"Go on with: python -m core jobs resume {job.id}")
    return {"done": 0, "stopped": 130}.get(ended.state, 1)


def estimate_text(cost: Any) -> str:
    """What a run will take, in words."""
    step = f"a step of {counted(cost.batch, 'photograph')} takes {cost.step_ms:,.0f} ms"
    return "\n".join(
        wrapped(line)
        for line in (
            (
                f"About {duration(cost.seconds)} at most: {counted(cost.epochs, 'epoch')} of"
                f" {counted(cost.images, 'photograph')}, {duration(cost.epoch_seconds)} an epoch."
            ),
            (
                f"Measured on {cost.device}: {step} (median of {cost.n} steps); a tenth is added for validation and"
                " saving."
            ),
            f"On disk: about {size(cost.bytes)}.",
        )
    )


def follow(jobs: Jobs, name: str) -> Iterator[Facts]:
    """The steps of a job from now on, until it ends. (Steps of earlier runs of the same job are not
    told again.)
    """
    begun, shown = jobs.get(name).begun, 0
    while True:
        state = jobs.get(name).state  # looked at before the lines, so that none is missed
        lines = jobs.progress(name)
        yield from (line for line in lines[shown:] if line.get("at", begun) >= begun - ROUNDING_S)
        shown = len(lines)
        if state in ENDED:
            return
        time.sleep(LOOK_S)


def text_of(line: Facts) -> str:
    """A step in words."""
    stage = line.get("stage")
    if stage == "decoding":
        done = f"{line['decoded']:,} of " if "decoded" in line else ""
        return f"decoding {done}{line['photographs']:,} photographs"
    if stage == "training":
        named = " ".join(line["skipped"][:NAMED])
        left_out = f"; {line['skipped_images']} could not be read: {named}" if line.get("skipped_images") else ""
        return f"training on {line['train']:,}, choosing on {line['validation']:,}{left_out}"
    place = f"level {line.get('level')} of {line.get('levels')}"
    if stage == "epoch":
        right = f"{line['correct']:,} of {line['total']:,} right ({line['correct'] / line['total']:.1%})"
        return (
            f"{place}, epoch {line['epoch']} of {line['epochs']}: loss {line['loss']:.4f}, {right},"
            f" {line['seconds']:.1f} s"
        )
    if line.get("found"):
        return f"{place}: there already"
    if stage == "level":
        return f"{place}: kept, epoch {line['best_epoch']}, {line['best_correct']:,} of {line['total']:,} right"
    return json.dumps(line)


def look_after(arguments: Arguments, folder: Path) -> int | None:
    """`jobs`: lists them, or does something with one."""
    jobs = Jobs(folder)
    if arguments.action == "list":
        found = jobs.all()
        for job in found:
            last = text_of(job.last) if job.last else "no step yet"
            say(arguments, facts_of(job), f"{job.id}  {job.state:8}  {job.title}; {last}")
        if not found and not arguments.json:
            print("No job yet.")
        return None
    job = named(jobs, arguments.job)
    if arguments.action == "show":
        log = jobs.log(job.id) if job.state in ("failed", "died") else ""
        say(arguments, facts_of(job) | {"log": log}, _shown(job, jobs.progress(job.id), log))
        return None
    act(jobs, job, arguments.action)
    if arguments.action == "delete":
        say(arguments, {"id": job.id, "deleted": True}, f"{job.id}  deleted; networks that it trained stay")
    else:
        job = jobs.get(job.id)
        say(arguments, facts_of(job), f"{job.id}  {job.state}")
    return None


def _shown(job: Job, lines: Sequence[Facts], log: str) -> str:
    """A job in words: its steps, then what it is and how it stands."""
    begun = datetime.fromtimestamp(job.begun).astimezone()
    about = [
        ("job", job.id),
        ("what", job.title),
        ("state", STATES[job.state]),
        ("begun", f"{begun:%Y-%m-%d %H:%M %Z}"),
    ]
    about += [("error", job.error)] if job.error else []
    return "\n".join([*map(text_of, lines), grid(about), *([f"\nThe end of its log:\n{log.rstrip()}"] if log else [])])


def act(jobs: Jobs, job: Job, action: str) -> None:
    """Does it. Resuming a paused job lets it go on; one that is not at work is begun again.

    Raises BadSpec.
    """
    if action in ("pause", "stop") and job.state in ENDED:
        verb = {"pause": "paused", "stop": "stopped"}[action]
        next_step = "Run `python -m core jobs` to see which jobs run."
        raise BadSpec(f"{job.id} does not run: it is {job.state}.", f"Only a running job can be {verb}.", next_step)
    if action == "resume" and job.state == "paused":
        jobs.unpause(job.id)
    else:
        getattr(jobs, action)(job.id)


def named(jobs: Jobs, beginning: str | None) -> Job:
    """The job whose id begins so. Raises BadSpec, UnknownName."""
    if not beginning:
        allowed = "A job is named by its id or by the first characters of its id."
        raise BadSpec("Which job?", allowed, "Run `python -m core jobs` to see the ids.")
    found = [job for job in jobs.all() if job.id.startswith(beginning)]
    if len(found) > 1 and all(job.id != beginning for job in found):
        raise BadSpec(
            f"{len(found)} jobs begin with '{beginning}'.",
            "An id may be shortened to any unique prefix.",
            "Write more of it.",
        )
    if not found:
        raise UnknownName("job", beginning, [job.id for job in jobs.all()])
    return next((job for job in found if job.id == beginning), found[0])


def facts_of(job: Job) -> Facts:
    """A job for machines."""
    return {name: getattr(job, name) for name in ("id", "kind", "title", "state", "begun", "steps", "last", "error")}
