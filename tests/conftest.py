"""Shared parts of the tests: an engine on the shipped networks, and the real data when it lies on
this machine.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from core.data import datasets
from core.engine.engine import Engine

# No test depends on the time that something takes: a busy machine changes no result.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
torch.set_num_threads(min(2, torch.get_num_threads()))


def pytest_collection_finish() -> None:
    """What is imported by now stays, so no collection of garbage looks through it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let modules be taken down as usual."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _digits_are_parsed_once() -> Iterator[None]:
    """Every engine with an empty cache folder parses the embedded digits, which takes 0.6 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "_parse_embedded_csv", cache(datasets._parse_embedded_csv))
        yield


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine with an empty cache folder: only what is shipped is there.

    Tests that are marked `device` hold on any device; SPARSIGHT_TEST_DEVICE names another one.
    """
    return Engine(os.environ.get("SPARSIGHT_TEST_DEVICE", "cpu"), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that SPARSIGHT_DATA names; tests that need it are skipped, visibly,
    without it.
    """
    folder = os.environ.get("SPARSIGHT_DATA")
    if not folder:
        pytest.skip("SPARSIGHT_DATA names no folder with real data")
    return Path(folder)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small networks are trained much faster by one thread, above all beside other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 2 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="small-disk"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    shutil.rmtree(folder, ignore_errors=True)
