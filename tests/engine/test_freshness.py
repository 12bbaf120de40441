"""A running engine answers what a new engine answers, whatever was exchanged on disk by another
process meanwhile.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from core import CamSpec, DataSpec, Engine, ImageRef, PruningSpec, VariantSpec
from core.base.errors import MissingData, UnknownName
from core.disk.files import Files
from core.disk.sparse import pack_sparse
from core.jobs.control import Control, Stopped
from core.models import description
from core.models.cards import InputRule
from core.models.catalogue import Catalogue
from core.models.modules import ModuleFacts
from core.models.own import About
from core.models.zoo import MODELS, named
from core.results import Comparison
from core.specs import ModelSpec
from core.store.store import ModelStore
from tests.data.made_sets import folder_files, jpeg, photograph, write_folder, write_zip
from tests.protocols import small_series
from tests.small_networks import DENSE, LEVEL, MODEL, write_card, write_level, write_series

ROOT = Path(__file__).parents[2]
CAT = ImageRef(source="gallery", name="cat")
CAM = CamSpec(method="grad-cam")
ONE_SHOT = VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(0.4))
SPARSE = VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(0.88))
Exchange = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_series(tmp_path / "cache", ("ant", "bee"), seed=1)
    return tmp_path / "cache"


def in_place(folder: Path, variant: VariantSpec, seed: int) -> None:
    """Other content for a file that keeps its inode, size and time of change, as `cp --preserve`
    may leave it.
    """
    path = folder / f"{variant.key}.safetensors"
    times, content = (path.stat().st_atime_ns, path.stat().st_mtime_ns), path.read_bytes()
    new = write_level(folder.parent / "elsewhere", variant, seed).read_bytes()
    assert len(new) == len(content)
    with path.open("r+b") as file:
        file.write(new)
    os.utime(path, ns=times)


def trained_anew(folder: Path, classes: tuple[str, ...], seed: int) -> None:
    shutil.rmtree(folder / MODEL.name)
    write_series(folder, classes, seed)


def deep_network(folder: Path) -> None:
    """Weights that keep a path to the output at a sparsity at which the drawn ones do not."""
    found = description.read(folder / MODEL.name / description.FILE).card()
    state = found.build().state_dict()
    for values in state.values():
        values.fill_(0.01)
        values.view(-1)[:: max(1, values.numel() // 3000)] = 1.0
    Files(folder).save(DENSE.key, pack_sparse(state, {}), {})


EXCHANGES: dict[str, Exchange] = {
    "the level replaced": lambda folder: write_level(folder, LEVEL, 2),
    "the level overwritten, its time kept": lambda folder: in_place(folder, LEVEL, 3),
    "the dense network replaced": lambda folder: write_level(folder, DENSE, 4),
    "the dense network overwritten, its time kept": lambda folder: in_place(folder, DENSE, 5),
    "another target layer": lambda folder: write_card(folder, ("ant", "bee"), "features.7"),
    "other class names": lambda folder: write_card(folder, ("cat", "dog")),
    "deleted and trained anew": lambda folder: trained_anew(folder, ("bee", "ant"), 6),
    "deleted and trained anew with other classes": lambda folder: trained_anew(folder, ("cat", "dog", "cow"), 7),
    "a dense network that prunes in another way": deep_network,
}


def same(one: Comparison, other: Comparison) -> bool:
    sides = ((one.reference, other.reference), (one.pruned, other.pruned))
    maps = all(np.array_equal(mine.map, theirs.map) for mine, theirs in sides)
    says = all(np.array_equal(mine.prediction.probabilities, theirs.prediction.probabilities) for mine, theirs in sides)
    return maps and says and one.mask == other.mask


def test_networks(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    write_card(folder.parent / "elsewhere", ("ant", "bee"))
    running, variants = Engine("cpu", folder), (LEVEL, ONE_SHOT)
    collapsed = running.report(SPARSE).collapsed
    before = [running.compare(variant, CAT, CAM) for variant in variants]
    for name, exchange in EXCHANGES.items():
        exchange(folder)
        found = [running.compare(variant, CAT, CAM) for variant in variants]
        classes = running.card(MODEL).classes
        fresh = Engine("cpu", folder)
        for variant, answer in zip(variants, found, strict=True):
            assert same(answer, fresh.compare(variant, CAT, CAM)), (name, variant.key)
        assert classes == fresh.card(MODEL).classes, name
        changed = [not same(*pair) for pair in zip(found, before, strict=True)]
        assert any(changed) or name == "other class names", name
        before = found
    assert running.report(SPARSE) == fresh.report(SPARSE)
    assert collapsed != running.report(SPARSE).collapsed
    entries = {part.name: part.entries for part in running.parts()}
    fresh_entries = {part.name: part.entries for part in fresh.parts()}
    # The old ones have left.
    assert (entries["device"], entries["RAM"]) == (fresh_entries["device"], fresh_entries["RAM"])


def test_a_deleted_network_is_gone(folder: Path) -> None:
    running = Engine("cpu", folder)
    running.compare(LEVEL, CAT, CAM)
    (folder / f"{LEVEL.key}.safetensors").unlink()
    with pytest.raises(MissingData):
        running.compare(LEVEL, CAT, CAM)
    running.compare(DENSE, CAT, CAM)
    shutil.rmtree(folder / MODEL.name)
    with pytest.raises(UnknownName):
        running.compare(DENSE, CAT, CAM)


def test_what_was_borrowed_while_its_series_was_deleted_goes_when_it_is_given_back(folder: Path) -> None:
    engine = Engine("cpu", folder)
    engine.keep(ONE_SHOT)
    with engine.store.borrow(LEVEL) as network, engine.store.borrow(ONE_SHOT):
        kept = weakref.ref(network)
        engine.forget(MODEL)
        del network
    gc.collect()
    assert kept() is None
    assert [part.bytes for part in engine.parts() if part.name in ("device", "RAM", "answers")] == [0, 0, 0]
    assert engine.store.kept.bytes == 0
    write_series(folder, ("ant", "bee"), seed=2)
    assert same(engine.compare(ONE_SHOT, CAT, CAM), Engine("cpu", folder).compare(ONE_SHOT, CAT, CAM))


def test_a_network_kept_on_disk_is_not_read_for_another_dense_one(folder: Path) -> None:
    first = Engine("cpu", folder)
    old = first.compare(ONE_SHOT, CAT, CAM)
    first.keep(ONE_SHOT)
    assert same(Engine("cpu", folder).compare(ONE_SHOT, CAT, CAM), old)
    write_level(folder, DENSE, 2)
    found = Engine("cpu", folder).compare(ONE_SHOT, CAT, CAM)
    shutil.rmtree(folder / "variants")
    assert same(found, Engine("cpu", folder).compare(ONE_SHOT, CAT, CAM))
    assert not same(found, old)


def test_what_is_computed_while_its_file_is_exchanged_is_not_kept_for_the_new_one(folder: Path) -> None:
    exchanges = [lambda: write_level(folder, DENSE, 2)]

    def images(model: ModelSpec) -> tuple[torch.Tensor, None]:
        """Asked for while an index is built over the old weights."""
        while exchanges:
            exchanges.pop()()
        generator = torch.Generator().manual_seed(0)
        return torch.rand(2, *running.catalogue.card(model).input_shape, generator=generator), None

    variant = VariantSpec(model=MODEL, pruning=PruningSpec.one_shot(0.5, criterion="snip"))
    running = ModelStore(Catalogue(Files(folder)), torch.device("cpu"), images=images)
    running.report(variant)
    assert not exchanges
    fresh = ModelStore(Catalogue(Files(folder)), torch.device("cpu"), images=images)
    assert running.report(variant) == fresh.report(variant)
    mine, theirs = running.mask(variant), fresh.mask(variant)
    assert all(torch.equal(kept, theirs[name]) for name, kept in mine.items())


SET_EXCHANGES: dict[str, Exchange] = {
    "a photograph replaced": lambda home: (home / "bee" / "1.JPEG").write_bytes(jpeg(photograph(207))),
    "a photograph added before it": lambda home: (home / "ant" / "00.JPEG").write_bytes(jpeg(photograph(103))),
    "a class folder renamed": lambda home: (home / "bee").rename(home / "ape"),
    "a class folder added": lambda home: write_folder(home, {"aardvark/0.JPEG": jpeg(photograph(5))}),
    "another table of boxes": lambda home: (home / "boxes.csv").write_text("path,x0,y0,x1,y1\nape/1.JPEG,1,1,30,20\n"),
    "no table of boxes": lambda home: (home / "boxes.csv").unlink(),
    "a table of boxes again": lambda home: (home / "boxes.csv").write_text("path,x0,y0,x1,y1\nant/1.JPEG,1,1,30,20\n"),
}


def looks_alike(one: Engine, other: Engine, data: str) -> bool:
    rows = range(len(other.inputs(DataSpec(name=data), MODEL).photos))
    for row in rows:
        mine, theirs = (engine.picture(ImageRef(source=data, name=str(row)), MODEL) for engine in (one, other))
        truths = [None if picture.truth is None else picture.truth.tolist() for picture in (mine, theirs)]
        if (
            not np.array_equal(mine.seen, theirs.seen)
            or truths[0] != truths[1]
            or (mine.label, mine.title) != (theirs.label, theirs.title)
        ):
            return False
    batches = [
        torch.cat([part.images for part in engine.inputs(DataSpec(name=data), MODEL).batches()])
        for engine in (one, other)
    ]
    return torch.equal(*batches)


def test_photographs_of_a_folder(folder: Path) -> None:
    home = write_folder(folder.parent / "photos", folder_files(("ant", "bee")))
    data, row = f"folder:{home}", ImageRef(source=f"folder:{home}", name="5")
    running = Engine("cpu", folder)
    looks_alike(running, running, data)
    stamps, answer = {running.stamp(DENSE, row, DataSpec(name=data))}, running.compare(LEVEL, row, CAM)
    for name, exchange in SET_EXCHANGES.items():
        exchange(home)
        stamps.add(running.stamp(DENSE, row, DataSpec(name=data)))
        found = running.compare(LEVEL, row, CAM)
        fresh = Engine("cpu", folder)
        assert same(found, fresh.compare(LEVEL, row, CAM)), name
        assert looks_alike(running, fresh, data), name
        assert running.evaluate_accuracy(LEVEL, DataSpec(name=data)) == fresh.evaluate_accuracy(
            LEVEL, DataSpec(name=data)
        ), name
    assert not same(answer, found)
    assert len(stamps) == len(SET_EXCHANGES) + 1


def test_photographs_of_a_zip_file(folder: Path) -> None:
    path = write_zip(folder.parent / "photos.zip", folder_files(("ant", "bee")))
    running = Engine("cpu", folder)
    assert looks_alike(running, Engine("cpu", folder), f"folder:{path}")
    path.unlink()
    write_zip(path, folder_files(("bee", "cat", "ant")))
    assert looks_alike(running, Engine("cpu", folder), f"folder:{path}")


def own_weights(seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    state = named("squeezenet1_1").build().state_dict()
    return {name: values[:3].clone() if name.startswith("classifier.1") else values for name, values in state.items()}


def test_own_weights_replaced(tmp_path: Path) -> None:
    """Another process writes other weights with other class names under the name of an own
    network.
    """
    rule = InputRule(size_px=(64, 64))
    about = About(architecture="squeezenet1_1", classes=("ant", "bee", "cow"), input=rule)
    running, other = Engine("cpu", tmp_path / "running"), Engine("cpu", tmp_path / "other")
    model = running.add_model(save(own_weights(1)), about)
    variants = [VariantSpec(model=model), VariantSpec(model=model, pruning=PruningSpec.one_shot(0.3))]
    before = [running.compare(variant, CAT, CAM) for variant in variants]
    twin = other.add_model(save(own_weights(2)), replace(about, classes=("dog", "elk", "fox")))
    shutil.copy(
        tmp_path / "other" / f"{other.store.stored_key(VariantSpec(model=twin))}.safetensors",
        tmp_path / "running" / f"{running.store.stored_key(VariantSpec(model=model))}.safetensors",
    )
    fresh = Engine("cpu", tmp_path / "running")
    for variant, old in zip(variants, before, strict=True):
        answer = running.compare(variant, CAT, CAM)
        assert same(answer, fresh.compare(variant, CAT, CAM))
        assert not same(answer, old)
        assert answer.pruned.prediction.classes == ("dog", "elk", "fox")
    assert running.card(model).classes == ("dog", "elk", "fox")


class Scaled(nn.Module):
    """A network from a notebook. power, factor: of its code and of a plain attribute, not of its
    weights.
    """

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.conv, self.head, self.factor = nn.Conv2d(3, 4, 5, 4), nn.Linear(4, 3), factor

    def forward(self, images: Tensor) -> Tensor:
        return self.head((self.factor * self.conv(images)).relu().mean((2, 3)))


class Squared(Scaled):
    def forward(self, images: Tensor) -> Tensor:
        return self.head((self.factor * self.conv(images)).square().mean((2, 3)))


class Backwards(torch.autograd.Function):
    """Passes values on and turns their gradient round."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return -gradient


def turned(module: nn.Module) -> nn.Module:
    module.head.register_forward_pre_hook(lambda head, given: (Backwards.apply(given[0]),))
    return module


EDITS: dict[str, Callable[[], nn.Module]] = {
    "another forward": Squared,
    "another attribute": lambda: Scaled(2.0),
    "another backward": lambda: turned(Scaled()),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_module_whose_code_was_edited_while_its_weights_stayed(tmp_path: Path, edit: str) -> None:
    engine, facts = Engine("cpu", tmp_path), ModuleFacts(target_layer="conv", input=InputRule(size_px=(64, 64)))
    weights = Scaled().state_dict()

    def added(module: nn.Module) -> ModelSpec:
        module.load_state_dict(weights)
        return engine.add_module(module, facts)

    model, edited = added(Scaled()), added(EDITS[edit]())
    first, second = (engine.compare(VariantSpec(model=each), CAT, CAM) for each in (model, edited))
    assert edited != model
    assert not same(first, second)
    assert added(Scaled()) == model  # the cell was run again, nothing has changed
    assert same(engine.compare(VariantSpec(model=model), CAT, CAM), first)


def test_two_engines_with_different_folders_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, other, empty = (tmp_path / name for name in ("one", "other", "empty"))
    write_series(one, ("ant", "bee"), seed=1)
    write_series(other, ("cat", "dog", "cow"), seed=2, layer="features.7")
    engines = [Engine("cpu", folder) for folder in (one, other)]
    answers = [engine.compare(LEVEL, CAT, CAM) for engine in engines for _ in range(2)]
    assert [len(answer.pruned.prediction.classes) for answer in answers] == [2, 2, 3, 3]
    assert [answer.pruned.cam.layer for answer in answers[1:3]] == ["features.12", "features.7"]
    for folder, engine in zip((one, other), engines, strict=True):
        assert same(engine.compare(LEVEL, CAT, CAM), Engine("cpu", folder).compare(LEVEL, CAT, CAM))
    bare = Engine("cpu", empty)
    assert MODEL.name not in bare.catalogue
    with pytest.raises(UnknownName):
        bare.card(MODEL)
    own = engines[0].add_model(save(own_weights(1)), About(architecture="squeezenet1_1"))
    assert own.name in engines[0].catalogue
    assert own.name not in engines[1].catalogue
    assert not {MODEL.name, own.name} & set(MODELS)


class HaltsAfter(Control):
    """A person who stops a job after so many looks."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise Stopped("Stopped.")


@pytest.mark.long
def test_a_level_stopped_by_hand_and_resumed_by_another_process(tmp_path: Path) -> None:
    """The level lies under its final name when it is stopped, and is replaced when it is
    resumed.
    """
    cache, data = tmp_path / "cache", small_series.photographs(tmp_path / "data")
    how = {"targets": (0.0, 0.5), "epochs": 6, "rate": 0.003}
    with pytest.raises(Stopped):  # in the second epoch of level 1
        small_series.train(cache, data, control=HaltsAfter(22), **how)
    engine, model = Engine("cpu", cache), ModelSpec(name=small_series.NAME, weights="merkle-layer", seed=0)
    level = VariantSpec(model=model, pruning=PruningSpec.at_level(1, "retrained"))
    facts, old = engine.store.files.facts(level.key), engine.compare(level, CAT, CAM)
    assert facts["stopped_by_hand"]
    resume = "from pathlib import Path; from tests.protocols.small_series import train; "
    resume += f"train(Path({str(cache)!r}), Path({str(data)!r}), **{how!r})"
    done = subprocess.run([sys.executable, "-c", resume], cwd=ROOT, capture_output=True, text=True, check=False)
    resumed = Files(cache).facts(level.key)
    assert not resumed["stopped_by_hand"], done.stderr
    answer = engine.compare(level, CAT, CAM)
    assert same(answer, Engine("cpu", cache).compare(level, CAT, CAM))
    assert same(answer, old) is (facts["outcome"]["best_epoch"] == resumed["outcome"]["best_epoch"])
