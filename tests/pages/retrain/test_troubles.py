"""Retrain with damaged jobs, a full disk, or too little memory: the page opens and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.base.registry import Entry
from core.jobs import process
from core.jobs.jobs import JOBS, Jobs, as_text
from tests.full_disk import filled
from tests.jobs.test_damaged_jobs import ABOUT, made
from tests.jobs.test_full_disk import hungry
from tests.pages.conftest import forget_all, open_page, words
from tests.pages.retrain.test_retrain import filled as filled_form
from tests.protocols import small_series


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    return small_series.photographs(tmp_path / "tiny")


def pressed(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_a_damaged_run_is_named_and_can_be_deleted(own_cache: Path) -> None:
    made(own_cache)
    (made(own_cache, "retrain-bbb") / "job.json").write_bytes(b"[1, 2]")
    (made(own_cache, "sweep-ccc") / "job.json").write_bytes(b"{")
    app = open_page("retrain")
    assert not app.exception
    assert "**Mine**" in words(app)
    (said,) = [warning.value for warning in app.warning]
    assert "The job 'retrain-bbb' is damaged" in said
    pressed(app, "Delete damaged job")
    assert not app.error
    assert not app.warning
    assert set(Jobs(own_cache).damaged()) == {"sweep-ccc"}


def test_a_visitor_of_a_locked_server_reads_no_path_and_deletes_nothing(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    (made(own_cache) / "job.json").write_bytes(b"{")
    app = open_page("retrain")
    (said,) = [warning.value for warning in app.warning]
    assert "The job 'retrain-aaa' is damaged" in said
    assert str(own_cache) not in said
    assert "Delete damaged job" not in {button.label for button in app.button}


def test_jobs_of_studies_are_no_runs(own_cache: Path) -> None:
    home = made(own_cache, "study-serve-aaa")
    (home / "job.json").write_text(as_text(ABOUT | {"kind": "study-serve", "title": "Study 'mine'"}))
    app = open_page("retrain")
    assert "Study 'mine'" not in words(app)
    assert "No active runs." in words(app)


def test_a_full_disk_is_said_when_a_run_is_started_and_nothing_is_lost(
    small_disk: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_CACHE", str(small_disk))
    forget_all()
    home = made(small_disk)
    (home / "done").touch()
    app = filled_form(open_page("retrain"), photographs)
    filled(small_disk)
    app.button(key="_begin").click().run()
    assert not app.exception
    (said,) = [error.value for error in app.error]
    assert "The job cannot be started" in said
    assert "No space left on device" in said
    assert "Free some space" in said
    assert [job.state for job in Jobs(small_disk).all() if job.id == home.name] == ["done"]
    forget_all()


def test_a_run_that_ran_out_of_memory_says_so(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JOBS._entries, "retrain", Entry("retrain", hungry, "Hungry", ""))
    home = made(own_cache)
    (home / "job.json").write_text(json.dumps(ABOUT))
    assert process.work(own_cache, home.name) == 1
    app = open_page("retrain")
    (said,) = [error.value for error in app.error]
    assert "The memory of this machine is not enough for this." in said
    assert "are free for this process" in said
    assert "Resume" in {button.label for button in app.button}


def test_memory_that_runs_out_on_the_page_is_explained(
    own_cache: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: Any) -> None:
        bytearray(1 << 62)  # no machine has as many bytes

    app = filled_form(open_page("retrain"), photographs)
    monkeypatch.setattr(Jobs, "start", start)
    app.button(key="_begin").click().run()
    (said,) = [error.value for error in app.error]
    assert "The memory of this machine is not enough for this." in said
    assert "Close other programs" in said
    assert "unexpected" not in words(app)
