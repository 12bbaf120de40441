"""An exported network runs without Sparsight and gives the same outputs; what does not work is left
out with its reason.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor, nn

from core.base.errors import BadSpec, CacheNotWritable, UnknownName
from core.data.gallery import gallery_image
from core.engine.engine import Engine
from core.models import own
from core.models.building import blank, untrained
from core.models.cards import InputRule
from core.models.own import About, ModuleFacts
from core.models.zoo import named
from core.portable import export as exporting
from core.portable.describe import input_in_words
from core.portable.export import CannotExport, Exported, export_network, export_zip
from core.portable.formats import FORMATS, Format, Unusable, compared, write_checked
from core.specs import ModelSpec, PruningSpec, VariantSpec
from tests.engine.test_smaller import pruned
from tests.pruning.test_structured import lively

RETRAINED = "squeezenet1_1@imagenette-128"
ALWAYS = {"README.md", "network.json", "weights.safetensors", "example.safetensors"}
PROGRAM = {"network.py", "example.png"}
# Each file of network.py may import these packages and nothing else.
ALLOWED = {"json", "math", "sys", "pathlib", "torch", "torchvision", "PIL"}
ALONE = """
import sys
sys.modules["core"] = sys.modules["safetensors"] = None  # importing either is an error
sys.argv = ["network.py", *sys.argv[1:]]
import runpy
runpy.run_path("network.py", run_name="__main__")
assert not [name for name in sys.modules if name.startswith(("core.", "streamlit", "torch_pruning"))]
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine("cpu", tmp_path_factory.mktemp("networks"))


def alone(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs network.py in a process that finds neither Sparsight nor its other libraries."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", ALONE, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=250
    )


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def outputs(engine: Engine, variant: VariantSpec, images: Tensor) -> Tensor:
    with engine.store.borrow(variant) as network, torch.no_grad():
        return network(images)


@pytest.mark.parametrize(
    ("name", "smaller"),
    [
        ("thesis-cnn", False),
        *(pytest.param(name, True, marks=pytest.mark.long) for name in (RETRAINED, "efficientnet-lite0")),
    ],
)
def test_it_runs_without_sparsight(engine: Engine, tmp_path: Path, name: str, smaller: bool) -> None:
    variant = pruned(engine, name)
    done = export_network(engine, variant, tmp_path, smaller, formats=())
    assert set(done.files) == ALWAYS | PROGRAM == {path.name for path in tmp_path.iterdir()}
    assert imported(tmp_path / "network.py") <= ALLOWED
    ran = alone(tmp_path)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("The same outputs as in Sparsight, to ")
    images = safetensors.torch.load_file(tmp_path / "example.safetensors")["images"]
    top = int(outputs(engine, variant, images).argmax())
    assert lines[1].endswith(f"%  {engine.card(variant.model).classes[top]}")
    state, last = safetensors.torch.load_file(tmp_path / "weights.safetensors"), engine.card(variant.model).classifier
    safetensors.torch.save_file(state | {last: state[last] + 0.01}, tmp_path / "weights.safetensors")
    ran = alone(tmp_path)
    assert ran.returncode == 1
    assert "Other outputs than in Sparsight" in ran.stderr


@pytest.mark.parametrize(
    "name",
    [
        "squeezenet1_1",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in (
                "mobilenet_v2",
                *("resnet18", "mnasnet1_0", "googlenet", "densenet121", "regnet_y_400mf"),
                *("convnext_tiny", "mobilenet_v3_large", "vgg16"),
            )
        ),
    ],
)
def test_every_architecture_is_exported_in_every_format(engine: Engine, tmp_path: Path, name: str) -> None:
    variant = pruned(engine, name)
    done = export_network(engine, variant, tmp_path, smaller=True)
    assert done.left_out == {}
    assert set(done.files) == ALWAYS | PROGRAM | {"network.pt2", "network.onnx"}
    assert all(check.any_batch for check in done.checks.values())
    images = torch.rand(3, *engine.card(variant.model).input_shape, generator=torch.Generator().manual_seed(1))
    expected = outputs(engine, variant, images)
    for kind in FORMATS.values():
        found = kind.value.read(tmp_path / kind.value.file)(images)
        assert float((found - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.abs().max()))


def test_networks_that_cannot_shrink_are_exported_with_their_zeros(engine: Engine, tmp_path: Path) -> None:
    model = ModelSpec(name="shufflenet_v2_x1_0", weights="random", seed=1)
    variant = VariantSpec(model=model, pruning=PruningSpec.one_shot(0.5))
    done = export_network(engine, variant, tmp_path, formats=())
    assert "network.py" in done.checks
    assert done.facts["channels"] == "zeros in place"
    assert done.facts["counts"]["zeros"] >= done.facts["pruning"]["removed"] > 0


@pytest.fixture(scope="module")
def exported(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    folder = tmp_path_factory.mktemp("exported")
    return folder, export_network(engine, pruned(engine, RETRAINED), folder, smaller=True)


def test_facts_are_those_of_the_network(engine: Engine, exported: tuple[Path, Exported]) -> None:
    folder, done = exported
    facts, variant = json.loads((folder / "network.json").read_text(encoding="utf-8")), pruned(engine, RETRAINED)
    assert facts == json.loads(json.dumps(done.facts))
    small, report = engine.physical(variant)
    assert facts["counts"]["parameters"] == report.parameters_after
    assert facts["removed_channels"] == {layer.name: [layer.before, layer.after] for layer in report.layers}
    assert facts["pruning"]["kept"] == engine.report(variant).kept
    assert facts["classes"] == list(engine.card(variant.model).classes)
    assert facts["title"].endswith("30.0 % of the weights pruned, 30 % of filters removed")
    for name, file in facts["files"].items():
        content = (folder / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), name
    stored = safetensors.torch.load_file(folder / "weights.safetensors")
    assert all(torch.equal(stored[name], values) for name, values in small.state_dict().items())


def test_the_readme_says_what_is_there(exported: tuple[Path, Exported]) -> None:
    folder, done = exported
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in done.files)
    assert done.facts["input"]["in_words"] in text
    assert f"{done.facts['counts']['parameters']:,} parameters" in text
    assert "trained by this project" in text


def test_a_zip_holds_the_same_files(engine: Engine, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    variant, path = pruned(engine, "thesis-cnn"), tmp_path / "net.zip"
    done = export_zip(engine, variant, path, formats=("pt2",), progress=lambda *step: seen.append(step))
    archive = zipfile.ZipFile(path)
    assert tuple(archive.namelist()) == done.files
    assert "network.pt2" in done.files
    assert seen == [(0, 2), (1, 2), (2, 2)]
    with pytest.raises(CacheNotWritable):
        export_zip(engine, variant, tmp_path / "missing" / "net.zip", formats=())


@pytest.mark.parametrize(
    "rule",
    [
        InputRule(size_px=(96, 64)),
        InputRule(size_px=(64, 96), resize_px=110, interpolation="bicubic"),
        InputRule(size_px=(128, 128), resize_px=100),
        InputRule(size_px=(64, 64), mean=(0.5,), std=(0.25,)),
        InputRule(size_px=(64, 64), mean=(0.5, 0.5, 0.5, 0.0), std=(0.25, 0.25, 0.25, 1.0)),
        InputRule(
            size_px=(64, 64), mean=(104.0, 117.0, 123.0), std=(1.0,) * 3, channel_order="BGR", value_range=(0.0, 255.0)
        ),
        InputRule(size_px=(64, 64), mean=(0.0,) * 3, std=(1.0,) * 3, value_range=(-1.0, 1.0)),
    ],
)
def test_every_input_is_prepared_as_here(tmp_path: Path, rule: InputRule) -> None:
    """The file's own preparation, from the picture, gives the input of the example."""
    engine, about = (
        Engine("cpu", tmp_path / "cache"),
        About(architecture="squeezenet1_1", classes=("a", "b"), input=rule),
    )
    network = lively(blank(own.full_builder(about, named("squeezenet1_1"))))
    engine.folder.mkdir()
    safetensors.torch.save_file(network.state_dict(), engine.folder / "mine.safetensors")
    model = engine.add_model(engine.folder / "mine.safetensors", about)
    done = export_network(engine, VariantSpec(model=model), tmp_path / "out", formats=())
    assert done.left_out == {}  # a preparation that differs would leave network.py out
    assert not json.dumps(done.facts["input"]).count("null") or rule.resize_px is None
    words = input_in_words(rule)
    assert f"{rule.size_px[1]} x {rule.size_px[0]}" in words
    assert rule.interpolation in words
    assert (f"shorter side to {rule.resize_px} pixels" in words) == (rule.resize_px is not None)
    if rule.channels > 1:
        assert f"in the order {rule.channel_order}" in words
    assert f"from {rule.value_range[0]:g} (black) to {rule.value_range[1]:g} (white)" in words
    assert all(f"{value:g}" in words for value in (*rule.mean, *rule.std) if any(rule.mean))


def test_it_answers_for_an_image_of_yours(exported: tuple[Path, Exported], tmp_path: Path) -> None:
    gallery_image("cat").convert("LA").save(tmp_path / "grey.png")
    ran = alone(exported[0], str(tmp_path / "grey.png"))
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 3


@pytest.mark.long
def test_a_saved_smaller_network_is_exported_as_it_is(engine: Engine, tmp_path: Path) -> None:
    model = engine.save_smaller(pruned(engine, "efficientnet-lite0"), 'My "small" \\ one\n"""')
    done = export_network(engine, VariantSpec(model=model), tmp_path, formats=())
    assert done.left_out == {}
    assert done.facts["counts"]["parameters"] == engine.card(model).parameters
    assert "Apache-2.0" in done.facts["weights"]["licence"]
    assert alone(tmp_path).returncode == 0


# --- what is refused, and what is left out


def module_of(engine: Engine, module: nn.Module) -> VariantSpec:
    rule = InputRule(size_px=(16, 16), mean=(0.0,) * 3, std=(1.0,) * 3)
    model = engine.add_module(lively(module), ModuleFacts(target_layer="enter", input=rule))
    return VariantSpec(model=model)


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.leave(torch.relu(self.enter(images)).mean((2, 3)))


class Branching(Plain):
    """Its path depends on the values, which no tracer can follow."""

    def forward(self, images: Tensor) -> Tensor:
        h = torch.relu(self.enter(images)).mean((2, 3))
        return self.leave(h if float(h.sum()) > 0 else -h)


class OneByOne(Plain):
    """It treats images one by one, in as many steps as there are images."""

    def forward(self, images: Tensor) -> Tensor:
        h = torch.relu(self.enter(images)).mean((2, 3))
        return torch.cat([self.leave(h[place][None]) for place in range(len(images))])


def test_a_module_has_programs_but_no_python(engine: Engine, tmp_path: Path) -> None:
    done = export_network(engine, module_of(engine, Plain()), tmp_path)
    assert set(done.left_out) == {"network.py"}
    assert "module of a notebook" in done.left_out["network.py"]
    assert set(done.files) == ALWAYS | {"network.pt2", "network.onnx"}
    assert "`network.py` was left out: the network is a module" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_what_no_tracer_follows_is_left_out_with_its_reason(engine: Engine, tmp_path: Path) -> None:
    done = export_network(engine, module_of(engine, Branching()), tmp_path)
    assert set(done.left_out) == {"network.py", "network.pt2", "network.onnx"}
    assert all(done.left_out.values())
    assert set(done.files) == ALWAYS
    assert done.facts["left_out"] == done.left_out


def test_a_network_for_one_image_at_a_time_says_so(engine: Engine, tmp_path: Path) -> None:
    done = export_network(engine, module_of(engine, OneByOne()), tmp_path, formats=("pt2",))
    assert done.checks["network.pt2"].any_batch is False
    assert "`network.pt2` takes one image at a time." in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    network = blank(named("thesis-cnn").build).eval()
    kind = Format("x", lambda *_: None, lambda path: network, ("torch", "no_such_package"))
    with pytest.raises(Unusable, match=r"no_such_package missing: pip install -r requirements-export\.txt"):
        write_checked(network, torch.rand(2, 1, 28, 28), kind, tmp_path)


def test_a_file_with_other_outputs_is_not_handed_out(tmp_path: Path) -> None:
    network, other = (lively(blank(named("thesis-cnn").build), seed) for seed in (1, 2))
    kind = Format("x", lambda network, images, path, any_batch: path.touch(), lambda path: other)
    with pytest.raises(Unusable, match="differ"):
        write_checked(network, torch.rand(2, 1, 28, 28), kind, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unusable, match="differ"):
        compared(network, lambda images: network(images) + torch.nan, torch.rand(2, 1, 28, 28))


def test_a_python_file_that_prepares_differently_is_left_out(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_picture", lambda engine, card: Image.new("L", (28, 28)))
    done = export_network(engine, VariantSpec(), tmp_path, formats=())
    assert done.left_out == {"network.py": "it prepares images differently"}
    assert set(done.files) == ALWAYS


def test_what_cannot_be_exported_is_said(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").touch()
    for taken in (tmp_path / "full", tmp_path / "full" / "note.txt"):
        with pytest.raises(CannotExport, match="not an empty folder"):
            export_network(engine, VariantSpec(), taken)
    with pytest.raises(UnknownName, match="format"):
        export_network(engine, VariantSpec(), tmp_path / "new", formats=("tflite",))
    with pytest.raises(BadSpec, match="No whole channel"):
        export_network(engine, VariantSpec(), tmp_path / "new", smaller=True)
    state = untrained(named("thesis-cnn").build, 1)
    state["fc.weight"] += 3e38
    safetensors.torch.save_file(state, tmp_path / "large.safetensors")
    large = VariantSpec(model=engine.add_model(tmp_path / "large.safetensors", About(architecture="thesis-cnn")))
    with pytest.raises(CannotExport, match="overflow"):
        export_network(engine, large, tmp_path / "new")
    assert not (tmp_path / "new").exists()
