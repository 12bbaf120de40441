"""What is printed where: JSON and text on stdout, a bar on stderr, nothing wrapped in a pipe."""

from __future__ import annotations

import io
import json
import re
import sys
import time

import pytest

from core.base.progress import tell
from core.base.text import Rows
from core.cli import progress
from core.cli.console import Output
from core.cli.progress import Bar

LONG = "word " * 60
TABLE = Rows([("", "value", "meaning"), ("one", "1.00", LONG.strip()), ("twenty", "20.00", "short")], (1,), "Title")


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Makes stderr a terminal of 100 columns; stdout is none."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    return made


def test_a_table_in_a_pipe_is_aligned_and_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).say({}, ["Sentence.", TABLE])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["Sentence.", "", "Title"]
    assert lines[3:] == ["          value  meaning", f"  one      1.00  {LONG.strip()}", "  twenty  20.00  short"]


def test_a_terminal_wraps_the_last_column_only(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "80")
    Output(as_json=False).say({}, [TABLE])
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 82
    assert all(line.startswith(" " * 17) for line in lines[3:-1])
    assert " ".join(" ".join(lines).split()).count("word") == 60


def work(output: Output) -> None:
    with output.progress():
        for done in (1, 2):
            output.step({"done": done}, f"step {done}", (done, 2))
        output.say({"answer": 1}, "Done.")


def test_without_a_terminal_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    work(Output(as_json=False))
    assert capsys.readouterr() == ("step 1\nstep 2\nDone.\n", "")


def test_a_terminal_shows_a_bar_with_the_remaining_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    err = terminal(monkeypatch)
    work(Output(as_json=False))
    assert capsys.readouterr().out == "Done.\n"
    assert "step 2" in err.getvalue()
    assert re.search(r"\d:\d\d", err.getvalue())


def test_a_bar_says_what_is_done_of_steps_and_within_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    err, output = terminal(monkeypatch), Output(as_json=True)
    shown: list[str] = []
    monkeypatch.setattr(Output, "say", lambda *_: None)
    with output.progress("Networks"):
        bar = output._progress
        assert isinstance(bar, Bar)
        for work in (
            lambda: output.advance("Networks", 0, 4),
            lambda: tell(25, 100),
            lambda: output.step({}, "network 1", (1, 4)),
            lambda: tell(50, 100),
            lambda: tell(10, 100),  # it goes over its images again: the bar does not go back
        ):
            work()
            shown.append(f"{bar.pace.done:g} {bar._bar.tasks[0].fields['count']}")
    assert shown == [
        "0 0 of 4",
        "0.25 0 of 4 (25.0 % of the next)",
        "1 1 of 4",
        "1.5 1 of 4 (50.0 % of the next)",
        "1.5 1 of 4 (10.0 % of the next)",
    ]
    assert "1 of 4 (10.0 % of the next)" in err.getvalue()
    assert "left" in err.getvalue()


@pytest.mark.parametrize("as_json", [False, True])
def test_elsewhere_a_line_comes_now_and_then_also_during_one_long_step(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "FIRST_S", 0.02)
    output, err = Output(as_json), list[str]()
    with output.progress("Heatmaps made"):
        time.sleep(0.01)
        output.advance("Heatmaps made", 1000, 5000)
        while len(err) < 2:  # one at 0.02 s, one 0.04 s later
            err += capsys.readouterr().err.splitlines()
    if as_json:
        facts = json.loads(err[-1])["progress"]
        assert (facts["doing"], facts["done"], facts["total"]) == ("Heatmaps made", 1000, 5000)
        assert facts["seconds_left"] >= 0
    else:
        known = "Heatmaps made: 1,000 of 5,000, less than a second so far, less than a second left"
        assert err == [known] * len(err)


def test_ctrl_c_is_passed_on_with_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt, match="Half is kept"), Output(False).progress(kept="Half is kept."):
        raise KeyboardInterrupt
    tell(1, 2)  # nobody listens any more
    assert capsys.readouterr() == ("", "")


def test_json_is_all_of_stdout_also_beside_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    err = terminal(monkeypatch)
    work(Output(as_json=True))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"done": 1}, {"done": 2}, {"answer": 1}]
    assert "step 2" in err.getvalue()


def test_work_of_unknown_length_shows_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    err = terminal(monkeypatch)
    with Output(as_json=False).progress("Evaluating"):
        pass
    assert "Evaluating" in err.getvalue()
