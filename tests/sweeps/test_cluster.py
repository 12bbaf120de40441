"""A cluster gives the tables of one process, and a lost machine loses nothing."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas
import pytest
import torch

from core.base.errors import BadSpec, MissingData, SparsightError
from core.base.settings import Settings
from core.cli.main import main
from core.data.folders import PREFIX
from core.disk.lock import locked
from core.engine.engine import Engine
from core.models.own import About
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.store.network_files import network_files
from core.sweeps import cluster, worker
from core.sweeps.cluster import Cluster, NoCluster
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from tests.data.made_sets import folder_files, write_folder

DIGITS = SweepSpec(
    models=(ModelSpec(),),
    prunings=(PruningSpec(), *grid(sparsity=[0.5, 0.9]), PruningSpec.at_level(12)),
    data=DataSpec(noise=0.2),
    images=20,
    cams=(CamSpec(), CamSpec(method="grad-cam++", layer="conv2")),
    measures=("right", "agrees", "confidence", "pearson", "soft-iou"),
)
RETRAINED = ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-global", seed=0)


def photographs(folder: Path, model: ModelSpec = RETRAINED) -> SweepSpec:
    files = folder_files(("tench", "church")) | {"church/broken.JPEG": b"no image"}
    return SweepSpec(
        models=(model,),
        prunings=(PruningSpec(), *grid(sparsity=[0.5])),
        data=DataSpec(name=f"{PREFIX}{write_folder(folder, files)}"),
        cams=(CamSpec(target="dense"),),
        measures=("right", "right-among", "agrees", "energy-inside", "box-iou", "pearson"),
    )


def one_process(spec: SweepSpec, folder: Path) -> pandas.DataFrame:
    sweep = Sweep(Engine("cpu", folder), spec)
    list(sweep.run())
    return frame(sweep)


def on_cluster(sweep: Sweep, address: str = "") -> list[cluster.Step]:
    return list(cluster.run(sweep, place(sweep, address)))


def place(sweep: Sweep, address: str = "") -> Cluster:
    return Cluster(settings=Settings(folder=sweep.engine.folder, device="cpu"), address=address)


# Without Ray


@dataclass(frozen=True, eq=False)
class Ref:
    value: Any


class Lost(Exception):
    """What Ray raises when a machine is lost again and again."""


class Raised(Exception):
    """What Ray raises when a task has raised an error."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


class InThisProcess:
    """The calls of Ray that a sweep uses, on one machine of four cores."""

    exceptions = SimpleNamespace(RayTaskError=Raised, RayError=Lost)
    gpus = 0

    def __init__(self) -> None:
        self.puts: list[Any] = []

    def put(self, value: Any) -> Ref:
        self.puts.append(value)
        return Ref(value)

    def get(self, ref: Ref) -> Any:
        if isinstance(ref.value, Exception):
            raise ref.value
        return ref.value

    def wait(self, refs: list[Ref], timeout: float) -> tuple[list[Ref], list[Ref]]:
        return refs[-1:], refs[:-1]  # not in the order in which they were sent

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 4.0, "GPU": self.gpus}

    def remote(self, **options: Any) -> Callable[..., Any]:
        def task(function: Callable[..., Any]) -> Any:
            return SimpleNamespace(remote=lambda *given: self._called(function, given))

        return task

    def _called(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Ref:
        try:
            return Ref(function(*(self.get(each) if isinstance(each, Ref) else each for each in given)))
        except SparsightError as error:
            return Ref(Raised(error))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InThisProcess:
    """Ray in this process; its workers have a folder of their own and no networks."""
    ray = InThisProcess()

    @contextmanager
    def connected(address: str) -> Iterator[InThisProcess]:
        yield ray

    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(cluster, "_connected", connected)
    monkeypatch.setattr(worker.tempfile, "tempdir", str(tmp_path))
    worker._engine.cache_clear()
    yield ray
    worker._engine.cache_clear()


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(Engine("cpu", tmp_path / "cluster"), DIGITS)


def test_digits_give_the_tables_of_one_process(here: InThisProcess, sweep: Sweep, tmp_path: Path) -> None:
    steps = on_cluster(sweep)
    assert [step.done for step in steps] == [1, 2, 3, 4]
    assert {step.variant for step in steps} == set(sweep.variants)
    pandas.testing.assert_frame_equal(frame(sweep), one_process(DIGITS, tmp_path / "one"))
    assert all(step.found for step in on_cluster(sweep))


def test_photographs_give_the_tables_of_one_process(here: InThisProcess, tmp_path: Path) -> None:
    spec = photographs(tmp_path / "photos")
    sweep = Sweep(Engine("cpu", tmp_path / "cluster"), spec)
    on_cluster(sweep)
    rows = frame(sweep)
    assert len(rows) == 2 * 8
    pandas.testing.assert_frame_equal(rows, one_process(spec, tmp_path / "one"))
    table = sweep.tables.read(sweep.cells(sweep.variants[0])[0], {})
    assert table is not None
    assert "broken.JPEG" in " ".join(table[1]["notes"])


def test_images_and_weights_are_sent_once(here: InThisProcess, sweep: Sweep) -> None:
    on_cluster(sweep)
    assert sum(isinstance(value, bytes) for value in here.puts) == 2  # the dense network, and level 12
    assert sum(isinstance(value, dict) for value in here.puts) == 1  # twenty digits are one batch


def test_the_folders_of_ended_workers_are_removed(here: InThisProcess, sweep: Sweep, tmp_path: Path) -> None:
    def folders() -> list[Path]:
        return [path for path in tmp_path.glob("sparsight-workers-*/*") if path.is_dir()]

    on_cluster(sweep)
    (first,) = folders()
    worker._own_folder()
    assert first in folders()
    worker._ALIVE.close()  # as if both processes had ended
    second = worker._own_folder()
    assert folders() == [second]


def test_a_network_that_another_process_works_on_is_waited_for(here: InThisProcess, sweep: Sweep) -> None:
    first, *_ = sweep.variants
    with locked(sweep.tables.lock(first), "a test"):
        steps = cluster.run(sweep, place(sweep))
        others = [next(steps).variant for _ in range(3)]
        assert first not in others
    assert [step.variant for step in steps] == [first]


def test_locks_are_released_when_the_loop_is_left(here: InThisProcess, sweep: Sweep) -> None:
    steps = cluster.run(sweep, place(sweep))
    next(steps)
    steps.close()
    for variant in sweep.variants:
        with locked(sweep.tables.lock(variant), "a test"):
            pass
    assert len(on_cluster(sweep)) == 4


def test_weights_that_change_meanwhile_end_the_sweep(
    here: InThisProcess, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, key = sweep.engine.catalogue.files, sweep.engine.store.stored_key(VariantSpec())
    tensors, facts = shipped.load(key)
    send, sent = cluster._Driver._put_files, []

    def and_change(driver: Any, variant: VariantSpec) -> Any:
        sent.append(variant)
        if len(sent) == 1:
            shipped.save(key, {name: values * 2 for name, values in tensors.items()}, facts)
        return send(driver, variant)

    monkeypatch.setattr(cluster._Driver, "_put_files", and_change)
    with pytest.raises(BadSpec, match="changed while the sweep"):
        on_cluster(sweep)
    assert not list(sweep.engine.folder.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("happens", "error", "said"),
    [
        (Lost("The node died."), NoCluster, "The node died"),
        (Raised(MissingData("Weights are gone.")), SparsightError, "Weights are gone"),
    ],
)
def test_a_network_that_fails_is_explained(
    here: InThisProcess, sweep: Sweep, monkeypatch: pytest.MonkeyPatch, happens: Exception, error: type, said: str
) -> None:
    monkeypatch.setattr(here, "wait", lambda refs, timeout: ([refs[0]], refs[1:]))
    monkeypatch.setattr(here, "_called", lambda function, given: Ref(happens))
    with pytest.raises(error, match=said):
        on_cluster(sweep)


def test_a_cluster_without_gpus_gives_none(here: InThisProcess, sweep: Sweep) -> None:
    settings = Settings(folder=sweep.engine.folder)
    with pytest.raises(BadSpec, match="has no GPU"):
        list(cluster.run(sweep, Cluster(settings=settings, gpus=0.25)))
    here.gpus = 8
    assert cluster._gpus(here, Cluster(settings=settings)) == 1
    assert cluster._gpus(here, Cluster(settings=settings, gpus=0.25)) == 0.25
    assert cluster._gpus(here, Cluster(settings=replace(settings, device="cpu"))) == 0


@pytest.mark.parametrize("gpus", [-1, 1.5, float("nan")])
def test_a_network_has_at_most_one_gpu(gpus: float, tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match="GPUs"):
        Cluster(settings=Settings(folder=tmp_path), gpus=gpus)


def test_without_ray_it_says_what_to_install(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NoCluster, match=r"pip install -r requirements-ray\.txt"):
        on_cluster(sweep)


def test_files_of_every_kind_of_network(engine: Engine, tmp_path: Path) -> None:
    own = Engine("cpu", tmp_path)
    with own.store.borrow(VariantSpec()) as network:
        torch.save(network.state_dict(), tmp_path / "weights.pth")
    added = own.add_model(tmp_path / "weights.pth", About(architecture="thesis-cnn"))
    names = {
        variant: sorted(network_files(own.store, variant))
        for variant in (
            VariantSpec(model=added),
            VariantSpec(model=ModelSpec(weights="random", seed=5)),
            VariantSpec(model=RETRAINED, pruning=PruningSpec.at_level(2, "retrained")),
        )
    }
    assert list(names.values()) == [
        [f"{VariantSpec(model=added).key}.safetensors"],
        [],
        [f"{RETRAINED.key}/retrained/level-{level:02}.safetensors" for level in (0, 2)],
    ]


# With Ray, on nodes of this machine

NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head that does not compute; tests add nodes that do."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        # Where JupyterLab is installed, jsonschema imports this package, which takes five seconds
        # in each process of Ray: they would miss the 15 seconds that Ray gives a node.
        empty = tmp_path_factory.mktemp("imports")
        (empty / "rfc3987_syntax.py").write_text("raise ImportError\n")
        patch.setenv("PYTHONPATH", str(empty))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        nodes = Nodes(initialize_head=True, head_node_args=NODE | {"num_cpus": 0, "include_dashboard": False})
        yield nodes
        nodes.shutdown()


@pytest.fixture
def address(nodes: Any) -> Iterator[str]:
    """The address of the head, and a node that computes."""
    node = nodes.add_node(**NODE)
    yield nodes.address
    nodes.remove_node(node)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_killed_node_loses_nothing_and_doubles_nothing(nodes: Any, tmp_path: Path) -> None:
    """A network of the driver's folder, so that workers can have it from nowhere else."""
    spec = replace(DIGITS, prunings=grid(sparsity=[round(0.04 * step, 2) for step in range(20)]), images=500)
    for folder in (tmp_path / "one", tmp_path / "cluster"):
        files = Engine("cpu", folder).catalogue.files
        key = Engine("cpu", folder).store.stored_key(VariantSpec())
        tensors, facts = files.load(key)
        changed = {name: values * 0.9 if values.is_floating_point() else values for name, values in tensors.items()}
        files.save(key, changed, facts)
    node, steps = nodes.add_node(**NODE), []
    sweep = Sweep(Engine("cpu", tmp_path / "cluster"), spec)
    for step in cluster.run(sweep, place(sweep, nodes.address)):
        steps.append(step)
        if len(steps) == 5:  # the next network is at work there: only now can another node take it over
            nodes.remove_node(node, allow_graceful=False)
            node = nodes.add_node(**NODE)
    nodes.remove_node(node)
    assert [step.done for step in steps] == list(range(1, 21))
    assert {step.variant for step in steps} == set(sweep.variants)
    rows = frame(sweep)
    assert not rows.duplicated(["network", "heatmap", "layer", "image"]).any()
    pandas.testing.assert_frame_equal(rows, one_process(spec, tmp_path / "one"))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_photographs_reach_a_cluster(address: str, tmp_path: Path) -> None:
    spec = photographs(tmp_path / "photos")
    sweep = Sweep(Engine("cpu", tmp_path / "cluster"), spec)
    assert len(on_cluster(sweep, address)) == 2
    pandas.testing.assert_frame_equal(frame(sweep), one_process(spec, tmp_path / "one"))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_command_runs_on_a_cluster(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sweep.yaml").write_text("models: [thesis-cnn]\nprunings: [{sparsity: [0.5, 0.9]}]\nimages: 20\n")
    words = ["sweep", "run", str(tmp_path / "sweep.yaml"), "--folder", str(tmp_path / "cache"), "--json"]
    for found in (False, True):
        assert main([*words, "--runner", "ray", "--address", address]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["done"] for line in lines] == [1, 2]
        assert [line["found"] for line in lines] == [found] * 2


@pytest.mark.long
@pytest.mark.parametrize("listening", [True, False])
def test_an_address_that_nobody_answers_is_said_in_time(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    monkeypatch.setattr(cluster, "ANSWER_S", 10)
    with socket.socket() as other:  # accepts, and never answers
        other.bind(("127.0.0.1", 0))
        if listening:
            other.listen()
        began = time.monotonic()
        with pytest.raises(NoCluster, match="No Ray cluster answers at 127"):
            on_cluster(sweep, f"127.0.0.1:{other.getsockname()[1]}")
    assert time.monotonic() - began < cluster.ANSWER_S + 15


@pytest.mark.long
def test_what_is_no_address_is_said(sweep: Sweep) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    with pytest.raises(BadSpec, match="HOST:PORT"):
        on_cluster(sweep, "somewhere")
