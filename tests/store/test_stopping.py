"""Work that is stopped ends before the next pass of the network and leaves it as it was."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.jobs.control import Control, Stopped, under
from core.store.memory import MemoryCache

PHOTO = ImageRef(source="gallery", name="coffee")
LITE = VariantSpec(model=ModelSpec(name="efficientnet-lite0", weights="imagenet"), pruning=PruningSpec.one_shot(0.2))


class StopAfter(Control):
    """Stops after so many checks, and counts them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.checks = most, 0

    def check(self) -> None:
        self.checks += 1
        if self.checks > self.most:
            raise Stopped("Stopped.")


@pytest.mark.parametrize("method", [pytest.param("score-cam", marks=pytest.mark.long), "ablation-cam"])
def test_a_method_of_many_passes_ends_before_its_next_pass(tmp_path: Path, method: str) -> None:
    engine, control = Engine("cpu", tmp_path), StopAfter(3)
    with engine.store.borrow(LITE) as network:
        modules, passes = list(network.modules()), []
        counter = network.register_forward_hook(lambda *_: passes.append(1))
    with under(control), pytest.raises(Stopped):
        engine.heatmap(LITE, PHOTO, CamSpec(method=method, layer="_bn1", target="own"))
    counter.remove()
    assert len(passes) == 3
    with engine.store.borrow(LITE) as network:
        assert list(network.modules()) == modules
        assert not network._forward_pre_hooks
        assert all(not module._forward_hooks for module in network.modules())


def test_work_under_no_control_gets_no_hook(tmp_path: Path) -> None:
    with Engine("cpu", tmp_path).store.borrow(VariantSpec()) as network:
        assert not network._forward_pre_hooks
        network(torch.zeros(1, 1, 28, 28))


def test_who_waits_for_stopped_work_does_it_again() -> None:
    cache, building, stop = MemoryCache("test", 100), threading.Event(), threading.Event()

    def stopped() -> tuple[int, int]:
        building.set()
        stop.wait(10)
        raise Stopped("Stopped.")

    def first() -> None:
        with pytest.raises(Stopped), cache.borrow("key", stopped):
            pass

    def second() -> None:
        with cache.borrow("key", lambda: (7, 1)) as value:
            found.append(value)

    found: list[int] = []
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert building.wait(10)
    threads[1].start()
    stop.set()
    for thread in threads:
        thread.join(10)
    assert found == [7]
