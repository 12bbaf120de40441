"""`python -m core retrain` and `python -m core jobs`: what they print, what they leave, and what
they say when something is off.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies

import core.cli.main as command_line
from core.base.errors import BadSpec
from core.cli import jobs as job_commands
from core.disk.files import Files
from core.jobs.jobs import Jobs
from core.models.head import data_name
from core.training import task as tasks
from core.training.series import key_of
from core.training.task import RetrainTask
from tests.training.test_series import folder_of_photographs


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    """The words for a run of seconds."""
    folder_of_photographs(tmp_path / "photos")
    words = [
        "retrain",
        "--data",
        str(tmp_path / "photos"),
        "--size",
        "32",
        "--start",
        "random",
        "--batch",
        "8",
        "--device",
        "cpu",
    ]
    return [*words, "--sparsities", "0.5"]


def spec_of(tiny: list[str], *more: str):
    return tasks.spec_of(RetrainTask.from_json(task_of([*tiny, *more]).job_arguments(Path("cache"))["task"]))


def task_of(words: list[str]) -> RetrainTask:
    """The task that the command line of a run asks for."""
    _, bound, _ = command_line.build().parse_args(words)
    return bound.kwargs["task"]


@pytest.mark.long
def test_a_run_is_shown_and_its_networks_are_there(command, tiny: list[str], tmp_path: Path) -> None:
    status, out, err = command(*tiny, "--epochs", "1")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert "training on 24, validating on 7" in lines
    assert any(line.startswith("level 1 of 1, epoch 1 of 1: loss ") for line in lines)
    assert lines[-1] == "finished."
    spec = spec_of(tiny, "--epochs", "1")
    assert spec.model == "squeezenet1_1@photos-32"
    files = Files(tmp_path / "cache")
    assert all(files.exists(key_of(spec, level)) for level in (0, 1))
    # The same words are the same job: everything is found.
    again = [json.loads(line) for line in command(*tiny, "--epochs", "1", "--json")[1].splitlines()]
    assert [line["found"] for line in again if line.get("stage") == "level"] == [True, True]
    (listed,) = command("jobs")[1].splitlines()
    assert "done" in listed
    name = listed.split()[0]
    assert json.loads(command("jobs", "show", name[:10], "--json")[1])["state"] == "done"
    assert re.search(r"^  started  20\d\d-\d\d-\d\d \d\d:\d\d ", command("jobs", "show", name)[1], re.MULTILINE)
    assert command("jobs", "delete", name)[0] == 0
    assert command("jobs")[1] == "No jobs yet.\n"
    assert files.exists(key_of(spec, 1))  # networks stay


@pytest.mark.long
def test_control_c_stops_and_keeps_the_best_so_far(
    command, tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def text_of(line: dict) -> str:
        if line.get("stage") == "epoch" and not seen:
            seen.append("interrupted")
            raise KeyboardInterrupt
        return str(line.get("stage"))

    monkeypatch.setattr(job_commands, "text_of", text_of)
    status, out, _ = command(*tiny, "--epochs", "300", "--schedule", "rate-rewinding")
    assert status == 130
    assert "Stopping; the best network so far is kept" in out
    assert "Resume it with: python -m core jobs resume retrain-" in out
    spec, files = spec_of(tiny, "--epochs", "300", "--schedule", "rate-rewinding"), Files(tmp_path / "cache")
    assert files.facts(key_of(spec, 0))["stopped_by_hand"] is True
    jobs = Jobs(tmp_path / "cache")
    (job,) = jobs.all()
    epochs = len([line for line in jobs.progress(job.id) if line["stage"] == "epoch"])
    assert command("jobs", "resume", job.id)[0] == 0
    while len([line for line in jobs.progress(job.id) if line["stage"] == "epoch"]) <= epochs + 1:
        time.sleep(0.1)
    for action, state in (("pause", "paus"), ("resume", "running"), ("stop", "stop")):
        assert state in command("jobs", action, job.id)[1]
    while jobs.get(job.id).state != "stopped":
        time.sleep(0.1)
    status, _, err = command("jobs", "pause", job.id)
    assert status == 1
    assert "is not running" in err


def test_what_it_will_cost(command, tiny: list[str], tmp_path: Path) -> None:
    status, out, _ = command(*tiny, "--epochs", "2", "--estimate", "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["images"], found["epochs"], found["batch"]) == (24, 4, 8)
    assert found["seconds_per_epoch"] == pytest.approx(found["seconds"] / 4)
    text = " ".join(command(*tiny, "--epochs", "2", "--estimate")[1].split())
    assert re.match(
        r"Estimated maximum time: (\d+ seconds?|less than a second) \(4 epochs of 24 photographs, .* per epoch\)\.",
        text,
    )
    assert re.search(
        r"Measured on CPU, \d+ threads?, float32: a step of 8 photographs takes [\d,]+ ms \(median of 5 steps\)", text
    )
    assert command("jobs")[1] == "No jobs yet.\n"


def test_words_become_a_spec(tiny: list[str]) -> None:
    words = (
        "--pruning filter-global-l2 --schedule reset:epoch-2 --epochs 3 --dense-epochs 5"
        " --learning-rate-schedule cosine --optimiser adamw"
    )
    spec = spec_of(tiny, *words.split(), "--augment", "rotation-10", "--exclude", "classifier.1.weight", "--seed", "4")
    assert (spec.schedule, spec.reset, spec.reset_epoch, spec.seed) == ("reset", "epoch-2", 2, 4)
    assert (spec.pruning.granularity, spec.pruning.scope, spec.pruning.criterion) == ("filter", "global", "l2")
    assert spec.pruning.excluded == ("classifier.1.weight",)
    assert (len(spec.first.epoch_rates), len(spec.each.epoch_rates)) == (5, 3)
    assert (spec.each.shape, spec.each.optimiser, spec.each.precision, spec.each.augment) == (
        "cosine",
        "adamw",
        "auto",
        ("rotation-10",),
    )
    assert spec_of([*tiny[:-2]], "--pruning", "2:4-layer-magnitude").targets == (0.0, 0.5)
    assert spec_of([*tiny[:-2]]).targets == (0.0, 0.5, 0.75, 0.875)


def test_no_class_is_pruned_away_unless_it_is_said(tiny: list[str]) -> None:
    assert spec_of(tiny, "--pruning", "filter-layer-l2").pruning.excluded == ("classifier.1.weight",)
    assert spec_of(tiny, "--model", "resnet18", "--pruning", "filter-layer-l2").pruning.excluded == ("fc.weight",)
    assert spec_of(tiny, "--pruning", "filter-layer-l2", "--exclude").pruning.excluded == ()
    assert spec_of(tiny).pruning.excluded == ()


def test_a_run_is_named_by_its_choices_but_not_by_its_seed(tiny: list[str]) -> None:
    names = [
        spec_of(tiny, *more).name
        for more in ([], ["--seed", "3"], ["--learning-rate", "0.1"], ["--pruning", "weight-global-magnitude"])
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert spec_of(tiny, "--name", "mine").name == "mine"


WRONG: dict[str, tuple[list[str], int, str]] = {
    "no pruning": (["retrain", "--data", "x", "--pruning", "everything"], 1, "GRANULARITY-SCOPE-CRITERION"),
    "criterion": (["retrain", "--data", "x", "--pruning", "weight-layer-magnitud"], 1, "Did you mean 'magnitude'?"),
    "granularity": (["retrain", "--data", "x", "--pruning", "wight-layer-l2"], 1, "Did you mean 'weight'?"),
    "schedule": (["retrain", "--data", "x", "--schedule", "iterativ"], 1, "Did you mean 'iterative'?"),
    "epochs": (["retrain", "--data", "x", "--epochs", "0"], 1, "1 to 100,000 epochs"),
    "data set": (["retrain", "--data", "imagenettte"], 1, "Did you mean 'imagenette'?"),
    "everything removed": (["retrain", "--data", "x", "--sparsities", "0.5", "1"], 1, "remove every weight"),
    "no data": (["retrain"], 2, "--data"),
    "precision": (["retrain", "--data", "x", "--precision", "bfloat"], 1, "Did you mean 'bfloat16'?"),
    "action": (["jobs", "paus"], 2, "Did you mean 'pause'?"),
    "which job": (["jobs", "pause"], 1, "No job was named."),
    "no such job": (["jobs", "show", "retrain-0"], 1, "retrain-0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_words_get_clear_answers(command, name: str) -> None:
    words, expected, said = WRONG[name]
    status, out, err = command(*words)
    assert (status, out) == (expected, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    {
        "photographs that are not there": (["--data", "nowhere"], "nowhere does not exist"),
        "a layer that is not there": (["--exclude", "foo"], "foo"),
        "a network that is not known": (["--model", "squeezenet9"], "squeezenet9"),
        "no pixels": (["--size", "0"], "0"),
        "a batch of nothing": (["--batch", "0"], "A batch size of 0 cannot be used"),
        "patience below nothing": (["--patience", "-1"], "A patience of -1 cannot be used"),
        "no first epoch": (["--dense-epochs", "0"], "A level of 0 epochs cannot be trained"),
        "epochs beyond all patience": (["--epochs", "99999999999999999999"], "1 to 100,000 epochs"),
        "a name that is no part of a path": (["--name", "../mine"], "A run cannot be named '../mine'"),
        "an estimate with a file that is not there": (
            ["--estimate", "--start", "pretrained", "--weights-file", "nowhere"],
            "cannot be read (No such file",
        ),
        "a file that is no weights": (["--start", "pretrained", "--weights-file", __file__], "is not a weights file"),
    }.values(),
)
def test_what_cannot_be_trained_is_said_before_a_job_begins(
    command, tiny: list[str], tmp_path: Path, words: list[str], said: str
) -> None:
    status, _, err = command(*tiny, *words)
    assert status == 1
    assert said in err
    assert Jobs(tmp_path / "cache").all() == []


def test_a_job_is_deleted_or_it_is_said_why_not(
    command, tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "cache" / "jobs" / "retrain-1"
    home.mkdir(parents=True)
    (home / "job.json").write_text(json.dumps({"kind": "retrain", "title": "", "arguments": {}, "begun": 0}))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refused)
        status, _, err = command("jobs", "delete", "retrain-1")
        assert (status, "cannot be deleted (Permission denied)" in err) == (1, True)
    assert command("jobs", "delete", "retrain-1")[:2] == (0, "retrain-1  deleted; its networks are kept\n")
    assert not home.exists()


def test_damaged_jobs_are_listed_explained_and_deleted(command, tmp_path: Path) -> None:
    for name in ("retrain-1", "retrain-2"):
        home = tmp_path / "cache" / "jobs" / name
        home.mkdir(parents=True)
        (home / "job.json").write_text(json.dumps({"kind": "retrain", "title": "Mine", "arguments": {}, "begun": 0}))
    (home / "job.json").write_text("[1, 2]")
    status, out, err = command("jobs")
    assert (status, err) == (0, "")
    whole, damaged = out.splitlines()
    assert "Mine; no step yet" in whole
    assert "The job 'retrain-2' is damaged" in damaged
    facts = [json.loads(line) for line in command("jobs", "--json")[1].splitlines()]
    assert [line["state"] for line in facts] == ["died", "damaged"]
    status, _, err = command("jobs", "show", "retrain-2")
    assert status == 1
    assert "Delete it (`python -m core jobs delete retrain-2`)" in err
    assert command("jobs", "delete", "retrain-2")[:2] == (0, "retrain-2  deleted; its networks are kept\n")
    assert len(command("jobs")[1].splitlines()) == 1


def test_a_beginning_that_two_jobs_share(tmp_path: Path) -> None:
    for name in ("retrain-aa1", "retrain-aa2"):
        home = tmp_path / "jobs" / name
        home.mkdir(parents=True)
        (home / "job.json").write_text(json.dumps({"kind": "retrain", "title": "", "arguments": {}, "begun": 0}))
    jobs = Jobs(tmp_path)
    with pytest.raises(BadSpec, match="2 jobs start with"):
        job_commands.named(jobs, "retrain-a")
    assert job_commands.named(jobs, "retrain-aa2").id == "retrain-aa2"


def test_only_steps_of_this_run_are_told(tmp_path: Path) -> None:
    home = tmp_path / "jobs" / "retrain-1"
    home.mkdir(parents=True)
    (home / "job.json").write_text(json.dumps({"kind": "retrain", "title": "", "arguments": {}, "begun": 1000.0}))
    lines = [{"stage": "level", "at": 10.0}, {"stage": "epoch", "at": 1001.0}]
    (home / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(job_commands.follow(Jobs(tmp_path), "retrain-1")) == lines[1:]


def test_help_of_the_actions(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["jobs", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(action in out for action in ("list", "show", "pause", "resume", "stop", "delete"))


@given(strategies.text(max_size=60), strategies.sampled_from([None, 64, 224]))
def test_a_data_set_s_name_is_one_part_of_a_path(source: str, size_px: int | None) -> None:
    name = data_name(source, size_px)
    assert Path(name).name == name
    assert not name.startswith(".")
    assert size_px is None or name.endswith(f"-{size_px}")
    assert data_name(name, size_px) == name or "." in name


def test_networks_of_another_size_have_another_name() -> None:
    assert (data_name("/x/imagenette-128.zip", 128), data_name("my photos", 64)) == ("imagenette-128", "my-photos-64")


@pytest.mark.parametrize(
    "words",
    [
        ["--data", "x"],
        ["--data=-x", "--size", "64", "--no-normalise", "--exclude", "a.weight", "b.weight"],
        ["--data", "x y", "--sparsities", "0.5", "0.75", "--schedule", "reset:epoch-2", "--learning-rate", "0.0005"],
        ["--data", "x", "--sparsities", "0.3333333333333333", "0.984375001", "--learning-rate", "1.2345678e-05"],
        ["--data", "x", "--name", "mine", "--dense-epochs", "2", "--augment", "horizontal-flip", "rotation-10"],
    ],
)
def test_a_task_and_its_command_are_one(words: list[str]) -> None:
    """The page shows the command of its task: the parser reads the same task from it."""
    task = task_of(["retrain", *words])
    assert task_of(["retrain", *task.command()]) == task
    assert task.command() == words
