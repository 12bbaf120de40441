"""Devices are chosen or refused clearly; random draws depend on their purpose alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.base.device import choose_device, describe
from core.base.draws import entropy, numpy_generator, torch_generator
from core.base.errors import BadSpec
from core.base.timing import seconds, synchronise
from core.engine.engine import Engine

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")


def test_the_cpu_can_always_be_chosen() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    threads = torch.get_num_threads()
    try:
        for count, said in ((1, "CPU, 1 thread"), (2, "CPU, 2 threads")):
            torch.set_num_threads(count)
            assert describe(torch.device("cpu")) == said
    finally:
        torch.set_num_threads(threads)


def test_left_out_the_gpu_is_chosen_where_there_is_one() -> None:
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "cpu cpu", "mps"])
def test_names_that_are_no_device(name: str) -> None:
    with pytest.raises(BadSpec, match=r"There is no device|does not run on"):
        choose_device(name)


def test_a_gpu_has_its_number_and_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert [choose_device(name) for name in (None, "cuda", "cuda:1")] == list(
        map(torch.device, ("cuda:0", "cuda:0", "cuda:1"))
    )
    assert not torch.backends.cudnn.allow_tf32


@NO_GPU
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there(name: str) -> None:
    with pytest.raises(BadSpec, match="'cpu' is always available"):
        choose_device(name)


@GPU
def test_a_gpu_that_is_there_and_one_that_is_not() -> None:
    assert choose_device("cuda") == torch.device("cuda:0")
    assert not torch.backends.cudnn.allow_tf32
    assert describe(torch.device("cuda")) == torch.cuda.get_device_name(0)
    with pytest.raises(BadSpec, match="'cpu' is always available"):
        choose_device(f"cuda:{torch.cuda.device_count()}")


def test_the_environment_chooses_for_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SPARSIGHT_DEVICE", "nothing")
    with pytest.raises(BadSpec, match="There is no device 'nothing'"):
        Engine(folder=tmp_path)
    assert Engine("cpu", str(tmp_path)).device.type == "cpu"  # what is said outright wins


def test_an_empty_variable_is_no_choice(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SPARSIGHT_DEVICE", "")
    assert Engine(folder=tmp_path).device == choose_device()


def test_a_seed_is_the_hash_of_its_purpose() -> None:
    """Another definition would train other networks than those that are shipped."""
    seed = int(hashlib.sha256(b"noise/333/level-07/3").hexdigest()[:16], 16) // 2
    assert entropy("noise", 333, "level-07", 3) == seed
    expected = np.random.Generator(np.random.SFC64(seed)).random(3)
    assert np.array_equal(numpy_generator("noise", 333, "level-07", 3).random(3), expected)
    assert torch_generator("noise", 333, "level-07", 3).initial_seed() == seed


@given(st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=4))
def test_a_seed_fits_every_generator(purpose: list) -> None:
    assert 0 <= entropy(*purpose) < 1 << 63


@pytest.mark.parametrize("make", [numpy_generator, torch_generator])
def test_draws_depend_on_their_purpose_alone(make) -> None:
    def draw(*purpose: object) -> list[float]:
        generator = make(*purpose)
        return (
            torch.rand(4, generator=generator).tolist()
            if isinstance(generator, torch.Generator)
            else generator.random(4).tolist()
        )

    first = draw("noise", 333, 1)
    torch.manual_seed(1)
    np.random.seed(1)
    draw("noise", 333, 2)
    assert draw("noise", 333, 1) == first
    assert draw("noise", 333, 2) != first
    assert draw("noise", 3331) != first


def test_time_is_that_of_one_call() -> None:
    calls: list[int] = []
    assert seconds(lambda: calls.append(1), torch.device("cpu")) >= 0
    assert calls == [1]
    synchronise(torch.device("cpu"))
