"""`python -m core retrain` and `python -m core jobs`: long work from the command line, the same jobs that the pages see."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core import asked_training
from core.errors import BadSpec, UnknownName
from core.jobs import STATES, Facts, Job, Jobs

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
    """Begins a job, or finds the one of the same words, and shows it until it ends; Ctrl-C stops it and keeps the best so far."""
    asked = asked_training.job_arguments(arguments, folder)
    if arguments.estimate:
        from core.retraining import estimate

        _say(arguments, vars(estimate(asked)))
        return None
    from core import retraining

    retraining.check(asked)
    jobs, spec = Jobs(folder), asked["spec"]
    job = jobs.start("retrain", asked, f"{spec['model']}, {spec['name']}, seed {spec['seed']}")
    _say(arguments, {"id": job.id, "title": job.title, "state": job.state})
    if arguments.detach:
        return None
    return _watched(arguments, jobs, job)


def _watched(arguments: Arguments, jobs: Jobs, job: Job) -> int:
    """Shows steps as they come. Returns the exit status."""
    try:
        for line in follow(jobs, job.id):
            _say(arguments, line, text_of(line))
    except KeyboardInterrupt:
        _say(arguments, {"id": job.id, "state": "stopping"}, "Stopping; the best network so far is kept ...")
        jobs.stop(job.id)
        for line in follow(jobs, job.id):
            _say(arguments, line, text_of(line))
    ended = jobs.get(job.id)
    _say(arguments, {"id": job.id, "state": ended.state, "error": ended.error}, f"{STATES[ended.state]}. {ended.error}".strip())
    if ended.state == "stopped" and not arguments.json:
        print(f"Go on with: python -m core jobs resume {job.id}")
    return {"done": 0, "stopped": 130}.get(ended.state, 1)


def follow(jobs: Jobs, name: str) -> Iterator[Facts]:
    """The steps of a job from now on, until it ends. (Steps of earlier runs of the same job are not told again.)"""
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
        return f"{place}, epoch {line['epoch']} of {line['epochs']}: loss {line['loss']:.4f}, {right}, {line['seconds']:.1f} s"
    if line.get("found"):
        return f"{place}: there already"
    if stage == "level":
        return f"{place}: kept, epoch {line['best_epoch']}, {line['best_correct']:,} of {line['total']:,} right"
    return json.dumps(line)


def look_after(arguments: Arguments, folder: Path) -> int | None:
    """`jobs`: lists them, or does something with one."""
    from core import retraining  # noqa: F401 - registers the kinds of jobs

    jobs = Jobs(folder)
    if arguments.action == "list":
        found = jobs.all()
        for job in found:
            _say(arguments, facts_of(job), f"{job.id}  {job.state:8}  {job.title}; {text_of(job.last) if job.last else 'no step yet'}")
        if not found and not arguments.json:
            print("No job yet.")
        return None
    job = named(jobs, arguments.job)
    if arguments.action == "show":
        if not arguments.json:
            print(*[text_of(line) for line in jobs.progress(job.id)], sep="\n")
        _say(arguments, facts_of(job) | {"log": jobs.log(job.id) if job.state in ("failed", "died") else ""})
        return None
    act(jobs, job, arguments.action)
    if arguments.action == "delete":
        _say(arguments, {"id": job.id, "deleted": True}, f"{job.id}  deleted; networks that it trained stay")
    else:
        job = jobs.get(job.id)
        _say(arguments, facts_of(job), f"{job.id}  {job.state}")
    return None


def act(jobs: Jobs, job: Job, action: str) -> None:
    """Does it. Resuming a paused job lets it go on; one that is not at work is begun again. Raises BadSpec."""
    if action in ("pause", "stop") and job.state in ENDED:
        raise BadSpec(f"{job.id} does not run: it is {job.state}.", f"Only a running job can {action}.", "`jobs` lists them.")
    if action == "resume" and job.state == "paused":
        jobs.unpause(job.id)
    else:
        getattr(jobs, action)(job.id)


def named(jobs: Jobs, beginning: str | None) -> Job:
    """The job whose id begins so. Raises BadSpec, UnknownName."""
    if not beginning:
        raise BadSpec("Which job?", "Name it by its id, or the beginning of it.", "`python -m core jobs` lists them.")
    found = [job for job in jobs.all() if job.id.startswith(beginning)]
    if len(found) > 1 and all(job.id != beginning for job in found):
        raise BadSpec(
            f"{len(found)} jobs begin with '{beginning}'.", "An id is told by as much of it as makes it one.", "Write more of it."
        )
    if not found:
        raise UnknownName("job", beginning, [job.id for job in jobs.all()])
    return next((job for job in found if job.id == beginning), found[0])


def facts_of(job: Job) -> Facts:
    """A job for machines."""
    return {name: getattr(job, name) for name in ("id", "kind", "title", "state", "begun", "steps", "last", "error")}


def _say(arguments: Arguments, facts: dict[str, Any], text: str | None = None) -> None:
    from core.describe import table

    print(json.dumps(facts) if arguments.json else table(facts) if text is None else text, flush=True)
